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
func (p *Plugin) SetHosts(ctx context.Context, hosts []journal.Host) (deleted []string, err error) {
	now := model.At(p.now())
	rows := make([]*store.Host, len(hosts))
	for i, h := range hosts {
		hostID, err := id.Parse[model.Agent](h.ID)
		if err != nil {
			return nil, err
		}
		rows[i] = &store.Host{ID: hostID, Name: h.Name, Zone: h.Zone, Endpoints: h.Endpoints, Alive: h.Alive, Version: h.Version,
			StartedAt: model.At(h.StartedAt), SeenAt: now}
	}
	err = p.db.Tx(ctx, func(tx *store.Tx) (err error) {
		if err := store.SetHosts(tx, rows, now); err != nil {
			return err
		}
		deleted, err = settle(tx, rows)
		return err
	})
	return deleted, err
}

// settle has what operators have said of agents follow what has become of their hosts: deleted agents are back with a host that is alive, and
// nothing is kept of those of hosts that are no more. It returns the hosts that are deleted still.
func settle(tx *store.Tx, hosts []*store.Host) (deleted []string, err error) {
	all, err := store.ListAgentSettings(tx)
	if err != nil {
		return nil, err
	}
	for _, s := range all {
		at := slices.IndexFunc(hosts, func(h *store.Host) bool { return h.ID == s.Host })
		switch {
		case at < 0 || s.Deleted && hosts[at].Alive:
			err = store.DeleteAgentSettings(tx, s.ID)
		case s.Deleted && s.ID == s.Host:
			deleted = append(deleted, s.Host.String())
		}
		if err != nil {
			return nil, err
		}
	}
	return deleted, nil
}

// all returns every agent, by the names of the hosts: each host as itself, and as a DHCP agent.
func (p *Plugin) all(ctx context.Context) ([]*model.Agent, error) {
	sides, err := store.Read(ctx, p.db, p.sides)
	agents := make([]*model.Agent, len(sides))
	for i, s := range sides {
		agents[i] = s.Agent
	}
	return agents, err
}

// side is an agent, and the host that it is a side of.
type side struct {
	*model.Agent
	host model.AgentID
}

// settings is the agent as what is said of it is kept.
func (s side) settings() *store.AgentSettings {
	return &store.AgentSettings{ID: s.ID, Host: s.host, AdminStateUp: s.AdminStateUp, Description: s.Description}
}

// sides returns every agent that is not deleted.
func (p *Plugin) sides(q store.Querier) ([]side, error) {
	hosts, err := store.Hosts(q)
	if err != nil {
		return nil, err
	}
	settings, err := store.ListAgentSettings(q)
	if err != nil {
		return nil, err
	}
	said := make(map[model.AgentID]*store.AgentSettings, len(settings))
	for _, s := range settings {
		said[s.ID] = s
	}
	var sides []side
	for _, h := range hosts {
		host := agentOf(h, h.Alive && p.now().Sub(h.SeenAt.Time) < p.down)
		for _, a := range []*model.Agent{host, dhcpAgentOf(host)} {
			s := said[a.ID]
			if s != nil && s.Deleted {
				continue
			}
			if s != nil {
				a.AdminStateUp, a.Description = s.AdminStateUp, s.Description
			}
			sides = append(sides, side{a, h.ID})
		}
	}
	return sides, nil
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

// Get returns an agent.
func (p *Plugin) Get(ctx context.Context, _ *auth.Caller, agentID string) (*model.Agent, error) {
	s, err := store.Read(ctx, p.db, func(q store.Querier) (side, error) { return p.find(q, agentID) })
	return s.Agent, err
}

// find returns the agent, or AgentNotFound.
func (p *Plugin) find(q store.Querier, agentID string) (side, error) {
	sides, err := p.sides(q)
	if err != nil {
		return side{}, err
	}
	at := slices.IndexFunc(sides, func(s side) bool { return s.ID.String() == agentID })
	if at < 0 {
		return side{}, notFound(agentID)
	}
	return sides[at], nil
}

// List returns the agents that match.
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

// Update keeps an agent's description, and its state, by which Neutron chooses the DHCP agents that it puts networks on. Here a host answers
// for all of them, and is to go on: a DHCP agent cannot be switched off as a whole.
func (p *Plugin) Update(ctx context.Context, _ *auth.Caller, agentID string, body plugin.Body[model.Agent]) (*model.Agent, error) {
	var changed side
	err := p.db.Tx(ctx, func(tx *store.Tx) (err error) {
		if changed, err = p.find(tx, agentID); err != nil {
			return err
		}
		if body.Has("admin_state_up") {
			changed.AdminStateUp = body.Value.AdminStateUp
		}
		if body.Has("description") {
			changed.Description = body.Value.Description
		}
		if changed.Type == dhcpType && !changed.AdminStateUp {
			return errs.New(errs.Unsupported, "NotImplementedError",
				"DHCP agent %s is a host of MidoNet, which answers its own ports alone. Take networks from it one by one.", agentID)
		}
		return store.SetAgentSettings(tx, changed.settings())
	})
	return changed.Agent, err
}

// Delete hides the agent until its host is alive.
func (p *Plugin) Delete(ctx context.Context, _ *auth.Caller, agentID string) error {
	return p.db.Tx(ctx, func(tx *store.Tx) error {
		s, err := p.find(tx, agentID)
		if err != nil {
			return err
		}
		deleted := s.settings()
		deleted.Deleted = true
		return store.SetAgentSettings(tx, deleted)
	})
}

func notFound(agentID string) error {
	return errs.New(errs.NotFound, "AgentNotFound", "Agent %s could not be found.", agentID)
}
