package flowstate

import (
	"math/bits"
	"net/netip"
	"slices"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/topology"
)

// Lot is ports of blocks that somebody else gives to connections of one protocol with one address, each to any number of them that differ in
// their ways back. FreePort gives none of them to such connections until the lot is returned. It dies with the process.
type Lot struct {
	Ports []uint16 // in no order
	parts []lotPart
}

// lotPart is what a lot has of a block.
type lotPart struct {
	block blockName
	end   uint64
	ports portSet
}

// NewLot returns so many ports at most, of first … last, to which the router translates the source addr of connections with the destination, and
// which no such connection has; nil where there are too few. It is no more than half of those that there are, so that as many are left for
// FreePort, and another block is asked for in time (Scarce).
func (t *Table) NewLot(r PortRange, proto uint8, dst netip.Addr, most int) *Lot {
	held := t.blocks.held[natAddress{r.Router, r.Addr}]
	if len(held) == 0 {
		return nil
	}
	answer := packKey(flow.StateKey{Kind: flow.StateReverseSNAT, Device: r.Router, Conn: flow.Conn{Proto: proto, Src: dst, Dst: r.Addr}})
	start, total := t.config.Random(len(held)), 0
	var parts []lotPart
	for i := 0; i < len(held) && total < 2*most; i++ {
		b := held[(start+i)%len(held)]
		way := wayBack(answer, b.First)
		end := endOf(way)
		free := t.blocks.free(b, max(r.First, 1), r.Last, way) &^ t.blocks.takenBy(end)
		if b.given || free == 0 {
			continue
		}
		total += bits.OnesCount64(uint64(free))
		parts = append(parts, lotPart{b.name(), end, free})
	}
	if total <= 2*topology.NATBlockSize {
		t.noteScarcity(held, r, answer)
	}
	lot := &Lot{}
	for _, p := range parts {
		lot.take(p, min(most, total/2))
	}
	if len(lot.Ports) == 0 {
		return nil
	}
	for _, p := range lot.parts {
		t.blocks.lend(p, +1)
	}
	for i := range lot.Ports { // which are not easily guessed from outside (RFC 6056)
		j := i + t.config.Random(len(lot.Ports)-i)
		lot.Ports[i], lot.Ports[j] = lot.Ports[j], lot.Ports[i]
	}
	return lot
}

// take takes ports of a block until the lot has so many.
func (l *Lot) take(from lotPart, most int) {
	part := lotPart{block: from.block, end: from.end}
	for ; from.ports != 0 && len(l.Ports) < most; from.ports &= from.ports - 1 {
		at := bits.TrailingZeros64(uint64(from.ports))
		part.ports |= 1 << at
		l.Ports = append(l.Ports, from.block.first+uint16(at))
	}
	if part.ports != 0 {
		l.parts = append(l.parts, part)
	}
}

// lend has ports of a block given by a lot alone (+1), or no more (-1).
func (b *blocks) lend(p lotPart, change int) {
	e := b.ends[p.end]
	if change > 0 {
		e.lots |= p.ports
	} else {
		e.lots &^= p.ports
	}
	b.setEnd(p.end, e)
	b.count(b.usedBlock(p.block), change*bits.OnesCount64(uint64(p.ports)))
}

// takenBy returns the ports that connections with an address have, whatever its port.
func (b *blocks) takenBy(of uint64) (ports portSet) {
	for t := b.ends[of].taken; t != nil && ports != ^portSet(0); t = t.after {
		ports |= t.ports
	}
	return ports
}

// Return ends the lot, of which nobody gives a port any more. What has been given stays with its connections.
func (t *Table) Return(l *Lot) {
	for _, p := range l.parts {
		t.blocks.lend(p, -1)
	}
}

// Owns reports whether this host holds all blocks of the lot.
func (t *Table) Owns(l *Lot) bool {
	return !slices.ContainsFunc(l.parts, func(p lotPart) bool { return !t.blocks.holds(p.block) })
}

func (b *blocks) holds(name blockName) bool {
	held := b.named[name]
	return held != nil && !held.given
}

// Holds reports whether this host holds the block of the port.
func (t *Table) Holds(router topology.RouterID, addr netip.Addr, port uint16) bool {
	return t.blocks.holds(blockName{natAddress{router, addr}, port - port%topology.NATBlockSize})
}

// IsFree reports whether no connection but c has the way back that c, as it leaves but for the source, would have with the port. The way back may be
// remembered for longer than what led to it.
func (t *Table) IsFree(router topology.RouterID, addr netip.Addr, port uint16, c flow.Conn) bool {
	source := flow.State{Key: flow.StateKey{Kind: flow.StateSNAT, Device: router, Conn: c}, Value: flow.StateValue{Addr: addr, Port: port}}
	back := source.WayBack()
	to, taken := t.Value(back.Key)
	return !taken || to == back.Value
}

// Withhold has FreePort and NewLot give none of the ports of these addresses until it is called again. It is for those that flows may have of
// which no state tells: what an earlier agent has left.
func (t *Table) Withhold(ports map[netip.AddrPort]struct{}) { t.blocks.withheld = ports }

// withheldOf returns the withheld ports of a block.
func (b *blocks) withheldOf(of *block) (ports portSet) {
	for i := range uint16(topology.NATBlockSize) {
		if _, withheld := b.withheld[netip.AddrPortFrom(of.Addr, of.First+i)]; withheld {
			ports |= 1 << i
		}
	}
	return ports
}
