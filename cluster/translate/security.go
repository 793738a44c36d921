package translate

import (
	"bytes"
	"net/netip"
	"slices"
	"strings"

	"midonet.org/midonet/id"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/topology"
)

// filtered reports whether what the port sends and receives is restricted. The network's own ports are trusted
// (neutron/common/utils.py is_port_trusted), and so is a port whose owner has turned port security off.
func filtered(p *model.Port) bool {
	return p.PortSecurityEnabled && !strings.HasPrefix(p.DeviceOwner, ownerNetwork)
}

// security returns what the port may send and receive; nil: everything.
func security(v View, p *model.Port) *topology.Security {
	if !filtered(p) {
		return nil
	}
	s := &topology.Security{Sources: sources(p)}
	for _, g := range groupsOf(p) {
		group := id.As[topology.AddrGroup](g)
		s.Ingress = append(s.Ingress, topology.IngressChain(group))
		s.Egress = append(s.Egress, topology.EgressChain(group))
		if known := find(v, g); known != nil && known.Stateful {
			s.Stateful = true
		}
	}
	return s
}

// groupsOf returns the port's security groups, each once, in order.
func groupsOf(p *model.Port) []model.SecurityGroupID {
	groups := slices.SortedFunc(slices.Values(p.SecurityGroups), func(a, b model.SecurityGroupID) int { return bytes.Compare(a[:], b[:]) })
	return slices.Compact(groups)
}

// sources returns the addresses that the port may send from, each once: the fixed ones, then the allowed address pairs, and for each
// MAC that has IPv6 among them the link-local address that an interface makes of it (neutron/agent/linux/iptables_firewall.py).
func sources(p *model.Port) []topology.AddressPair {
	var pairs []topology.AddressPair
	add := func(hw mac.Addr, prefix netip.Prefix) {
		if pair := (topology.AddressPair{MAC: hw, Prefix: prefix}); prefix.IsValid() && !slices.Contains(pairs, pair) {
			pairs = append(pairs, pair)
		}
	}
	for _, ip := range p.FixedIPs {
		add(p.MACAddress, single(ip.IPAddress))
	}
	for _, a := range p.AllowedAddressPairs {
		hw := a.MACAddress
		if hw.IsZero() {
			hw = p.MACAddress
		}
		add(hw, a.IPAddress.Masked())
	}
	for _, pair := range pairs {
		if pair.Prefix.Addr().Is6() {
			add(pair.MAC, single(linkLocal(pair.MAC)))
		}
	}
	return pairs
}

// paired returns the addresses, each once, that allowed address pairs of the port name alone: as they are named that may move from one
// port to another, such as a virtual router's (RFC 5798).
func paired(p *model.Port) []netip.Addr {
	var addrs []netip.Addr
	for _, a := range p.AllowedAddressPairs {
		if a.IPAddress.IsSingleIP() && !slices.Contains(addrs, a.IPAddress.Addr()) {
			addrs = append(addrs, a.IPAddress.Addr())
		}
	}
	return addrs
}

func pairedLink(p *model.Port, a netip.Addr) link {
	return link{how: pairedOn, to: p.NetworkID, on: a.As16()}
}

// shared reports whether another port on the port's network may use its address.
func shared(v View, p *model.Port, a netip.Addr) bool {
	for other := range v.linked(pairedLink(p, a)) {
		if other != p.ID {
			return true
		}
	}
	return false
}

// sharersOf returns the ports whose fixed addresses the port shares, or no longer shares.
func sharersOf(v View, old, now *model.Port) []Owner {
	var owners []Owner
	for _, p := range []*model.Port{old, now} {
		if p == nil || old != nil && now != nil && old.NetworkID == now.NetworkID && slices.Equal(paired(old), paired(now)) {
			continue
		}
		addrs := paired(p)
		if len(addrs) == 0 {
			continue
		}
		for i, o := range v.linked(link{how: portOn, to: p.NetworkID}) {
			if slices.ContainsFunc(o.(*model.Port).FixedIPs, func(ip model.FixedIP) bool { return slices.Contains(addrs, ip.IPAddress) }) {
				owners = append(owners, Owner{Port, i})
			}
		}
	}
	return owners
}

// memberships returns the port's addresses as members of its security groups, which rules of other groups may name: the fixed ones and
// the allowed address pairs (neutron/db/securitygroups_rpc_base.py).
func memberships(p *model.Port) []topology.Object {
	if !filtered(p) {
		return nil
	}
	prefixes := map[netip.Prefix]bool{}
	for _, ip := range p.FixedIPs {
		prefixes[single(ip.IPAddress)] = true
	}
	for _, a := range p.AllowedAddressPairs {
		prefixes[a.IPAddress.Masked()] = true
	}
	var objects []topology.Object
	for _, g := range groupsOf(p) {
		for prefix := range prefixes {
			if prefix.IsValid() {
				objects = append(objects, topology.NewGroupMember(id.As[topology.AddrGroup](g), prefix, id.As[topology.Port](p.ID)))
			}
		}
	}
	return objects
}

// single returns the prefix that has the address alone, the zero Prefix for the zero Addr.
func single(a netip.Addr) netip.Prefix {
	if !a.IsValid() {
		return netip.Prefix{}
	}
	return netip.PrefixFrom(a, a.BitLen())
}
