package oslo

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
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
	entries, err := Read(files...)
	if err != nil {
		return nil, err
	}
	return Fill(dst, known, entries)
}

// Read parses the files in their order. A directory stands for the files in it whose names end in .conf, in the order of their names.
func Read(files ...string) ([]Entry, error) {
	var entries []Entry
	for _, given := range files {
		names, err := filesOf(given)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			e, err := parseFile(name)
			if err != nil {
				return nil, err
			}
			entries = append(entries, e...)
		}
	}
	return entries, nil
}

// filesOf returns the files that a name stands for.
func filesOf(name string) ([]string, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, unreadable(err)
	}
	if !info.IsDir() {
		return []string{name}, nil
	}
	inside, err := os.ReadDir(name) // in order
	if err != nil {
		return nil, unreadable(err)
	}
	var names []string
	for _, e := range inside {
		if strings.HasSuffix(e.Name(), ".conf") {
			names = append(names, filepath.Join(name, e.Name()))
		}
	}
	return names, nil
}

func unreadable(err error) error { return fmt.Errorf("configuration file: %w", err) }

func parseFile(name string) ([]Entry, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, unreadable(err)
	}
	defer f.Close()
	entries, err := Parse(f, name)
	if err != nil {
		return nil, err
	}
	return entries, nil
}

// Fill is Load with the files read. Of values that are not understood it tells all.
func Fill(dst any, known []string, entries []Entry) ([]Warning, error) {
	options := Options(dst)
	values := newValues(options, entries)
	s := reflect.ValueOf(dst).Elem()
	var refused []error
	for _, o := range options {
		refused = append(refused, fillOption(s.FieldByIndex(o.index), o, values))
	}
	if err := errors.Join(refused...); err != nil {
		return nil, err
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

// Where returns file:line of the entry that counts for an option, given as group/name; empty where no file has it.
func Where(entries []Entry, option string) string {
	group, name, _ := strings.Cut(option, "/")
	for _, e := range slices.Backward(entries) {
		if key(e.Group, e.Name) == key(group, name) {
			return e.Where()
		}
	}
	return ""
}

// Unread returns the options, as group/name, that the entries hold of the known ones that nothing reads; see Load.
func Unread(known []string, entries []Entry) []string {
	accepted := keysOf(known)
	var names []string
	for _, e := range entries {
		if name := e.Group + "/" + e.Name; accepted.has(e) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// keys are options, and groups of them, by key.
type keys map[string]bool

// keysOf takes names as group/name or group/*.
func keysOf(names []string) keys {
	k := keys{}
	for _, n := range names {
		group, name, _ := strings.Cut(n, "/")
		k[key(group, name)] = true
	}
	return k
}

func (k keys) has(e Entry) bool { return k[key(e.Group, e.Name)] || k[key(e.Group, "*")] }

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
	var names []string
	for _, o := range options {
		names = append(names, o.Group+"/"+o.Name)
	}
	names = append(names, known...)
	accepted := keysOf(names)
	var out []Warning
	for _, e := range entries {
		if !accepted.has(e) {
			out = append(out, Warning{Entry: e, Nearest: nearest(e.Group+"/"+e.Name, names)})
		}
	}
	return out
}
