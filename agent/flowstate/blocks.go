package flowstate

import (
	"net/netip"
	"slices"
	"time"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/topology"
)

// BlockIdle is how long a block of translation ports is kept when no connection uses it.
const BlockIdle = 5 * time.Minute

// address names what blocks are parts of.
type natAddress struct {
	router topology.RouterID
	addr   netip.Addr
}

// blocks is the translation ports that this host may give out, and how many states use each.
type blocks struct {
	held map[natAddress][]*block
	// used counts the states with a translated port, by the block that it is in: also of blocks that this host does not hold.
	used map[blockName]int
}

type blockName struct {
	natAddress
	first uint16
}

type block struct {
	*topology.NATBlock
	idle  time.Time // since when no connection uses it; zero: one does
	given bool      // Blocks has left it out: it is to be used no more
}

func newBlocks() blocks {
	return blocks{held: map[natAddress][]*block{}, used: map[blockName]int{}}
}

func (b *blocks) len() (n int) {
	for _, some := range b.held {
		n += len(some)
	}
	return n
}

// use counts a state that begins (+1) or ends (-1) to use a port: the one by which answers find back to a translated source.
func (b *blocks) use(s flow.State, change int) {
	if s.Key.Kind != flow.StateReverseSNAT {
		return
	}
	port := s.Key.Conn.DstPort
	name := blockName{natAddress{s.Key.Device, s.Key.Conn.Dst}, port - port%topology.NATBlockSize}
	if b.used[name] += change; b.used[name] == 0 {
		delete(b.used, name)
	}
}

func (b *block) name() blockName { return blockName{natAddress{b.Router, b.Addr}, b.First} }

// SetBlocks takes the blocks that this host holds: all of them, each time.
func (t *Table) SetBlocks(held []*topology.NATBlock, now time.Time) {
	before := map[blockName]*block{}
	for _, some := range t.blocks.held {
		for _, b := range some {
			before[b.name()] = b
		}
	}
	t.blocks.held = map[natAddress][]*block{}
	for _, h := range held {
		b := &block{NATBlock: h, idle: now}
		if old := before[b.name()]; old != nil {
			b.idle, b.given = old.idle, old.given
		}
		at := natAddress{h.Router, h.Addr}
		t.blocks.held[at] = append(t.blocks.held[at], b)
	}
}

// Blocks returns those of the held blocks that are to be kept. One that no connection has used for BlockIdle is left out and not
// used any more, also if it is held for a while yet.
func (t *Table) Blocks(now time.Time) []*topology.NATBlock {
	var kept []*topology.NATBlock
	for _, some := range t.blocks.held {
		for _, b := range some {
			switch {
			case t.blocks.used[b.name()] > 0:
				b.idle = time.Time{}
			case b.idle.IsZero():
				b.idle = now
			}
			b.given = b.given || !b.idle.IsZero() && now.Sub(b.idle) >= BlockIdle
			if !b.given {
				kept = append(kept, b.NATBlock)
			}
		}
	}
	slices.SortFunc(kept, func(x, y *topology.NATBlock) int { return slices.Compare(x.ID[:], y.ID[:]) })
	return kept
}

// FreePort implements sim.State. The search starts at a random port, which is not easily guessed from outside (RFC 6056); a port
// serves any number of connections to different destinations. It takes nothing: Put is to be called with what the simulation made
// of the port before the next simulation.
func (t *Table) FreePort(router topology.RouterID, addr netip.Addr, first, last uint16, c flow.Conn) (uint16, bool) {
	held := t.blocks.held[natAddress{router, addr}]
	if len(held) == 0 {
		return 0, false
	}
	const size = topology.NATBlockSize
	start := t.config.Random(len(held) * size)
	for i := range len(held) * size {
		at := (start + i) % (len(held) * size)
		b := held[at/size]
		port := b.First + uint16(at%size)
		if !b.given && first <= port && port <= last && !t.taken(router, addr, port, c) {
			return port, true
		}
	}
	return 0, false
}

// taken reports whether answers of c's destination to the port belong to a connection.
func (t *Table) taken(router topology.RouterID, addr netip.Addr, port uint16, c flow.Conn) bool {
	answer := flow.Conn{Proto: c.Proto, Src: c.Dst, Dst: addr, SrcPort: c.DstPort, DstPort: port}
	if c.Proto == packet.ProtoICMP || c.Proto == packet.ProtoICMPv6 {
		answer.SrcPort = port // the two are the identifier
	}
	_, ok := t.index[packKey(flow.StateKey{Kind: flow.StateReverseSNAT, Device: router, Conn: answer})]
	return ok
}
