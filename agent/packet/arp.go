package packet

import (
	"encoding/binary"
	"net/netip"

	"midonet.org/midonet/mac"
)

// ARP operations (RFC 826).
const (
	ARPRequest uint16 = 1
	ARPReply   uint16 = 2
)

// ARP is an ARP packet for IPv4 over Ethernet.
type ARP struct {
	Operation uint16
	SenderMAC mac.Addr
	SenderIP  netip.Addr
	TargetMAC mac.Addr
	TargetIP  netip.Addr
}

// Gratuitous reports whether the sender tells of its own address rather than asking for another's (RFC 5227 section 3).
func (a ARP) Gratuitous() bool { return a.SenderIP == a.TargetIP }

const arpLen = 28

// parseARP reads ARP for IPv4 over Ethernet; ARP for anything else leaves p.ARP zero.
func (p *Packet) parseARP() error {
	b := p.Frame[p.L3:]
	if len(b) < 8 {
		return truncated("ARP", 8, len(b))
	}
	if binary.BigEndian.Uint16(b) != 1 || binary.BigEndian.Uint16(b[2:]) != EtherTypeIPv4 || b[4] != 6 || b[5] != 4 {
		return nil
	}
	if len(b) < arpLen {
		return truncated("ARP", arpLen, len(b))
	}
	p.ARP = ARP{
		Operation: binary.BigEndian.Uint16(b[6:]),
		SenderMAC: mac.Addr(b[8:14]),
		SenderIP:  netip.AddrFrom4([4]byte(b[14:18])),
		TargetMAC: mac.Addr(b[18:24]),
		TargetIP:  netip.AddrFrom4([4]byte(b[24:28])),
	}
	p.Payload = p.L3 + arpLen
	p.End = p.Payload
	return nil
}

// Frame returns the Ethernet frame that carries a from src to dst.
func (a ARP) Frame(src, dst mac.Addr) []byte {
	b := make([]byte, ethernetLen, ethernetLen+arpLen)
	putEthernet(b, dst, src, EtherTypeARP)
	b = append(b, 0, 1, 0x08, 0x00, 6, 4)
	b = binary.BigEndian.AppendUint16(b, a.Operation)
	b = append(b, a.SenderMAC[:]...)
	b = append(b, a.SenderIP.AsSlice()...)
	b = append(b, a.TargetMAC[:]...)
	return append(b, a.TargetIP.AsSlice()...)
}

// Reply returns the frame that answers the request a with the MAC of its target address. It goes straight to who asked.
func (a ARP) Reply(hw mac.Addr) []byte {
	return ARP{
		Operation: ARPReply,
		SenderMAC: hw, SenderIP: a.TargetIP,
		TargetMAC: a.SenderMAC, TargetIP: a.SenderIP,
	}.Frame(hw, a.SenderMAC)
}
