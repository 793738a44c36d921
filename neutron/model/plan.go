package model

import (
	"encoding/json"
	"reflect"
	"strings"
	"sync"
)

// plan is how a struct of this package is written and read. It is worked out once for each type, so that a list of a thousand ports
// costs no look-ups by name.
type plan struct {
	fields []field
	byAttr map[string]field
}

type field struct {
	attr   string
	key    string // `"attr":`
	index  []int  // for reflect.Value.FieldByIndex
	append func(dst []byte, p any) []byte
	absent bool // left out where it is nil
}

// plans caches a *plan for each reflect.Type.
var plans sync.Map

func planOf[T any]() *plan {
	t := reflect.TypeFor[T]()
	if p, ok := plans.Load(t); ok {
		return p.(*plan)
	}
	p := &plan{byAttr: map[string]field{}}
	p.add(t, nil)
	stored, _ := plans.LoadOrStore(t, p)
	return stored.(*plan)
}

// add appends the tagged fields of t, those of embedded structs in their place.
func (p *plan) add(t reflect.Type, at []int) {
	for i := range t.NumField() {
		sf := t.Field(i)
		index := append(append([]int(nil), at...), i)
		if sf.Anonymous {
			p.add(sf.Type, index)
			continue
		}
		attr, ok := sf.Tag.Lookup("attr")
		if !ok {
			continue
		}
		attr, hidden := strings.CutSuffix(attr, ",hidden")
		attr, absent := strings.CutSuffix(attr, ",absent")
		f := field{attr: attr, index: index, append: appenderOf(sf.Type), absent: absent}
		p.put(f, hidden)
		if f.attr == "project_id" {
			f.attr = "tenant_id"
			p.put(f, hidden)
		}
	}
}

// put adds an attribute. A hidden one can be set and looked at, and is not written.
func (p *plan) put(f field, hidden bool) {
	f.key = string(appendString(nil, f.attr)) + ":"
	if !hidden {
		p.fields = append(p.fields, f)
	}
	p.byAttr[f.attr] = f
}

// set reads value into the field of the struct that v points to. encoding/json leaves many types alone on null; here null always
// gives the zero value.
func (f field) set(v any, value json.RawMessage) error {
	dst := reflect.ValueOf(v).Elem().FieldByIndex(f.index)
	dst.SetZero()
	if string(value) == "null" {
		return nil
	}
	if parse(dst.Addr().Interface(), value) {
		return nil
	}
	return json.Unmarshal(value, dst.Addr().Interface())
}

func appendFields(dst []byte, fields []field, v any) []byte {
	s := reflect.ValueOf(v).Elem()
	dst = append(dst, '{')
	for _, f := range fields {
		value := s.FieldByIndex(f.index)
		if f.absent && value.IsNil() {
			continue
		}
		if dst[len(dst)-1] != '{' {
			dst = append(dst, ',')
		}
		dst = append(dst, f.key...)
		dst = f.append(dst, value.Addr().Interface())
	}
	return append(dst, '}')
}
