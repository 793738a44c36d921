package run

import (
	"time"

	"midonet.org/midonet/neutron/api"
	"midonet.org/midonet/neutron/apidef"
	"midonet.org/midonet/neutron/service/agents"
)

// registerAgents adds the hosts as agents, and the zones that they are in.
func (s *server) registerAgents(h *api.Server) {
	hosts, networks, listed := s.hostAgents(), s.defined(apidef.Networks()), apidef.Agents()
	api.Register(h, listed, hosts)
	api.RegisterAssociation(h, listed, networks, "dhcp-networks", agents.DHCPNetworks{Agents: hosts, Core: s.plugin})
	api.RegisterAssociation(h, networks, listed, "dhcp-agents", agents.DHCPAgents{Agents: hosts, Core: s.plugin})
	if offers(s.options, "availability_zone") {
		api.Register(h, apidef.AvailabilityZones(), agents.NewZones(s.db))
	}
}

// hostAgents are the hosts as Neutron shows them.
func (s *server) hostAgents() *agents.Plugin {
	return agents.New(s.db, time.Duration(s.options.AgentDownTime)*time.Second)
}
