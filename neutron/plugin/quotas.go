package plugin

import (
	"context"

	"midonet.org/midonet/neutron/auth"
)

// Quota is how many resources of one kind a project may have.
type Quota struct {
	Resource string
	Limit    int // below 0: no limit
	Used     int // how many the project has; set by Details alone
}

// ProjectQuotas are the quotas of a project, one for each kind of resource.
type ProjectQuotas struct {
	Project string
	Quotas  []Quota
}

// Quotas are the quotas of projects. Who may ask for whose is decided before.
type Quotas interface {
	// Default returns the quotas of projects that no one gave others.
	Default() []Quota
	// Get returns a project's quotas.
	Get(ctx context.Context, c *auth.Caller, project string) ([]Quota, error)
	// Details returns a project's quotas and what it has of them.
	Details(ctx context.Context, c *auth.Caller, project string) ([]Quota, error)
	// List returns the quotas of the projects that were given others than the default ones.
	List(ctx context.Context, c *auth.Caller) ([]ProjectQuotas, error)
	// Set gives a project the limits and returns all its quotas. With notBelowUse it refuses limits below what the project has.
	Set(ctx context.Context, c *auth.Caller, project string, limits []Quota, notBelowUse bool) ([]Quota, error)
	// Reset takes the limits that a project was given, or returns errs.NotFound where there are none.
	Reset(ctx context.Context, c *auth.Caller, project string) error
}
