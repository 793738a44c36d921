package packet

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"pgregory.net/rapid"

	"midonet.org/midonet/mac"
)

var (
	macA = mac.MustParse("fa:16:3e:00:00:01")
	macB = mac.MustParse("fa:16:3e:00:00:02")
	v4A  = netip.MustParseAddr("10.0.0.3")
	v4B  = netip.MustParseAddr("10.0.0.4")
	v6A  = netip.MustParseAddr("fd00::3")
	v6B  = netip.MustParseAddr("fd00::4")
)

var byValue = cmpopts.EquateComparable(netip.Addr{})

func mustParse(t testing.TB, frame []byte) *Packet {
	t.Helper()
	var p Packet
	if err := Parse(frame, &p); err != nil {
		t.Fatalf("Parse(%x): %v", frame, err)
	}
	return &p
}

// serialize builds a frame with gopacket, lengths and checksums computed by it.
func serialize(t testing.TB, parts ...gopacket.SerializableLayer) []byte {
	t.Helper()
	b := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, parts...); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func ethernet(kind layers.EthernetType) *layers.Ethernet {
	return &layers.Ethernet{SrcMAC: macA[:], DstMAC: macB[:], EthernetType: kind}
}

func TestParseFramesOfAnotherImplementation(t *testing.T) {
	ip4 := func(proto layers.IPProtocol) *layers.IPv4 {
		return &layers.IPv4{Version: 4, TTL: 9, TOS: 0x28, Protocol: proto, SrcIP: v4A.AsSlice(), DstIP: v4B.AsSlice()}
	}
	ip6 := func(proto layers.IPProtocol) *layers.IPv6 {
		return &layers.IPv6{Version: 6, HopLimit: 9, TrafficClass: 0x28, NextHeader: proto, SrcIP: v6A.AsSlice(), DstIP: v6B.AsSlice()}
	}
	tcp := func(ip gopacket.NetworkLayer) *layers.TCP {
		l := &layers.TCP{SrcPort: 1025, DstPort: 80, SYN: true, Options: []layers.TCPOption{{OptionType: layers.TCPOptionKindMSS,
			OptionLength: 4, OptionData: []byte{5, 180}}}}
		_ = l.SetNetworkLayerForChecksum(ip)
		return l
	}
	udp := func(ip gopacket.NetworkLayer) *layers.UDP {
		l := &layers.UDP{SrcPort: 1025, DstPort: 53}
		_ = l.SetNetworkLayerForChecksum(ip)
		return l
	}
	icmp6 := func(ip gopacket.NetworkLayer) *layers.ICMPv6 {
		l := &layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(128, 0)}
		_ = l.SetNetworkLayerForChecksum(ip)
		return l
	}
	unreachable6 := func(ip gopacket.NetworkLayer) *layers.ICMPv6 {
		l := &layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(1, 3)}
		_ = l.SetNetworkLayerForChecksum(ip)
		return l
	}
	withOptions := ip4(layers.IPProtocolTCP)
	withOptions.Options = []layers.IPv4Option{{OptionType: 148, OptionLength: 4, OptionData: []byte{0, 0}}} // router alert
	payload := gopacket.Payload("hello")
	base4 := Header{SrcMAC: macA, DstMAC: macB, EtherType: EtherTypeIPv4, SrcIP: v4A, DstIP: v4B, TOS: 0x28, TTL: 9}
	base6 := Header{SrcMAC: macA, DstMAC: macB, EtherType: EtherTypeIPv6, SrcIP: v6A, DstIP: v6B, TOS: 0x28, TTL: 9}
	with := func(h Header, proto uint8, src, dst uint16) Header {
		h.Proto, h.SrcPort, h.DstPort = proto, src, dst
		return h
	}
	tagged := with(base4, ProtoUDP, 1025, 53)
	tagged.VLAN = VLANPresent | 100
	for _, c := range []struct {
		name  string
		frame []byte
		want  Header
	}{
		{"tcp4", serialize(t, ethernet(0x800), ip4(6), tcp(ip4(6)), payload), with(base4, ProtoTCP, 1025, 80)},
		{"tcp4 with IP options", serialize(t, ethernet(0x800), withOptions, tcp(withOptions), payload), with(base4, ProtoTCP, 1025, 80)},
		{"udp4", serialize(t, ethernet(0x800), ip4(17), udp(ip4(17)), payload), with(base4, ProtoUDP, 1025, 53)},
		{"udp4 tagged", serialize(t, ethernet(0x8100), &layers.Dot1Q{VLANIdentifier: 100, Priority: 3, Type: 0x800}, ip4(17), udp(ip4(17)),
			payload), tagged},
		{"sctp4", serialize(t, ethernet(0x800), ip4(132), &layers.SCTP{SrcPort: 7, DstPort: 8}, payload), with(base4, ProtoSCTP, 7, 8)},
		{"icmp4", serialize(t, ethernet(0x800), ip4(1), &layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(3, 4)}, payload),
			with(base4, ProtoICMP, 3, 4)},
		{"gre4", serialize(t, ethernet(0x800), ip4(47), payload), with(base4, 47, 0, 0)},
		{"tcp6", serialize(t, ethernet(0x86dd), ip6(6), tcp(ip6(6)), payload), with(base6, ProtoTCP, 1025, 80)},
		{"udp6", serialize(t, ethernet(0x86dd), ip6(17), udp(ip6(17)), payload), with(base6, ProtoUDP, 1025, 53)},
		{"icmp6", serialize(t, ethernet(0x86dd), ip6(58), icmp6(ip6(58)), gopacket.Payload("\x12\x34\x00\x01hello")),
			with(base6, ProtoICMPv6, ICMPv6Echo, 0x1234)},
		{"icmp6 error", serialize(t, ethernet(0x86dd), ip6(58), unreachable6(ip6(58)), payload), with(base6, ProtoICMPv6, 1, 3)},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := mustParse(t, append(c.frame, make([]byte, 7)...)) // and some link-layer padding
			if diff := cmp.Diff(c.want, p.Header, byValue); diff != "" {
				t.Errorf("the header differs (-want +got):\n%s", diff)
			}
			if got := p.Data(); len(got) < 5 || string(got[len(got)-5:]) != "hello" {
				t.Errorf("Data() = %q, want it to end in hello", got)
			}
		})
	}
}

