package oslo

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
)

// Warning is an option in a file that the program does not know.
type Warning struct {
	Entry
	Nearest string // group/name of the most similar known option; empty where none is near
}

func (w Warning) String() string {
	s := fmt.Sprintf("%s: option %s of group [%s] is not known and has no effect", w.Where(), w.Name, w.Group)
	if w.Nearest != "" {
		s += "; did you mean " + w.Nearest + "?"
	}
	return s
}

// ValueError is a value that its option does not take.
type ValueError struct {
	Entry  // Line is 0 for a default
	Option Option
	Cause  error
}

func (e *ValueError) Error() string {
	where := "default"
	if e.Line > 0 {
		where = e.Where()
	}
	return fmt.Sprintf("%s: option %s of group [%s]: %v", where, e.Option.Name, e.Option.Group, e.Cause)
}

// errSecret stands for every cause that would show a part of a secret value.
var errSecret = errors.New("the value, which is secret and not shown, is not understood; write $$ for a dollar sign")

func (e *ValueError) Unwrap() error { return e.Cause }

// Load fills the struct that dst points to from the files, in order, over the defaults. known are further options, as group/name or
// group/* in oslo's spelling, that a file may hold without a warning although nothing here reads them. A file that is missing or
// malformed and a value that is not understood are errors; dst is then filled in part and not to be used.
func Load(dst any, known []string, files ...string) ([]Warning, error) {
	var entries []Entry
	for _, name := range files {
		e, err := parseFile(name)
		if err != nil {
			return nil, err
		}
		entries = append(entries, e...)
	}
	return Fill(dst, known, entries)
}

func parseFile(name string) ([]Entry, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("configuration file: %w", err)
	}
	defer f.Close()
	entries, err := Parse(f, name)
	if err != nil {
		return nil, err
	}
	return entries, nil
}

// Fill is Load with the files parsed.
func Fill(dst any, known []string, entries []Entry) ([]Warning, error) {
	options := Options(dst)
	values := newValues(options, entries)
	s := reflect.ValueOf(dst).Elem()
	for _, o := range options {
		if err := fillOption(s.FieldByIndex(o.index), o, values); err != nil {
			return nil, err
		}
	}
	return warnings(options, known, entries), nil
}

func fillOption(field reflect.Value, o Option, values *values) error {
	field.SetZero()
	for _, e := range values.of(o) {
		text, err := values.expand(e)
		if err == nil {
			err = set(field, text)
		}
		if err != nil && o.Secret {
			err = errSecret
		}
		if err != nil {
			return &ValueError{Entry: e, Option: o, Cause: err}
		}
	}
	return nil
}

// values finds what was written for an option.
type values struct {
	options map[string]Option
	written map[string][]Entry
}

func newValues(options []Option, entries []Entry) *values {
	v := &values{options: map[string]Option{}, written: map[string][]Entry{}}
	for _, o := range options {
		v.options[o.key()] = o
	}
	for _, e := range entries {
		k := key(e.Group, e.Name)
		v.written[k] = append(v.written[k], e)
	}
	return v
}

// of returns what counts for the option: the last entry, every entry for a multi option, or the default. An empty default of a
// kind that has no empty text leaves the zero value.
func (v *values) of(o Option) []Entry {
	written := v.written[o.key()]
	switch {
	case len(written) > 0 && o.Kind == "multi":
		return written
	case len(written) > 0:
		return written[len(written)-1:]
	case o.Default == "":
		return nil
	}
	return []Entry{{Group: o.Group, Name: o.Name, Value: o.Default}}
}

func warnings(options []Option, known []string, entries []Entry) []Warning {
	accepted := map[string]bool{}
	var names []string
	for _, o := range options {
		accepted[o.key()] = true
		names = append(names, o.Group+"/"+o.Name)
	}
	for _, k := range known {
		group, name, _ := strings.Cut(k, "/")
		accepted[key(group, name)] = true
		names = append(names, k)
	}
	var out []Warning
	for _, e := range entries {
		if !accepted[key(e.Group, e.Name)] && !accepted[key(e.Group, "*")] {
			out = append(out, Warning{Entry: e, Nearest: nearest(e.Group+"/"+e.Name, names)})
		}
	}
	return out
}
