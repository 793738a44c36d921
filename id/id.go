// Package id holds the identifiers of everything: 128-bit UUIDs (RFC 9562) whose type says what they name.
//
// ID[Port] and ID[Bridge] are different types, so that handing one where the other is wanted does not compile. The type
// parameter is a phantom: it costs nothing at run time. Identifiers that clients choose freely (project ids, device ids) are
// strings, not IDs, since Neutron does not ask them to be UUIDs.
package id

import (
	"crypto/rand"
	"crypto/sha1"
	"encoding/binary"
	"encoding/hex"
	"fmt"
)

// ID names one T. The zero value names nothing.
type ID[T any] [16]byte

// New returns a random identifier (UUID version 4).
func New[T any]() ID[T] {
	var u ID[T]
	rand.Read(u[:]) // never fails: crypto/rand aborts the program instead
	return u.stamped(4)
}

// Derive returns the identifier of the T that owner has in the given role (UUID version 5, owner as name space). The same
// owner and role give the same identifier on every host and in every process, which is what lets a renderer be pure.
func Derive[T, O any](owner ID[O], role string) ID[T] {
	name := make([]byte, 0, 128) // longer than nearly all, so that it need not be allocated
	sum := sha1.Sum(append(append(name, owner[:]...), role...))
	var u ID[T]
	copy(u[:], sum[:])
	return u.stamped(5)
}

// As returns the identifier that a T shares with the object u of another type: the bridge of a Neutron network has the
// network's identifier.
func As[T, O any](u ID[O]) ID[T] { return ID[T](u) }

// Parse reads the canonical form (8-4-4-4-12 hexadecimal digits, either case) and the form without hyphens.
func Parse[T any](s string) (ID[T], error) {
	var u ID[T]
	if err := u.SetText(s); err != nil {
		return ID[T]{}, err
	}
	return u, nil
}

// MustParse is Parse for constants and tests; it panics on a malformed s.
func MustParse[T any](s string) ID[T] {
	u, err := Parse[T](s)
	if err != nil {
		panic(err)
	}
	return u
}

// IsZero reports whether u names nothing. It is asked some fifty times for each packet that is walked, and a comparison of arrays takes twice as long.
func (u ID[T]) IsZero() bool {
	return binary.NativeEndian.Uint64(u[:8])|binary.NativeEndian.Uint64(u[8:]) == 0
}

// String returns the canonical lower-case form.
func (u ID[T]) String() string {
	var b [36]byte
	u.encode(b[:])
	return string(b[:])
}

// AppendTo appends what String returns to b.
func (u ID[T]) AppendTo(b []byte) []byte {
	n := len(b)
	b = append(b, "00000000-0000-0000-0000-000000000000"...)
	u.encode(b[n:])
	return b
}

// Short returns the first eight digits, for people; it is not unique.
func (u ID[T]) Short() string { return hex.EncodeToString(u[:4]) }

// MarshalText returns the canonical form; the zero ID gives an empty text.
func (u ID[T]) MarshalText() ([]byte, error) {
	if u.IsZero() {
		return nil, nil
	}
	b := make([]byte, 36)
	u.encode(b)
	return b, nil
}

// UnmarshalText reads what Parse reads; an empty text gives the zero ID.
func (u *ID[T]) UnmarshalText(text []byte) error { return set(u, text) }

// SetText is UnmarshalText for a string.
func (u *ID[T]) SetText(text string) error { return set(u, text) }

func set[T any, Text string | []byte](u *ID[T], text Text) error {
	var digits [32]byte
	switch {
	case len(text) == 0:
		*u = ID[T]{}
		return nil
	case len(text) == len(digits):
		copy(digits[:], text)
	case len(text) == 36 && text[8] == '-' && text[13] == '-' && text[18] == '-' && text[23] == '-':
		copy(digits[0:], text[0:8])
		copy(digits[8:], text[9:13])
		copy(digits[12:], text[14:18])
		copy(digits[16:], text[19:23])
		copy(digits[20:], text[24:])
	default:
		return fmt.Errorf("%q is not a UUID", text)
	}
	if _, err := hex.Decode(u[:], digits[:]); err != nil {
		return fmt.Errorf("%q is not a UUID", text)
	}
	return nil
}

func (u ID[T]) stamped(version byte) ID[T] {
	u[6] = u[6]&0x0f | version<<4
	u[8] = u[8]&0x3f | 0x80
	return u
}

func (u ID[T]) encode(b []byte) {
	hex.Encode(b[0:8], u[0:4])
	b[8] = '-'
	hex.Encode(b[9:13], u[4:6])
	b[13] = '-'
	hex.Encode(b[14:18], u[6:8])
	b[18] = '-'
	hex.Encode(b[19:23], u[8:10])
	b[23] = '-'
	hex.Encode(b[24:36], u[10:16])
}
