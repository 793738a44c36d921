package datapathtest

import (
	"bytes"
	"encoding/binary"
	"net/netip"

	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/mac"
)

// payload is odd in length and more than a header can hide in.
var payload = bytes.Repeat([]byte("0123456"), 9)

// ethernet is the addresses that all frames of the suite share.
func ethernet(etherType uint16) packet.Header {
	return packet.Header{
		SrcMAC: mac.MustParse("fa:16:3e:00:00:01"), DstMAC: mac.MustParse("fa:16:3e:00:00:02"), EtherType: etherType,
	}
}

func ipv4(proto uint8, srcPort, dstPort uint16) packet.Header {
	h := ethernet(packet.EtherTypeIPv4)
	h.SrcIP, h.DstIP = netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2")
	h.Proto, h.SrcPort, h.DstPort, h.TTL = proto, srcPort, dstPort, 64
	return h
}

func ipv6(proto uint8, srcPort, dstPort uint16) packet.Header {
	h := ethernet(packet.EtherTypeIPv6)
	h.SrcIP, h.DstIP = netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2")
	h.Proto, h.SrcPort, h.DstPort, h.TTL = proto, srcPort, dstPort, 64
	return h
}

func with(h packet.Header, change func(*packet.Header)) packet.Header {
	change(&h)
	return h
}

func udp4() []byte { return ipv4(packet.ProtoUDP, 4000, 53000).Frame(payload) }

// cases are frames that a flow can be installed for.
var cases = []struct {
	name  string
	frame []byte
}{
	{"IPv4 UDP", udp4()},
	{"IPv4 TCP", ipv4(packet.ProtoTCP, 4000, 80).Frame(payload)},
	{"IPv4 SCTP", ipv4(packet.ProtoSCTP, 4000, 80).Frame(payload)},
	{"IPv4 ICMP", ipv4(packet.ProtoICMP, 3, 1).Frame(payload)},
	{"IPv4 ICMP of another code", ipv4(packet.ProtoICMP, 3, 3).Frame(payload)},
	{"IPv4 echo", ipv4(packet.ProtoICMP, 8, 0).Frame(payload)},
	{"IPv4 echo of another sender", ipv4(packet.ProtoICMP, 8, 0x1234).Frame(payload)},
	{"IPv4 echo reply", ipv4(packet.ProtoICMP, 0, 0x1234).Frame(payload)},
	{"IPv4 echo first fragment", with(ipv4(packet.ProtoICMP, 8, 0x1234), first).Frame(payload)},
	{"IPv4 GRE", ipv4(47, 0, 0).Frame(payload)},
	{"IPv4 protocol of ICMPv6", ipv4(packet.ProtoICMPv6, 0, 0).Frame(payload)},
	{"IPv4 first fragment", with(ipv4(packet.ProtoUDP, 4000, 80), first).Frame(payload)},
	{"IPv4 later fragment", with(ipv4(packet.ProtoUDP, 0, 0), later).Frame(payload)},
	{"IPv4 TOS", with(ipv4(packet.ProtoUDP, 4000, 80), func(h *packet.Header) { h.TOS = 0xb8 }).Frame(payload)},
	{"IPv4 options", ipv4Options()},
	{"IPv4 large", ipv4(packet.ProtoUDP, 4000, 82).Frame(make([]byte, 1400))},
	{"IPv6 UDP", ipv6(packet.ProtoUDP, 4000, 80).Frame(payload)},
	{"IPv6 TCP", ipv6(packet.ProtoTCP, 4000, 80).Frame(payload)},
	{"IPv6 ICMPv6", ipv6(packet.ProtoICMPv6, 1, 4).Frame(payload)},
	{"IPv6 echo", ipv6(packet.ProtoICMPv6, 128, 0).Frame(payload)},
	{"IPv6 echo of another sender", ipv6(packet.ProtoICMPv6, 128, 0x1234).Frame(payload)},
	{"IPv6 echo reply", ipv6(packet.ProtoICMPv6, 129, 0x1234).Frame(payload)},
	{"IPv6 protocol of ICMP", ipv6(packet.ProtoICMP, 0, 0).Frame(payload)},
	{"IPv6 first fragment", with(ipv6(packet.ProtoUDP, 4000, 80), first).Frame(payload)},
	{"IPv6 later fragment", with(ipv6(packet.ProtoUDP, 0, 0), later).Frame(payload)},
	{"IPv6 traffic class", with(ipv6(packet.ProtoUDP, 4000, 80), func(h *packet.Header) { h.TOS = 0xb8 }).Frame(payload)},
	{"IPv6 two extension headers", ipv6Extensions(2)},
	{"IPv6 as many extension headers as are stepped over", ipv6Extensions(packet.MaxExtensions)},
	{"IPv6 no next header", ipv6(59, 0, 0).Frame(nil)},
	{"VLAN IPv4", with(ipv4(packet.ProtoUDP, 4000, 80), tagged(100)).Frame(payload)},
	{"VLAN IPv6", with(ipv6(packet.ProtoTCP, 4000, 80), tagged(4094)).Frame(payload)},
	{"VLAN priority tag", with(ipv4(packet.ProtoUDP, 4000, 80), tagged(0)).Frame(payload)},
	{"VLAN other protocol", with(ethernet(0x88b5), tagged(7)).Frame(payload)},
	{"two tags", with(ethernet(packet.EtherTypeVLAN), tagged(7)).Frame(udp4()[12:])},
	{"other protocol", ethernet(0x88b5).Frame(payload)},
}

func first(h *packet.Header) { h.Fragment = packet.FragmentFirst }

func later(h *packet.Header) { h.Fragment = packet.FragmentLater }

func tagged(vlan uint16) func(*packet.Header) {
	return func(h *packet.Header) { h.VLAN = vlan | packet.VLANPresent }
}

// ipv4Options is a UDP packet with 8 octets of options (no-operation, RFC 791) between the headers.
func ipv4Options() []byte {
	const l3, headerLen = 14, 20
	b := ipv4(packet.ProtoUDP, 4000, 81).Frame(payload)
	b = append(b[:l3+headerLen:l3+headerLen], append(bytes.Repeat([]byte{1}, 8), b[l3+headerLen:]...)...)
	b[l3] = 0x47
	binary.BigEndian.PutUint16(b[l3+2:], uint16(len(b)-l3))
	binary.BigEndian.PutUint16(b[l3+10:], 0)
	binary.BigEndian.PutUint16(b[l3+10:], packet.Checksum(b[l3:l3+headerLen+8]))
	return b
}

// ipv6Extensions is a UDP packet with n destination options headers of 8 octets (padding, RFC 8200 section 4.2).
func ipv6Extensions(n int) []byte {
	const l3, headerLen, destinationOptions = 14, 40, 60
	b := ipv6(packet.ProtoUDP, 4000, 100+uint16(n)).Frame(payload)
	out := bytes.Clone(b[:l3+headerLen])
	out[l3+6] = destinationOptions
	for i := range n {
		next := byte(destinationOptions)
		if i == n-1 {
			next = packet.ProtoUDP
		}
		out = append(out, next, 0, 1, 4, 0, 0, 0, 0)
	}
	out = append(out, b[l3+headerLen:]...)
	binary.BigEndian.PutUint16(out[l3+4:], uint16(len(out)-l3-headerLen))
	return out
}
