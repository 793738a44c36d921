package packet

import (
	"net/netip"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"midonet.org/midonet/mac"
)

func TestARPReply(t *testing.T) {
	ask := mustParse(t, ARP{Operation: ARPRequest, SenderMAC: macA, SenderIP: v4A, TargetIP: v4B}.Frame(macA, mac.Broadcast))
	if ask.ARP.Gratuitous() {
		t.Error("a question about another address counts as gratuitous")
	}
	reply := gopacket.NewPacket(ask.ARP.Reply(macB), layers.LayerTypeEthernet, gopacket.Default)
	arp, ok := reply.Layer(layers.LayerTypeARP).(*layers.ARP)
	if !ok {
		t.Fatalf("no ARP in %v", reply)
	}
	eth := reply.LinkLayer().(*layers.Ethernet)
	if arp.Operation != layers.ARPReply || mac.Addr(arp.SourceHwAddress) != macB || mac.Addr(arp.DstHwAddress) != macA ||
		netip.AddrFrom4([4]byte(arp.SourceProtAddress)) != v4B || netip.AddrFrom4([4]byte(arp.DstProtAddress)) != v4A {
		t.Errorf("wrong reply: %+v", arp)
	}
	if mac.Addr(eth.DstMAC) != macA || mac.Addr(eth.SrcMAC) != macB {
		t.Errorf("the reply goes from %s to %s", eth.SrcMAC, eth.DstMAC)
	}
}

// solicit builds a solicitation with gopacket.
func solicit(t *testing.T, src netip.Addr, dst netip.Addr, withOption bool) []byte {
	ip := &layers.IPv6{Version: 6, HopLimit: 255, NextHeader: 58, SrcIP: src.AsSlice(), DstIP: dst.AsSlice()}
	icmp := &layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(135, 0)}
	if err := icmp.SetNetworkLayerForChecksum(ip); err != nil {
		t.Fatal(err)
	}
	ns := &layers.ICMPv6NeighborSolicitation{TargetAddress: v6B.AsSlice()}
	if withOption {
		ns.Options = layers.ICMPv6Options{{Type: layers.ICMPv6OptSourceAddress, Data: macA[:]}}
	}
	return serialize(t, &layers.Ethernet{SrcMAC: macA[:], DstMAC: net6(dst), EthernetType: 0x86dd}, ip, icmp, ns)
}

func net6(a netip.Addr) []byte {
	m := macB
	if a.IsMulticast() {
		m = multicastMAC(a)
	}
	return m[:]
}

func TestNeighbourReply(t *testing.T) {
	group := SolicitedNode(v6B)
	if want := netip.MustParseAddr("ff02::1:ff00:4"); group != want {
		t.Fatalf("SolicitedNode(%s) = %s, want %s", v6B, group, want)
	}
	for _, c := range []struct {
		name            string
		src, dst        netip.Addr
		option          bool
		wantMAC         mac.Addr
		wantDst         netip.Addr
		solicited, over bool
	}{
		{"multicast", v6A, group, true, macA, v6A, true, true},
		{"unicast without option", v6A, v6B, false, macA, v6A, true, true},
		{"duplicate address detection", netip.IPv6Unspecified(), group, false, mac.MustParse("33:33:00:00:00:01"),
			netip.MustParseAddr("ff02::1"), false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			ask := mustParse(t, solicit(t, c.src, c.dst, c.option))
			if !ask.ValidSolicitation() {
				t.Fatal("the solicitation counts as invalid")
			}
			reply := gopacket.NewPacket(ask.NeighbourReply(macB, false), layers.LayerTypeEthernet, gopacket.Default)
			na, ok := reply.Layer(layers.LayerTypeICMPv6NeighborAdvertisement).(*layers.ICMPv6NeighborAdvertisement)
			if !ok {
				t.Fatalf("no advertisement in %v", reply)
			}
			verifyChecksums(t, reply)
			ip := reply.NetworkLayer().(*layers.IPv6)
			if got := netip.AddrFrom16([16]byte(ip.DstIP)); got != c.wantDst || ip.HopLimit != 255 {
				t.Errorf("sent to %s with hop limit %d, want %s and 255", got, ip.HopLimit, c.wantDst)
			}
			if got := mac.Addr(reply.LinkLayer().(*layers.Ethernet).DstMAC); got != c.wantMAC {
				t.Errorf("sent to %s, want %s", got, c.wantMAC)
			}
			if na.Solicited() != c.solicited || na.Override() != c.over || na.Router() {
				t.Errorf("flags %#x", na.Flags)
			}
			if len(na.Options) != 1 || na.Options[0].Type != layers.ICMPv6OptTargetAddress || mac.Addr(na.Options[0].Data) != macB {
				t.Errorf("options %v, want the target's address", na.Options)
			}
		})
	}
}

// TestInvalidSolicitations breaks one rule of RFC 4861 section 7.1.1 at a time.
func TestInvalidSolicitations(t *testing.T) {
	l3, l4 := ethernetLen, ethernetLen+ipv6Len
	for name, spoil := range map[string]func(frame []byte){
		"hop limit":        func(f []byte) { f[l3+7] = 254 },
		"code":             func(f []byte) { f[l4+1], f[l4+3] = 1, f[l4+3]-1 },
		"checksum":         func(f []byte) { f[l4+2]++ },
		"multicast target": func(f []byte) { f[l4+8] = 0xff },
	} {
		t.Run(name, func(t *testing.T) {
			frame := solicit(t, v6A, SolicitedNode(v6B), true)
			spoil(frame)
			if mustParse(t, frame).ValidSolicitation() {
				t.Error("it counts as valid")
			}
		})
	}
	if mustParse(t, solicit(t, netip.IPv6Unspecified(), SolicitedNode(v6B), true)).ValidSolicitation() {
		t.Error("a source link-layer option from the unspecified address counts as valid")
	}
	if mustParse(t, solicit(t, netip.IPv6Unspecified(), v6B, false)).ValidSolicitation() {
		t.Error("the unspecified address asking one station counts as valid")
	}
}
