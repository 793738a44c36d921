// Package mac holds IEEE 802 addresses as comparable values.
package mac

import (
	"fmt"
	"net"
)

// Addr is a 48-bit address.
type Addr [6]byte

// Broadcast is the address of every station.
var Broadcast = Addr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

// Parse reads six octets in any form that net.ParseMAC takes (colons, hyphens, dots).
func Parse(s string) (Addr, error) {
	hw, err := net.ParseMAC(s)
	if err != nil || len(hw) != 6 {
		return Addr{}, fmt.Errorf("%q is not a MAC address", s)
	}
	return Addr(hw), nil
}

// MustParse is Parse for constants and tests; it panics on a malformed s.
func MustParse(s string) Addr {
	a, err := Parse(s)
	if err != nil {
		panic(err)
	}
	return a
}

// String returns the form aa:bb:cc:dd:ee:ff.
func (a Addr) String() string { return string(a.AppendTo(make([]byte, 0, textSize))) }

// textSize is the length of the form that String returns.
const textSize = len("aa:bb:cc:dd:ee:ff")

// AppendTo appends what String returns to b.
func (a Addr) AppendTo(b []byte) []byte {
	const digits = "0123456789abcdef"
	for i, octet := range a {
		if i > 0 {
			b = append(b, ':')
		}
		b = append(b, digits[octet>>4], digits[octet&0xf])
	}
	return b
}

// IsZero reports whether a is 00:00:00:00:00:00, which stands for no address.
func (a Addr) IsZero() bool { return a == Addr{} }

// IsMulticast reports whether the group bit is set; broadcast is a group too.
func (a Addr) IsMulticast() bool { return a[0]&1 != 0 }

// MarshalText returns String; the zero address gives an empty text.
func (a Addr) MarshalText() ([]byte, error) {
	if a.IsZero() {
		return nil, nil
	}
	return []byte(a.String()), nil
}

// UnmarshalText reads what Parse reads; an empty text gives the zero address.
func (a *Addr) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*a = Addr{}
		return nil
	}
	v, err := Parse(string(b))
	if err != nil {
		return err
	}
	*a = v
	return nil
}
