package topologypb

import (
	"fmt"
	"math"
	"net/netip"

	"midonet.org/midonet/id"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// Encoding of fields. What stands for nothing in the values (a zero identifier, address or MAC) is an empty field on the wire.

func idBytes[T any](u id.ID[T]) []byte {
	if u.IsZero() {
		return nil
	}
	return u[:]
}

func idsBytes[T any](us []id.ID[T]) [][]byte {
	var bs [][]byte
	for _, u := range us {
		bs = append(bs, u[:])
	}
	return bs
}

func macBytes(a mac.Addr) []byte {
	if a.IsZero() {
		return nil
	}
	return a[:]
}

func addrsBytes(as []netip.Addr) [][]byte {
	var bs [][]byte
	for _, a := range as {
		bs = append(bs, a.AsSlice())
	}
	return bs
}

func fromPrefix(p netip.Prefix) *Prefix {
	if !p.IsValid() {
		return nil
	}
	return &Prefix{Addr: p.Addr().AsSlice(), Bits: uint32(p.Bits())}
}

// decoder reads fields and keeps the first failure, so that an object is decoded as one expression.
type decoder struct {
	kind topology.Kind
	err  error
}

func (d *decoder) fail(field, format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf("%s: %s %s", d.kind, field, fmt.Sprintf(format, args...))
	}
}

// identity reads the identifier that names the object itself, which must be there.
func identity[T any](d *decoder, field string, b []byte) id.ID[T] {
	if len(b) == 0 {
		d.fail(field, "is missing")
	}
	return reference[T](d, field, b)
}

// reference reads an identifier of another object; empty gives the zero identifier.
func reference[T any](d *decoder, field string, b []byte) id.ID[T] {
	if len(b) == 0 {
		return id.ID[T]{}
	}
	if len(b) != 16 {
		d.fail(field, "has %d octets instead of 16", len(b))
		return id.ID[T]{}
	}
	return id.ID[T](b)
}

// references reads a list of identifiers, in which an empty one has no meaning.
func references[T any](d *decoder, field string, bs [][]byte) []id.ID[T] {
	var us []id.ID[T]
	for _, b := range bs {
		us = append(us, identity[T](d, field, b))
	}
	return us
}

// small reads a number of one octet, port one of two.
func (d *decoder) small(field string, n uint32) uint8 {
	if n > math.MaxUint8 {
		d.fail(field, "is %d", n)
	}
	return uint8(n)
}

func (d *decoder) port(field string, n uint32) uint16 {
	if n > math.MaxUint16 {
		d.fail(field, "is %d", n)
	}
	return uint16(n)
}

func (d *decoder) mac(field string, b []byte) mac.Addr {
	if len(b) == 0 {
		return mac.Addr{}
	}
	if len(b) != 6 {
		d.fail(field, "has %d octets instead of 6", len(b))
		return mac.Addr{}
	}
	return mac.Addr(b)
}

func (d *decoder) addr(field string, b []byte) netip.Addr {
	if len(b) == 0 {
		return netip.Addr{}
	}
	a, ok := netip.AddrFromSlice(b)
	if !ok {
		d.fail(field, "has %d octets instead of 4 or 16", len(b))
	}
	return a
}

// addrs reads a list, in which an empty address has no meaning.
func (d *decoder) addrs(field string, bs [][]byte) []netip.Addr {
	var as []netip.Addr
	for _, b := range bs {
		if len(b) == 0 {
			d.fail(field, "has an empty address")
		}
		as = append(as, d.addr(field, b))
	}
	return as
}

func (d *decoder) prefix(field string, x *Prefix) netip.Prefix {
	if x == nil {
		return netip.Prefix{}
	}
	a, ok := netip.AddrFromSlice(x.GetAddr())
	if !ok || x.GetBits() > uint32(a.BitLen()) {
		d.fail(field, "is no prefix: %d octets, /%d", len(x.GetAddr()), x.GetBits())
		return netip.Prefix{}
	}
	return netip.PrefixFrom(a, int(x.GetBits()))
}
