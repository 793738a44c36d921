package store

import (
	"database/sql"
	"fmt"
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

// A scanTime reads a time column into a model.Time, and so on for the types below.
type scanTime struct{ to *model.Time }

func (s scanTime) Scan(v any) error {
	t, err := time.Parse(timeLayout, textOf(v))
	s.to.Time = t
	return err
}

type scanText[T interface {
	UnmarshalText([]byte) error
}] struct{ to T }

func (s scanText[T]) Scan(v any) error { return s.to.UnmarshalText([]byte(textOf(v))) }

// textual says that an id, an address or a prefix is read from its text form; NULL is the zero value.
func textual[T interface{ UnmarshalText([]byte) error }](to T) scanText[T] { return scanText[T]{to} }

type scanMAC struct{ to *mac.Addr }

func (s scanMAC) Scan(v any) error { return s.to.UnmarshalText([]byte(textOf(v))) }

// scanAddr reads the 4 or 16 octets of an allocation.
type scanAddr struct{ to *netip.Addr }

func (s scanAddr) Scan(v any) error {
	b, _ := v.([]byte)
	a, ok := netip.AddrFromSlice(b)
	if !ok {
		return fmt.Errorf("%x is not an IP address", b)
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

// standardValues are the values of the standardColumns.
func standardValues(id fmt.Stringer, s *model.Standard) []any {
	return []any{id.String(), s.ProjectID, s.Description, timeText(s.CreatedAt), timeText(s.UpdatedAt), s.RevisionNumber}
}
