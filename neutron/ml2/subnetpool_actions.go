package ml2

import (
	"context"
	"encoding/json"
	"net/netip"
	"slices"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/store"
)

// poolPrefixes is the request and the answer of the operations on prefixes.
type poolPrefixes struct {
	Prefixes []netip.Prefix `json:"prefixes"`
}

// AddPrefixes adds to the prefixes of a subnet pool (extension subnetpool-prefix-ops).
func (p *Plugin) AddPrefixes(ctx context.Context, c *auth.Caller, poolID string, body json.RawMessage) (any, error) {
	return p.changePrefixes(ctx, c, poolID, body, func(r *request, pool *model.SubnetPool, more []netip.Prefix) error {
		wanted := model.SubnetPool{Prefixes: append(slices.Clone(pool.Prefixes), more...)}
		return r.updatePool(pool, plugin.Body[model.SubnetPool]{Value: wanted, Given: map[string]bool{"prefixes": true}})
	})
}

// RemovePrefixes takes prefixes from a subnet pool that no subnet is from; what the pool does not have does not matter.
func (p *Plugin) RemovePrefixes(ctx context.Context, c *auth.Caller, poolID string, body json.RawMessage) (any, error) {
	return p.changePrefixes(ctx, c, poolID, body, (*request).removePrefixes)
}

func (r *request) removePrefixes(pool *model.SubnetPool, unwanted []netip.Prefix) error {
	unwanted = slices.DeleteFunc(unwanted, func(p netip.Prefix) bool { return versionOf(p.Addr()) != pool.IPVersion })
	left := spansWithout(spansOf(pool.Prefixes), spansOf(unwanted))
	if slices.Equal(left, spansOf(pool.Prefixes)) {
		return nil
	}
	taken, err := store.AllocationsOf(r.tx, pool.ID)
	if err != nil {
		return err
	}
	for _, a := range taken {
		if slices.ContainsFunc(unwanted, a.CIDR.Overlaps) {
			return illegalPrefixUpdate("One or more the prefixes to be removed is in use by a subnet.")
		}
	}
	pool.Prefixes = prefixesOf(left)
	return r.savePool(pool)
}

func (p *Plugin) changePrefixes(ctx context.Context, c *auth.Caller, poolID string, body json.RawMessage,
	change func(*request, *model.SubnetPool, []netip.Prefix) error) (any, error) {
	given, err := readPrefixes(body)
	if err != nil {
		return nil, err
	}
	var out poolPrefixes
	err = p.change(ctx, c, func(r *request) error {
		pool, err := r.changeablePool(poolID)
		if err != nil {
			return err
		}
		if err := change(r, pool, slices.Clone(given)); err != nil {
			return err
		}
		out.Prefixes = pool.Prefixes
		return nil
	})
	return out, err
}

// readPrefixes reads a list of at least one prefix (get_operation_request_body).
func readPrefixes(body json.RawMessage) ([]netip.Prefix, error) {
	var list struct {
		Prefixes []string `json:"prefixes"`
	}
	if json.Unmarshal(body, &list) != nil || len(list.Prefixes) == 0 {
		return nil, errs.New(errs.Invalid, "HTTPBadRequest", "Request body contains invalid data")
	}
	prefixes := make([]netip.Prefix, len(list.Prefixes))
	for i, text := range list.Prefixes {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, errs.New(errs.Invalid, "AddrFormatError", "invalid IPNetwork %s", text)
		}
		prefixes[i] = p.Masked()
	}
	return prefixes, nil
}

// onboarded is a subnet that has become one of a pool's.
type onboarded struct {
	ID   model.SubnetID `json:"id"`
	CIDR netip.Prefix   `json:"cidr"`
}

// OnboardNetworkSubnets makes the subnets of a network, of the pool's IP version, subnets of the pool, which gets their ranges (extension
// subnet_onboard). Only the network's owner and administrators may.
func (p *Plugin) OnboardNetworkSubnets(ctx context.Context, c *auth.Caller, poolID string, body json.RawMessage) (any, error) {
	var given struct {
		NetworkID string `json:"network_id"`
	}
	if json.Unmarshal(body, &given) != nil || given.NetworkID == "" {
		return nil, invalidInput("network_id must be specified.")
	}
	var out []onboarded
	err := p.change(ctx, c, func(r *request) (err error) {
		out, err = r.onboard(poolID, given.NetworkID)
		return err
	})
	return out, err
}

func (r *request) onboard(poolID, networkID string) ([]onboarded, error) {
	network, err := r.changeableNetwork(networkID) // before the pool, as whoever creates a subnet
	if err != nil {
		return nil, err
	}
	if !r.caller.Admin && network.ProjectID != r.caller.ProjectID {
		return nil, errs.New(errs.Forbidden, "NotAuthorized", "Not authorized.")
	}
	pool, err := r.changeablePool(poolID)
	if err != nil {
		return nil, err
	}
	subnets, err := store.SubnetsOf(r.tx, network.ID)
	if err != nil {
		return nil, err
	}
	subnets = slices.DeleteFunc(subnets, func(s *model.Subnet) bool { return s.IPVersion != pool.IPVersion })
	if err := r.addRanges(pool, subnets); err != nil {
		return nil, err
	}
	return r.moveToPool(subnets, pool)
}

// addRanges gives a pool the ranges of subnets that are to be its own.
func (r *request) addRanges(pool *model.SubnetPool, subnets []*model.Subnet) error {
	taken, err := store.AllocationsOf(r.tx, pool.ID)
	if err != nil {
		return err
	}
	wanted := slices.Clone(pool.Prefixes)
	for _, s := range subnets {
		if slices.ContainsFunc(taken, func(a *store.Allocation) bool { return a.CIDR.Overlaps(s.CIDR) }) {
			return illegalPoolUpdate("Onboarding subnet %s: %s conflicts with allocated prefixes in subnet pool %s", s.ID, s.CIDR, pool.ID)
		}
		wanted = append(wanted, s.CIDR)
	}
	return r.updatePool(pool, plugin.Body[model.SubnetPool]{
		Value: model.SubnetPool{Prefixes: wanted}, Given: map[string]bool{"prefixes": true}})
}

func (r *request) moveToPool(subnets []*model.Subnet, pool *model.SubnetPool) ([]onboarded, error) {
	moved := []onboarded{}
	for _, s := range subnets {
		s.SubnetPoolID, s.UpdatedAt = pool.ID, r.now
		if err := store.UpdateSubnet(r.tx, s); err != nil {
			return nil, err
		}
		if err := r.record(journal.Update, journal.Subnet, s.ID.String(), s.ProjectID, s); err != nil {
			return nil, err
		}
		if err := store.TouchNetwork(r.tx, s.NetworkID, r.now); err != nil {
			return nil, err
		}
		moved = append(moved, onboarded{s.ID, s.CIDR})
	}
	return moved, nil
}
