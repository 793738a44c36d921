package plugin

import (
	"context"
	"encoding/json"

	"midonet.org/midonet/neutron/auth"
)

// Association is the resources of one kind that each resource of another has been given, such as the networks of a DHCP agent. They exist
// without it: they are put there and taken away. Who may do so is decided before.
type Association[T any] interface {
	// List returns what the owner has.
	List(ctx context.Context, c *auth.Caller, ownerID string) ([]*T, error)
	// Add gives the owner what the body, a JSON object, names.
	Add(ctx context.Context, c *auth.Caller, ownerID string, body json.RawMessage) error
	// Remove takes it away.
	Remove(ctx context.Context, c *auth.Caller, ownerID, itemID string) error
}
