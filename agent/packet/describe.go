package packet

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"midonet.org/midonet/mac"
)

// Description is a packet as a person names it: what `midonet trace` takes. Zero fields are filled in by Frame, or before it by
// someone who knows the network (the MACs).
type Description struct {
	// Proto is one of icmp, tcp, udp, sctp, arp (a request), nd (a neighbour solicitation), dhcp (a DISCOVER), an IP protocol
	// number, or 0x and an EtherType.
	Proto            string
	SrcMAC, DstMAC   mac.Addr
	Src, Dst         netip.Addr
	SrcPort, DstPort uint16 // of TCP, UDP and SCTP; the type and code (of echo: identifier) of ICMP where HasType
	HasType          bool
	EchoID           uint16 // of ICMP echo
	VLAN             uint16 // with VLANPresent; 0 for no tag
	TTL, TOS         uint8
	Size             uint16 // octets of the IP packet, where that is more than its headers; 0: it has nothing else
	DF               bool   // of IPv4: it may not be cut
}

// Syntax is the form that ParseDescription reads, for help texts.
const Syntax = `PROTO [SRC[:PORT] > DST[:PORT]] [smac MAC] [dmac MAC] [vlan N] [type N] [code N] [id N] [ttl N] [tos N] [size N] [df 1]`

// ParseDescription reads Syntax: "icmp 10.0.0.3 > 10.0.0.4", "tcp [fd00::3]:1025 > [fd00::4]:80", "arp 10.0.0.3 > 10.0.0.4",
// "dhcp smac fa:16:3e:00:00:03", "0x88b5 dmac ff:ff:ff:ff:ff:ff".
func ParseDescription(s string) (Description, error) {
	words := strings.Fields(s)
	if len(words) == 0 {
		return Description{}, fmt.Errorf("an empty packet description; the form is %s", Syntax)
	}
	d := Description{Proto: strings.ToLower(words[0])}
	if err := d.checkProto(); err != nil {
		return Description{}, err
	}
	words = words[1:]
	if len(words) >= 3 && words[1] == ">" {
		if err := d.parseAddrs(words[0], words[2]); err != nil {
			return Description{}, err
		}
		words = words[3:]
	}
	for ; len(words) >= 2; words = words[2:] {
		if err := d.parseOption(words[0], words[1]); err != nil {
			return Description{}, err
		}
	}
	if len(words) != 0 {
		return Description{}, fmt.Errorf("%q at the end of the packet description is not understood; the form is %s", words[0], Syntax)
	}
	return d, d.check()
}

// aliases are other words for a protocol; which ICMP it is follows from the addresses.
var aliases = map[string]string{"icmp6": "icmp", "icmpv6": "icmp", "ping": "icmp", "ns": "nd"}

func (d *Description) checkProto() error {
	if full, ok := aliases[d.Proto]; ok {
		d.Proto = full
	}
	switch d.Proto {
	case "icmp", "tcp", "udp", "sctp", "arp", "nd", "dhcp":
		return nil
	}
	if n, err := strconv.ParseUint(d.Proto, 0, 16); err == nil && (n < 256 || n >= 1536) {
		return nil
	}
	return fmt.Errorf("%q is not a protocol: use icmp, tcp, udp, sctp, arp, nd, dhcp, an IP protocol number or 0x and an EtherType",
		d.Proto)
}

func (d *Description) parseAddrs(src, dst string) (err error) {
	if d.Src, d.SrcPort, err = parseEnd(src); err != nil {
		return err
	}
	d.Dst, d.DstPort, err = parseEnd(dst)
	return err
}

func parseEnd(s string) (netip.Addr, uint16, error) {
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr(), ap.Port(), nil
	}
	a, err := netip.ParseAddr(strings.Trim(s, "[]"))
	if err != nil || a.Zone() != "" {
		return netip.Addr{}, 0, fmt.Errorf("%q is not an IP address, with or without a port", s)
	}
	return a, 0, nil
}

