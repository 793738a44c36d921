package flow

import (
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"net/netip"
	"strings"

	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// KeyOf returns the key of a parsed packet that entered at inPort.
func KeyOf(p *packet.Packet, inPort topology.PortID) Key {
	return Key{
		InPort: inPort,
		SrcMAC: p.SrcMAC, DstMAC: p.DstMAC, EtherType: p.EtherType, VLAN: p.VLAN,
		SrcIP: p.SrcIP, DstIP: p.DstIP, Proto: p.Proto, Fragment: p.Fragment, TOS: p.TOS,
		SrcPort: p.SrcPort, DstPort: p.DstPort,
	}
}

// Ports is some of a key's two ports.
type Ports uint8

// The ports.
const (
	SrcPort Ports = 1 << iota
	DstPort
	BothPorts = SrcPort | DstPort
)

// Wide returns the key of all packets that differ from one with the key k in these ports alone, are of TCP or UDP, and may be cached.
func (k Key) Wide(any Ports) Key {
	if k.Any |= any; k.Any&SrcPort != 0 {
		k.SrcPort = 0
	}
	if k.Any&DstPort != 0 {
		k.DstPort = 0
	}
	return k
}

// Wider returns the wide keys of a packet with the key k, the widest first; none where it has none.
func (k Key) Wider() []Key {
	if k.Fragment != Unfragmented || k.Proto != packet.ProtoTCP && (k.Proto != packet.ProtoUDP || isDHCP(k.DstPort) || isDHCP(k.SrcPort)) {
		return nil
	}
	return []Key{k.Wide(BothPorts), k.Wide(SrcPort), k.Wide(DstPort)}
}

// PackedKey is a Key in a fixed number of octets, for maps: it has no pointers and is hashed in one piece.
//
//	0 InPort     28 EtherType   64 Proto       67 Any
//	16 SrcMAC    30 VLAN        65 Fragment    68 SrcPort
//	22 DstMAC    32 SrcIP       66 TOS         70 DstPort
//	             48 DstIP
type PackedKey [72]byte

// Pack returns the key packed.
func (k *Key) Pack() (p PackedKey) {
	copy(p[:], k.InPort[:])
	copy(p[16:], k.SrcMAC[:])
	copy(p[22:], k.DstMAC[:])
	binary.BigEndian.PutUint16(p[28:], k.EtherType)
	binary.BigEndian.PutUint16(p[30:], k.VLAN)
	src, dst := k.SrcIP.As16(), k.DstIP.As16()
	copy(p[32:], src[:])
	copy(p[48:], dst[:])
	p[64], p[65], p[66], p[67] = k.Proto, k.Fragment, k.TOS, uint8(k.Any)
	binary.BigEndian.PutUint16(p[68:], k.SrcPort)
	binary.BigEndian.PutUint16(p[70:], k.DstPort)
	return p
}

// keySeed makes hashes of keys, which nobody can foresee.
var keySeed = maphash.MakeSeed()

// Hash returns a number of 64 bits that is the same for equal keys.
func (p PackedKey) Hash() uint64 { return maphash.Bytes(keySeed, p[:]) }

// Key is the inverse of Pack.
func (p *PackedKey) Key() Key {
	k := Key{
		InPort: topology.PortID(p[:16]), SrcMAC: mac.Addr(p[16:22]), DstMAC: mac.Addr(p[22:28]),
		EtherType: binary.BigEndian.Uint16(p[28:]), VLAN: binary.BigEndian.Uint16(p[30:]),
		Proto: p[64], Fragment: p[65], TOS: p[66], Any: Ports(p[67]),
		SrcPort: binary.BigEndian.Uint16(p[68:]), DstPort: binary.BigEndian.Uint16(p[70:]),
	}
	switch k.EtherType {
	case packet.EtherTypeIPv4:
		k.SrcIP, k.DstIP = netip.AddrFrom4([4]byte(p[44:48])), netip.AddrFrom4([4]byte(p[60:64]))
	case packet.EtherTypeIPv6:
		k.SrcIP, k.DstIP = netip.AddrFrom16([16]byte(p[32:48])), netip.AddrFrom16([16]byte(p[48:64]))
	}
	return k
}

// Cacheable reports whether an answer for p may be given to every packet with the same key. It may not where a simulation reads
// more than the key holds: ARP, the control messages of IPv6 links (neighbour and multicast listener discovery), DHCP of both
// families, and frames to the group addresses that bridges keep for themselves (IEEE 802.1Q table 8-1: spanning tree, LACP, LLDP).
func Cacheable(p *packet.Packet) bool {
	switch {
	case p.EtherType == packet.EtherTypeARP, packet.IsBridgeReserved(p.DstMAC):
		return false
	case p.Fragment == packet.FragmentLater:
		return true
	case p.Proto == packet.ProtoUDP:
		return !isDHCP(p.DstPort) && !isDHCP(p.SrcPort)
	case p.Proto == packet.ProtoICMPv6 && p.EtherType == packet.EtherTypeIPv6:
		return !isLinkControl(p.SrcPort)
	}
	return true
}

// isDHCP tells the ports of DHCPv4 (RFC 2131) and DHCPv6 (RFC 8415).
func isDHCP(port uint16) bool { return port == 67 || port == 68 || port == 546 || port == 547 }

func isLinkControl(icmpType uint16) bool {
	return icmpType >= packet.MLDQuery && icmpType <= packet.NDRedirect || icmpType == packet.MLDv2Report
}

// Frame returns a frame that has the key's fields, so that a flow which outlived the agent's memory can be simulated again. KeyOf
// of the frame is the key, but for Any.
func (k Key) Frame() []byte { return k.Header().Frame(nil) }

// AppendFrame appends the frame that Frame returns.
func (k Key) AppendFrame(b []byte) []byte { return k.Header().AppendFrame(b, nil) }

// Header returns the header of packets with the key, but for what the key has not.
func (k Key) Header() packet.Header {
	return packet.Header{
		SrcMAC: k.SrcMAC, DstMAC: k.DstMAC, EtherType: k.EtherType, VLAN: k.VLAN,
		SrcIP: k.SrcIP, DstIP: k.DstIP, Proto: k.Proto, Fragment: k.Fragment, TOS: k.TOS,
		SrcPort: k.SrcPort, DstPort: k.DstPort,
	}
}

// String returns the port and the packet.
func (k Key) String() string { return "port " + k.InPort.Short() + " " + k.Packet() }

// Packet returns the fields of the packet as a person would write them.
func (k Key) Packet() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s > %s", k.SrcMAC, k.DstMAC)
	if k.VLAN != 0 {
		fmt.Fprintf(&b, " vlan %d", k.VLAN&^packet.VLANPresent)
	}
	if !k.SrcIP.IsValid() {
		fmt.Fprintf(&b, " ethertype 0x%04x", k.EtherType)
		return b.String()
	}
	k.writeIP(&b)
	return b.String()
}

