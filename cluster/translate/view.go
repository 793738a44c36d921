package translate

import (
	"bytes"
	"iter"
	"slices"

	"midonet.org/midonet/id"
)

// View is what is known of the Neutron objects: a Set, or one as it will be After a change.
type View interface {
	Settings() Settings
	// object returns the Neutron object with the identifier, nil where it is unknown. It is shared and must not be changed.
	object(id [16]byte) any
	// linked returns the identifiers and objects that have the link, in any order.
	linked(l link) iter.Seq2[[16]byte, any]
	// count returns how many have it, and has whether the object with the identifier does.
	count(l link) int
	has(l link, id [16]byte) bool
}

// find returns the Neutron object, nil where it is unknown.
func find[T any](v View, i id.ID[T]) *T {
	o, _ := v.object(i).(*T)
	return o
}

// linked returns the objects that have one of the links, which all are of type T, in order of identifier.
func linked[T any](v View, links ...link) []*T {
	type entry struct {
		id     [16]byte
		object *T
	}
	var entries []entry
	for _, l := range links {
		for i, o := range v.linked(l) {
			entries = append(entries, entry{i, o.(*T)})
		}
	}
	slices.SortFunc(entries, func(a, b entry) int { return bytes.Compare(a.id[:], b.id[:]) })
	objects := make([]*T, len(entries))
	for i, e := range entries {
		objects[i] = e.object
	}
	return objects
}

// linkedOwners returns who has the link, as owners of the resource, in order of identifier.
func linkedOwners(v View, l link, r Resource) []Owner {
	var owners []Owner
	for i := range v.linked(l) {
		owners = append(owners, Owner{r, i})
	}
	slices.SortFunc(owners, func(a, b Owner) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	return owners
}

// link is something that an object names, under which it can be found.
type link struct {
	how linkKind
	to  [16]byte // the named object
	on  [16]byte // of floatingOf: the network; of pairedOn: the address; of ruleOf: see rulesAt
}

// linkKind is how an object names another. Each kind of link is had by objects of one resource.
type linkKind uint8

const (
	subnetOn     linkKind = iota + 1 // a subnet, its network
	portOn                           // a port, its network
	pairedOn                         // a port, its network and an address that an allowed address pair of it names alone
	dhcpPortOn                       // a DHCP port, a subnet that it has an address on
	routerPortOn                     // a router's port, its network and each subnet that it has an address on
	routerPortOf                     // a router's port, its router
	memberOf                         // a port, a security group
	ruleOf                           // a rule, its security group
	ruleNaming                       // a rule, the group of remote addresses that it names
	floatingOf                       // a floating address, its router, and the floating network
	floatingFor                      // a floating address, the port that it stands for
	forwardingOf                     // a forwarding, its floating address
	forwardingTo                     // a forwarding, the port behind it
)
