// Package dhcp6 answers the DHCPv6 (RFC 8415) requests of workloads on the host where they run, as package dhcp does for IPv4: every
// answer follows from the topology, so that there is nothing to remember.
//
// A subnet whose address mode is dhcpv6-stateful hands out its reservations as non-temporary addresses (IA_NA); one whose mode is
// dhcpv6-stateless answers with the rest of the configuration, the resolvers and the domain. A workload is answered where it has a
// reservation on such a subnet; other requests go on through the virtual network. All hosts are one server: they answer from one
// address and with one DUID, so that a client renews its lease wherever its workload has moved to.
package dhcp6

import (
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/sim"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/topology"
)

// UDP ports of RFC 8415 section 7.2.
const clientPort, serverPort = 546, 547

// allServers is All_DHCP_Relay_Agents_and_Servers (RFC 8415 section 7.1). What is sent to a server by its own address is not for this
// one, which never offers the Server Unicast option.
var allServers = netip.MustParseAddr("ff02::1:2")

// serverDUID names the server that all agents are: a DUID-LL (RFC 8415 section 11.4).
func serverDUID() dhcpv6.DUID {
	return &dhcpv6.DUIDLL{HWType: iana.HWTypeEthernet, LinkLayerAddr: net.HardwareAddr(view.DHCPServerMAC[:])}
}

// Responder is a sim.Responder. It has no state.
type Responder struct{}

// exchange is one request and whom it is from.
type exchange struct {
	packet  *packet.Packet
	request *dhcpv6.Message
	leases  []lease        // of stateful subnets
	subnet  *topology.DHCP // whose configuration the answer carries: of the first lease, else the first stateless one
}

// lease is an address that the client may have.
type lease struct {
	subnet *topology.DHCP
	addr   netip.Addr
}

// Respond answers SOLICIT, REQUEST, CONFIRM, RENEW, REBIND, RELEASE, DECLINE and INFORMATION-REQUEST, and takes those that RFC 8415
// section 16 has a server discard without an answer.
func (Responder) Respond(v *view.View, in sim.Input) (sim.Response, bool) {
	var p packet.Packet
	if packet.Parse(in.Frame, &p) != nil || !isRequest(&p) {
		return sim.Response{}, false
	}
	port := v.Port(in.InPort)
	if port == nil {
		return sim.Response{}, false
	}
	request, err := dhcpv6.MessageFromBytes(p.Data())
	if err != nil {
		return sim.Response{}, false // a relay's, or none at all
	}
	x := exchange{packet: &p, request: request}
	if !x.find(v, port) {
		return sim.Response{}, false
	}
	return x.answer(), true
}

func isRequest(p *packet.Packet) bool {
	return p.EtherType == packet.EtherTypeIPv6 && p.Proto == packet.ProtoUDP && p.Fragment == packet.Unfragmented &&
		p.SrcPort == clientPort && p.DstPort == serverPort && p.DstIP == allServers && p.SrcIP.IsLinkLocalUnicast() && !p.Tagged()
}

// find sets what the sender may have and reports whether any subnet serves it.
func (x *exchange) find(v *view.View, port *topology.Port) bool {
	for _, h := range v.DHCPHosts(port.Bridge, x.packet.SrcMAC) {
		d, ok := v.Object(topology.Key{Kind: topology.KindDHCP, ID: h.DHCP}).(*topology.DHCP)
		if !ok || !d.Enabled || d.Bridge != port.Bridge || !h.Port.IsZero() && h.Port != port.ID || !h.Addr.Is6() ||
			slices.Contains(d.Silent, v.Self()) {
			continue
		}
		switch d.AddressMode {
		case topology.DHCPv6Stateful:
			if len(x.leases) == 0 {
				x.subnet = d
			}
			x.leases = append(x.leases, lease{subnet: d, addr: h.Addr})
		case topology.DHCPv6Stateless:
			if x.subnet == nil {
				x.subnet = d
			}
		}
	}
	return x.subnet != nil
}

func (x *exchange) answer() sim.Response {
	if why := x.invalid(); why != "" {
		return x.silence(why)
	}
	switch x.request.MessageType {
	case dhcpv6.MessageTypeSolicit:
		return x.solicited()
	case dhcpv6.MessageTypeRequest:
		return x.grant(x.reply(dhcpv6.MessageTypeReply), x.granted)
	case dhcpv6.MessageTypeRenew, dhcpv6.MessageTypeRebind:
		return x.grant(x.reply(dhcpv6.MessageTypeReply), x.extended)
	case dhcpv6.MessageTypeConfirm:
		return x.confirm()
	case dhcpv6.MessageTypeRelease, dhcpv6.MessageTypeDecline:
		return x.acknowledge()
	default:
		return x.send(x.configured(x.reply(dhcpv6.MessageTypeReply)), "with the configuration")
	}
}

// needs says of each kind of message which identifiers it must carry (RFC 8415 section 16): must it name its client, and must it name
// this server, may it, or must it name none.
var needs = map[dhcpv6.MessageType]struct {
	client bool
	server presence
}{
	dhcpv6.MessageTypeSolicit:            {client: true, server: forbidden},
	dhcpv6.MessageTypeRequest:            {client: true, server: required},
	dhcpv6.MessageTypeConfirm:            {client: true, server: forbidden},
	dhcpv6.MessageTypeRenew:              {client: true, server: required},
	dhcpv6.MessageTypeRebind:             {client: true, server: forbidden},
	dhcpv6.MessageTypeRelease:            {client: true, server: required},
	dhcpv6.MessageTypeDecline:            {client: true, server: required},
	dhcpv6.MessageTypeInformationRequest: {server: allowed},
}

// presence is whether an option may be there.
type presence uint8

const (
	forbidden presence = iota
	allowed
	required
)

// invalid returns why a server discards the message; empty where it does not.
func (x *exchange) invalid() string {
	need, known := needs[x.request.MessageType]
	o := x.request.Options
	server := o.ServerID()
	switch {
	case !known:
		return "which no client sends"
	case need.client && o.ClientID() == nil:
		return "which does not name its client"
	case need.server == required && server == nil:
		return "which does not name its server"
	case need.server == forbidden && server != nil:
		return "which may not name a server"
	case server != nil && !server.Equal(serverDUID()):
		return fmt.Sprintf("which is for the server %s", server)
	case x.request.MessageType == dhcpv6.MessageTypeInformationRequest && asksForAddresses(o):
		return "which may not ask for addresses"
	}
	return ""
}

func asksForAddresses(o dhcpv6.MessageOptions) bool {
	return len(o.IANA())+len(o.IATA())+len(o.IAPD()) > 0
}

func (x *exchange) response(text string, frames ...[]byte) sim.Response {
	tags := []flow.Tag{{Class: flow.TagDHCP, ID: x.subnet.ID}}
	for _, l := range x.leases {
		if l.subnet != x.subnet {
			tags = append(tags, flow.Tag{Class: flow.TagDHCP, ID: l.subnet.ID})
		}
	}
	return sim.Response{Frames: frames, Tags: tags, Step: sim.Step{Device: "dhcp " + x.subnet.Prefix.String(), Text: text}}
}

func (x *exchange) silence(why string) sim.Response {
	return x.response(fmt.Sprintf("does not answer %s, %s", x.request.MessageType, why))
}
