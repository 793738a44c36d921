package dhcp

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/sim"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// lease answers with the reservation: an OFFER, an ACK, or the ACK of an INFORM, whose sender has an address already and gets the
// parameters alone (RFC 2131 section 4.3.5).
func (x *exchange) lease(kind dhcpv4.MessageType) sim.Response {
	reply := x.reply(kind)
	inform := x.request.MessageType() == dhcpv4.MessageTypeInform
	if !inform {
		reply.YourIPAddr = x.host.Addr.AsSlice()
	}
	reply.ClientIPAddr = x.request.ClientIPAddr
	skipped := x.setOptions(reply, inform)
	text := fmt.Sprintf("answers %s with %s", x.request.MessageType(), kind)
	if !inform {
		text += " of " + x.host.Addr.String()
	}
	if id := x.request.ServerIdentifier(); !unspecified(id) && !id.Equal(x.server.AsSlice()) {
		text += fmt.Sprintf("; the client named server %s", id)
	}
	if len(skipped) > 0 {
		text += "; skips extra options that it cannot send: " + strings.Join(skipped, "; ")
	}
	return x.response(text, x.frame(reply))
}

// refuse answers a REQUEST for another address than the reserved one.
func (x *exchange) refuse(wanted netip.Addr) sim.Response {
	reply := x.reply(dhcpv4.MessageTypeNak)
	reply.UpdateOption(dhcpv4.OptMessage(fmt.Sprintf("%s is not reserved for this client", wanted)))
	text := fmt.Sprintf("answers REQUEST for %s with NAK: %s is reserved for %s", wanted, x.host.Addr, x.host.MAC)
	return x.response(text, x.frame(reply))
}

// reply returns the fields that every answer has (RFC 2131 table 3).
func (x *exchange) reply(kind dhcpv4.MessageType) *dhcpv4.DHCPv4 {
	reply := &dhcpv4.DHCPv4{
		OpCode: dhcpv4.OpcodeBootReply, HWType: x.request.HWType, TransactionID: x.request.TransactionID, Flags: x.request.Flags,
		ClientHWAddr: x.request.ClientHWAddr,
		ClientIPAddr: net.IPv4zero, YourIPAddr: net.IPv4zero, ServerIPAddr: net.IPv4zero, GatewayIPAddr: net.IPv4zero,
		Options: make(dhcpv4.Options),
	}
	reply.UpdateOption(dhcpv4.OptMessageType(kind))
	reply.UpdateOption(dhcpv4.OptServerIdentifier(x.server.AsSlice()))
	if id := x.request.Options.Get(dhcpv4.OptionClientIdentifier); id != nil {
		reply.UpdateOption(dhcpv4.OptGeneric(dhcpv4.OptionClientIdentifier, id)) // RFC 6842
	}
	return reply
}

// frame wraps the answer, addressed as RFC 2131 section 4.1 asks: to the client's address where it has one, to everyone where the
// client cannot take anything else yet, and otherwise to the address that it is being given.
func (x *exchange) frame(reply *dhcpv4.DHCPv4) []byte {
	hw, to := x.packet.SrcMAC, x.host.Addr
	switch nak := reply.MessageType() == dhcpv4.MessageTypeNak; {
	case nak, unspecified(reply.ClientIPAddr) && (reply.IsBroadcast() || unspecified(reply.YourIPAddr)):
		hw, to = mac.Broadcast, limitedBroadcast
	case !unspecified(reply.ClientIPAddr):
		to, _ = netip.AddrFromSlice(reply.ClientIPAddr.To4())
	}
	src, dst := netip.AddrPortFrom(x.server, serverPort), netip.AddrPortFrom(to, clientPort)
	return packet.WrapUDP(view.DHCPServerMAC, hw, src, dst, reply.ToBytes())
}

// forced are the options that are sent without being asked for: what RFC 2131 table 3 demands, the mask, and the MTU, which
// Neutron's DHCP agent forces as well because a workload that does not know it loses packets.
var forced = []uint8{
	dhcpv4.OptionSubnetMask.Code(), dhcpv4.OptionInterfaceMTU.Code(), dhcpv4.OptionIPAddressLeaseTime.Code(),
	dhcpv4.OptionDHCPMessageType.Code(), dhcpv4.OptionServerIdentifier.Code(), dhcpv4.OptionRenewTimeValue.Code(),
	dhcpv4.OptionRebindingTimeValue.Code(), dhcpv4.OptionClientIdentifier.Code(),
}

// classlessMicrosoft is option 121 under the number that old Windows clients ask for.
const classlessMicrosoft = 249

// setOptions adds the subnet's options and the host's own, which take precedence, and drops what the client did not ask for. It
// returns the extra options that make no sense, in words.
func (x *exchange) setOptions(reply *dhcpv4.DHCPv4, inform bool) (skipped []string) {
	x.setSubnetOptions(reply.Options)
	if !inform {
		x.setTimes(reply.Options)
	}
	for _, o := range x.host.Options {
		code, value, err := encodeOption(o)
		switch {
		case err != nil:
			skipped = append(skipped, err.Error())
		case slices.Contains(reserved, code):
			skipped = append(skipped, fmt.Sprintf("option %d is the server's own to set", code))
		case code == serverAddress:
			reply.ServerIPAddr = value[:4]
		default:
			reply.Options[code] = value
		}
	}
	x.keepRequested(reply)
	return skipped
}

