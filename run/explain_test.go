package run

import (
	"errors"
	"fmt"
	"testing"

	"midonet.org/midonet/errs"
)

func TestExplain(t *testing.T) {
	away := errs.New(errs.Unavailable, "Away", "no server answers")
	for _, c := range []struct {
		err  error
		want string
	}{
		{errors.New("plain"), "plain"},
		{away, "no server answers"},
		{away.Wrap(errors.New("refused")), "no server answers\n  cause: refused"},
		{fmt.Errorf("host1: %w", away.Wrap(errors.New("refused"))), "host1: no server answers\n  cause: refused"},
		{fmt.Errorf("%w; see the log", away.Wrap(errors.New("refused"))), "no server answers: refused; see the log"},
	} {
		if got := Explain(c.err); got != c.want {
			t.Errorf("Explain(%v) = %q, want %q", c.err, got, c.want)
		}
	}
}
