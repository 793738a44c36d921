package topologypb

import (
	"context"
	"errors"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"midonet.org/midonet/errs"
)

func TestFailuresKeepTheirKindAndMessage(t *testing.T) {
	for kind := errs.Invalid; kind <= errs.Unsupported; kind++ {
		sent := errs.New(kind, "SomeType", "port %d is bound", 7).Wrap(errors.New("a secret of the store"))
		wire := ToStatus(sent)
		if strings.Contains(wire.Error(), "secret") {
			t.Errorf("kind %d: the wire says %v", kind, wire)
		}
		got := FromStatus(wire)
		if errs.KindOf(got) != kind || got.Error() != "port 7 is bound" {
			t.Errorf("kind %d came back as kind %d, %q", kind, errs.KindOf(got), got)
		}
	}
	for _, hidden := range []error{errors.New("a secret"), errs.New(errs.Internal, "X", "a secret")} {
		if wire := ToStatus(hidden); strings.Contains(wire.Error(), "secret") || status.Code(wire) != codes.Internal {
			t.Errorf("an internal error became %v", wire)
		}
	}
	if ToStatus(nil) != nil || FromStatus(nil) != nil {
		t.Error("no error became one")
	}
	if err := FromStatus(ToStatus(context.DeadlineExceeded)); !errs.Is(err, errs.Unavailable) {
		t.Errorf("a deadline that passed became %v", err)
	}
}

func TestSplitAddress(t *testing.T) {
	for address, want := range map[string][2]string{
		"tcp://127.0.0.1:8182":   {"tcp", "127.0.0.1:8182"},
		"tcp://[2001:db8::1]:82": {"tcp", "[2001:db8::1]:82"},
		"tcp://mn.example:8182":  {"tcp", "mn.example:8182"},
		"unix:/run/x.sock":       {"unix", "/run/x.sock"},
		"unix:///run/x.sock":     {"unix", "/run/x.sock"},
	} {
		if network, where, err := SplitAddress(address); err != nil || network != want[0] || where != want[1] {
			t.Errorf("%s: %q %q %v", address, network, where, err)
		}
	}
	for _, bad := range []string{"", "127.0.0.1:8182", "tcp://127.0.0.1", "tcp://127.0.0.1:", "unix:", "unix:run/x", "http://x:1"} {
		if _, _, err := SplitAddress(bad); !errs.Is(err, errs.Invalid) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
