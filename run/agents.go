package run

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"time"

	"midonet.org/midonet/cluster/nsdb/mirror"
	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/api"
	"midonet.org/midonet/neutron/apidef"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/service/agents"
	"midonet.org/midonet/topology"
)

// registerAgents adds the hosts as agents, and the zones that the configuration names.
func (s *server) registerAgents(h *api.Server) {
	if !s.APIOnly {
		api.Register(h, apidef.Agents(), agents.New(func() []*model.Agent { return agentsOf(s.mirror.State(), time.Now()) }))
	}
	api.Register(h, apidef.AvailabilityZones(), agents.NewZones(s.options.AvailabilityZones))
}

// agentsOf returns the hosts as Neutron's agents, by name.
func agentsOf(state *mirror.State, now time.Time) []*model.Agent {
	var all []*model.Agent
	for o := range state.ByKind(topology.KindHost) {
		host := o.(*topology.Host)
		alive, _ := state.Get(topology.Key{Kind: topology.KindHostState, ID: host.ID}).(*topology.HostState)
		all = append(all, agentOf(host, alive, now))
	}
	slices.SortFunc(all, func(a, b *model.Agent) int { return strings.Compare(a.Host, b.Host) })
	return all
}

// agentOf is a host with its state, which is nil while its agent is away.
func agentOf(host *topology.Host, state *topology.HostState, now time.Time) *model.Agent {
	a := &model.Agent{ID: id.ID[model.Agent](host.ID), Type: "Midonet Agent", Binary: "midolman", Host: host.Name, AdminStateUp: true}
	configuration := struct {
		Version   string       `json:"version,omitempty"`
		Endpoints []netip.Addr `json:"tunnel_endpoints,omitempty"`
	}{Endpoints: host.Endpoints}
	if state != nil {
		a.Alive, configuration.Version = true, state.Version
		started, heartbeat := neutronTime(time.Unix(state.StartedUnix, 0)), neutronTime(now)
		a.StartedAt, a.HeartbeatAt = &started, &heartbeat
	}
	raw, err := json.Marshal(configuration)
	if err != nil { // texts and addresses have a JSON form
		panic(err)
	}
	a.Configurations = raw
	return a
}

// neutronTime is a time as agents show it.
func neutronTime(t time.Time) string { return t.UTC().Format(time.DateTime) }
