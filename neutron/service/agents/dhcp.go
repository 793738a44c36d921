package agents

import (
	"context"
	"encoding/json"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/ml2"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/store"
)

// Every host answers the DHCP requests of its own ports, and so is a DHCP agent that has every network: extension dhcp_agent_scheduler. One
// that a network is taken from does not answer that network's requests any more, until it is given back.

// dhcpType is what Neutron and its clients call such an agent.
const dhcpType = "DHCP agent"

// dhcpAgentID is the identifier of a host as a DHCP agent, beside that of the host itself.
func dhcpAgentID(host model.AgentID) model.AgentID { return id.Derive[model.Agent](host, "dhcp agent") }

// dhcpAgentOf is a host as a DHCP agent.
func dhcpAgentOf(host *model.Agent) *model.Agent {
	a := *host
	a.ID, a.Type, a.Topic = dhcpAgentID(host.ID), dhcpType, "dhcp_agent"
	return &a
}

// hostOf returns the host of a DHCP agent: AgentNotFound where there is no agent, InvalidDHCPAgent where it is another.
func (p *Plugin) hostOf(ctx context.Context, agentID string) (model.AgentID, error) {
	s, err := store.Read(ctx, p.db, func(q store.Querier) (side, error) { return p.find(q, agentID) })
	if err == nil && s.Type != dhcpType {
		err = errs.New(errs.NotFound, "InvalidDHCPAgent", "Agent %s is not a valid DHCP Agent or has been disabled", agentID)
	}
	return s.host, err
}

// DHCPNetworks are the networks whose DHCP requests an agent's host answers.
type DHCPNetworks struct {
	Agents *Plugin
	Core   *ml2.Plugin
}

var _ plugin.Association[model.Network] = DHCPNetworks{}

// List implements plugin.Association. An agent of another kind has no networks, as in Neutron.
func (d DHCPNetworks) List(ctx context.Context, _ *auth.Caller, agentID string) ([]*model.Network, error) {
	host, err := d.Agents.hostOf(ctx, agentID)
	if errs.Is(err, errs.NotFound) && !host.IsZero() {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return d.Core.NetworksAnswered(ctx, host)
}

// Add implements plugin.Association: the body has the network's identifier as network_id.
func (d DHCPNetworks) Add(ctx context.Context, c *auth.Caller, agentID string, body json.RawMessage) error {
	var asked struct {
		NetworkID string `json:"network_id"`
	}
	if err := json.Unmarshal(body, &asked); err != nil || asked.NetworkID == "" {
		return errs.New(errs.Invalid, "HTTPBadRequest", "Failed to parse request. Required attribute 'network_id' not specified")
	}
	host, err := d.Agents.hostOf(ctx, agentID)
	if err != nil {
		return err
	}
	new, err := d.Core.SetAnswersDHCP(ctx, c, host, asked.NetworkID, true)
	if err == nil && !new {
		err = errs.New(errs.Conflict, "NetworkHostedByDHCPAgent", "The network %s has been already hosted by the DHCP Agent %s.",
			asked.NetworkID, agentID)
	}
	return err
}

// Remove implements plugin.Association.
func (d DHCPNetworks) Remove(ctx context.Context, c *auth.Caller, agentID, networkID string) error {
	host, err := d.Agents.hostOf(ctx, agentID)
	if err != nil {
		return err
	}
	new, err := d.Core.SetAnswersDHCP(ctx, c, host, networkID, false)
	if errs.Is(err, errs.NotFound) || err == nil && !new {
		err = errs.New(errs.Conflict, "NetworkNotHostedByDhcpAgent", "The network %s is not hosted by the DHCP agent %s.", networkID, agentID)
	}
	return err
}

// DHCPAgents are the agents whose hosts answer the DHCP requests of a network.
type DHCPAgents struct {
	Agents *Plugin
	Core   *ml2.Plugin
}

var _ plugin.Association[model.Agent] = DHCPAgents{}

// List implements plugin.Association. An unknown network has no agents, as in Neutron.
func (d DHCPAgents) List(ctx context.Context, c *auth.Caller, networkID string) ([]*model.Agent, error) {
	network, err := d.Core.Networks().Get(ctx, c, networkID)
	if errs.Is(err, errs.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	all, err := store.Read(ctx, d.Agents.db, d.Agents.sides)
	var answering []*model.Agent
	for _, s := range all {
		if s.Type == dhcpType && ml2.AnswersDHCP(s.host, network) {
			answering = append(answering, s.Agent)
		}
	}
	return answering, err
}

// Add returns plugin.ErrNoMethod: networks are given to agents.
func (DHCPAgents) Add(context.Context, *auth.Caller, string, json.RawMessage) error {
	return plugin.ErrNoMethod
}

// Remove returns plugin.ErrNoMethod.
func (DHCPAgents) Remove(context.Context, *auth.Caller, string, string) error {
	return plugin.ErrNoMethod
}
