package errs

import (
	"errors"
	"fmt"
	"testing"
)

func TestErrorText(t *testing.T) {
	beneath := errors.New("disk full")
	for _, c := range []struct {
		err  error
		want string
	}{
		{New(NotFound, "PortNotFound", "Port %s could not be found.", "x"), "Port x could not be found."},
		{New(Unavailable, "Away", "The database is away.").Wrap(beneath), "The database is away: disk full"},
		{New(Unavailable, "Away", "away").Wrap(beneath), "away: disk full"},
	} {
		if got := c.err.Error(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestKindSurvivesWrapping(t *testing.T) {
	err := fmt.Errorf("host1: %w", New(Conflict, "Taken", "taken").Wrap(errors.New("beneath")))
	if KindOf(err) != Conflict || !Is(err, Conflict) || Is(err, NotFound) {
		t.Errorf("kind %d, want Conflict", KindOf(err))
	}
	if KindOf(errors.New("plain")) != Internal || Is(nil, Internal) {
		t.Error("a plain error is Internal, and no error is of no kind")
	}
}
