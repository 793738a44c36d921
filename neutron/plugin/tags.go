package plugin

import (
	"context"

	"midonet.org/midonet/neutron/auth"
)

// Tags are the tags of resources, which are named by their collection's name and their identifier. Whether the caller may see or change
// the resource is decided before; errs.NotFound says that it has gone meanwhile.
type Tags interface {
	// Get returns a resource's tags.
	Get(ctx context.Context, c *auth.Caller, collection, id string) ([]string, error)
	// Add gives a resource a tag, which it may have.
	Add(ctx context.Context, c *auth.Caller, collection, id, tag string) error
	// Set gives a resource these tags and no others.
	Set(ctx context.Context, c *auth.Caller, collection, id string, tags []string) error
	// Remove takes a tag from a resource; errs.NotFound where it does not have it.
	Remove(ctx context.Context, c *auth.Caller, collection, id, tag string) error
}
