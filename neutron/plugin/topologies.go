package plugin

import (
	"context"

	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/model"
)

// Topologies are the networks that projects get by asking for them. Who may ask for whose is decided before.
type Topologies interface {
	// Get returns a project's topology, and makes it first where there is none.
	Get(ctx context.Context, c *auth.Caller, project string) (*model.AutoAllocatedTopology, error)
	// Check returns why a topology could not be made for the caller.
	Check(ctx context.Context, c *auth.Caller) error
	// Delete removes a project's topology, if there is one.
	Delete(ctx context.Context, c *auth.Caller, project string) error
}
