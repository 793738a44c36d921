package dhcp6

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"
	"github.com/insomniacslk/dhcp/rfc1035label"

	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/sim"
	"midonet.org/midonet/agent/view"
)

const (
	defaultLease = 86400 * time.Second // package dhcp's
	infinite     = 0xffffffff          // RFC 8415 section 7.7
)

// solicited answers SOLICIT: with REPLY at once where the client asks for rapid commit (RFC 8415 section 18.3.1), else with
// ADVERTISE, whose preference of 255 tells the client that no better one will come.
func (x *exchange) solicited() sim.Response {
	if x.request.GetOneOption(dhcpv6.OptionRapidCommit) != nil {
		reply := x.reply(dhcpv6.MessageTypeReply)
		reply.AddOption(&dhcpv6.OptionGeneric{OptionCode: dhcpv6.OptionRapidCommit})
		return x.grant(reply, x.offered)
	}
	reply := x.reply(dhcpv6.MessageTypeAdvertise)
	reply.AddOption(dhcpv6.OptPreference(255))
	return x.grant(reply, x.offered)
}

// grant answers every identity association of the request: those of non-temporary addresses as each says, given the leases that none
// before it took, and the others with the status that there is nothing for them.
func (x *exchange) grant(reply *dhcpv6.Message, each func(asked *dhcpv6.OptIANA, left []lease) *dhcpv6.OptIANA) sim.Response {
	left, text := x.leases, ""
	for _, asked := range x.request.Options.IANA() {
		ia := each(asked, left)
		reply.AddOption(ia)
		for _, a := range ia.Options.Addresses() {
			if a.ValidLifetime > 0 {
				left = without(left, a.IPv6Addr)
				text += " of " + a.IPv6Addr.String()
			}
		}
	}
	for _, asked := range x.request.Options.IATA() {
		ia := &dhcpv6.OptIATA{IaId: asked.IaId}
		ia.Options.Add(status(iana.StatusNoAddrsAvail, "there are no temporary addresses"))
		reply.AddOption(ia)
	}
	for _, asked := range x.request.Options.IAPD() {
		ia := &dhcpv6.OptIAPD{IaId: asked.IaId}
		ia.Options.Add(status(iana.StatusNoPrefixAvail, "no prefixes are delegated"))
		reply.AddOption(ia)
	}
	return x.send(x.configured(reply), fmt.Sprintf("with %s%s", reply.MessageType, text))
}

// offered is the association of an ADVERTISE, or of the REPLY to a SOLICIT with rapid commit.
func (x *exchange) offered(asked *dhcpv6.OptIANA, left []lease) *dhcpv6.OptIANA {
	if len(left) == 0 {
		return refused(asked, iana.StatusNoAddrsAvail, "no address is reserved for this client")
	}
	return leased(asked, left)
}

// granted is the association of a REQUEST: one that names an address of another link learns that it is (RFC 8415 section 18.3.2).
func (x *exchange) granted(asked *dhcpv6.OptIANA, left []lease) *dhcpv6.OptIANA {
	for _, a := range asked.Options.Addresses() {
		if !x.onLink(a.IPv6Addr) {
			return refused(asked, iana.StatusNotOnLink, fmt.Sprintf("%s is not on this link", a.IPv6Addr))
		}
	}
	return x.offered(asked, left)
}

// extended is the association of a RENEW or REBIND: what the client may have, and with no life time what it may not keep (RFC 8415
// sections 18.3.4 and 18.3.5).
func (x *exchange) extended(asked *dhcpv6.OptIANA, left []lease) *dhcpv6.OptIANA {
	if len(left) == 0 {
		return refused(asked, iana.StatusNoBinding, "no address is reserved for this client")
	}
	ia := leased(asked, left)
	for _, a := range asked.Options.Addresses() {
		if !slices.ContainsFunc(left, func(l lease) bool { return a.IPv6Addr.Equal(l.addr.AsSlice()) }) {
			ia.Options.Add(&dhcpv6.OptIAAddress{IPv6Addr: a.IPv6Addr})
		}
	}
	return ia
}

// confirm answers CONFIRM: whether the client's addresses belong to the link that it is on. One that names none gets no answer
// (RFC 8415 section 18.3.3).
func (x *exchange) confirm() sim.Response {
	named := false
	for _, ia := range x.request.Options.IANA() {
		for _, a := range ia.Options.Addresses() {
			named = true
			if !x.onLink(a.IPv6Addr) {
				why := fmt.Sprintf("%s is not on this link", a.IPv6Addr)
				return x.sendStatus(iana.StatusNotOnLink, why)
			}
		}
	}
	if !named {
		return x.silence("which names no address")
	}
	return x.sendStatus(iana.StatusSuccess, "the addresses are on this link")
}

