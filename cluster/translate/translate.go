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
	"midonet.org/midonet/neutron/model"
)

// View is what is known of the Neutron objects. Returned values are shared and must not be changed.
type View interface {
	Network(model.NetworkID) *model.Network // nil where unknown
	Subnet(model.SubnetID) *model.Subnet
	Port(model.PortID) *model.Port
	// SubnetsOf and PortsOf are ordered by identifier.
	SubnetsOf(model.NetworkID) []*model.Subnet
	PortsOf(model.NetworkID) []*model.Port
}

// Owner names a Neutron object that has topology objects.
type Owner struct {
	Resource Resource
	ID       [16]byte
}

// Resource is the kind of a Neutron object: the singular name of the API.
type Resource string

// The resources that render to something.
const (
	Network Resource = "network"
	Subnet  Resource = "subnet"
	Port    Resource = "port"
)