func (d *Description) parseOption(name, value string) (err error) {
	switch name {
	case "smac":
		d.SrcMAC, err = mac.Parse(value)
		return err
	case "dmac":
		d.DstMAC, err = mac.Parse(value)
		return err
	case "vlan", "type", "code", "id", "ttl", "tos", "size", "df":
	default:
		return fmt.Errorf("%q in the packet description is not understood; the form is %s", name, Syntax)
	}
	limit := uint64(255)
	switch name {
	case "vlan":
		limit = 4094
	case "id", "size":
		limit = 65535
	case "df":
		limit = 1
	}
	n, err := strconv.ParseUint(value, 0, 16)
	if err != nil || n > limit {
		return fmt.Errorf("%s %q is not a number up to %d", name, value, limit)
	}
	d.setOption(name, uint16(n))
	return nil
}

func (d *Description) setOption(name string, n uint16) {
	switch name {
	case "vlan":
		d.VLAN = n | VLANPresent
	case "type":
		d.SrcPort, d.HasType = n, true
	case "code":
		d.DstPort, d.HasType = n, true
	case "id":
		d.EchoID = n
	case "ttl":
		d.TTL = uint8(n)
	case "tos":
		d.TOS = uint8(n)
	case "size":
		d.Size = n
	case "df":
		d.DF = n == 1
	}
}

// check says what is missing or at odds.
func (d *Description) check() error {
	if d.Src.IsValid() && d.Src.Is4() != d.Dst.Is4() {
		return fmt.Errorf("%s and %s are not of one family", d.Src, d.Dst)
	}
	switch d.Proto {
	case "dhcp":
		return nil
	case "arp":
		if !d.Src.Is4() {
			return fmt.Errorf("arp needs two IPv4 addresses: arp SRC to DST")
		}
	case "nd":
		if !d.Src.Is6() {
			return fmt.Errorf("nd needs two IPv6 addresses: nd SRC to DST")
		}
	default:
		if d.etherType() == 0 && !d.Src.IsValid() {
			return fmt.Errorf("%s needs two addresses: %s SRC to DST", d.Proto, d.Proto)
		}
	}
	return nil
}

// etherType returns the EtherType that Proto names, 0 where it names a protocol.
func (d *Description) etherType() uint16 {
	if n, err := strconv.ParseUint(d.Proto, 0, 16); err == nil && n >= 1536 {
		return uint16(n)
	}
	return 0
}

// Frame builds the packet. An unset DstMAC becomes the group address that the destination maps to where it is a group (for arp and
// nd the address that such requests go to), and stays zero otherwise.
func (d Description) Frame() []byte {
	switch {
	case d.Proto == "arp":
		return d.arp()
	case d.Proto == "nd":
		return d.solicitation()
	case d.Proto == "dhcp":
		return d.discover()
	case d.etherType() != 0:
		return Header{SrcMAC: d.SrcMAC, DstMAC: d.DstMAC, VLAN: d.VLAN, EtherType: d.etherType()}.Frame(make([]byte, 46))
	}
	h := Header{
		SrcMAC: d.SrcMAC, DstMAC: d.groupMAC(), VLAN: d.VLAN, EtherType: etherTypeOf(d.Src), SrcIP: d.Src, DstIP: d.Dst,
		Proto: d.protocol(), TOS: d.TOS, TTL: d.TTL, SrcPort: d.SrcPort, DstPort: d.DstPort,
	}
	if d.Proto != "icmp" {
		return d.sized(h, 0)
	}
	if !d.HasType {
		h.SrcPort = ICMPEcho
		if h.Proto == ProtoICMPv6 {
			h.SrcPort = ICMPv6Echo
		}
	}
	if h.IsEcho() {
		h.DstPort = d.EchoID
		return d.sized(h, 0)
	}
	return d.sized(h, 4) // what the second word of the header is depends on the type
}

