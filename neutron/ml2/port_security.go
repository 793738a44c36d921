package ml2

import (
	"slices"
	"strings"

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
	if err := store.InsertAddressPairs(r.tx, p); err != nil {
		return err
	}
	if err := r.settleGroups(p, body); err != nil {
		return err
	}
	return goneMeanwhile(store.InsertSecurityGroupsOf(r.tx, p))
}

// goneMeanwhile has the transaction run again where a group has gone since it was looked for.
func goneMeanwhile(err error) error {
	if store.Violates(err, store.Reference) {
		return store.ErrStale
	}
	return err
}

// settleGroups gives a new port the groups that the request asks for, or the default one of its project.
func (r *request) settleGroups(p *model.Port, body plugin.Body[model.Port]) (err error) {
	asked := body.Value.SecurityGroups
	p.SecurityGroups = []model.SecurityGroupID{}
	switch {
	case !p.PortSecurityEnabled && len(asked) > 0:
		return groupsNeedSecurity()
	case !p.PortSecurityEnabled:
		return nil
	case body.Has("security_groups"):
		p.SecurityGroups, err = r.groupsForPort(asked, store.Scope{Project: p.ProjectID, Restricted: !r.caller.Admin})
		return err
	}
	group, err := r.ensureDefaultGroup(p.ProjectID)
	if err == nil && !group.IsZero() {
		p.SecurityGroups = append(p.SecurityGroups, group)
	}
	return err
}

// groupsForPort returns the groups by identifier. Those that scope does not see do not exist (_get_security_groups_on_port).
func (r *request) groupsForPort(asked []model.SecurityGroupID, scope store.Scope) ([]model.SecurityGroupID, error) {
	groups := append([]model.SecurityGroupID{}, asked...)
	if len(groups) == 0 {
		return groups, nil
	}
	stateful, err := store.Stateful(r.tx, groups, scope)
	if err != nil {
		return nil, err
	}
	var missing []string
	for _, g := range groups {
		if _, ok := stateful[g]; !ok {
			missing = append(missing, g.String())
		}
		if stateful[g] != stateful[groups[0]] && len(missing) == 0 {
			err = mixedGroups()
		}
	}
	if len(missing) > 0 {
		return nil, apidef.SecurityGroupNotFound(strings.Join(missing, ", "))
	}
	slices.SortFunc(groups, func(a, b model.SecurityGroupID) int { return strings.Compare(a.String(), b.String()) })
	return groups, err
}

// portSecurityOf is whether a new port is filtered: what the request says, by default what the network says; the network's own
// services are trusted (_determine_port_security).
func portSecurityOf(body plugin.Body[model.Port], network *store.PlannedNetwork) bool {
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
	if body.Has("security_groups") {
		return r.changeGroups(p, v.SecurityGroups)
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

// changeGroups makes a port a member of the groups that a request asks for. Where those are the ones that it is in, the caller need not
// see them.
func (r *request) changeGroups(p *model.Port, asked []model.SecurityGroupID) error {
	if sameGroups(asked, p.SecurityGroups) {
		return nil
	}
	groups, err := r.groupsForPort(asked, ScopeOf(r.caller))
	if err != nil {
		return err
	}
	p.SecurityGroups = groups
	return goneMeanwhile(store.SetSecurityGroups(r.tx, p))
}

func (r *request) changePairs(p *model.Port, pairs []model.AddressPair) error {
	if err := r.settlePairs(p, pairs); err != nil {
		return err
	}
	return store.SetAddressPairs(r.tx, p)
}

// sameGroups reports whether two lists without duplicates have the same groups.
func sameGroups(a, b []model.SecurityGroupID) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(g model.SecurityGroupID) bool { return !slices.Contains(b, g) })
}
