package run

import (
	"time"

	"midonet.org/midonet/neutron/api"
	"midonet.org/midonet/neutron/apidef"
	"midonet.org/midonet/neutron/service/agents"
)

// registerAgents adds the hosts as agents, and the zones that they are in.
func (s *server) registerAgents(h *api.Server) {
	api.Register(h, apidef.Agents(), s.hostAgents())
	api.Register(h, apidef.AvailabilityZones(), agents.NewZones(s.db))
}

// hostAgents are the hosts as Neutron shows them.
func (s *server) hostAgents() *agents.Plugin {
	return agents.New(s.db, time.Duration(s.options.AgentDownTime)*time.Second)
}
