// Package errs is the one error value that crosses stages: what kind of failure it is, the name that clients know it by, and a
// text for people.
//
// A stage wraps errors with fmt.Errorf and %w as usual; the edge (HTTP, gRPC, the command line) asks KindOf and renders. An error
// without a kind is Internal: its text goes to the log and not to the client.
package errs

import (
	"errors"
	"fmt"
	"strings"
)

// Kind says what the caller can do about a failure. The comments give the HTTP status it becomes, which is
// neutron/api/api_common.py's mapping in the original.
type Kind uint8

// The kinds of failure.
const (
	Internal     Kind = iota // 500: a defect or an unexpected condition of ours
	Invalid                  // 400: the request is wrong and will stay wrong
	Unauthorized             // 401: no or bad credentials
	Forbidden                // 403: the caller may not do this
	NotFound                 // 404: it does not exist, or not for this caller
	Conflict                 // 409: the present state forbids it
	TooLarge                 // 413: the body is over the limit
	Unavailable              // 503: a part that is needed is away; the request may be repeated
	Precondition             // 412: the revision named by If-Match is not the present one
	Unsupported              // 501: known, and not implemented here
)

// Error is a failure with its kind and name.
type Error struct {
	Kind Kind
	// Type is the exception class that Neutron's clients match on, such as "IpAddressAlreadyAllocated".
	Type string
	// Message is for the person who made the request. It names the cause and holds no secret.
	Message string
	// Err is what lies beneath, for the log. It may be nil.
	Err error
}

// New returns an error of the given kind, type and message.
func New(kind Kind, typ, format string, args ...any) *Error {
	return &Error{Kind: kind, Type: typ, Message: fmt.Sprintf(format, args...)}
}

// Wrap returns e with err beneath it.
func (e *Error) Wrap(err error) *Error {
	w := *e
	w.Err = err
	return &w
}

func (e *Error) Error() string {
	if e.Err != nil {
		return strings.TrimSuffix(e.Message, ".") + ": " + e.Err.Error() // Neutron's messages end in a full stop
	}
	return e.Message
}

func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of the first Error in err's tree, Internal where there is none.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

// Is reports whether err is of the given kind.
func Is(err error, kind Kind) bool { return err != nil && KindOf(err) == kind }
