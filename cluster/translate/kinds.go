package translate

import (
	"encoding/json"
	"fmt"

	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/topology"
)

// Resource is the kind of a Neutron object: the singular name of the API.
type Resource string

// The resources that render to something, or change what others render to.
const (
	Network           Resource = "network"
	Subnet            Resource = "subnet"
	Port              Resource = "port"
	Router            Resource = "router"
	FloatingIP        Resource = "floatingip"
	PortForwarding    Resource = "port_forwarding"
	SecurityGroup     Resource = "security_group"
	SecurityGroupRule Resource = "security_group_rule"
	AddressGroup      Resource = "address_group"
)

// Known reports whether the resource is one of those.
func (r Resource) Known() bool { return kinds[r] != nil }

// kinds says what this package does with each resource. It is never written.
var kinds = map[Resource]kind{
	Network: kindOf[model.Network]{
		id: func(n *model.Network) id.ID[model.Network] { return n.ID }, render: renderNetwork, touched: touchedByNetwork},
	Subnet: kindOf[model.Subnet]{
		id: func(s *model.Subnet) id.ID[model.Subnet] { return s.ID }, links: linksOfSubnet, needs: needsOfSubnet,
		render: renderSubnet, touched: touchedBySubnet},
	Port: kindOf[model.Port]{
		id: func(p *model.Port) id.ID[model.Port] { return p.ID }, links: linksOfPort, needs: needsOfPort,
		render: renderPort, touched: touchedByPort},
	Router: kindOf[model.Router]{
		id: func(r *model.Router) id.ID[model.Router] { return r.ID }, render: renderRouter},
	FloatingIP: kindOf[model.FloatingIP]{
		id: func(f *model.FloatingIP) id.ID[model.FloatingIP] { return f.ID }, links: linksOfFloatingIP, needs: needsOfFloatingIP,
		render: renderFloatingIP, touched: touchedByFloatingIP},
	PortForwarding: kindOf[model.PortForwarding]{
		id: func(f *model.PortForwarding) id.ID[model.PortForwarding] { return f.ID }, links: linksOfForwarding,
		needs: needsOfForwarding, render: renderForwarding},
	SecurityGroup: kindOf[model.SecurityGroup]{
		id: func(g *model.SecurityGroup) id.ID[model.SecurityGroup] { return g.ID }, render: renderGroup, touched: touchedByGroup,
		differing: differingInGroup},
	SecurityGroupRule: kindOf[model.SecurityGroupRule]{
		id: func(r *model.SecurityGroupRule) id.ID[model.SecurityGroupRule] { return r.ID }, links: linksOfRule, needs: needsOfRule,
		touched: touchedByRule},
	AddressGroup: kindOf[model.AddressGroup]{
		id: func(g *model.AddressGroup) id.ID[model.AddressGroup] { return g.ID }, render: renderAddressGroup,
		touched: touchedByAddressGroup},
}

// resources is the order in which owners are listed: what is referred to before what refers to it.
var resources = []Resource{Network, Subnet, AddressGroup, SecurityGroup, SecurityGroupRule, Router, Port, FloatingIP, PortForwarding}

// kind is a kindOf whatever its type.
type kind interface {
	decode(o Owner, data []byte) (any, error)
	linksOf(object any) []link
	needsOf(object any) []Owner
	renderIn(v View, object any) []topology.Object
	differingIn(before, after View, old, now any, changed Owner) (was, is []topology.Object)
	touchedOwners(before, after View, old, now any) []Owner
}

// kindOf is what this package does with the objects of one resource, which are of type T. All but id may be nil.
type kindOf[T any] struct {
	id func(*T) id.ID[T]
	// links says under what the object can be found.
	links func(*T) []link
	// needs says which other objects it names.
	needs func(*T) []Owner
	// render returns the topology objects that are the object's own.
	render func(View, *T) []topology.Object
	// differing is Differing for an owner that is the same in both views; ok says that it can tell what differs.
	differing func(before, after View, object *T, changed Owner) (was, is []topology.Object, ok bool)
	// touched returns the other owners whose rendering may differ when old becomes now; one of them may be nil.
	touched func(before, after View, old, now *T) []Owner
}

func (k kindOf[T]) decode(o Owner, data []byte) (any, error) {
	object := new(T)
	if err := json.Unmarshal(data, object); err != nil {
		return nil, fmt.Errorf("%s: %w", o, err)
	}
	if own := k.id(object); own != o.ID {
		return nil, fmt.Errorf("%s: the data is of %s", o, Owner{o.Resource, own})
	}
	return object, nil
}

func (k kindOf[T]) linksOf(object any) []link {
	if k.links == nil {
		return nil
	}
	return k.links(object.(*T))
}

func (k kindOf[T]) needsOf(object any) []Owner {
	if k.needs == nil {
		return nil
	}
	return k.needs(object.(*T))
}

func (k kindOf[T]) renderIn(v View, object any) []topology.Object {
	if k.render == nil {
		return nil
	}
	o, ok := object.(*T)
	if !ok {
		return nil
	}
	return k.render(v, o)
}

func (k kindOf[T]) differingIn(before, after View, old, now any, changed Owner) (was, is []topology.Object) {
	if same, ok := now.(*T); ok && old == now && k.differing != nil {
		if was, is, ok := k.differing(before, after, same, changed); ok {
			return was, is
		}
	}
	return k.renderIn(before, old), k.renderIn(after, now)
}

func (k kindOf[T]) touchedOwners(before, after View, old, now any) []Owner {
	if k.touched == nil {
		return nil
	}
	from, _ := old.(*T)
	to, _ := now.(*T)
	return k.touched(before, after, from, to)
}

// either returns one that is not nil.
func either[T any](old, now *T) *T {
	if now != nil {
		return now
	}
	return old
}
