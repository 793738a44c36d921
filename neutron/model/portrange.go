package model

import (
	"fmt"
	"strconv"
	"strings"
)

// PortNumber is a port of TCP, UDP or their like. 0 is the API's null.
type PortNumber int

// PortRange is an inclusive range of ports, written first:last. The zero value is the API's null.
type PortRange struct{ First, Last PortNumber }

// OnePort is the range of one port.
func OnePort(p PortNumber) PortRange { return PortRange{p, p} }

// IsZero reports whether there is no range.
func (r PortRange) IsZero() bool { return r == PortRange{} }

// Size returns how many ports are in the range.
func (r PortRange) Size() int {
	if r.IsZero() {
		return 0
	}
	return int(r.Last-r.First) + 1
}

// Overlaps reports whether a port is in both ranges.
func (r PortRange) Overlaps(o PortRange) bool {
	return !r.IsZero() && !o.IsZero() && r.First <= o.Last && o.First <= r.Last
}

// String returns the API's form.
func (r PortRange) String() string { return fmt.Sprintf("%d:%d", r.First, r.Last) }

// MarshalText returns the API's form.
func (r PortRange) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads first:last, or one port.
func (r *PortRange) UnmarshalText(text []byte) error {
	first, last, two := strings.Cut(string(text), ":")
	if !two {
		last = first
	}
	a, err := strconv.ParseUint(first, 10, 16)
	if err != nil {
		return err
	}
	b, err := strconv.ParseUint(last, 10, 16)
	if err != nil {
		return err
	}
	*r = PortRange{PortNumber(a), PortNumber(b)}
	return nil
}
