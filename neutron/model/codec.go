package model

import (
	"encoding/json"
	"fmt"
	"reflect"
)

// Attributes returns the API attributes of T in the order in which they are written. tenant_id, the older name of project_id, comes
// right after it.
func Attributes[T any]() []string {
	p := planOf[T]()
	names := make([]string, len(p.fields))
	for i, f := range p.fields {
		names[i] = f.attr
	}
	return names
}

// Encoder writes values of T as JSON objects with a fixed choice of attributes. It may be used by many goroutines at once.
type Encoder[T any] struct {
	fields []field
}

// NewEncoder returns an encoder of the attributes that keep accepts.
func NewEncoder[T any](keep func(attr string) bool) *Encoder[T] {
	e := &Encoder[T]{}
	for _, f := range planOf[T]().fields {
		if keep(f.attr) {
			e.fields = append(e.fields, f)
		}
	}
	return e
}

// Append appends the JSON form of v to dst.
func (e *Encoder[T]) Append(dst []byte, v *T) []byte {
	return appendFields(dst, e.fields, v)
}

// AppendAttribute appends the JSON form of one attribute of v to dst; ok is false where T has no such attribute.
func AppendAttribute[T any](dst []byte, v *T, attr string) (out []byte, ok bool) {
	f, ok := planOf[T]().byAttr[attr]
	if !ok {
		return dst, false
	}
	return f.append(dst, reflect.ValueOf(v).Elem().FieldByIndex(f.index).Addr().Interface()), true
}

// SetAttribute sets the field that holds the attribute from its JSON form; null gives the zero value.
func SetAttribute[T any](v *T, attr string, value json.RawMessage) error {
	f, ok := planOf[T]().byAttr[attr]
	if !ok {
		return fmt.Errorf("%T has no attribute %q", *v, attr)
	}
	return f.set(v, value)
}

// MarshalJSON writes every attribute.
func (n Network) MarshalJSON() ([]byte, error) { return marshal(&n), nil }

// UnmarshalJSON reads what MarshalJSON writes; attributes that it does not know are passed over, those that are absent stay.
func (n *Network) UnmarshalJSON(b []byte) error { return unmarshal(b, n) }

// MarshalJSON writes every attribute.
func (s Subnet) MarshalJSON() ([]byte, error) { return marshal(&s), nil }

// UnmarshalJSON reads what MarshalJSON writes; attributes that it does not know are passed over, those that are absent stay.
func (s *Subnet) UnmarshalJSON(b []byte) error { return unmarshal(b, s) }

// MarshalJSON writes every attribute.
func (p Port) MarshalJSON() ([]byte, error) { return marshal(&p), nil }

// UnmarshalJSON reads what MarshalJSON writes; attributes that it does not know are passed over, those that are absent stay.
func (p *Port) UnmarshalJSON(b []byte) error { return unmarshal(b, p) }

// MarshalJSON writes every attribute.
func (g SecurityGroup) MarshalJSON() ([]byte, error) { return marshal(&g), nil }

// UnmarshalJSON reads what MarshalJSON writes; attributes that it does not know are passed over, those that are absent stay.
func (g *SecurityGroup) UnmarshalJSON(b []byte) error { return unmarshal(b, g) }

// MarshalJSON writes every attribute.
func (r SecurityGroupRule) MarshalJSON() ([]byte, error) { return marshal(&r), nil }

// UnmarshalJSON reads what MarshalJSON writes; attributes that it does not know are passed over, those that are absent stay.
func (r *SecurityGroupRule) UnmarshalJSON(b []byte) error { return unmarshal(b, r) }

// MarshalJSON writes every attribute.
func (g AddressGroup) MarshalJSON() ([]byte, error) { return marshal(&g), nil }

// UnmarshalJSON reads what MarshalJSON writes; attributes that it does not know are passed over, those that are absent stay.
func (g *AddressGroup) UnmarshalJSON(b []byte) error { return unmarshal(b, g) }

// MarshalJSON writes every attribute.
func (b PortBinding) MarshalJSON() ([]byte, error) { return marshal(&b), nil }

// MarshalJSON writes every attribute.
func (r Router) MarshalJSON() ([]byte, error) { return marshal(&r), nil }

// UnmarshalJSON reads what MarshalJSON writes; attributes that it does not know are passed over, those that are absent stay.
func (r *Router) UnmarshalJSON(b []byte) error { return unmarshal(b, r) }

// MarshalJSON writes every attribute.
func (f FloatingIP) MarshalJSON() ([]byte, error) { return marshal(&f), nil }

// UnmarshalJSON reads what MarshalJSON writes; attributes that it does not know are passed over, those that are absent stay.
func (f *FloatingIP) UnmarshalJSON(b []byte) error { return unmarshal(b, f) }

// MarshalJSON writes every attribute.
func (f PortForwarding) MarshalJSON() ([]byte, error) { return marshal(&f), nil }

// UnmarshalJSON reads what MarshalJSON writes; attributes that it does not know are passed over, those that are absent stay.
func (f *PortForwarding) UnmarshalJSON(b []byte) error { return unmarshal(b, f) }

// MarshalJSON writes every attribute.
func (p RBACPolicy) MarshalJSON() ([]byte, error) { return marshal(&p), nil }

// UnmarshalJSON reads what MarshalJSON writes; attributes that it does not know are passed over, those that are absent stay.
func (p *RBACPolicy) UnmarshalJSON(b []byte) error { return unmarshal(b, p) }

// MarshalJSON writes every attribute.
func (p SubnetPool) MarshalJSON() ([]byte, error) { return marshal(&p), nil }

// UnmarshalJSON reads what MarshalJSON writes; attributes that it does not know are passed over, those that are absent stay.
func (p *SubnetPool) UnmarshalJSON(b []byte) error { return unmarshal(b, p) }

// MarshalJSON writes every attribute.
func (s AddressScope) MarshalJSON() ([]byte, error) { return marshal(&s), nil }

// UnmarshalJSON reads what MarshalJSON writes; attributes that it does not know are passed over, those that are absent stay.
func (s *AddressScope) UnmarshalJSON(b []byte) error { return unmarshal(b, s) }

func marshal[T any](v *T) []byte {
	return appendFields(make([]byte, 0, 1024), planOf[T]().fields, v)
}

func unmarshal[T any](b []byte, v *T) error {
	var attrs map[string]json.RawMessage
	if err := json.Unmarshal(b, &attrs); err != nil {
		return err
	}
	p := planOf[T]()
	for name, value := range attrs {
		f, ok := p.byAttr[name]
		if !ok {
			continue
		}
		if err := f.set(v, value); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}
