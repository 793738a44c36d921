package ml2

import (
	"slices"

	"midonet.org/midonet/neutron/apidef"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/store"
)

// secureNewPort settles which groups a new port is in and which address pairs it may use, and stores them
// (_portsec_ext_port_create_processing). The port's row is there by now.
func (r *request) secureNewPort(p *model.Port, body plugin.Body[model.Port]) error {
	if err := r.settlePairs(p, body.Value.AllowedAddressPairs); err != nil {
		return err
	}
	p.SecurityGroups = []model.SecurityGroupID{}
	if err := store.InsertAddressPairs(r.tx, p); err != nil {
		return err
	}
	return nil
}

// portSecurityOf is whether a new port is filtered: what the request says, by default what the network says; the network's own
// services are trusted (_determine_port_security).
func portSecurityOf(body plugin.Body[model.Port], network store.PortNetwork) bool {
	switch {
	case ownedByNetwork(&body.Value):
		return false
	case body.Has("port_security_enabled"):
		return body.Value.PortSecurityEnabled
	}
	return network.PortSecurity
}

// settlePairs gives a port the address pairs that a request asks for. A pair without a MAC address gets the port's.
func (r *request) settlePairs(p *model.Port, pairs []model.AddressPair) error {
	if len(pairs) > 0 && !p.PortSecurityEnabled {
		return pairsNeedSecurity()
	}
	if len(pairs) > r.cfg.MaxAllowedAddressPair {
		return tooManyPairs(r.cfg.MaxAllowedAddressPair)
	}
	p.AllowedAddressPairs = []model.AddressPair{}
	for _, pair := range pairs {
		if pair.MACAddress.IsZero() {
			pair.MACAddress = p.MACAddress
		}
		if slices.Contains(p.AllowedAddressPairs, pair) {
			return apidef.DuplicateAddressPair(pair.MACAddress.String(), pair.AddressText())
		}
		p.AllowedAddressPairs = append(p.AllowedAddressPairs, pair)
	}
	return nil
}

// resecure applies a change of what a port lets through (_portsec_ext_port_update_processing). A port that is not filtered has neither
// groups nor address pairs.
func (r *request) resecure(p *model.Port, body plugin.Body[model.Port]) error {
	v := body.Value
	set(body.Has("port_security_enabled"), &p.PortSecurityEnabled, v.PortSecurityEnabled)
	if err := checkUnfiltered(p, body); err != nil {
		return err
	}
	if body.Has("allowed_address_pairs") {
		if err := r.changePairs(p, v.AllowedAddressPairs); err != nil {
			return err
		}
	}
	return nil
}

// checkUnfiltered checks the request for a port that is not to be filtered.
func checkUnfiltered(p *model.Port, body plugin.Body[model.Port]) error {
	if p.PortSecurityEnabled {
		return nil
	}
	pairs, groups := p.AllowedAddressPairs, p.SecurityGroups
	set(body.Has("allowed_address_pairs"), &pairs, body.Value.AllowedAddressPairs)
	asksGroups := body.Has("security_groups")
	set(asksGroups, &groups, body.Value.SecurityGroups)
	switch {
	case len(pairs) > 0:
		return pairsNeedSecurity()
	case len(groups) > 0 && asksGroups:
		return groupsNeedSecurity()
	case len(groups) > 0:
		return portHasGroups()
	}
	return nil
}

func (r *request) changePairs(p *model.Port, pairs []model.AddressPair) error {
	if err := r.settlePairs(p, pairs); err != nil {
		return err
	}
	return store.SetAddressPairs(r.tx, p)
}