// end returns an address with its port.
func (k Key) end(a netip.Addr, port uint16, which Ports) string {
	if k.Any&which == 0 {
		return netip.AddrPortFrom(a, port).String()
	}
	return a.String() + " any port"
}

// icmp returns what kind of ICMP message it is.
func (k Key) icmp() string {
	h := packet.Header{EtherType: k.EtherType, Proto: k.Proto, Fragment: k.Fragment, SrcPort: k.SrcPort}
	if !h.IsEcho() {
		return fmt.Sprintf("type %d code %d", k.SrcPort, k.DstPort)
	}
	if k.SrcPort == packet.ICMPEcho || k.SrcPort == packet.ICMPv6Echo {
		return fmt.Sprintf("echo request %d", k.DstPort)
	}
	return fmt.Sprintf("echo reply %d", k.DstPort)
}

func (k Key) writeIP(b *strings.Builder) {
	name := packet.ProtoName(k.Proto)
	switch k.Proto {
	case packet.ProtoTCP, packet.ProtoUDP, packet.ProtoSCTP:
		if k.Fragment != FragmentLater {
			fmt.Fprintf(b, " %s %s > %s", name, k.end(k.SrcIP, k.SrcPort, SrcPort), k.end(k.DstIP, k.DstPort, DstPort))
			break
		}
		fmt.Fprintf(b, " %s %s > %s", name, k.SrcIP, k.DstIP)
	case packet.ProtoICMP, packet.ProtoICMPv6:
		fmt.Fprintf(b, " %s %s > %s %s", name, k.SrcIP, k.DstIP, k.icmp())
	default:
		fmt.Fprintf(b, " %s %s > %s", name, k.SrcIP, k.DstIP)
	}
	if k.TOS != 0 {
		fmt.Fprintf(b, " tos 0x%02x", k.TOS)
	}
	switch k.Fragment {
	case FragmentFirst:
		b.WriteString(" first fragment")
	case FragmentLater:
		b.WriteString(" later fragment")
	}
}
