package flowstate

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/id"
	"midonet.org/midonet/topology"
)

// A message is an Ethernet frame, so that it travels in the tunnel as packets do:
//
//	12  addresses, zero              16  host
//	 2  etherType                    16  run of the host's agent
//	 1  kind                          8  number of the message in the run
//
// and behind that, and nothing behind it, what its kind has:
//
//	states      1  number of states, 1 or more        question    1  number of ports, 1 to MaxPorts
//	               states                                16 each  ports that have come to the host
//
//	account    16  a port                                      8  number of the account's first message
//	            1  number of states                            4  how many messages of the account come before this one
//	               states                                      1  flags
//
// An account is all that its host knows of a port of another host: an answer to a question, or unasked, where the port has moved there.
// It is whole when all its messages up to the one with flagLast have come.
//
// A state:
//
//	 1  kind                          4 or 16  source
//	 1  flags                         4 or 16  destination
//	 1  protocol                      2        source port
//	16  device, unless flagSameDevice 2        destination port
//	                                  4 or 16  value's address } where one of
//	                                  2        value's port    } the flags says so
//
// There is one way only to write a state down, and what is written otherwise is malformed.
const (
	etherType    = 0x88b5 // IEEE 802 local experimental
	headLen      = 14 + 1 + 16 + 16 + 8
	ethernetLen  = 14
	maxPerFrame  = 255
	longestState = 3 + 16 + 16 + 16 + 4 + 16 + 2
)

// MaxPorts is how many ports a question may be about: so many that it fits into a packet of 1280 octets.
const MaxPorts = 64

// messageKind is what a message is.
type messageKind uint8

const (
	kindStates   messageKind = 1
	kindQuestion messageKind = 2
	kindAccount  messageKind = 3
)

// Flags of an account's message.
const (
	flagLast    uint8 = 1 << iota // no other message of the account comes behind it
	flagOwn                       // the port was the host's own until now, so that nobody knows better
	accountEnds                   // what is no flag
)

// Flags of a state.
const (
	flagIPv6       uint8 = 1 << iota // the connection's addresses are IPv6; IPv4 otherwise
	flagValueIPv4                    // there is a value with an IPv4 address
	flagValueIPv6                    // there is a value with an IPv6 address
	flagSameDevice                   // the device is that of the state before
	flagsEnd
)

// run is one life of an agent; its identifiers tell a restart from a message out of order.
type run struct{}

// sender is what this host signs its messages with.
type sender struct {
	host topology.HostID
	run  id.ID[run]
	sent uint64
}

// Message returns the frames that tell another host of the states, each with a packet of at most mtu octets behind the Ethernet
// header. An mtu that has no room for a state is taken as one that has.
func (t *Table) Message(states []flow.State, mtu int) [][]byte {
	var frames [][]byte
	for len(states) > 0 {
		frame, n := appendStates(t.sender.begin(kindStates, mtu+ethernetLen), states, mtu+ethernetLen)
		frames, states = append(frames, frame), states[n:]
	}
	return frames
}

// appendStates appends as many of the states as the frame has room for, up to limit octets, one at least where there is one, behind
// their number, and returns how many these are.
func appendStates(frame []byte, states []flow.State, limit int) ([]byte, int) {
	count := len(frame)
	frame = append(frame, 0)
	n := 0
	for n < min(len(states), maxPerFrame) {
		longer := appendState(frame, &states[n], n > 0 && states[n].Key.Device == states[n-1].Key.Device)
		if n > 0 && len(longer) > limit {
			break
		}
		frame = longer
		n++
	}
	frame[count] = uint8(n)
	return frame, n
}

// begin returns what all messages begin with, in memory with room for so many octets and a state that is one too many.
func (s *sender) begin(kind messageKind, room int) []byte {
	s.sent++
	b := make([]byte, 12, max(room, headLen)+longestState)
	b = binary.BigEndian.AppendUint16(b, etherType)
	b = append(b, uint8(kind))
	b = append(b, s.host[:]...)
	b = append(b, s.run[:]...)
	return binary.BigEndian.AppendUint64(b, s.sent)
}

func appendState(b []byte, s *flow.State, sameDevice bool) []byte {
	c := &s.Key.Conn
	var flags uint8
	if c.Src.Is6() {
		flags |= flagIPv6
	}
	switch family(s.Value.Addr) {
	case ipv4:
		flags |= flagValueIPv4
	case ipv6:
		flags |= flagValueIPv6
	}
	if sameDevice {
		flags |= flagSameDevice
	}
	b = append(b, uint8(s.Key.Kind), flags, c.Proto)
	if !sameDevice {
		b = append(b, s.Key.Device[:]...)
	}
	b = appendAddress(appendAddress(b, c.Src), c.Dst)
	b = binary.BigEndian.AppendUint16(b, c.SrcPort)
	b = binary.BigEndian.AppendUint16(b, c.DstPort)
	if flags&(flagValueIPv4|flagValueIPv6) != 0 {
		b = appendAddress(b, s.Value.Addr)
		b = binary.BigEndian.AppendUint16(b, s.Value.Port)
	}
	return b
}

func appendAddress(b []byte, a netip.Addr) []byte {
	if a.Is4() {
		v := a.As4()
		return append(b, v[:]...)
	}
	v := a.As16()
	return append(b, v[:]...)
}

// message is what a frame says.
type message struct {
	kind    messageKind
	host    topology.HostID
	run     id.ID[run]
	number  uint64
	states  []packed
	ports   []topology.PortID // of a question
	account accountPart
}

