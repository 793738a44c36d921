// Package translate renders Neutron objects into topology objects.
//
// It renders, it does not edit: for an owner (a network, a port, a floating IP …) Render returns the complete set of topology objects that
// the owner should have, given what is known of all Neutron objects. It knows nothing of what is stored. A change names the owners
// whose rendering it may alter (Owners); whoever commits the change renders those before and after and writes the difference. So
// create, update, delete, resynchronisation and repair are one code path, and rendering everything is the oracle for all of it.
//
// Everything here is pure: no store, clock or randomness; identifiers are derived. A reference to an object that is not in the View
// is no error: the owner renders to what can be said without it, and again when it comes.
package translate

import (
	"midonet.org/midonet/id"
	"midonet.org/midonet/topology"
)

// Settings are what the operator's configuration adds to the Neutron objects. They are part of what is rendered: every process that
// renders for one topology must have the same.
type Settings struct {
	// DHCPLeaseSeconds is dhcp_lease_duration (neutron/conf/agent/common.py); 1<<32-1 is for ever (RFC 2132 section 9.2).
	DHCPLeaseSeconds uint32
	// DNSDomain is dns_domain (neutron/conf/common.py), which DHCP gives as option 15.
	DNSDomain string
}

// DefaultSettings returns the settings of a Neutron without configuration.
func DefaultSettings() Settings {
	return Settings{DHCPLeaseSeconds: 86400, DNSDomain: "openstacklocal"}
}

// Owner names a Neutron object that has topology objects.
type Owner struct {
	Resource Resource
	ID       [16]byte
}

// String returns "resource uuid".
func (o Owner) String() string { return string(o.Resource) + " " + id.ID[Owner](o.ID).String() }

// Render returns the topology objects that the owner should have, in no particular order; none for an owner that the view does not
// know. Port.TunnelKey is left 0.
func Render(v View, o Owner) []topology.Object {
	object := v.object(o.ID)
	if object == nil {
		return nil
	}
	return kinds[o.Resource].renderIn(v, object)
}

// Differing returns what the owner renders to in each of two views, which differ in the changed Neutron object alone, but for what is the same
// in both: so a rule of twenty thousand costs the part of its group's chain that it is in, and not the group.
func Differing(before, after View, o, changed Owner) (was, is []topology.Object) {
	return kinds[o.Resource].differingIn(before, after, before.object(o.ID), after.object(o.ID), changed)
}

// Owners returns the owners whose rendering may differ between the two views, which differ in the changed Neutron object alone.
func Owners(before, after View, changed Owner) []Owner {
	owners := []Owner{changed}
	seen := map[Owner]bool{changed: true}
	old, now := before.object(changed.ID), after.object(changed.ID)
	if old == nil && now == nil {
		return owners
	}
	for _, o := range kinds[changed.Resource].touchedOwners(before, after, old, now) {
		if !seen[o] {
			seen[o] = true
			owners = append(owners, o)
		}
	}
	return owners
}

// All renders every owner of the set: what incremental rendering must come to as well.
func All(s *Set) []topology.Object {
	var objects []topology.Object
	for _, o := range s.Owners() {
		objects = append(objects, Render(s, o)...)
	}
	return objects
}
