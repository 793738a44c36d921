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
//	12  addresses, zero               8  number of the message in the run
//	 2  etherType                     1  number of states, 1 or more
//	 1  version                         states
//	16  host                            nothing behind them
//	16  run of the host's agent
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
	version      = 1
	messageLen   = 14 + 1 + 16 + 16 + 8 + 1
	maxPerFrame  = 255
	longestState = 3 + 16 + 16 + 16 + 4 + 16 + 2
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
	const ethernetLen = 14
	limit := max(mtu+ethernetLen, messageLen+longestState)
	var frames [][]byte
	var frame []byte
	for i, s := range states {
		same := len(frame) > 0 && s.Key.Device == states[i-1].Key.Device
		octets := appendState(t.scratch[:0], s, same)
		if len(frame) == 0 || len(frame)+len(octets) > limit || frame[messageLen-1] == maxPerFrame {
			if len(frame) > 0 {
				frames = append(frames, frame)
			}
			frame = t.sender.begin(limit)
			octets = appendState(t.scratch[:0], s, false)
		}
		t.scratch = octets
		frame = append(frame, octets...)
		frame[messageLen-1]++
	}
	if len(frame) > 0 {
		frames = append(frames, frame)
	}
	return frames
}

// begin returns a message without states.
func (s *sender) begin(room int) []byte {
	s.sent++
	b := make([]byte, 12, room)
	b = binary.BigEndian.AppendUint16(b, etherType)
	b = append(b, version)
	b = append(b, s.host[:]...)
	b = append(b, s.run[:]...)
	b = binary.BigEndian.AppendUint64(b, s.sent)
	return append(b, 0)
}

func appendState(b []byte, s flow.State, sameDevice bool) []byte {
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
	host   topology.HostID
	run    id.ID[run]
	number uint64
	states []flow.State
}

var errMalformed = errors.New("malformed state message")

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errMalformed, fmt.Sprintf(format, args...))
}

func readMessage(b []byte) (m message, err error) {
	switch {
	case len(b) < messageLen:
		return m, malformed("%d octets", len(b))
	case binary.BigEndian.Uint16(b[12:]) != etherType || [12]byte(b) != [12]byte{}:
		return m, malformed("it is another frame")
	case b[14] != version:
		return m, malformed("version %d", b[14])
	}
	m.host, m.run = topology.HostID(b[15:31]), id.ID[run](b[31:47])
	m.number = binary.BigEndian.Uint64(b[47:])
	count := int(b[messageLen-1])
	r := reader{b: b[messageLen:]}
	for i := range count {
		s := r.state(i > 0)
		if r.err != nil {
			return m, r.err
		}
		m.states = append(m.states, s)
	}
	if count == 0 || len(r.b) > 0 {
		return m, malformed("%d states, and %d octets behind them", count, len(r.b))
	}
	return m, nil
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

func (r *reader) uint16() uint16 { return binary.BigEndian.Uint16(r.take(2)) }

func (r *reader) address(long bool) netip.Addr {
	if long {
		return address(r.take(16), ipv6)
	}
	return address(r.take(4), ipv4)
}

// state reads one; follows says that there is one before it.
func (r *reader) state(follows bool) (s flow.State) {
	head := r.take(3)
	kind, flags := flow.StateKind(head[0]), head[1]
	r.check(kind, flags, follows)
	s.Key.Kind, s.Key.Conn.Proto = kind, head[2]
	if flags&flagSameDevice == 0 {
		device := [16]byte(r.take(16))
		if follows && device == r.device && r.err == nil {
			r.err = malformed("a device is repeated")
		}
		r.device = device
	}
	s.Key.Device = r.device
	c := &s.Key.Conn
	c.Src, c.Dst = r.address(flags&flagIPv6 != 0), r.address(flags&flagIPv6 != 0)
	c.SrcPort, c.DstPort = r.uint16(), r.uint16()
	if flags&(flagValueIPv4|flagValueIPv6) != 0 {
		s.Value = flow.StateValue{Addr: r.address(flags&flagValueIPv6 != 0), Port: r.uint16()}
	}
	return s
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