// accountPart says which part of which account a message is.
type accountPart struct {
	port  topology.PortID
	first uint64 // the number of the account's first message
	part  uint32
	flags uint8
}

var errMalformed = errors.New("malformed state message")

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errMalformed, fmt.Sprintf(format, args...))
}

// readMessage reads a frame. The states are written into room.
func readMessage(b []byte, room []packed) (m message, err error) {
	switch {
	case len(b) < headLen:
		return m, malformed("%d octets", len(b))
	case binary.BigEndian.Uint16(b[12:]) != etherType || [12]byte(b) != [12]byte{}:
		return m, malformed("it is another frame")
	}
	m.kind, m.host, m.run = messageKind(b[14]), topology.HostID(b[15:31]), id.ID[run](b[31:47])
	m.number = binary.BigEndian.Uint64(b[47:])
	r := reader{b: b[headLen:]}
	switch m.kind {
	case kindStates:
		if m.states = r.states(room); len(m.states) == 0 && r.err == nil {
			r.err = malformed("no states")
		}
	case kindQuestion:
		m.ports = r.ports()
	case kindAccount:
		m.account = r.account(m.number)
		if m.states = r.states(room); len(m.states) == 0 && m.account.flags&flagLast == 0 && r.err == nil {
			r.err = malformed("no states, and more to come")
		}
	default:
		return m, malformed("kind %d", m.kind)
	}
	if r.err == nil && len(r.b) > 0 {
		r.err = malformed("%d octets behind it", len(r.b))
	}
	return m, r.err
}

// reader takes octets from the front of b. After the first error it returns zeros.
type reader struct {
	b      []byte
	device [16]byte // of the state before
	err    error
}

func (r *reader) take(n int) []byte {
	if len(r.b) < n && r.err == nil {
		r.err = malformed("it ends in a state")
	}
	if r.err != nil {
		return make([]byte, n)
	}
	taken := r.b[:n]
	r.b = r.b[n:]
	return taken
}

// address reads an address into the place that it has in a packed state.
func (r *reader) address(to []byte, long bool) {
	n := 4
	if long {
		n = 16
	}
	copy(to, r.take(n))
}

func (r *reader) states(room []packed) []packed {
	count := r.take(1)[0]
	states := room[:0]
	for i := 0; i < int(count) && r.err == nil; i++ {
		states = append(states, r.state(i > 0))
	}
	return states
}

func (r *reader) ports() []topology.PortID {
	count := r.take(1)[0]
	if r.err == nil && (count == 0 || count > MaxPorts) {
		r.err = malformed("a question about %d ports", count)
	}
	var ports []topology.PortID
	for i := 0; i < int(count) && r.err == nil; i++ {
		ports = append(ports, topology.PortID(r.take(16)))
	}
	return ports
}

// account reads which part of an account the message with the number is.
func (r *reader) account(number uint64) (a accountPart) {
	a.port = topology.PortID(r.take(16))
	a.first = binary.BigEndian.Uint64(r.take(8))
	a.part = binary.BigEndian.Uint32(r.take(4))
	a.flags = r.take(1)[0]
	if r.err == nil && (a.flags >= accountEnds || a.part >= maxParts || a.first > number || number-a.first < uint64(a.part) ||
		a.part == 0 && a.first != number) {
		r.err = malformed("part %d of the account that begins with message %d, with flags %#x", a.part, a.first, a.flags)
	}
	return a
}

// state reads one as it is kept; follows says that there is one before it.
func (r *reader) state(follows bool) (p packed) {
	head := r.take(3)
	kind, flags := flow.StateKind(head[0]), head[1]
	r.check(kind, flags, follows)
	p[0], p[1], p[2] = head[0], head[2], ipv4|ipv4<<2
	if flags&flagIPv6 != 0 {
		p[2] = ipv6 | ipv6<<2
	}
	if flags&flagSameDevice == 0 {
		device := [16]byte(r.take(16))
		if follows && device == r.device && r.err == nil {
			r.err = malformed("a device is repeated")
		}
		r.device = device
	}
	copy(p[4:], r.device[:])
	r.address(p[20:36], flags&flagIPv6 != 0)
	r.address(p[36:52], flags&flagIPv6 != 0)
	copy(p[52:56], r.take(4)) // the ports
	switch flags & (flagValueIPv4 | flagValueIPv6) {
	case 0:
		return p
	case flagValueIPv4:
		p[56] = ipv4
	case flagValueIPv6:
		p[56] = ipv6
	}
	r.address(p[60:76], p[56] == ipv6)
	copy(p[58:60], r.take(2)) // its port
	return p
}

// check refuses kinds and flags that no writer writes: translations have a value, StateReturn has none.
func (r *reader) check(kind flow.StateKind, flags uint8, follows bool) {
	values := flags & (flagValueIPv4 | flagValueIPv6)
	switch {
	case r.err != nil:
	case kind < flow.StateReturn || kind > flow.StateReverseDNAT || flags >= flagsEnd:
		r.err = malformed("kind %d with flags %#x", kind, flags)
	case values == flagValueIPv4|flagValueIPv6, (values == 0) != (kind == flow.StateReturn):
		r.err = malformed("kind %d with flags %#x has a value that does not fit", kind, flags)
	case flags&flagSameDevice != 0 && !follows:
		r.err = malformed("the first state has no device")
	}
}
