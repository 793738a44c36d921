package ml2

import (
	"context"
	"errors"

	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/store"
)

// Reader is the part of a plugin.Resource that looks at resources, and is plugin.Shared.
type Reader[T any] struct {
	db     *store.DB
	from   store.Shared[T]
	absent func(id string) error // the fault where there is none that the caller sees
	first  func(ctx context.Context, c *auth.Caller, q plugin.Query) error
}

// NewReader returns a reader of the resources of one kind.
func NewReader[T any](db *store.DB, from store.Shared[T], absent func(id string) error) Reader[T] {
	return Reader[T]{db: db, from: from, absent: absent}
}

// after returns a reader that does something before each list.
func (r Reader[T]) after(first func(ctx context.Context, c *auth.Caller, q plugin.Query) error) Reader[T] {
	r.first = first
	return r
}

// GetShared implements plugin.Shared.
func (r Reader[T]) GetShared(ctx context.Context, c *auth.Caller, id string) (*model.Sealed[T], error) {
	item, err := r.from.Get(ctx, r.db, id, ScopeOf(c))
	if errors.Is(err, store.ErrNotFound) {
		err = r.absent(id)
	}
	return item, err
}

// ListShared implements plugin.Shared.
func (r Reader[T]) ListShared(ctx context.Context, c *auth.Caller, want plugin.Query) ([]*model.Sealed[T], error) {
	if r.first != nil {
		if err := r.first(ctx, c, want); err != nil {
			return nil, err
		}
	}
	items, err := r.from.List(ctx, r.db, ScopeOf(c), want)
	if errors.Is(err, store.ErrNotFound) {
		err = r.absent(want.Marker)
	}
	return items, err
}

// Get implements plugin.Resource.
func (r Reader[T]) Get(ctx context.Context, c *auth.Caller, id string) (*T, error) {
	item, err := r.GetShared(ctx, c, id)
	if err != nil {
		return nil, err
	}
	return item.Copy(), nil
}

// List implements plugin.Resource.
func (r Reader[T]) List(ctx context.Context, c *auth.Caller, want plugin.Query) ([]*T, error) {
	items, err := r.ListShared(ctx, c, want)
	var own []*T
	for _, item := range items {
		own = append(own, item.Copy())
	}
	return own, err
}