func TestParseExtensionHeaders(t *testing.T) {
	udp := []byte{4, 1, 0, 53, 0, 8, 0, 0}
	hop := func(next uint8) []byte { return []byte{next, 0, 1, 4, 0, 0, 0, 0} }
	fragment := func(next uint8, field byte) []byte { return []byte{next, 0, 0, field, 0, 0, 0, 1} }
	auth := func(next uint8) []byte { return append([]byte{next, 4}, make([]byte, 22)...) }
	many := [][]byte{}
	for range MaxExtensions + 1 {
		many = append(many, hop(extDestination))
	}
	for _, c := range []struct {
		name      string
		first     uint8
		parts     [][]byte
		proto     uint8
		fragment  uint8
		port      uint16
		malformed bool
	}{
		{"hop by hop, routing, destination", extHopByHop, [][]byte{hop(extRouting), hop(extDestination), hop(ProtoUDP), udp}, ProtoUDP, 0, 1025, false},
		{"authentication", extAuth, [][]byte{auth(ProtoUDP), udp}, ProtoUDP, 0, 1025, false},
		{"first fragment", extFragment, [][]byte{fragment(ProtoUDP, 1), udp}, ProtoUDP, FragmentFirst, 1025, false},
		{"later fragment", extFragment, [][]byte{fragment(ProtoUDP, 8), udp}, ProtoUDP, FragmentLater, 0, false},
		{"later fragment of extensions", extFragment, [][]byte{fragment(extDestination, 8), udp}, extDestination, FragmentLater, 0, false},
		{"atomic fragment (RFC 6946)", extFragment, [][]byte{fragment(ProtoUDP, 0), udp}, ProtoUDP, Unfragmented, 1025, false},
		{"no next header", 59, nil, 59, 0, 0, false},
		{"too many", extDestination, many, 0, 0, 0, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := Header{SrcMAC: macA, DstMAC: macB, EtherType: EtherTypeIPv6, SrcIP: v6A, DstIP: v6B, Proto: 59}
			var body []byte
			for _, b := range c.parts {
				body = append(body, b...)
			}
			frame := h.Frame(body)
			frame[ethernetLen+6] = c.first
			var p Packet
			err := Parse(frame, &p)
			if c.malformed {
				if !errors.Is(err, ErrMalformed) {
					t.Fatalf("Parse() = %v, want %v", err, ErrMalformed)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if p.Proto != c.proto || p.Fragment != c.fragment || p.SrcPort != c.port {
				t.Errorf("proto %d, fragment %d, port %d; want %d, %d, %d", p.Proto, p.Fragment, p.SrcPort, c.proto, c.fragment, c.port)
			}
		})
	}
}

// TestTruncation cuts each kind of frame after every octet: every cut inside a header or before the declared end is found.
func TestTruncation(t *testing.T) {
	for name, frame := range sampleFrames() {
		t.Run(name, func(t *testing.T) {
			mustParse(t, frame)
			for n := range len(frame) {
				var p Packet
				if err := Parse(frame[:n:n], &p); !errors.Is(err, ErrTruncated) {
					t.Errorf("Parse of the first %d octets of %d: %v, want %v", n, len(frame), err, ErrTruncated)
				}
			}
		})
	}
}

func sampleFrames() map[string][]byte {
	frames := make(map[string][]byte)
	for _, s := range []string{"icmp 10.0.0.3 > 10.0.0.4", "tcp 10.0.0.3:1 > 10.0.0.4:2 vlan 7", "udp [fd00::3]:1 > [fd00::4]:2",
		"sctp 10.0.0.3:1 > 10.0.0.4:2", "icmp fd00::3 > fd00::4", "nd fd00::3 > fd00::4", "arp 10.0.0.3 > 10.0.0.4", "dhcp", "47 10.0.0.3 > 10.0.0.4"} {
		d, err := ParseDescription(s)
		if err != nil {
			panic(err)
		}
		d.SrcMAC = macA
		frames[s] = d.Frame()
	}
	return frames
}

func TestHugePacketsOfSegmentationOffload(t *testing.T) {
	h := Header{SrcMAC: macA, DstMAC: macB, EtherType: EtherTypeIPv4, SrcIP: v4A, DstIP: v4B, Proto: ProtoTCP}
	frame := h.Frame(make([]byte, 100))
	frame[ethernetLen+2], frame[ethernetLen+3] = 0, 0
	if p := mustParse(t, frame); len(p.Data()) != 100 {
		t.Errorf("a total length of 0 gives %d octets of payload, want 100", len(p.Data()))
	}
}

// anyHeader draws headers that Frame can build and a flow key can hold.
func anyHeader() *rapid.Generator[Header] {
	return rapid.Custom(func(t *rapid.T) Header {
		h := Header{SrcMAC: anyMAC(t), DstMAC: anyMAC(t), EtherType: rapid.SampledFrom([]uint16{EtherTypeIPv4, EtherTypeIPv6, 0x88b5}).Draw(t, "type")}
		if rapid.Bool().Draw(t, "tagged") {
			h.VLAN = VLANPresent | rapid.Uint16Range(0, 4095).Draw(t, "vlan")
		}
		if h.EtherType == 0x88b5 {
			return h
		}
		size := 4
		protos := []uint8{ProtoICMP, ProtoTCP, ProtoUDP, ProtoSCTP, 47, 50}
		if h.EtherType == EtherTypeIPv6 {
			size, protos[0] = 16, ProtoICMPv6
		}
		h.SrcIP, h.DstIP = anyAddr(t, size), anyAddr(t, size)
		h.Proto = rapid.SampledFrom(protos).Draw(t, "proto")
		h.Fragment, h.TOS = rapid.Uint8Range(0, 2).Draw(t, "fragment"), rapid.Uint8().Draw(t, "tos")
		h.TTL = rapid.Uint8Range(1, 255).Draw(t, "ttl")
		if h.Fragment == FragmentLater || h.Proto == 47 || h.Proto == 50 {
			return h
		}
		h.SrcPort, h.DstPort = rapid.Uint16().Draw(t, "sport"), rapid.Uint16().Draw(t, "dport")
		if h.Proto == ProtoICMP || h.Proto == ProtoICMPv6 {
			h.SrcPort, h.DstPort = h.SrcPort&0x7f, h.DstPort&0xff // below 128: not neighbour discovery, which has a body of its own
		}
		return h
	})
}

func anyMAC(t *rapid.T) mac.Addr {
	return mac.Addr(rapid.SliceOfN(rapid.Byte(), 6, 6).Draw(t, "mac"))
}

func anyAddr(t *rapid.T, size int) netip.Addr {
	a, _ := netip.AddrFromSlice(rapid.SliceOfN(rapid.Byte(), size, size).Draw(t, "addr"))
	return a
}

func TestFrameReadsBackAndItsChecksumsHold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := anyHeader().Draw(t, "header")
		payload := rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "payload")
		frame := h.Frame(payload)
		var p Packet
		if err := Parse(frame, &p); err != nil {
			t.Fatalf("Parse(%x): %v", frame, err)
		}
		if p.Header != h {
			t.Fatalf("read back %+v, want %+v", p.Header, h)
		}
		if h.EtherType == EtherTypeIPv4 && Checksum(frame[p.L3:p.L4]) != 0 {
			t.Fatal("the IPv4 header checksum is wrong")
		}
		if sums := h.Proto == ProtoTCP || h.Proto == ProtoUDP || h.Proto == ProtoICMP || h.Proto == ProtoICMPv6; sums && h.Fragment == 0 {
			if c := transportSum(p.SrcIP, p.DstIP, p.Proto, frame[p.L4:p.End]); c != 0 {
				t.Fatalf("the transport checksum is wrong: the sum is %#04x", c)
			}
		}
	})
}

