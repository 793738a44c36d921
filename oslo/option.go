package oslo

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// MultiString is an option that may be written several times; each time adds a value.
type MultiString []string

// Option is what the tags of a field say, for documentation.
type Option struct {
	Group   string
	Name    string
	Kind    string // string, boolean, integer, float, seconds, list or multi
	Default string // as it would be written in a file
	Help    string
	Secret  bool

	index []int // of the field, for reflect.Value.FieldByIndex
}

// key is how an option is found: groups and names are compared without regard to case, and - in a name is _.
func (o Option) key() string { return key(o.Group, o.Name) }

func key(group, name string) string {
	return strings.ToLower(group) + "/" + strings.ReplaceAll(strings.ToLower(name), "-", "_")
}

// Options returns the options of the struct that dst points to, in the order of its fields. It panics on a tag or a field type that
// it does not know, which is a defect of the program.
func Options(dst any) []Option {
	var options []Option
	collect(reflect.TypeOf(dst).Elem(), nil, &options)
	return options
}

func collect(t reflect.Type, at []int, options *[]Option) {
	for i := range t.NumField() {
		f := t.Field(i)
		index := append(append([]int(nil), at...), i)
		tag, tagged := f.Tag.Lookup("oslo")
		switch {
		case tagged:
			*options = append(*options, optionOf(f, tag, index))
		case f.Type.Kind() == reflect.Struct:
			collect(f.Type, index, options)
		}
	}
}

func optionOf(f reflect.StructField, tag string, index []int) Option {
	group, name, ok := strings.Cut(tag, "/")
	kind := kindOf(f.Type)
	if !ok || kind == "" {
		panic(fmt.Sprintf("oslo: field %s: bad tag %q or type %s", f.Name, tag, f.Type))
	}
	return Option{Group: group, Name: name, Kind: kind, Default: f.Tag.Get("default"), Help: f.Tag.Get("help"),
		Secret: f.Tag.Get("secret") == "true", index: index}
}

func kindOf(t reflect.Type) string {
	switch reflect.New(t).Interface().(type) {
	case *string:
		return "string"
	case *bool:
		return "boolean"
	case *int:
		return "integer"
	case *float64:
		return "float"
	case *time.Duration:
		return "seconds"
	case *[]string:
		return "list"
	case *MultiString:
		return "multi"
	}
	return ""
}

// set reads a value's text into the field.
func set(field reflect.Value, text string) error {
	var err error
	switch p := field.Addr().Interface().(type) {
	case *string:
		*p = text
	case *bool:
		*p, err = parseBool(text)
	case *int:
		*p, err = parseInt(text)
	case *float64:
		*p, err = parseFloat(text)
	case *time.Duration:
		var n int
		n, err = parseInt(text)
		*p = time.Duration(n) * time.Second
	case *[]string:
		*p = parseList(text)
	case *MultiString:
		*p = append(*p, text)
	}
	return err
}

// parseBool takes the spellings of oslo_config/types.py, Boolean.
func parseBool(s string) (bool, error) {
	switch strings.ToLower(s) {
	case "true", "1", "on", "yes":
		return true, nil
	case "false", "0", "off", "no":
		return false, nil
	}
	return false, fmt.Errorf("%q is no boolean: write true or false, 1 or 0, on or off, yes or no", s)
}

func parseInt(s string) (int, error) {
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil {
		return 0, fmt.Errorf("%q is no whole number", s)
	}
	return n, nil
}

func parseFloat(s string) (float64, error) {
	x, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil {
		return 0, fmt.Errorf("%q is no number", s)
	}
	return x, nil
}

// parseList splits at commas; a comma at the end means nothing.
func parseList(s string) []string {
	s = strings.TrimRight(strings.TrimSpace(s), ",")
	if s == "" {
		return nil
	}
	items := strings.Split(s, ",")
	for i := range items {
		items[i] = strings.TrimSpace(items[i])
	}
	return items
}
