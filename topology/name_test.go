package topology

import "testing"

func TestShown(t *testing.T) {
	for name, want := range map[string]string{
		"web 1, Zürich": "web 1, Zürich", "": "", "a\x1b[2Jb": "a\ufffd[2Jb", "a\nhost h1": "a\ufffdhost h1", "\u009b1m": "\ufffd1m", "\u202e": "\ufffd",
	} {
		if got := Shown(name); got != want {
			t.Errorf("%q is shown as %q, want %q", name, got, want)
		}
	}
}
