// Package agents shows the hosts of the cluster as Neutron's agents, and the availability zones that they are in.
//
// The MidoNet plugins of OpenStack Newton and before did the first (midonet/neutron/db/agent.py): an operator who lists agents sees which
// hosts are there and alive. A host's agent has nothing that Neutron could configure, so it is neither changed nor deleted here.
//
// What is shown is what the cluster told of the hosts last (journal.HostSink), which is in the database: every process that serves the API
// shows the same.
package agents

import (
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"slices"
	"time"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/store"
)

// Plugin is the collection of agents.
type Plugin struct {
	db   *store.DB
	down time.Duration // how long after its last news a host is taken for dead (agent_down_time)
	now  func() time.Time
}

var (
	_ plugin.Resource[model.Agent] = (*Plugin)(nil)
	_ journal.HostSink             = (*Plugin)(nil)
)

// New returns the collection of the hosts in the database. One of which there was no news for the time down is not alive.
func New(db *store.DB, down time.Duration) *Plugin { return &Plugin{db, down, time.Now} }

// SetHosts implements journal.HostSink.
func (p *Plugin) SetHosts(ctx context.Context, hosts []journal.Host) error {
	now := model.At(p.now())
	rows := make([]*store.Host, len(hosts))
	for i, h := range hosts {
		hostID, err := id.Parse[model.Agent](h.ID)
		if err != nil {
			return err
		}
		rows[i] = &store.Host{ID: hostID, Name: h.Name, Zone: h.Zone, Endpoints: h.Endpoints, Alive: h.Alive, Version: h.Version,
			StartedAt: model.At(h.StartedAt), SeenAt: now}
	}
	return p.db.Tx(ctx, func(tx *store.Tx) error { return store.SetHosts(tx, rows, now) })
}

// all returns every agent, by the names of the hosts: each host as itself, and as a DHCP agent.
func (p *Plugin) all(ctx context.Context) ([]*model.Agent, error) {
	hosts, err := store.ReadOne(ctx, p.db, store.Hosts)
	var agents []*model.Agent
	for _, h := range hosts {
		host := agentOf(h, h.Alive && p.now().Sub(h.SeenAt.Time) < p.down)
		agents = append(agents, host, dhcpAgentOf(host))
	}
	return agents, err
}

// agentOf is a host as an agent.
func agentOf(h *store.Host, alive bool) *model.Agent {
	a := &model.Agent{ID: h.ID, Type: "Midonet Agent", Binary: "midolman", Host: h.Name, AdminStateUp: true, Alive: alive}
	if h.Zone != "" {
		a.Zone = &h.Zone
	}
	configuration := struct {
		Version   string       `json:"version,omitempty"`
		Endpoints []netip.Addr `json:"tunnel_endpoints,omitempty"`
	}{Endpoints: h.Endpoints}
	if h.Alive {
		configuration.Version = h.Version
		started, heartbeat := timeText(h.StartedAt), timeText(h.SeenAt)
		a.StartedAt, a.HeartbeatAt = &started, &heartbeat
	}
	raw, err := json.Marshal(configuration)
	if err != nil { // texts and addresses have a JSON form
		panic(err)
	}
	a.Configurations = raw
	return a
}

// timeText is a time as agents show it.
func timeText(t model.Time) string { return t.UTC().Format(time.DateTime) }

// Create returns plugin.ErrNoMethod: agents report themselves.
func (p *Plugin) Create(context.Context, *auth.Caller, []plugin.Body[model.Agent]) ([]*model.Agent, error) {
	return nil, plugin.ErrNoMethod
}

// Get returns a host.
func (p *Plugin) Get(ctx context.Context, _ *auth.Caller, agentID string) (*model.Agent, error) {
	agents, err := p.all(ctx)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(agents, func(a *model.Agent) bool { return a.ID.String() == agentID })
	if at < 0 {
		return nil, notFound(agentID)
	}
	return agents[at], nil
}

// List returns the hosts that match.
func (p *Plugin) List(ctx context.Context, _ *auth.Caller, q plugin.Query) ([]*model.Agent, error) {
	agents, err := p.all(ctx)
	if err != nil {
		return nil, err
	}
	found, err := plugin.Select(agents, q, "id")
	if errors.Is(err, plugin.ErrUnknownMarker) {
		err = notFound(q.Marker)
	}
	return found, err
}

// Update refuses: there is nothing that a host would do otherwise.
func (p *Plugin) Update(ctx context.Context, c *auth.Caller, agentID string, _ plugin.Body[model.Agent]) (*model.Agent, error) {
	return nil, p.unchanged(ctx, c, agentID)
}

// Delete refuses: a host that is alive would be there again at once.
func (p *Plugin) Delete(ctx context.Context, c *auth.Caller, agentID string) error {
	return p.unchanged(ctx, c, agentID)
}

func (p *Plugin) unchanged(ctx context.Context, c *auth.Caller, agentID string) error {
	if _, err := p.Get(ctx, c, agentID); err != nil {
		return err
	}
	return errs.New(errs.Unsupported, "NotImplementedError",
		"Agent %s is a host of MidoNet, which is neither changed nor deleted as an agent. Use the MidoNet API.", agentID)
}

func notFound(agentID string) error {
	return errs.New(errs.NotFound, "AgentNotFound", "Agent %s could not be found.", agentID)
}
