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

// TranslatesAnswers reports whether it says to what answers are changed back.
func (k StateKind) TranslatesAnswers() bool { return k == StateReverseSNAT || k == StateReverseDNAT }

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

// WayBack returns, of a StateSNAT, the StateReverseSNAT by which answers find back.
func (s State) WayBack() State {
	c := &s.Key.Conn
	return State{Key: StateKey{Kind: StateReverseSNAT, Device: s.Key.Device, Conn: c.WithSource(s.Value).Reverse()},
		Value: StateValue{Addr: c.Src, Port: c.SrcPort}}
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
	return packet.ProtoName(c.Proto) + " " + endpoint(c.Src, c.SrcPort) + " > " + endpoint(c.Dst, c.DstPort)
}

// Tracked reports whether the packet, whole or a first fragment, is of a connection that answers are known by: of any IP protocol, but of ICMP of
// either family an echo's alone. A connection of a protocol without ports is what two addresses say to each other by it, as Linux has it
// (nf_conntrack_proto_generic). Answers to anything else are judged by themselves.
func Tracked(p *packet.Header) bool {
	switch {
	case !p.IsIP() || p.Fragment == packet.FragmentLater || p.Proto == 0: // Conn has another meaning for 0, which no payload has
		return false
	case p.Proto == packet.ProtoICMP || p.Proto == packet.ProtoICMPv6:
		return p.IsEcho()
	}
	return true
}

// Translated reports whether connections of the packet's protocol can be given other ports: TCP, UDP, SCTP and ICMP echo of either family, whole or
// first fragments.
func Translated(p *packet.Header) bool {
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
	port := p.SrcPort
	if p.IsEcho() {
		port = p.DstPort
	}
	return Conn{Proto: p.Proto, Src: p.SrcIP, Dst: p.DstIP, SrcPort: port, DstPort: p.DstPort}
}
