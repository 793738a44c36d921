package worker

import (
	"time"

	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/sim"
	"midonet.org/midonet/topology"
)

// Bounds on what is remembered of first fragments. The time is that after which Linux gives up putting a packet together.
const (
	datagramsPerPort = 128
	datagramLife     = 30 * time.Second
)

// datagrams is the headers of first fragments that have come, so that later ones are treated like them. Each port has room of its own,
// in which the newest take the place of the oldest.
type datagrams map[topology.PortID]*history

type history struct {
	next int // where the next is written
	came [datagramsPerPort]firstFragment
}

type firstFragment struct {
	sim.Datagram
	header packet.Header
	at     time.Time // zero: none
}

// note remembers the first fragment p.
func (d datagrams) note(p *packet.Packet, of sim.Datagram, now time.Time) {
	h := d[of.InPort]
	if h == nil {
		h = new(history)
		d[of.InPort] = h
	}
	h.came[h.next] = firstFragment{of, p.Header, now}
	h.next = (h.next + 1) % datagramsPerPort
}

// first returns the header of the packet's first fragment, of several the newest; nil where none is remembered.
func (d datagrams) first(of sim.Datagram, now time.Time) *packet.Header {
	h := d[of.InPort]
	if h == nil {
		return nil
	}
	for i := range datagramsPerPort {
		f := &h.came[(h.next+2*datagramsPerPort-1-i)%datagramsPerPort]
		if f.at.IsZero() || now.Sub(f.at) > datagramLife {
			return nil // those before it are older yet
		}
		if f.Datagram == of {
			return &f.header
		}
	}
	return nil
}
