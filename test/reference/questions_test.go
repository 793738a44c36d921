package reference

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"
	"pgregory.net/rapid"

	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/service/dhcp"
	"midonet.org/midonet/agent/service/dhcp6"
	"midonet.org/midonet/agent/sim"
	"midonet.org/midonet/mac"
)

// TestQuestionsAreAnsweredAsTheModelSays has machines of random clouds ask what a machine asks when it starts, and later: who it is, by DHCP
// of either family; what routers there are; and who has an address of its network. Each answer, or that there is none, is what the model
// says; it goes to who asked, and to nobody else.
func TestQuestionsAreAnsweredAsTheModelSays(t *testing.T) {
	putToTheTest(t, []string{"DHCP", "DHCP, in vain", "DHCPv6", "DHCPv6, in vain", "for routers", "for routers, in vain", "for an address",
		"for an address, in vain"}, func(t *rapid.T, seen map[string]int) {
		w := anyWorld(t)
		l := newLab(t, w)
		defer l.close()
		for m := 1; m < len(w.machines); m++ {
			for kind, ask := range map[string]func(int) (got, want []string){
				"DHCP": l.asksDHCP, "DHCPv6": l.asksDHCPv6, "for routers": l.asksForRouters,
				"for an address": func(m int) (got, want []string) { return l.asksFor(m, w.anyOnLink(t, m)) },
			} {
				got, want := ask(m)
				if !slices.Equal(got, want) {
					t.Fatalf("machine %d asks %s and hears %q, want %q\n%s%s", m, kind, got, want, l.walk, w)
				}
				if len(want) > 0 {
					seen[kind]++
				} else {
					seen[kind+", in vain"]++
				}
			}
		}
	})
}

// asks sends the frame from the machine, and returns the frames that it gets for it. Nobody else may get anything that is an answer.
func (l *lab) asks(m int, frame []byte) (answers []*packet.Packet) {
	h, port, _ := l.entrance(m, message{})
	r := sim.Simulate(h.view, sim.Input{InPort: port, Frame: frame, State: h.states, Trace: true}, dhcp.Responder{}, dhcp6.Responder{})
	var b strings.Builder
	if err := sim.Format(&b, r, h.view); err != nil {
		l.t.Fatal(err)
	}
	l.walk = b.String()
	for _, e := range r.Emit {
		for _, o := range e.Outputs {
			if o.Port != port || !o.Local() {
				l.t.Fatalf("machine %d asks, and %s gets an answer\n%s", m, o.Port, l.walk)
			}
			answers = append(answers, l.parse(e.Frame))
		}
	}
	return answers
}

// speaks reports whether anything that the machine sends reaches its network.
func (w *world) speaks(m int) bool {
	return !w.machines[m].off && !w.networks[w.machines[m].network].off
}

// asksDHCP is a DISCOVER. The model's answer is an address of the machine's, the gateway, which need not be there, the prefix and the MTU.
func (l *lab) asksDHCP(m int) (got, want []string) {
	w := l.world
	n, hw := w.machines[m].network, machineMAC(m)
	all := w.addresses(m, false)
	asked := all[m%len(all)]
	discover, err := dhcpv4.NewDiscovery(net.HardwareAddr(hw[:]), dhcpv4.WithOption(dhcpv4.OptRequestedIPAddress(asked.AsSlice())),
		dhcpv4.WithRequestedOptions(dhcpv4.OptionRouter, dhcpv4.OptionSubnetMask, dhcpv4.OptionInterfaceMTU))
	if err != nil {
		l.t.Fatal(err)
	}
	frame := packet.WrapUDP(hw, mac.Broadcast, netip.MustParseAddrPort("0.0.0.0:68"), netip.MustParseAddrPort("255.255.255.255:67"), discover.ToBytes())
	for _, p := range l.asks(m, frame) {
		if p.SrcPort != 67 || p.Proto != packet.ProtoUDP {
			continue
		}
		offer, err := dhcpv4.FromBytes(p.Data())
		if err != nil {
			l.t.Fatal(err)
		}
		bits, _ := offer.SubnetMask().Size()
		got = append(got, fmt.Sprint(offer.MessageType(), offer.YourIPAddr, offer.Router(), bits,
			binary.BigEndian.Uint16(offer.Options.Get(dhcpv4.OptionInterfaceMTU)), offer.ClientHWAddr))
	}
	if w.speaks(m) && w.networks[n].dhcp {
		want = append(want, fmt.Sprint(dhcpv4.MessageTypeOffer, asked, []net.IP{nth(n, false, 1).AsSlice()}, 24, networkMTU, net.HardwareAddr(hw[:])))
	}
	return got, want
}