// acknowledge answers RELEASE and DECLINE (RFC 8415 sections 18.3.7 and 18.3.8). The reservation stays: it is Neutron's to give.
func (x *exchange) acknowledge() sim.Response {
	reply := x.reply(dhcpv6.MessageTypeReply)
	for _, asked := range x.request.Options.IANA() {
		if !x.holds(asked) {
			reply.AddOption(refused(asked, iana.StatusNoBinding, "the address is not reserved for this client"))
		}
	}
	reply.AddOption(status(iana.StatusSuccess, "noted"))
	return x.send(reply, "with Success; the reservation stays")
}

// holds tells whether one of the addresses in the association is the client's.
func (x *exchange) holds(asked *dhcpv6.OptIANA) bool {
	for _, a := range asked.Options.Addresses() {
		if slices.ContainsFunc(x.leases, func(l lease) bool { return a.IPv6Addr.Equal(l.addr.AsSlice()) }) {
			return true
		}
	}
	return false
}

func (x *exchange) onLink(ip net.IP) bool {
	a, _ := netip.AddrFromSlice(ip)
	return slices.ContainsFunc(x.leases, func(l lease) bool { return l.subnet.Prefix.Contains(a) })
}

// leased returns the association with the addresses, to be renewed at the fractions of RFC 8415 section 21.4.
func leased(asked *dhcpv6.OptIANA, left []lease) *dhcpv6.OptIANA {
	ia := &dhcpv6.OptIANA{IaId: asked.IaId}
	for i, l := range left {
		life := lifetime(l.subnet.LeaseSeconds)
		ia.Options.Add(&dhcpv6.OptIAAddress{IPv6Addr: l.addr.AsSlice(), PreferredLifetime: life, ValidLifetime: life})
		t1, t2 := life/2, life*4/5
		if l.subnet.LeaseSeconds == infinite {
			t1, t2 = life, life
		}
		if i == 0 || t1 < ia.T1 {
			ia.T1, ia.T2 = t1, t2
		}
	}
	return ia
}

func refused(asked *dhcpv6.OptIANA, code iana.StatusCode, why string) *dhcpv6.OptIANA {
	ia := &dhcpv6.OptIANA{IaId: asked.IaId}
	ia.Options.Add(status(code, why))
	return ia
}

func status(code iana.StatusCode, why string) *dhcpv6.OptStatusCode {
	return &dhcpv6.OptStatusCode{StatusCode: code, StatusMessage: why}
}

func lifetime(seconds uint32) time.Duration {
	if seconds == 0 {
		return defaultLease
	}
	return time.Duration(seconds) * time.Second
}

func without(leases []lease, ip net.IP) []lease {
	return slices.DeleteFunc(slices.Clone(leases), func(l lease) bool { return ip.Equal(l.addr.AsSlice()) })
}

// reply returns an answer with the identifiers that every answer has.
func (x *exchange) reply(kind dhcpv6.MessageType) *dhcpv6.Message {
	reply := &dhcpv6.Message{MessageType: kind, TransactionID: x.request.TransactionID}
	if id := x.request.GetOneOption(dhcpv6.OptionClientID); id != nil {
		reply.AddOption(id)
	}
	reply.AddOption(dhcpv6.OptServerID(serverDUID()))
	return reply
}

// configured adds what the client asks for and the subnet has; all of it where the client names nothing.
func (x *exchange) configured(reply *dhcpv6.Message) *dhcpv6.Message {
	requested := x.request.Options.RequestedOptions()
	wants := func(code dhcpv6.OptionCode) bool { return len(requested) == 0 || requested.Contains(code) }
	var resolvers []net.IP
	for _, a := range x.subnet.DNS {
		if a.Is6() {
			resolvers = append(resolvers, a.AsSlice())
		}
	}
	if wants(dhcpv6.OptionDNSRecursiveNameServer) && len(resolvers) > 0 {
		reply.AddOption(dhcpv6.OptDNS(resolvers...))
	}
	if wants(dhcpv6.OptionDomainSearchList) && x.subnet.Domain != "" {
		reply.AddOption(dhcpv6.OptDomainSearchList(&rfc1035label.Labels{Labels: []string{x.subnet.Domain}}))
	}
	if wants(dhcpv6.OptionInformationRefreshTime) && x.request.MessageType == dhcpv6.MessageTypeInformationRequest {
		reply.AddOption(dhcpv6.OptInformationRefreshTime(lifetime(x.subnet.LeaseSeconds)))
	}
	return reply
}

func (x *exchange) sendStatus(code iana.StatusCode, why string) sim.Response {
	reply := x.reply(dhcpv6.MessageTypeReply)
	reply.AddOption(status(code, why))
	return x.send(reply, fmt.Sprintf("with %s: %s", code, why))
}

// send wraps the answer, from the server's link-local address to the client's.
func (x *exchange) send(reply *dhcpv6.Message, what string) sim.Response {
	src := netip.AddrPortFrom(packet.LinkLocal(view.DHCPServerMAC), serverPort)
	dst := netip.AddrPortFrom(x.packet.SrcIP, clientPort)
	frame := packet.WrapUDP(view.DHCPServerMAC, x.packet.SrcMAC, src, dst, reply.ToBytes())
	return x.response(fmt.Sprintf("answers %s %s", x.request.MessageType, what), frame)
}
