package flow

import (
	"net/netip"

	"midonet.org/midonet/agent/packet"
)

// Conn is the headers by which a packet of a connection is known at one place on its way. For ICMP echo, of both families, the two
// ports are the identifier. Protocol 0 stands for all of them: two addresses, whatever they say to each other.
type Conn struct {
	Proto            uint8
	Src, Dst         netip.Addr
	SrcPort, DstPort uint16
}

// Reverse returns what an answer to a packet of c has.
func (c Conn) Reverse() Conn {
	return Conn{Proto: c.Proto, Src: c.Dst, Dst: c.Src, SrcPort: c.DstPort, DstPort: c.SrcPort}
}

// StateKind is what a State says.
type StateKind uint8

// The kinds (the original's ConnTrackState.scala and NatState.scala).
const (
	// StateReturn: packets of Conn that enter Device are answers to what it let out.
	StateReturn StateKind = 1
	// StateSNAT and StateDNAT: packets of Conn at the router Device have their source or destination changed to Value.
	StateSNAT StateKind = 2
	StateDNAT StateKind = 3
	// StateReverseSNAT: answers of Conn at Device have their destination changed back to Value. StateReverseDNAT: their source.
	StateReverseSNAT StateKind = 4
	StateReverseDNAT StateKind = 5
)

// StateKey names one State.
type StateKey struct {
	Kind   StateKind
	Device [16]byte // the bridge, router or port (StateReturn) that keeps it
	Conn   Conn
}

// StateValue is what a translation changes an address and a port to; the zero value for StateReturn.
type StateValue struct {
	Addr netip.Addr
	Port uint16
}

// State is one thing that is remembered of a connection for as long as a flow needs it, on every host that may see a packet of the
// connection.
type State struct {
	Key   StateKey
	Value StateValue
}

// Behind returns what the connection is behind a translation; false where the state is none.
func (s State) Behind() (c Conn, translated bool) {
	switch s.Key.Kind {
	case StateSNAT, StateReverseDNAT:
		return s.Key.Conn.WithSource(s.Value), true
	case StateDNAT, StateReverseSNAT:
		return s.Key.Conn.WithDestination(s.Value), true
	}
	return s.Key.Conn, false
}

// WithSource and WithDestination return the connection after a translation. An echo has one identifier, which is both ports.
func (c Conn) WithSource(v StateValue) Conn {
	c.Src, c.SrcPort = v.Addr, v.Port
	if c.IsEcho() {
		c.DstPort = v.Port
	}
	return c
}

// WithDestination is described at WithSource.
func (c Conn) WithDestination(v StateValue) Conn {
	c.Dst, c.DstPort = v.Addr, v.Port
	if c.IsEcho() {
		c.SrcPort = v.Port
	}
	return c
}

// IsEcho reports whether the connection is an echo's: both its ports are the identifier.
func (c Conn) IsEcho() bool { return c.Proto == packet.ProtoICMP || c.Proto == packet.ProtoICMPv6 }

var stateNames = map[StateKind]string{
	StateReturn: "answers", StateSNAT: "source", StateDNAT: "destination", StateReverseSNAT: "source back", StateReverseDNAT: "destination back",
}

// String returns what is remembered, as a person would say it: "source tcp 10.0.0.3:1025 > 198.51.100.9:80 is 203.0.113.5:1024".
func (s State) String() string {
	text := stateNames[s.Key.Kind] + " " + s.Key.Conn.String()
	if s.Value.Addr.IsValid() {
		text += " is " + endpoint(s.Value.Addr, s.Value.Port)
	}
	return text
}

// endpoint returns the address, with the port where there is one.
func endpoint(a netip.Addr, port uint16) string {
	if port == 0 {
		return a.String()
	}
	return netip.AddrPortFrom(a, port).String()
}

// String returns protocol and ends.
func (c Conn) String() string {
	if c.Proto == 0 && c.SrcPort == 0 {
		return "from " + c.Src.String() + " to " + endpoint(c.Dst, c.DstPort)
	}
	return packet.ProtoName(c.Proto) + " " + netip.AddrPortFrom(c.Src, c.SrcPort).String() + " > " + netip.AddrPortFrom(c.Dst, c.DstPort).String()
}

// Tracked reports whether connections of the packet's protocol are tracked: TCP, UDP, SCTP and ICMP echo of either family, whole or
// first fragments. Answers to anything else are judged by themselves.
func Tracked(p *packet.Header) bool {
	if p.Fragment == packet.FragmentLater {
		return false
	}
	switch p.Proto {
	case packet.ProtoTCP, packet.ProtoUDP, packet.ProtoSCTP:
		return true
	}
	return p.IsEcho()
}

// ConnOf returns the connection that the packet, for which Tracked holds, is of.
func ConnOf(p *packet.Header) Conn {
	c := Conn{Proto: p.Proto, Src: p.SrcIP, Dst: p.DstIP, SrcPort: p.SrcPort, DstPort: p.DstPort}
	if p.IsEcho() {
		c.SrcPort = p.DstPort
	}
	return c
}
