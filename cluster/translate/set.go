package translate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"midonet.org/midonet/neutron/model"
)

// Set is the Neutron objects, in memory. It is a View; it is not safe for use while it is changed.
type Set struct {
	settings Settings
	networks map[model.NetworkID]*model.Network
	subnets  map[model.SubnetID]*model.Subnet
	ports    map[model.PortID]*model.Port
	members  map[model.NetworkID]*members
}

// members are what refers to a network, which may itself be unknown.
type members struct {
	subnets map[model.SubnetID]*model.Subnet
	ports   map[model.PortID]*model.Port
}

// NewSet returns an empty set.
func NewSet(settings Settings) *Set {
	return &Set{
		settings: settings,
		networks: map[model.NetworkID]*model.Network{},
		subnets:  map[model.SubnetID]*model.Subnet{},
		ports:    map[model.PortID]*model.Port{},
		members:  map[model.NetworkID]*members{},
	}
}

// Settings returns what NewSet was given.
func (s *Set) Settings() Settings { return s.settings }

// Network returns the network, nil where unknown.
func (s *Set) Network(n model.NetworkID) *model.Network { return s.networks[n] }

// Subnet returns the subnet, nil where unknown.
func (s *Set) Subnet(n model.SubnetID) *model.Subnet { return s.subnets[n] }

// Port returns the port, nil where unknown.
func (s *Set) Port(p model.PortID) *model.Port { return s.ports[p] }

// SubnetsOf returns the subnets of a network in order of identifier.
func (s *Set) SubnetsOf(n model.NetworkID) []*model.Subnet {
	if m := s.members[n]; m != nil {
		return ordered(m.subnets)
	}
	return nil
}

// PortsOf returns the ports of a network in order of identifier.
func (s *Set) PortsOf(n model.NetworkID) []*model.Port {
	if m := s.members[n]; m != nil {
		return ordered(m.ports)
	}
	return nil
}

// Owners returns every object of the set, in order of resource and identifier.
func (s *Set) Owners() []Owner {
	var owners []Owner
	for _, n := range ordered(s.networks) {
		owners = append(owners, Owner{Network, n.ID})
	}
	owners = append(owners, subnetOwners(ordered(s.subnets))...)
	for _, p := range ordered(s.ports) {
		owners = append(owners, Owner{Port, p.ID})
	}
	return owners
}

// ResourceOf returns which resource has the identifier, "" where none has. Neutron's identifiers are unique over all resources.
func (s *Set) ResourceOf(id [16]byte) Resource {
	switch {
	case s.networks[id] != nil:
		return Network
	case s.subnets[id] != nil:
		return Subnet
	case s.ports[id] != nil:
		return Port
	}
	return ""
}

// Change is what becomes of one Neutron object: the field of its resource has it as it will be, or all are nil and it goes.
type Change struct {
	Owner
	Network *model.Network
	Subnet  *model.Subnet
	Port    *model.Port
}

// Deletion returns the change after which o is not there.
func Deletion(o Owner) Change { return Change{Owner: o} }

// Decode returns the change after which o is as its JSON form, package model's, says. It refuses a resource that is not rendered,
// and JSON that is malformed or of another object.
func Decode(o Owner, data []byte) (Change, error) {
	c := Change{Owner: o}
	var err error
	switch o.Resource {
	case Network:
		c.Network, err = decode[model.Network](data)
		err = checked(err, o, c.Network.ID)
	case Subnet:
		c.Subnet, err = decode[model.Subnet](data)
		err = checked(err, o, c.Subnet.ID)
	case Port:
		c.Port, err = decode[model.Port](data)
		err = checked(err, o, c.Port.ID)
	default:
		err = fmt.Errorf("%q is no resource that is rendered", o.Resource)
	}
	if err != nil {
		return Change{}, err
	}
	return c, nil
}

func decode[T any](data []byte) (*T, error) {
	v := new(T)
	return v, json.Unmarshal(data, v)
}

func checked(err error, o Owner, id [16]byte) error {
	if err != nil {
		return fmt.Errorf("%s: %w", o, err)
	}
	if id != o.ID {
		return fmt.Errorf("%s: the data is of %s", o, Owner{o.Resource, id})
	}
	return nil
}

// Apply makes the change.
func (s *Set) Apply(c Change) {
	s.remove(c.Owner)
	switch {
	case c.Network != nil:
		s.networks[c.Network.ID] = c.Network
	case c.Subnet != nil:
		s.subnets[c.Subnet.ID] = c.Subnet
		s.membersOf(c.Subnet.NetworkID).subnets[c.Subnet.ID] = c.Subnet
	case c.Port != nil:
		s.ports[c.Port.ID] = c.Port
		s.membersOf(c.Port.NetworkID).ports[c.Port.ID] = c.Port
	}
}

// remove forgets the object. It leaves no empty members behind, so that a set does not grow with what has been.
func (s *Set) remove(o Owner) {
	var network model.NetworkID
	switch o.Resource {
	case Network:
		delete(s.networks, o.ID)
		return
	case Subnet:
		if old := s.subnets[o.ID]; old != nil {
			network = old.NetworkID
			delete(s.subnets, o.ID)
			delete(s.members[network].subnets, o.ID)
		}
	case Port:
		if old := s.ports[o.ID]; old != nil {
			network = old.NetworkID
			delete(s.ports, o.ID)
			delete(s.members[network].ports, o.ID)
		}
	}
	if m := s.members[network]; m != nil && len(m.subnets)+len(m.ports) == 0 {
		delete(s.members, network)
	}
}

func (s *Set) membersOf(n model.NetworkID) *members {
	m := s.members[n]
	if m == nil {
		m = &members{subnets: map[model.SubnetID]*model.Subnet{}, ports: map[model.PortID]*model.Port{}}
		s.members[n] = m
	}
	return m
}

func ordered[K ~[16]byte, V any](m map[K]V) []V {
	keys := slices.SortedFunc(maps.Keys(m), func(a, b K) int {
		x, y := [16]byte(a), [16]byte(b)
		return bytes.Compare(x[:], y[:])
	})
	values := make([]V, len(keys))
	for i, k := range keys {
		values[i] = m[k]
	}
	return values
}
