package run

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"

	"midonet.org/midonet/errs"
)

// Explain returns an error's text for a person at a terminal: what went wrong, and on a line of its own the cause beneath it.
func Explain(err error) string {
	var e *errs.Error
	if !errors.As(err, &e) || e.Err == nil {
		return err.Error()
	}
	what, found := strings.CutSuffix(err.Error(), ": "+e.Err.Error())
	if !found {
		return err.Error()
	}
	return what + "\n  cause: " + e.Err.Error()
}

// explainListen says what a failed listen means and what to do about it.
func explainListen(what, address string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return errs.New(errs.Conflict, "AddressInUse",
			"%s cannot listen on %s: another process has that address (see `ss -ltnp`); stop it or choose another address", what, address)
	case errors.Is(err, os.ErrPermission):
		return errs.New(errs.Forbidden, "AddressForbidden", "%s may not listen on %s: ports below 1024 need root", what, address)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return errs.New(errs.Invalid, "AddressNotHere", "%s cannot listen on %s: this machine has no such address", what, address)
	}
	return fmt.Errorf("%s cannot listen on %s: %w", what, address, err)
}
