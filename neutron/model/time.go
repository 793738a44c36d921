package model

import "time"

// Time is a time stamp with Neutron's text form, 2006-01-02T15:04:05Z.
type Time struct{ time.Time }

const timeLayout = "2006-01-02T15:04:05Z"

// At returns t in UTC, cut to whole seconds.
func At(t time.Time) Time { return Time{t.UTC().Truncate(time.Second)} }

// MarshalText returns the API's form.
func (t Time) MarshalText() ([]byte, error) { return []byte(t.Format(timeLayout)), nil }

// MarshalJSON returns the API's form, quoted.
func (t Time) MarshalJSON() ([]byte, error) { return []byte(`"` + t.Format(timeLayout) + `"`), nil }

// UnmarshalJSON reads the API's form.
func (t *Time) UnmarshalJSON(b []byte) error {
	v, err := time.Parse(`"`+timeLayout+`"`, string(b))
	t.Time = v
	return err
}
