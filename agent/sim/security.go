package sim

import (
	"net/netip"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// UDP ports of DHCP (RFC 2131, RFC 8415).
const (
	dhcpServer, dhcpClient     = 67, 68
	dhcpv6Client, dhcpv6Server = 546, 547
)

// ICMPv6 types of RFC 2710 that package packet does not need.
const mldReport, mldDone = 131, 132

// exemption is what the rules that hold for every secured port say of a packet.
type exemption uint8

const (
	judged  exemption = iota // by the security groups
	exempt                   // passes
	refused                  // is dropped
)

// sentBy reports whether the port's security lets the workload send the packet.
func (w *walk) sentBy(p *topology.Port) bool {
	s := p.Security
	if s == nil {
		return true
	}
	if rule, why := ownSource(s, &w.packet); rule != judged {
		return w.exempted(p, rule, "send", why)
	}
	return w.judge(p, s.Egress, "send", place{device: deviceOf(p), router: w.routerOf(p), in: p.ID})
}

// receivedBy reports whether the port's security lets the workload have the packet.
func (w *walk) receivedBy(p *topology.Port) bool {
	s := p.Security
	if s == nil {
		return true
	}
	if rule, why := forWorkloads(&w.packet, w.hops > 0); rule != judged {
		return w.exempted(p, rule, "receive", why)
	}
	return w.judge(p, s.Ingress, "receive", place{device: deviceOf(p), router: w.routerOf(p), out: p.ID})
}

// exempted reports whether a packet passes that the security groups are not asked about.
func (w *walk) exempted(p *topology.Port, rule exemption, verb, why string) bool {
	if rule == refused {
		w.stop(Drop, w.portDevice(p.ID), "drops the packet: %s", why)
		return false
	}
	if w.in.Trace {
		w.step(w.portDevice(p.ID), "lets every workload %s this: %s", verb, why)
	}
	return true
}

// judge asks for an answer to what the other side sent, and then the security groups. What none of them accepts is dropped.
func (w *walk) judge(p *topology.Port, groups []topology.ChainID, verb string, at place) bool {
	if p.Security.Stateful {
		w.tracked = true
		if w.isAnswer() || w.isAboutAnswer(p) {
			if w.in.Trace {
				w.step(w.portDevice(p.ID), "lets its workload %s answers", verb)
			}
			return true
		}
	}
	for _, id := range groups {
		switch w.filter(w.view.Named(id), &at) {
		case accepted:
			return true
		case dropped, rejected:
			w.stop(Drop, w.portDevice(p.ID), "drops the packet, as a security group says")
			return false
		case waiting:
			return false
		}
	}
	if p.Security.Stateful && w.withoutPorts() {
		w.awaitFirst(w.portDevice(p.ID)) // it may be of an answer
		return false
	}
	w.stop(Drop, w.portDevice(p.ID), "drops the packet: no security group lets its workload %s it", verb)
	return false
}

// isAboutAnswer reports whether the packet is an ICMP error about an answer that left by the port.
func (w *walk) isAboutAnswer(p *topology.Port) bool {
	if !w.packet.IsError() {
		return false
	}
	q := w.quoted()
	if q == nil {
		return false
	}
	c, ok := connOf(q)
	if !ok {
		return false
	}
	_, known := w.value(flow.StateReturn, deviceOf(p), &c)
	return known
}

// ownSource tells whether what a workload sends comes from an address that it may use, and what it may send without a rule: the
// exceptions of Neutron's firewall (neutron/agent/linux/openvswitch_firewall, _initialize_egress), and as its iptables driver has it
// link-local sources and what is sent from no address yet.
func ownSource(s *topology.Security, p *packet.Packet) (exemption, string) {
	switch {
	case len(s.Sources) == 0:
		return refused, "its workload has no address"
	case p.EtherType == packet.EtherTypeARP:
		if p.ARP.Operation == 0 || p.ARP.SenderMAC != p.SrcMAC || !owns(s, p.SrcMAC, p.ARP.SenderIP) {
			return refused, "its ARP speaks for an address that is not its workload's"
		}
		return exempt, "ARP of its own address"
	case !p.IsIP():
		return refused, "secured ports carry IP and ARP alone"
	case isLinkMessage(p):
		return ownLinkMessage(s, p)
	case isCutDiscovery(p):
		return refused, "neighbour discovery does not come in fragments (RFC 6980), by which it would get past those who look at it"
	case isUDP(p, dhcpServer, dhcpClient, 4), isUDP(p, dhcpv6Server, dhcpv6Client, 6):
		return refused, "no workload is a DHCP server"
	case isUDP(p, dhcpClient, dhcpServer, 4) && (owns(s, p.SrcMAC, p.SrcIP) || p.SrcIP.IsUnspecified() && s.Sources[0].MAC == p.SrcMAC),
		isUDP(p, dhcpv6Client, dhcpv6Server, 6) && ownsOnLink(s, p.SrcMAC, p.SrcIP):
		return exempt, "a DHCP request"
	case !ownsOnLink(s, p.SrcMAC, p.SrcIP):
		return refused, "its source " + p.SrcIP.String() + " at " + p.SrcMAC.String() + " is not its workload's"
	}
	return judged, ""
}

// owns reports whether the workload may use the address at the MAC.
func owns(s *topology.Security, hw mac.Addr, a netip.Addr) bool {
	for i := range s.Sources {
		if s.Sources[i].MAC == hw && s.Sources[i].Prefix.Contains(a) {
			return true
		}
	}
	return false
}

// ownsOnLink is owns, and the link-local address that follows from one of the workload's MACs.
func ownsOnLink(s *topology.Security, hw mac.Addr, a netip.Addr) bool {
	if owns(s, hw, a) {
		return true
	}
	return a.Is6() && a.IsLinkLocalUnicast() && a == packet.LinkLocal(hw) && hasMAC(s, hw)
}

func isUDP(p *packet.Packet, src, dst uint16, version int) bool {
	return p.Proto == packet.ProtoUDP && p.Fragment != packet.FragmentLater && p.SrcPort == src && p.DstPort == dst &&
		(version == 4) == (p.EtherType == packet.EtherTypeIPv4)
}

// isLinkMessage reports whether the packet is neighbour or multicast listener discovery.
func isLinkMessage(p *packet.Packet) bool {
	return p.EtherType == packet.EtherTypeIPv6 && p.Proto == packet.ProtoICMPv6 && p.Fragment == packet.Unfragmented &&
		(p.SrcPort >= packet.MLDQuery && p.SrcPort <= packet.NDRedirect || p.SrcPort == packet.MLDv2Report)
}

// isCutDiscovery reports whether the packet is the first fragment of neighbour discovery.
func isCutDiscovery(p *packet.Packet) bool {
	return p.EtherType == packet.EtherTypeIPv6 && p.Proto == packet.ProtoICMPv6 && p.Fragment == packet.FragmentFirst &&
		p.SrcPort >= packet.NDRouterSolicitation && p.SrcPort <= packet.NDRedirect
}

// ownLinkMessage judges what IPv6 needs to work on a link.
func ownLinkMessage(s *topology.Security, p *packet.Packet) (exemption, string) {
	unspecified := p.SrcIP.IsUnspecified() && hasMAC(s, p.SrcMAC)
	switch p.SrcPort {
	case packet.NDRouterAdvertisement, packet.NDRedirect:
		return refused, "no workload is a router"
	case packet.NDNeighbourAdvertisement:
		if !p.ND.Target.IsValid() || !ownsOnLink(s, p.SrcMAC, p.ND.Target) || !p.ND.LinkLayer.IsZero() && p.ND.LinkLayer != p.SrcMAC {
			return refused, "it speaks for an address that is not its workload's"
		}
		return exempt, "a neighbour advertisement of its own address"
	case packet.NDNeighbourSolicitation, mldReport, mldDone, packet.MLDv2Report:
		if unspecified {
			return exempt, "what is sent before there is an address"
		}
	}
	if !ownsOnLink(s, p.SrcMAC, p.SrcIP) {
		return refused, "its source " + p.SrcIP.String() + " is not its workload's"
	}
	return exempt, "neighbour or multicast listener discovery"
}

func hasMAC(s *topology.Security, hw mac.Addr) bool {
	for i := range s.Sources {
		if s.Sources[i].MAC == hw {
			return true
		}
	}
	return false
}

// forWorkloads tells what every workload may receive (_initialize_ingress). What a router has sent on is no answer of the link's DHCP server, however
// it looks: the groups judge it.
func forWorkloads(p *packet.Packet, routed bool) (exemption, string) {
	switch {
	case p.EtherType == packet.EtherTypeARP:
		return exempt, "ARP"
	case !p.IsIP():
		return refused, "secured ports carry IP and ARP alone"
	case !routed && (isUDP(p, dhcpServer, dhcpClient, 4) || isUDP(p, dhcpv6Server, dhcpv6Client, 6)):
		return exempt, "a DHCP answer"
	case !isLinkMessage(p):
		return judged, ""
	}
	switch p.SrcPort {
	case packet.MLDQuery, packet.NDRouterAdvertisement, packet.NDNeighbourSolicitation, packet.NDNeighbourAdvertisement:
		return exempt, "neighbour or multicast listener discovery"
	}
	return judged, ""
}
