package id

import "testing"

type thing struct{}
type other struct{}

func TestParseRoundTrip(t *testing.T) {
	for _, s := range []string{"6fa459ea-ee8a-3ca4-894e-db77e160355e", "6FA459EAEE8A3CA4894EDB77E160355E"} {
		u, err := Parse[thing](s)
		if err != nil {
			t.Fatalf("Parse(%q): %v", s, err)
		}
		if got := u.String(); got != "6fa459ea-ee8a-3ca4-894e-db77e160355e" {
			t.Errorf("Parse(%q).String() = %q", s, got)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, s := range []string{"x", "6fa459ea-ee8a-3ca4-894e-db77e160355", "6fa459ea-ee8a-3ca4-894e-db77e160355g",
		"6fa459e-aee8a-3ca4-894e-db77e160355e", "6fa459ea-ee8a-3ca4-894e-db77e160355e0", "--------------------------------"} {
		if u, err := Parse[thing](s); err == nil {
			t.Errorf("Parse(%q) = %v, want an error", s, u)
		}
	}
}

func TestNewIsVersion4(t *testing.T) {
	a, b := New[thing](), New[thing]()
	if a == b {
		t.Fatal("two new identifiers are equal")
	}
	if a[6]>>4 != 4 || a[8]>>6 != 2 {
		t.Errorf("New() = %v: not a version 4 UUID", a)
	}
}

func TestDeriveIsStableAndTellsRolesApart(t *testing.T) {
	owner := MustParse[thing]("6fa459ea-ee8a-3ca4-894e-db77e160355e")
	a := Derive[other](owner, "dhcp")
	if a != Derive[other](owner, "dhcp") {
		t.Error("the same owner and role gave two identifiers")
	}
	if a == Derive[other](owner, "peer") || a == Derive[other](New[thing](), "dhcp") {
		t.Error("another role or owner gave the same identifier")
	}
	if a[6]>>4 != 5 {
		t.Errorf("Derive() = %v: not a version 5 UUID", a)
	}
}
