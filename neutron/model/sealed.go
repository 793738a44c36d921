package model

import (
	"reflect"
	"sync"
)

// Sealed is a resource that many requests look at, at the same time and one after the other, and that therefore nobody changes: what it has is
// asked of its methods. Copy is for who wants a resource of its own. It remembers its JSON form.
type Sealed[T any] struct {
	value  *T
	keeper Keeper

	mu    sync.RWMutex
	forms []form[T]
}

// Keeper keeps sealed resources beyond the request that made them.
type Keeper interface {
	// Grew is told of octets that a resource takes up from now on.
	Grew(octets int)
}

// form is the JSON form that an encoder makes.
type form[T any] struct {
	by   *Encoder[T]
	json []byte
}

// maxForms is how many forms are remembered: those of an administrator, of a member, and of one more kind of caller.
const maxForms = 3

// Seal takes over a resource, which nobody else may have. Forms are remembered where there is a keeper.
func Seal[T any](value *T, keeper Keeper) *Sealed[T] { return &Sealed[T]{value: value, keeper: keeper} }

// Copy returns the resource for the caller alone.
func (s *Sealed[T]) Copy() *T {
	return deepCopy(reflect.ValueOf(s.value)).Interface().(*T)
}

// AppendAttribute is the function of that name for the sealed resource.
func (s *Sealed[T]) AppendAttribute(dst []byte, attr string) (out []byte, ok bool) {
	return AppendAttribute(dst, s.value, attr)
}

// AppendForm appends the JSON form that the encoder makes; again says that the same encoder will be asked again.
func (s *Sealed[T]) AppendForm(dst []byte, e *Encoder[T], again bool) []byte {
	if s.keeper == nil || !again {
		return e.Append(dst, s.value)
	}
	if form := s.form(e); form != nil {
		return append(dst, form...)
	}
	start := len(dst)
	dst = e.Append(dst, s.value)
	s.remember(e, dst[start:])
	return dst
}

func (s *Sealed[T]) form(e *Encoder[T]) []byte {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for i := range s.forms {
		if s.forms[i].by == e {
			return s.forms[i].json
		}
	}
	return nil
}

func (s *Sealed[T]) remember(e *Encoder[T], json []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.forms) < maxForms {
		s.forms = append(s.forms, form[T]{e, append([]byte(nil), json...)})
		s.keeper.Grew(len(json))
	}
}

// deepCopy copies what a resource is made of. Types that are values of their own, such as addresses and times, have no fields that others see.
func deepCopy(v reflect.Value) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	out.Set(v)
	switch {
	case v.Kind() == reflect.Pointer && !v.IsNil():
		out.Set(reflect.New(v.Type().Elem()))
		out.Elem().Set(deepCopy(v.Elem()))
	case v.Kind() == reflect.Slice && !v.IsNil():
		out.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
		for i := range v.Len() {
			out.Index(i).Set(deepCopy(v.Index(i)))
		}
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				out.Field(i).Set(deepCopy(v.Field(i)))
			}
		}
	}
	return out
}
