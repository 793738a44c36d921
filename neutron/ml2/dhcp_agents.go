package ml2

import (
	"context"
	"slices"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/store"
)

// AnswersDHCP reports whether a host answers the DHCP requests that come from its ports on a network. Every host does unless it was taken
// away from it; on a network of type uplink there are no workloads that could ask.
func AnswersDHCP(host model.AgentID, n *model.Network) bool {
	return n.NetworkType != typeUplink && !slices.Contains(n.DHCPSilences, host)
}

// NetworksAnswered returns the networks whose DHCP requests a host answers.
func (p *Plugin) NetworksAnswered(ctx context.Context, host model.AgentID) ([]*model.Network, error) {
	all, err := store.Read(ctx, p.db, func(q store.Querier) ([]*model.Network, error) {
		return store.ListNetworks(q, store.Scope{}, plugin.Query{})
	})
	return slices.DeleteFunc(all, func(n *model.Network) bool { return !AnswersDHCP(host, n) }), err
}

// SetAnswersDHCP has a host answer the DHCP requests of a network, or no longer, and reports whether it did otherwise before.
func (p *Plugin) SetAnswersDHCP(ctx context.Context, c *auth.Caller, host model.AgentID, networkID string, answers bool) (bool, error) {
	return changed(ctx, p, c, func(r *request) (bool, error) {
		n, err := r.changeableNetwork(networkID)
		switch {
		case err == nil && n.NetworkType == typeUplink && answers:
			return false, errs.New(errs.Conflict, "NetworkWithoutDHCP", "The network %s is of type uplink, on which there is nobody who asks for an address.", n.ID)
		case err != nil || AnswersDHCP(host, n) == answers:
			return false, err
		}
		set := store.InsertDHCPSilence
		if answers {
			set = store.DeleteDHCPSilence
		}
		if err := set(r.tx, n.ID, host); err != nil {
			return false, err
		}
		if n, err = store.Network(r.tx, networkID, ScopeOf(r.caller)); err != nil {
			return false, err
		}
		return true, r.recordNetwork(n)
	})
}