// reserved are options that carry the protocol itself.
var reserved = []uint8{
	dhcpv4.OptionPad.Code(), dhcpv4.OptionRequestedIPAddress.Code(), dhcpv4.OptionOptionOverload.Code(),
	dhcpv4.OptionDHCPMessageType.Code(), dhcpv4.OptionServerIdentifier.Code(), dhcpv4.OptionParameterRequestList.Code(),
	dhcpv4.OptionRelayAgentInformation.Code(),
}

func (x *exchange) setSubnetOptions(o dhcpv4.Options) {
	d := x.subnet
	o.Update(dhcpv4.OptSubnetMask(net.CIDRMask(d.Prefix.Bits(), 32)))
	if last := lastAddr(d.Prefix); d.Prefix.Bits() < 31 && last.IsValid() {
		o.Update(dhcpv4.OptBroadcastAddress(last.AsSlice()))
	}
	if d.Router.Is4() {
		o.Update(dhcpv4.OptRouter(d.Router.AsSlice()))
	}
	if servers := slices.Concat(ipv4Only(d.DNS)...); len(servers) > 0 {
		o[dhcpv4.OptionDomainNameServer.Code()] = servers
	}
	if x.host.Hostname != "" {
		o.Update(dhcpv4.OptHostName(x.host.Hostname))
	}
	if d.Domain != "" {
		o.Update(dhcpv4.OptDomainName(d.Domain))
	}
	if d.MTU > 0 {
		o[dhcpv4.OptionInterfaceMTU.Code()] = binary.BigEndian.AppendUint16(nil, uint16(min(d.MTU, 65535)))
	}
	if routes := x.routes(); len(routes) > 0 {
		o[dhcpv4.OptionClasslessStaticRoute.Code()] = routes
	}
}

// routes returns option 121: the subnet's routes and, since a client that takes them takes nothing from option 3 (RFC 3442), the
// default route. Nothing where the subnet has no routes.
func (x *exchange) routes() []byte {
	var b []byte
	hasDefault := false
	for _, r := range append(x.toMetadata(), x.subnet.Routes...) {
		if r.Destination.Addr().Is4() && r.NextHop.Is4() {
			b = appendRoute(b, r.Destination, r.NextHop)
			hasDefault = hasDefault || r.Destination.Bits() == 0
		}
	}
	if b != nil && !hasDefault && x.subnet.Router.Is4() {
		b = appendRoute(b, netip.PrefixFrom(netip.IPv4Unspecified(), 0), x.subnet.Router)
	}
	return b
}

// toMetadata returns the route to the metadata service of a subnet from which nothing else leads there: it is on the link (next hop
// 0.0.0.0, RFC 3442), where the host answers for it.
func (x *exchange) toMetadata() []topology.ClasslessRoute {
	there := netip.PrefixFrom(topology.MetadataIPv4, topology.MetadataIPv4.BitLen())
	for _, r := range x.subnet.Routes {
		if r.Destination == there {
			return nil
		}
	}
	if !x.isolated {
		return nil
	}
	return []topology.ClasslessRoute{{Destination: there, NextHop: netip.IPv4Unspecified()}}
}

// appendRoute appends one route in the form of RFC 3442: the prefix length, as many octets as it covers, the next hop.
func appendRoute(b []byte, to netip.Prefix, via netip.Addr) []byte {
	b = append(b, uint8(to.Bits()))
	b = append(b, to.Masked().Addr().AsSlice()[:(to.Bits()+7)/8]...)
	return append(b, via.AsSlice()...)
}

// setTimes adds the lease and when to renew it, at the fractions of RFC 2131 section 4.4.5.
func (x *exchange) setTimes(o dhcpv4.Options) {
	lease := time.Duration(x.subnet.LeaseSeconds) * time.Second
	if lease == 0 {
		lease = defaultLease
	}
	o.Update(dhcpv4.OptIPAddressLeaseTime(lease))
	if x.subnet.LeaseSeconds != infinite {
		o.Update(dhcpv4.OptRenewTimeValue(lease / 2))
		o.Update(dhcpv4.OptRebindingTimeValue(lease * 7 / 8))
	}
}

const (
	defaultLease = 86400 * time.Second // midolman's
	infinite     = 0xffffffff          // RFC 2131 section 3.3
)

// keepRequested drops the options that the client did not ask for; one that names none gets all. A boot file and server that were
// not asked for as options go into the fixed fields that older boot loaders read, as dnsmasq does it.
func (x *exchange) keepRequested(reply *dhcpv4.DHCPv4) {
	requested := x.request.Options.Get(dhcpv4.OptionParameterRequestList)
	if slices.Contains(requested, classlessMicrosoft) && reply.Options.Has(dhcpv4.OptionClasslessStaticRoute) {
		reply.Options[classlessMicrosoft] = reply.Options.Get(dhcpv4.OptionClasslessStaticRoute)
	}
	if requested == nil {
		return
	}
	for code, value := range reply.Options {
		if slices.Contains(requested, code) || slices.Contains(forced, code) {
			continue
		}
		delete(reply.Options, code)
		switch code {
		case dhcpv4.OptionBootfileName.Code():
			reply.BootFileName = fit(value, 127)
		case dhcpv4.OptionTFTPServerName.Code():
			reply.ServerHostName = fit(value, 63)
		}
	}
}

// fit returns the text cut to what a fixed field holds before its closing NUL.
func fit(b []byte, size int) string { return string(b[:min(len(b), size)]) }

// ipv4Only returns the IPv4 addresses among the given, four octets each.
func ipv4Only(addrs []netip.Addr) [][]byte {
	var out [][]byte
	for _, a := range addrs {
		if a.Is4() {
			out = append(out, a.AsSlice())
		}
	}
	return out
}