// asksDHCPv6 is a SOLICIT. Where addresses are given, the machine gets all of its own; where only the rest is, none; else no answer.
func (l *lab) asksDHCPv6(m int) (got, want []string) {
	w := l.world
	n, hw := w.networks[w.machines[m].network], machineMAC(m)
	client := &dhcpv6.DUIDLL{HWType: iana.HWTypeEthernet, LinkLayerAddr: net.HardwareAddr(hw[:])}
	solicit, err := dhcpv6.NewSolicit(net.HardwareAddr(hw[:]), dhcpv6.WithClientID(client))
	if err != nil {
		l.t.Fatal(err)
	}
	to := netip.MustParseAddr("ff02::1:2")
	frame := packet.WrapUDP(hw, mac.MustParse("33:33:00:01:00:02"), netip.AddrPortFrom(packet.LinkLocal(hw), 546), netip.AddrPortFrom(to, 547), solicit.ToBytes())
	for _, p := range l.asks(m, frame) {
		if p.SrcPort != 547 || p.Proto != packet.ProtoUDP {
			continue
		}
		answer, err := dhcpv6.MessageFromBytes(p.Data())
		if err != nil {
			l.t.Fatal(err)
		}
		got = append(got, answer.MessageType.String())
		for _, ia := range answer.Options.IANA() {
			for _, a := range ia.Options.Addresses() {
				got = append(got, a.IPv6Addr.String())
			}
		}
	}
	if w.speaks(m) && n.dhcp && (n.mode == "dhcpv6-stateful" || n.mode == "dhcpv6-stateless") {
		want = append(want, dhcpv6.MessageTypeAdvertise.String())
		if n.mode == "dhcpv6-stateful" {
			for _, a := range w.addresses(m, true) {
				want = append(want, a.String())
			}
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	return got, want
}

// asksForRouters is a router solicitation: each router with an interface that is on answers with the flags of the subnet's mode.
func (l *lab) asksForRouters(m int) (got, want []string) {
	w := l.world
	n, hw := w.machines[m].network, machineMAC(m)
	h := packet.Header{SrcMAC: hw, DstMAC: mac.MustParse("33:33:00:00:00:02"), EtherType: packet.EtherTypeIPv6, SrcIP: packet.LinkLocal(hw),
		DstIP: netip.MustParseAddr("ff02::2"), Proto: packet.ProtoICMPv6, TTL: 255, SrcPort: packet.NDRouterSolicitation}
	for _, p := range l.asks(m, h.Frame(append([]byte{0, 0, 0, 0, 1, 1}, hw[:]...))) {
		if p.SrcPort != packet.NDRouterAdvertisement {
			continue
		}
		managed, other, autonomous := p.Frame[p.L4+5]&0x80 != 0, p.Frame[p.L4+5]&0x40 != 0, false
		var of netip.Prefix
		for o := p.Frame[p.L4+16 : p.End]; len(o) > 0; o = o[int(o[1])*8:] {
			if o[0] == 3 {
				of, autonomous = netip.PrefixFrom(netip.AddrFrom16([16]byte(o[16:32])), int(o[2])), o[3]&0x40 != 0
			}
		}
		got = append(got, fmt.Sprint(p.SrcIP, managed, other, of, autonomous))
	}
	mode := w.networks[n].mode
	for r, x := range w.routers {
		if w.speaks(m) && mode != "" && slices.Contains(x.networks, n) && !x.off && !x.isOff(n) {
			want = append(want, fmt.Sprint(packet.LinkLocal(routerMAC(r, n)), mode == "dhcpv6-stateful", mode == "dhcpv6-stateless", prefix(n, true),
				mode != "dhcpv6-stateful"))
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	return got, want
}

// anyOnLink draws an address of the machine's network, of somebody else who is on, or of nobody.
func (w *world) anyOnLink(t *rapid.T, m int) netip.Addr {
	n := w.machines[m].network
	six := w.networks[n].dual && rapid.Bool().Draw(t, "six")
	all := []netip.Addr{nth(n, six, 99)}
	for other, x := range w.machines {
		if other != m && x.network == n && !x.off {
			all = append(all, w.addresses(other, six)...)
		}
	}
	for r, x := range w.routers {
		if a, ok := w.routerAddress(r, n, six); ok && slices.Contains(x.networks, n) && !x.off && !x.isOff(n) {
			all = append(all, a)
		}
	}
	return rapid.SampledFrom(all).Draw(t, "asked")
}

// asksFor is ARP or neighbour discovery. Whoever has the address is known, on whichever host it is.
func (l *lab) asksFor(m int, a netip.Addr) (got, want []string) {
	w := l.world
	n, hw := w.machines[m].network, machineMAC(m)
	own, _ := w.address(m, a.Is6())
	frame := packet.Solicitation(hw, own, a)
	if a.Is4() {
		frame = packet.ARP{Operation: packet.ARPRequest, SenderMAC: hw, SenderIP: own, TargetIP: a}.Frame(hw, mac.Broadcast)
	}
	for _, p := range l.asks(m, frame) {
		switch {
		case a.Is4() && p.ARP.Operation == packet.ARPReply && p.ARP.SenderIP == a && p.ARP.TargetIP == own:
			got = append(got, p.ARP.SenderMAC.String())
		case a.Is6() && p.SrcPort == packet.NDNeighbourAdvertisement && p.ND.Target == a:
			got = append(got, p.ND.LinkLayer.String())
		default:
			got = append(got, "something else")
		}
	}
	if !w.speaks(m) {
		return got, nil
	}
	for other, x := range w.machines {
		if x.network == n && w.has(other, a) {
			want = append(want, machineMAC(other).String())
		}
	}
	for r := range w.routers {
		if own, ok := w.routerAddress(r, n, a.Is6()); ok && own == a {
			want = append(want, routerMAC(r, n).String())
		}
	}
	return got, want
}
