package policy

import (
	"context"

	"midonet.org/midonet/neutron/apidef"
)

// Target is what an action is done to, by its attributes.
type Target interface {
	// Attribute returns the attribute's value; ok is false where the target has no such attribute.
	Attribute(name string) (v Value, ok bool)
}

// Value is an attribute's value in the form that rules compare: Python's str() of it.
type Value struct {
	Text string // True, False, None or the text itself
	Null bool   // it is null, which no field check accepts
}

// ValueOf returns the form in which rules compare a value of a request.
func ValueOf(v any) Value { return Value{Text: apidef.Text(v), Null: v == nil} }

// Parents looks up attributes of the resource that a target belongs to, whoever owns it.
type Parents interface {
	// ParentAttribute returns an attribute of the resource of that kind ("network") and identifier. Where there is none, the error
	// is the resource's errs.NotFound.
	ParentAttribute(ctx context.Context, kind, id, attr string) (Value, error)
}
