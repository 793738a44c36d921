package ml2

import (
	"net/netip"
	"slices"

	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/store"
)

// choosePool settles which pool a new subnet is from, if any (_get_subnetpool_id and _create_subnet_precommit).
func (r *request) choosePool(s *model.Subnet) error {
	switch {
	case s.CIDR.IsValid() && s.PrefixLen != nil:
		return badRequest("subnets", "cidr and prefixlen must not be supplied together")
	case s.UseDefaultPool && !s.SubnetPoolID.IsZero():
		return badRequest("subnets", "subnetpool_id and use_default_subnetpool cannot both be specified")
	case s.UseDefaultPool:
		version := s.IPVersion
		if s.CIDR.IsValid() { // says it before the version does
			version = versionOf(s.CIDR.Addr())
		}
		pool, err := store.DefaultSubnetPool(r.tx, version, ScopeOf(r.caller))
		if err != nil {
			return store.NotFoundAs(err, badRequest("subnets", "No default subnetpool found for IPv%d", version))
		}
		s.SubnetPoolID = pool.ID
	}
	if !s.SubnetPoolID.IsZero() && !s.CIDR.IsValid() && s.AllocationPools != nil {
		return badRequest("subnets", "allocation_pools allowed only for specific subnet requests.")
	}
	return nil
}

// takeRange gives a new subnet its range from its pool: the one that it names, the one of its gateway, or any. It returns the pool, nil
// where there is none.
func (r *request) takeRange(s *model.Subnet, body plugin.Body[model.Subnet]) (*model.SubnetPool, error) {
	if s.SubnetPoolID.IsZero() {
		return nil, nil
	}
	pool, err := r.changeablePool(s.SubnetPoolID.String())
	if err != nil {
		return nil, err
	}
	if s.IPVersion != pool.IPVersion {
		return nil, badRequest("subnets", "Cannot allocate IPv%d subnet from IPv%d subnet pool", s.IPVersion, pool.IPVersion)
	}
	bits := rangeLength(s, pool)
	if err := checkLength(bits, pool); err != nil {
		return nil, err
	}
	anyRange := !s.CIDR.IsValid() && !s.GatewayIP.IsValid()
	if s.CIDR.IsValid() || s.GatewayIP.IsValid() {
		s.CIDR = namedRange(s, bits)
	}
	if err := r.allocateRange(s, pool, bits); err != nil {
		return nil, err
	}
	if anyRange { // whoever leaves the range open cannot do without a gateway, which is the second address in IPv6, too
		s.GatewayIP = s.CIDR.Addr().Next()
	}
	return pool, r.checkSubnet(s, nil, body)
}

// rangeLength is the prefix length that a new subnet asks for.
func rangeLength(s *model.Subnet, pool *model.SubnetPool) int {
	switch {
	case s.CIDR.IsValid():
		return s.CIDR.Bits()
	case s.PrefixLen != nil:
		return *s.PrefixLen
	}
	return int(pool.DefaultPrefixLen)
}

// namedRange is the range that a new subnet names itself, or by its gateway.
func namedRange(s *model.Subnet, bits int) netip.Prefix {
	if s.CIDR.IsValid() {
		return s.CIDR.Masked()
	}
	return netip.PrefixFrom(s.GatewayIP, bits).Masked()
}

// checkAffinity keeps the subnets of one version on a network in one address scope, or else from one pool, or all without
// (_validate_network_subnetpools).
func (r *request) checkAffinity(s *model.Subnet, pool *model.SubnetPool, others []*model.Subnet) error {
	if pool != nil && len(others) > 0 {
		scope, err := r.addressScope(s)
		if err != nil {
			return err
		}
		if !scope.IsZero() {
			if pool.AddressScopeID != scope {
				return scopeAffinity()
			}
			return nil
		}
	}
	if slices.ContainsFunc(others, func(o *model.Subnet) bool {
		return o.IPVersion == s.IPVersion && o.SubnetPoolID != s.SubnetPoolID
	}) {
		return poolAffinity()
	}
	return nil
}

// addressScope returns the scope that the network of a new subnet has for its version, the zero identifier where it has none.
func (r *request) addressScope(s *model.Subnet) (model.AddressScopeID, error) {
	network, err := store.Network(r.tx, s.NetworkID.String(), store.Scope{})
	if err != nil {
		return model.AddressScopeID{}, err
	}
	if s.IPVersion == 6 {
		return network.IPv6AddressScope, nil
	}
	return network.IPv4AddressScope, nil
}

// allocateRange takes the range of a new subnet, or any range of that prefix length where it names none, from its pool, which is locked:
// two requests do not get the same (SubnetAllocator).
func (r *request) allocateRange(s *model.Subnet, p *model.SubnetPool, bits int) error {
	taken, err := store.AllocationsOf(r.tx, p.ID)
	if err != nil {
		return err
	}
	if err := checkPoolQuota(s, bits, p, taken); err != nil {
		return err
	}
	free := freeRanges(p, taken)
	if !s.CIDR.IsValid() {
		i := slices.IndexFunc(free, func(f netip.Prefix) bool { return f.Bits() <= bits })
		if i < 0 {
			return allocationFailed("Insufficient prefix space to allocate subnet size /%d", bits)
		}
		s.CIDR = netip.PrefixFrom(free[i].Addr(), bits)
		return nil
	}
	if !slices.ContainsFunc(free, func(f netip.Prefix) bool { return f.Bits() <= bits && f.Contains(s.CIDR.Addr()) }) {
		return allocationFailed("Cannot allocate requested subnet from the available set of prefixes")
	}
	return nil
}

// checkLength holds the prefix of a new subnet to the pool's bounds.
func checkLength(bits int, p *model.SubnetPool) error {
	switch length := model.PrefixLen(bits); {
	case length > boundsOf(p.IPVersion).bits:
		return noPrefixLength(p.IPVersion, bits)
	case length > p.MaxPrefixLen:
		return prefixTooLong(bits, p.MaxPrefixLen)
	case length < p.MinPrefixLen:
		return prefixTooShort(bits, p.MinPrefixLen)
	}
	return nil
}

// checkPoolQuota refuses a project more than the pool allows each. The original counts what the pool's owner has, whoever asks; that is
// not what the quota says.
func checkPoolQuota(s *model.Subnet, bits int, p *model.SubnetPool, taken []*store.Allocation) error {
	if p.DefaultQuota == nil || *p.DefaultQuota == 0 {
		return nil
	}
	unit := boundsOf(p.IPVersion).unit
	used := unitsIn(bits, unit)
	for _, a := range taken {
		if a.Project == s.ProjectID {
			used += unitsIn(a.CIDR.Bits(), unit)
		}
	}
	if used > float64(*p.DefaultQuota) {
		return poolQuotaExceeded()
	}
	return nil
}

// unitsIn returns how many networks of the length unit are in one of the length bits, which may be a part of one.
func unitsIn(bits, unit int) float64 {
	units := 1.0
	for ; bits < unit; bits++ {
		units *= 2
	}
	for ; bits > unit; bits-- {
		units /= 2
	}
	return units
}

// freeRanges returns what is left of a pool: the smallest ranges first, so that large ones stay whole, and the lowest of these.
func freeRanges(p *model.SubnetPool, taken []*store.Allocation) []netip.Prefix {
	used := make([]netip.Prefix, len(taken))
	for i, a := range taken {
		used[i] = a.CIDR
	}
	free := prefixesOf(spansWithout(spansOf(p.Prefixes), spansOf(used)))
	slices.SortStableFunc(free, func(a, b netip.Prefix) int { return b.Bits() - a.Bits() })
	return free
}
