// Package agents shows the hosts of the cluster as Neutron's agents, and the availability zones of the configuration.
//
// The MidoNet plugins of OpenStack Newton and before did the first (midonet/neutron/db/agent.py): an operator who lists agents sees which
// hosts are there and alive. A host's agent has nothing that Neutron could configure, so it is neither changed nor deleted here.
//
// Neutron knows zones from the agents that it schedules to. MidoNet's agents are in none, and a network is wherever its ports are; what an
// operator names in default_availability_zones exists, so that clients that ask for a zone find it.
package agents

import (
	"context"
	"slices"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
)

// Plugin is the collection of agents.
type Plugin struct {
	hosts func() []*model.Agent
}

var _ plugin.Resource[model.Agent] = (*Plugin)(nil)

// New returns the collection of the hosts that the function finds at present.
func New(hosts func() []*model.Agent) *Plugin { return &Plugin{hosts} }

// Create returns plugin.ErrNoMethod: agents report themselves.
func (p *Plugin) Create(context.Context, *auth.Caller, []plugin.Body[model.Agent]) ([]*model.Agent, error) {
	return nil, plugin.ErrNoMethod
}

// Get returns a host.
func (p *Plugin) Get(_ context.Context, _ *auth.Caller, id string) (*model.Agent, error) {
	hosts := p.hosts()
	at := slices.IndexFunc(hosts, func(a *model.Agent) bool { return a.ID.String() == id })
	if at < 0 {
		return nil, notFound(id)
	}
	return hosts[at], nil
}

// List returns the hosts that match.
func (p *Plugin) List(_ context.Context, _ *auth.Caller, q plugin.Query) ([]*model.Agent, error) {
	found, err := plugin.Select(p.hosts(), q, "id")
	if err != nil {
		err = notFound(q.Marker)
	}
	return found, err
}

// Update refuses: there is nothing that a host would do otherwise.
func (p *Plugin) Update(ctx context.Context, c *auth.Caller, id string, _ plugin.Body[model.Agent]) (*model.Agent, error) {
	return nil, p.unchanged(ctx, c, id)
}

// Delete refuses: a host that is alive would be there again at once.
func (p *Plugin) Delete(ctx context.Context, c *auth.Caller, id string) error {
	return p.unchanged(ctx, c, id)
}

func (p *Plugin) unchanged(ctx context.Context, c *auth.Caller, id string) error {
	if _, err := p.Get(ctx, c, id); err != nil {
		return err
	}
	return errs.New(errs.Unsupported, "NotImplementedError",
		"Agent %s is a host of MidoNet, which is neither changed nor deleted as an agent. Use the MidoNet API.", id)
}

func notFound(id string) error {
	return errs.New(errs.NotFound, "AgentNotFound", "Agent %s could not be found.", id)
}
