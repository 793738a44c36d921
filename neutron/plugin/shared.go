package plugin

import (
	"context"

	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/model"
)

// Shared is a Resource whose Get and List have forms for those who only look: what they return may be in the hands of other requests too.
type Shared[T any] interface {
	GetShared(ctx context.Context, c *auth.Caller, id string) (*model.Sealed[T], error)
	ListShared(ctx context.Context, c *auth.Caller, q Query) ([]*model.Sealed[T], error)
}