// TestFramesHoldForAnotherImplementation has gopacket verify lengths and checksums of what the builders make.
func TestFramesHoldForAnotherImplementation(t *testing.T) {
	for name, frame := range sampleFrames() {
		t.Run(name, func(t *testing.T) {
			p := gopacket.NewPacket(frame, layers.LayerTypeEthernet, gopacket.Default)
			if f := p.ErrorLayer(); f != nil {
				t.Fatal(f.Error())
			}
			verifyChecksums(t, p)
		})
	}
}

func verifyChecksums(t *testing.T, p gopacket.Packet) {
	t.Helper()
	for _, l := range p.Layers() {
		if l, ok := l.(interface {
			SetNetworkLayerForChecksum(gopacket.NetworkLayer) error
		}); ok {
			if err := l.SetNetworkLayerForChecksum(p.NetworkLayer()); err != nil {
				t.Fatal(err)
			}
		}
	}
	err, mismatches := p.VerifyChecksums()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mismatches {
		t.Errorf("wrong checksum: %+v", m)
	}
}

func FuzzParse(f *testing.F) {
	for _, frame := range sampleFrames() {
		f.Add(frame)
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		var p Packet
		if Parse(frame, &p) != nil {
			return
		}
		if p.L3 > p.End || p.Payload > p.End || p.End > len(frame) {
			t.Fatalf("offsets out of order: L3 %d, L4 %d, payload %d, end %d of %d", p.L3, p.L4, p.Payload, p.End, len(frame))
		}
		_ = p.Data()
		if p.ValidSolicitation() {
			mustParse(t, p.NeighbourReply(macB, false))
		}
		if p.ARP.Operation == ARPRequest {
			mustParse(t, p.ARP.Reply(macB))
		}
	})
}

func TestParseDoesNotAllocate(t *testing.T) {
	for name, frame := range sampleFrames() {
		var p Packet
		if n := testing.AllocsPerRun(100, func() { _ = Parse(frame, &p) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	frame := sampleFrames()["tcp 10.0.0.3:1 > 10.0.0.4:2 vlan 7"]
	var p Packet
	b.ReportAllocs()
	for b.Loop() {
		if err := Parse(frame, &p); err != nil {
			b.Fatal(err)
		}
	}
}
