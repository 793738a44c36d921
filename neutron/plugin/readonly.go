package plugin

import (
	"context"
	"errors"

	"midonet.org/midonet/neutron/auth"
)

// ErrNoMethod says that a collection or a resource has no such method; the client is answered 405.
var ErrNoMethod = errors.New("the method does not apply to this resource")

// Unwritable is embedded in a Resource that clients only look at.
type Unwritable[T any] struct{}

// Create returns ErrNoMethod.
func (Unwritable[T]) Create(context.Context, *auth.Caller, []Body[T]) ([]*T, error) {
	return nil, ErrNoMethod
}

// Update returns ErrNoMethod.
func (Unwritable[T]) Update(context.Context, *auth.Caller, string, Body[T]) (*T, error) {
	return nil, ErrNoMethod
}

// Delete returns ErrNoMethod.
func (Unwritable[T]) Delete(context.Context, *auth.Caller, string) error { return ErrNoMethod }