// sized returns the packet with at least so many octets behind its header, and as large as it is to be.
func (d *Description) sized(h Header, payload int) []byte {
	frame := h.Frame(make([]byte, payload))
	l3 := ethernetLen
	if h.Tagged() {
		l3 += 4
	}
	if more := int(d.Size) - (len(frame) - l3); more > 0 {
		frame = h.Frame(make([]byte, payload+more))
	}
	if d.DF && h.EtherType == EtherTypeIPv4 {
		header := frame[l3 : l3+ipv4Len]
		header[6] |= 0x40
		header[10], header[11] = 0, 0
		binary.BigEndian.PutUint16(header[10:], Checksum(header))
	}
	return frame
}

func (d *Description) protocol() uint8 {
	switch d.Proto {
	case "icmp":
		if d.Src.Is4() {
			return ProtoICMP
		}
		return ProtoICMPv6
	case "tcp":
		return ProtoTCP
	case "udp":
		return ProtoUDP
	case "sctp":
		return ProtoSCTP
	}
	n, _ := strconv.ParseUint(d.Proto, 0, 8) // checkProto has read it before
	return uint8(n)
}

func (d *Description) groupMAC() mac.Addr {
	switch {
	case !d.DstMAC.IsZero():
		return d.DstMAC
	case d.Dst == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return mac.Broadcast
	case d.Dst.IsMulticast():
		return multicastMAC(d.Dst)
	}
	return mac.Addr{}
}

func (d *Description) arp() []byte {
	dst := d.DstMAC
	if dst.IsZero() {
		dst = mac.Broadcast
	}
	frame := ARP{Operation: ARPRequest, SenderMAC: d.SrcMAC, SenderIP: d.Src, TargetIP: d.Dst}.Frame(d.SrcMAC, dst)
	return Header{SrcMAC: d.SrcMAC, DstMAC: dst, VLAN: d.VLAN, EtherType: EtherTypeARP}.Frame(frame[ethernetLen:])
}

func (d *Description) solicitation() []byte {
	h := Header{
		SrcMAC: d.SrcMAC, DstMAC: d.DstMAC, VLAN: d.VLAN, EtherType: EtherTypeIPv6, SrcIP: d.Src, DstIP: SolicitedNode(d.Dst),
		Proto: ProtoICMPv6, TTL: ndHopLimit, SrcPort: NDNeighbourSolicitation,
	}
	if h.DstMAC.IsZero() {
		h.DstMAC = multicastMAC(h.DstIP)
	}
	body := neighbourBody(0, d.Dst, optSourceLink, d.SrcMAC)
	if d.Src.IsUnspecified() {
		body = body[:neighbourLen-icmpLen] // duplicate address detection carries no source address
	}
	return h.Frame(body)
}

// discover returns a DHCPDISCOVER (RFC 2131 section 4.4.1) that asks for nothing in particular.
func (d *Description) discover() []byte {
	bootp := make([]byte, 240, 244)
	bootp[0], bootp[1], bootp[2] = 1, 1, 6 // request, Ethernet, six octets
	copy(bootp[28:], d.SrcMAC[:])
	copy(bootp[236:], []byte{99, 130, 83, 99})
	bootp = append(bootp, 53, 1, 1, 255)
	src := netip.AddrPortFrom(netip.IPv4Unspecified(), 68)
	dst := netip.AddrPortFrom(netip.AddrFrom4([4]byte{255, 255, 255, 255}), 67)
	return WrapUDP(d.SrcMAC, mac.Broadcast, src, dst, bootp)
}

var protoNames = map[uint8]string{
	ProtoICMP: "icmp", ProtoTCP: "tcp", ProtoUDP: "udp", ProtoICMPv6: "icmpv6", ProtoSCTP: "sctp",
}

// ProtoName returns the protocol's name in small letters, "proto 47" for one that Parse knows no header of.
func ProtoName(proto uint8) string {
	if s, ok := protoNames[proto]; ok {
		return s
	}
	return "proto " + strconv.Itoa(int(proto))
}
