// Package translate renders Neutron objects into topology objects.
//
// It renders, it does not edit: for an owner (a network, a subnet, a port) Render returns the complete set of topology objects that
// the owner should have, given what is known of all Neutron objects. It knows nothing of what is stored. A change names the owners
// whose rendering it may alter (Owners); whoever commits the change renders those before and after and writes the difference. So
// create, update, delete, resynchronisation and repair are one code path, and rendering everything is the oracle for all of it.
//
// Everything here is pure: no store, clock or randomness; identifiers are derived. A reference to an object that is not in the View
// is no error: the owner renders to what can be said without it, and again when it comes.
package translate

import (
	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/topology"
)

// View is what is known of the Neutron objects. Returned values are shared and must not be changed.
type View interface {
	Settings() Settings
	Network(model.NetworkID) *model.Network // nil where unknown
	Subnet(model.SubnetID) *model.Subnet
	Port(model.PortID) *model.Port
	// SubnetsOf and PortsOf are ordered by identifier.
	SubnetsOf(model.NetworkID) []*model.Subnet
	PortsOf(model.NetworkID) []*model.Port
}

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

// Resource is the kind of a Neutron object: the singular name of the API.
type Resource string

// The resources that render to something.
const (
	Network Resource = "network"
	Subnet  Resource = "subnet"
	Port    Resource = "port"
)

// Render returns the topology objects that the owner should have, in no particular order; none for an owner that the view does not
// know. Port.TunnelKey is left 0.
func Render(v View, o Owner) []topology.Object {
	switch o.Resource {
	case Network:
		return renderNetwork(v, model.NetworkID(o.ID))
	case Subnet:
		return renderSubnet(v, model.SubnetID(o.ID))
	case Port:
		return renderPort(v, model.PortID(o.ID))
	}
	return nil
}

// Owners returns the owners whose rendering may differ between the two views, which differ in the changed Neutron object alone.
func Owners(before, after View, changed Owner) []Owner {
	owners := []Owner{changed}
	switch changed.Resource {
	case Network:
		owners = append(owners, touchedByNetwork(before, after, model.NetworkID(changed.ID))...)
	case Port:
		owners = append(owners, touchedByPort(before, after, model.PortID(changed.ID))...)
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

// Known reports whether the resource is one that renders to something.
func (r Resource) Known() bool { return r == Network || r == Subnet || r == Port }
