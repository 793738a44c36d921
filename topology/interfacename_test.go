package topology

import "testing"

func TestValidInterfaceName(t *testing.T) {
	for name, want := range map[string]bool{
		"tap0": true, "a": true, "fifteen-letters": true, "qvo.10@x": true, "": false, ".": false, "..": false, "sixteen-letters!": false,
		"a/b": false, "a b": false, "a\tb": false, "a:b": false, "a\x00": false, "a\xff": false, "tapé": true,
	} {
		if got := ValidInterfaceName(name); got != want {
			t.Errorf("%q: %v, want %v", name, got, want)
		}
	}
}
