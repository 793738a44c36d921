package store

import (
	"database/sql"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"time"

	"midonet.org/midonet/id"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/neutron/model"
)

// The values of package model as columns. Reading back what was not written by this package is an error that names the value.

const timeLayout = "2006-01-02T15:04:05Z"

func timeText(t model.Time) string { return t.UTC().Format(timeLayout) }

// addrText is an address or NULL.
func addrText(a netip.Addr) sql.NullString {
	if !a.IsValid() {
		return sql.NullString{}
	}
	return sql.NullString{String: a.String(), Valid: true}
}

// idText is an identifier or NULL.
func idText[T any](i id.ID[T]) sql.NullString {
	if i.IsZero() {
		return sql.NullString{}
	}
	return sql.NullString{String: i.String(), Valid: true}
}

// A scanTime reads a time column into a model.Time, and so on for the types below. Each reads from a driver's value, or from the text of
// an element that is packed.
type scanTime struct{ to *model.Time }

// Scan implements sql.Scanner.
func (s scanTime) Scan(v any) error { return s.scanText(textOf(v)) }

func (s scanTime) scanText(text string) error {
	t, err := time.Parse(time.RFC3339, text) // which package time reads faster than the same without zones
	s.to.Time = t
	return err
}

type scanText[T interface {
	UnmarshalText([]byte) error
}] struct{ to T }

// Scan implements sql.Scanner.
func (s scanText[T]) Scan(v any) error { return s.scanText(textOf(v)) }

func (s scanText[T]) scanText(text string) error {
	if id, ok := any(s.to).(interface{ SetText(string) error }); ok { // which needs no copy
		return id.SetText(text)
	}
	return s.to.UnmarshalText([]byte(text))
}

// textual says that an id, an address or a prefix is read from its text form; NULL is the zero value.
func textual[T interface{ UnmarshalText([]byte) error }](to T) scanText[T] { return scanText[T]{to} }

type scanMAC struct{ to *mac.Addr }

// Scan implements sql.Scanner.
func (s scanMAC) Scan(v any) error { return s.scanText(textOf(v)) }

func (s scanMAC) scanText(text string) error { return s.to.UnmarshalText([]byte(text)) }

// scanAddr reads the 4 or 16 octets of an allocation.
type scanAddr struct{ to *netip.Addr }

// Scan implements sql.Scanner.
func (s scanAddr) Scan(v any) error {
	b, _ := v.([]byte)
	a, ok := netip.AddrFromSlice(b)
	if !ok {
		return fmt.Errorf("%x is not an IP address", b)
	}
	*s.to = a
	return nil
}

// octets reads the text whose octets are packed in hexadecimal, by HEX.
type octets struct{ to *string }

func (s octets) scanText(text string) error {
	b, err := hex.DecodeString(text)
	*s.to = string(b)
	return err
}

// address reads the 4 or 16 octets of an allocation, which are packed likewise.
type address struct{ to *netip.Addr }

func (s address) scanText(text string) error {
	var b [net.IPv6len]byte
	if len(text) > 2*len(b) {
		return fmt.Errorf("%s is not an IP address", text)
	}
	n, err := hex.Decode(b[:], []byte(text))
	a, ok := netip.AddrFromSlice(b[:n])
	if err != nil || !ok {
		return fmt.Errorf("%s is not an IP address", text)
	}
	*s.to = a
	return nil
}

// textOf returns the text of a TEXT column, "" for NULL.
func textOf(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []byte:
		return string(v)
	}
	return ""
}

// standardTargets are where the standardColumns are scanned to.
func standardTargets[I interface{ UnmarshalText([]byte) error }](id I, s *model.Standard) []any {
	return []any{
		textual(id), &s.ProjectID, &s.Description, scanTime{&s.CreatedAt}, scanTime{&s.UpdatedAt}, &s.RevisionNumber,
	}
}

// standardValues are the values of the standardColumns, and of the column stamp behind them.
func standardValues(id fmt.Stringer, s *model.Standard) []any {
	return []any{id.String(), s.ProjectID, s.Description, timeText(s.CreatedAt), timeText(s.UpdatedAt), s.RevisionNumber, newStamp()}
}
