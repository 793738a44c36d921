// Package dhcp answers the DHCPv4 (RFC 2131) requests of workloads on the host where they run: no server process, no network
// namespace, and nothing to lose, since every answer follows from the topology.
//
// A request is answered where its sender has a reservation on an enabled subnet of its bridge; any other goes on through the
// virtual network like other packets, so that a workload may run a server of its own. What is answered follows midolman's
// DhcpImpl, and where that is silent the dnsmasq that Neutron's own DHCP agent runs.
package dhcp

import (
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/sim"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/topology"
)

// UDP ports of RFC 2131 section 4.1.
const serverPort, clientPort = 67, 68

var limitedBroadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})

// Responder is a sim.Responder. It has no state.
type Responder struct{}

// exchange is one request and whom it is from.
type exchange struct {
	packet  *packet.Packet
	request *dhcpv4.DHCPv4
	host    *topology.DHCPHost
	subnet  *topology.DHCP
	server  netip.Addr // the address that the answer comes from
	// isolated says that nothing leads the client to the metadata service, which its host has, but a route of its own.
	isolated bool
}

// Respond answers DISCOVER, REQUEST and INFORM, and takes RELEASE and DECLINE without an answer: a reservation cannot be given
// back.
func (Responder) Respond(v *view.View, in sim.Input) (sim.Response, bool) {
	var p packet.Packet
	if packet.Parse(in.Frame, &p) != nil || !isRequest(&p) {
		return sim.Response{}, false
	}
	port := v.Port(in.InPort)
	if port == nil {
		return sim.Response{}, false
	}
	request, err := dhcpv4.FromBytes(p.Data())
	if err != nil || request.OpCode != dhcpv4.OpcodeBootRequest || !unspecified(request.GatewayIPAddr) {
		return sim.Response{}, false // a relay's request is for the server that the relay names
	}
	x := exchange{packet: &p, request: request}
	if !x.find(v, port) {
		return sim.Response{}, false
	}
	x.isolated = isolated(v, x.subnet)
	return x.answer(), true
}

func isRequest(p *packet.Packet) bool {
	return p.EtherType == packet.EtherTypeIPv4 && p.Proto == packet.ProtoUDP && p.Fragment == packet.Unfragmented &&
		p.SrcPort == clientPort && p.DstPort == serverPort && !p.Tagged()
}

// find sets whom the request is from. A station with several addresses is whom it says that it is, else the first.
func (x *exchange) find(v *view.View, port *topology.Port) bool {
	wanted := x.wanted()
	for _, h := range v.DHCPHosts(port.Bridge, x.packet.SrcMAC) {
		d, ok := v.Object(topology.Key{Kind: topology.KindDHCP, ID: h.DHCP}).(*topology.DHCP)
		if !ok || !d.Enabled || d.Bridge != port.Bridge || !h.Port.IsZero() && h.Port != port.ID || !h.Addr.Is4() ||
			slices.Contains(d.Silent, v.Self()) {
			continue
		}
		server, ok := serverOf(d)
		if !ok || x.packet.DstIP != limitedBroadcast && x.packet.DstIP != server && x.packet.DstIP != lastAddr(d.Prefix) {
			continue // sent to another server by address
		}
		if x.host == nil || h.Addr == wanted {
			x.host, x.subnet, x.server = h, d, server
		}
	}
	return x.host != nil
}

// isolated reports whether this host has a metadata service and the subnet's gateway is no router of the network: nobody would answer
// for the gateway, or not for the service behind it. Neutron's DHCP agent gives such subnets, and no others, a route as well
// (enable_isolated_metadata).
func isolated(v *view.View, d *topology.DHCP) bool {
	if !v.ServesMetadata() {
		return false
	}
	gateway, known := v.Neighbour(d.Bridge, d.Router)
	if !known {
		return true
	}
	p := v.Port(gateway.Port)
	return p == nil || !p.Interior()
}

func serverOf(d *topology.DHCP) (netip.Addr, bool) {
	if d.Server.Is4() {
		return d.Server, true
	}
	return d.Router, d.Router.Is4()
}

// wanted returns the address that the client asks for or says that it has; the zero Addr where it does neither.
func (x *exchange) wanted() netip.Addr {
	for _, ip := range []net.IP{x.request.RequestedIPAddress(), x.request.ClientIPAddr} {
		if a, ok := netip.AddrFromSlice(ip.To4()); ok && !a.IsUnspecified() {
			return a
		}
	}
	return netip.Addr{}
}

func (x *exchange) answer() sim.Response {
	switch kind := x.request.MessageType(); kind {
	case dhcpv4.MessageTypeDiscover:
		return x.lease(dhcpv4.MessageTypeOffer)
	case dhcpv4.MessageTypeRequest:
		switch wanted := x.wanted(); wanted {
		case netip.Addr{}:
			return x.silence("takes a REQUEST that names no address, and does not answer")
		case x.host.Addr:
			return x.lease(dhcpv4.MessageTypeAck)
		default:
			return x.refuse(wanted)
		}
	case dhcpv4.MessageTypeInform:
		return x.lease(dhcpv4.MessageTypeAck)
	default:
		return x.silence(fmt.Sprintf("takes a %s, and does not answer", kind))
	}
}

func (x *exchange) response(text string, frames ...[]byte) sim.Response {
	return sim.Response{
		Frames: frames,
		Tags:   []flow.Tag{{Class: flow.TagDHCP, ID: x.subnet.ID}},
		Step:   sim.Step{Device: "dhcp " + x.subnet.Prefix.String(), Text: text},
	}
}

func (x *exchange) silence(text string) sim.Response { return x.response(text) }

// lastAddr returns the directed broadcast address of an IPv4 prefix.
func lastAddr(p netip.Prefix) netip.Addr {
	if !p.Addr().Is4() {
		return netip.Addr{}
	}
	a := p.Masked().Addr().As4()
	for i, m := range net.CIDRMask(p.Bits(), 32) {
		a[i] |= ^m
	}
	return netip.AddrFrom4(a)
}

func unspecified(ip net.IP) bool { return len(ip) == 0 || ip.IsUnspecified() }
