package operator

import (
	"net/netip"
	"slices"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/topology"
)

// CreatePortGroup makes a port group without ports.
func (e *Edit) CreatePortGroup(g *topology.PortGroup) error {
	g.Made = topology.Operators
	return e.create(g)
}

// UpdatePortGroup changes an operator's port group.
func (e *Edit) UpdatePortGroup(group topology.PortGroupID, change func(*topology.PortGroup)) error {
	have, err := own[*topology.PortGroup](e, topology.KindPortGroup, group)
	if err != nil {
		return err
	}
	want := *have
	change(&want)
	e.tx.Put(&want)
	return nil
}

// Join puts a port, which may be a rendered one, into an operator's port group.
func (e *Edit) Join(group topology.PortGroupID, port topology.PortID) error {
	p, present, err := e.member(group, port)
	switch {
	case err != nil:
		return err
	case present:
		return errs.New(errs.Conflict, "PortInGroup", "Port %s is in port group %s already.", port, group)
	}
	return e.overlay(p.Key(), deviceOf(p), func(o *topology.Overlay) { o.Groups = append(o.Groups, group) })
}

// Leave takes a port out of an operator's port group.
func (e *Edit) Leave(group topology.PortGroupID, port topology.PortID) error {
	p, present, err := e.member(group, port)
	switch {
	case err != nil:
		return err
	case !present:
		return errs.New(errs.NotFound, "NotFound", "Resource not found")
	}
	return e.overlay(p.Key(), deviceOf(p), func(o *topology.Overlay) {
		o.Groups = slices.DeleteFunc(o.Groups, func(g topology.PortGroupID) bool { return g == group })
	})
}

// member returns the port, and whether it is in the operator's group.
func (e *Edit) member(group topology.PortGroupID, port topology.PortID) (*topology.Port, bool, error) {
	if _, err := own[*topology.PortGroup](e, topology.KindPortGroup, group); err != nil {
		return nil, false, err
	}
	p, err := exists[*topology.Port](e, topology.KindPort, port)
	if err != nil {
		return nil, false, err
	}
	o, err := get[*topology.Overlay](e, topology.KindOverlay, port)
	return p, o != nil && slices.Contains(o.Groups, group), err
}

// CreateAddrGroup makes an empty group of addresses.
func (e *Edit) CreateAddrGroup(g *topology.AddrGroup) error {
	g.Made = topology.Operators
	return e.create(g)
}

// AddAddr puts an address into an operator's group.
func (e *Edit) AddAddr(group topology.AddrGroupID, addr netip.Addr) error {
	if _, err := own[*topology.AddrGroup](e, topology.KindAddrGroup, group); err != nil {
		return err
	}
	m := memberOf(group, addr)
	err := e.create(m)
	if errs.Is(err, errs.Conflict) {
		return errs.New(errs.Conflict, "AddressInGroup", "IP address group already contains IP %s.", addr)
	}
	return err
}

// RemoveAddr takes an address out of an operator's group; one that is not in it is out already.
func (e *Edit) RemoveAddr(group topology.AddrGroupID, addr netip.Addr) error {
	_, err := own[*topology.AddrGroup](e, topology.KindAddrGroup, group)
	if err == nil {
		e.tx.Delete(memberOf(group, addr).Key())
	}
	return err
}

func memberOf(group topology.AddrGroupID, addr netip.Addr) *topology.GroupMember {
	m := topology.NewGroupMember(group, netip.PrefixFrom(addr, addr.BitLen()), topology.PortID{})
	m.Made = topology.Operators
	return m
}
