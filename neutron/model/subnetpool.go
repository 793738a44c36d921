package model

import "net/netip"

// SubnetPool is a stock of addresses that subnets get their ranges from (neutron-lib api/definitions/subnetpool.py).
type SubnetPool struct {
	ID SubnetPoolID `attr:"id"`
	Standard
	Tagged
	Name             string         `attr:"name"`
	Prefixes         []netip.Prefix `attr:"prefixes"`   // disjoint and as few as possible, in ascending order
	IPVersion        int            `attr:"ip_version"` // 4 or 6, that of the prefixes
	DefaultPrefixLen PrefixLen      `attr:"default_prefixlen"`
	MinPrefixLen     PrefixLen      `attr:"min_prefixlen"`
	MaxPrefixLen     PrefixLen      `attr:"max_prefixlen"`
	DefaultQuota     *int           `attr:"default_quota"` // how many addresses, or IPv6 networks of 64 bits, a project may have
	IsDefault        bool           `attr:"is_default"`    // default-subnetpools: one of each version at most
	Shared           bool           `attr:"shared"`
	AddressScopeID   AddressScopeID `attr:"address_scope_id"` // address-scope; zero: none
}

// AddressScope is a set of subnet pools in which no address is twice (neutron-lib api/definitions/address_scope.py). Unlike other
// resources it has no standard attributes.
type AddressScope struct {
	ID        AddressScopeID `attr:"id"`
	ProjectID string         `attr:"project_id"`
	Name      string         `attr:"name"`
	IPVersion int            `attr:"ip_version"` // 4 or 6
	Shared    bool           `attr:"shared"`
}

// Owner returns the project that owns the scope.
func (s AddressScope) Owner() string { return s.ProjectID }
