package flowstate

import (
	"math/bits"
	"net/netip"
	"slices"
	"time"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/topology"
)

// BlockIdle is how long a block of translation ports is kept when no connection uses it.
const BlockIdle = 5 * time.Minute

// PortRest is how much longer than other states the host of a block remembers the way back of one of its ports. When the port is given
// again nobody else is to remember who had it, or answers would go there, should the word of who has it now be lost: others remember
// what they were told for longer (Learned), and a word of theirs may have been lost on its way here (Refresh).
const PortRest = Learned - Idle + Refresh

// address names what blocks are parts of.
type natAddress struct {
	router topology.RouterID
	addr   netip.Addr
}

// blocks is the translation ports that this host may give out, and how many states use each.
type blocks struct {
	held  map[natAddress][]*block
	named map[blockName]*block // the same
	// used are the blocks in which a state has its translated port: also those that this host does not hold.
	used map[blockName]*usedBlock
	// taken are the ports of a block that have a connection to one destination, by wayBack.
	taken map[packedKey]*takenPorts
	// ends are what is taken of a block by one address, whatever its port: by the hash of wayBack without that. Two with one hash are taken
	// for one, which costs them ports.
	ends map[uint64]end
	// scarce are the ranges of which a destination has little left.
	scarce []PortRange
	// withheld are ports of addresses that flows may have which nobody has looked at yet.
	withheld map[netip.AddrPort]struct{}
}

// usedBlock counts the states of a block, and the ports of lots.
type usedBlock struct {
	name blockName
	uses int
}

// takenPorts are those of a block, some.
type takenPorts struct {
	ports portSet
	block *usedBlock
	end   uint64
	// of the others of the end
	before, after *takenPorts
}

// end is what is taken of a block by connections with one address.
type end struct {
	taken *takenPorts // the first of its ports'
	lots  portSet
}

// PortRange is ports of an address that a router translates to.
type PortRange struct {
	Router      topology.RouterID
	Addr        netip.Addr
	First, Last uint16
}

// portSet is some ports of a block, its first as the lowest bit.
type portSet uint64

var _ = [1]struct{}{}[topology.NATBlockSize-64] // a set has a bit for each

// ports returns those of a block that are of first … last.
func (b *block) ports(first, last uint16) (s portSet) {
	from, to := max(int(first)-int(b.First), 0), min(int(last)-int(b.First), topology.NATBlockSize-1)
	if from > to {
		return 0
	}
	return portSet(^uint64(0)>>(topology.NATBlockSize-1-to+from)) << from
}

// wayBack is the key of the states by which answers of one destination find back to a block: that of one of them, with the block's first
// port in place of theirs.
func wayBack(answer packedKey, first uint16) packedKey {
	answer.setDstPort(first)
	return answer
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
	return blocks{held: map[natAddress][]*block{}, named: map[blockName]*block{}, used: map[blockName]*usedBlock{}, taken: map[packedKey]*takenPorts{}, ends: map[uint64]end{}}
}

func (b *blocks) len() (n int) {
	for _, some := range b.held {
		n += len(some)
	}
	return n
}

// use counts a state that begins (+1) or ends (-1) to use a port: the one by which answers find back to a translated source.
func (b *blocks) use(p *packed, change int) {
	if p.kind() != flow.StateReverseSNAT {
		return
	}
	port := p.dstPort()
	way, bit := wayBack(p.key(), port-port%topology.NATBlockSize), portSet(1)<<(port%topology.NATBlockSize)
	taken := b.taken[way]
	if taken == nil {
		taken = &takenPorts{block: b.usedOf(p)}
		b.taken[way] = taken
		b.join(taken, endOf(way))
	}
	b.count(taken.block, change)
	if change > 0 {
		taken.ports |= bit
		return
	}
	if taken.ports &^= bit; taken.ports == 0 {
		delete(b.taken, way)
		b.leave(taken)
	}
}

// count counts uses of a block's ports that begin, or end where there are less than none.
func (b *blocks) count(used *usedBlock, change int) {
	if used.uses += change; used.uses == 0 {
		delete(b.used, used.name)
	}
}

// endOf returns the name of the end of a way back.
func endOf(way packedKey) uint64 {
	way = way.anyPort()
	return way.hash()
}

// join puts what is taken by one destination before the others of the end.
func (b *blocks) join(t *takenPorts, of uint64) {
	e := b.ends[of]
	t.end, t.after = of, e.taken
	if e.taken != nil {
		e.taken.before = t
	}
	e.taken = t
	b.ends[of] = e
}

// leave undoes join.
func (b *blocks) leave(t *takenPorts) {
	if t.after != nil {
		t.after.before = t.before
	}
	if t.before != nil {
		t.before.after = t.after
		return
	}
	e := b.ends[t.end]
	e.taken = t.after
	b.setEnd(t.end, e)
}

// setEnd keeps the end where something of it is taken.
func (b *blocks) setEnd(of uint64, e end) {
	if e.taken == nil && e.lots == 0 {
		delete(b.ends, of)
		return
	}
	b.ends[of] = e
}

// usedOf returns the block that the state has its port in.
func (b *blocks) usedOf(p *packed) *usedBlock {
	key := p.state().Key
	return b.usedBlock(blockOf(&key))
}

func (b *blocks) usedBlock(name blockName) *usedBlock {
	if b.used[name] == nil {
		b.used[name] = &usedBlock{name: name}
	}
	return b.used[name]
}

// takenOn returns the ports that are taken on the way back to a block, or that only lots give there.
func (b *blocks) takenOn(way packedKey) portSet {
	if taken := b.taken[way]; taken != nil {
		return taken.ports | b.ends[taken.end].lots
	}
	if len(b.ends) == 0 {
		return 0
	}
	return b.ends[endOf(way)].lots
}

func (b *block) name() blockName { return blockName{natAddress{b.Router, b.Addr}, b.First} }

// SetBlocks takes the blocks that this host holds: all of them, each time.
func (t *Table) SetBlocks(held []*topology.NATBlock, now time.Time) {
	before := t.blocks.named
	t.blocks.held, t.blocks.named = map[natAddress][]*block{}, make(map[blockName]*block, len(held))
	for _, h := range held {
		b := &block{NATBlock: h, idle: now}
		name := b.name()
		if old := before[name]; old != nil {
			b.idle, b.given = old.idle, old.given
		}
		t.blocks.held[name.natAddress] = append(t.blocks.held[name.natAddress], b)
		t.blocks.named[name] = b
	}
}

// Blocks returns those of the held blocks that are to be kept. One that no connection has used for BlockIdle is left out and not
// used any more, also if it is held for a while yet.
func (t *Table) Blocks(now time.Time) []*topology.NATBlock {
	var kept []*topology.NATBlock
	for _, some := range t.blocks.held {
		for _, b := range some {
			switch {
			case t.blocks.used[b.name()] != nil:
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

// Borrowed reports whether answers of the state find back by a port of a block that this host does not hold.
func (t *Table) Borrowed(s flow.State) bool {
	if s.Key.Kind != flow.StateReverseSNAT {
		return false
	}
	return !t.blocks.holds(blockOf(&s.Key))
}

// blockOf returns the block that a way back has its port in.
func blockOf(k *flow.StateKey) blockName {
	return blockName{natAddress{k.Device, k.Conn.Dst}, k.Conn.DstPort - k.Conn.DstPort%topology.NATBlockSize}
}

// portRest returns how much longer than others the state is remembered.
func (b *blocks) portRest(p *packed) time.Duration {
	if p.kind() != flow.StateReverseSNAT {
		return 0
	}
	key := p.state().Key
	if !b.holds(blockOf(&key)) {
		return 0
	}
	return PortRest
}

// Scarce returns the ranges of which FreePort has since the last call found less than a block left for a destination, in what is held:
// another block is to be had while the cluster can still be asked.
func (t *Table) Scarce() []PortRange {
	scarce := t.blocks.scarce
	t.blocks.scarce = nil
	return scarce
}

// free returns the ports of a block, of first … last, that may be given on the way back to it.
func (b *blocks) free(of *block, first, last uint16, way packedKey) portSet {
	free := of.ports(first, last) &^ b.takenOn(way)
	if len(b.withheld) > 0 {
		free &^= b.withheldOf(of)
	}
	return free
}

// noteScarcity counts what is left in all blocks, which is worth while where one of them has so little left that there may not be a block in all.
func (t *Table) noteScarcity(held []*block, r PortRange, answer packedKey) {
	left := 0
	for _, b := range held {
		if !b.given {
			left += bits.OnesCount64(uint64(t.blocks.free(b, r.First, r.Last, wayBack(answer, b.First))))
		}
	}
	if left <= topology.NATBlockSize && !slices.Contains(t.blocks.scarce, r) {
		t.blocks.scarce = append(t.blocks.scarce, r)
	}
}

// FreePort implements sim.State. The search starts at a random port, which is not easily guessed from outside (RFC 6056); a port
// serves any number of connections to different destinations. It takes nothing: Put is to be called with what the simulation made
// of the port before the next simulation.
func (t *Table) FreePort(router topology.RouterID, addr netip.Addr, first, last uint16, c flow.Conn) (uint16, bool) {
	held := t.blocks.held[natAddress{router, addr}]
	if len(held) == 0 {
		return 0, false
	}
	answer := packKey(flow.StateKey{Kind: flow.StateReverseSNAT, Device: router,
		Conn: flow.Conn{Proto: c.Proto, Src: c.Dst, Dst: addr, SrcPort: c.DstPort}})
	start := t.config.Random(len(held) * topology.NATBlockSize)
	for i := range len(held) + 1 { // the first block comes again in the end, for the ports before start
		b := held[(start/topology.NATBlockSize+i)%len(held)]
		if b.given {
			continue
		}
		free := t.blocks.free(b, first, last, wayBack(answer, b.First))
		few := bits.OnesCount64(uint64(free))*len(held) <= 2*topology.NATBlockSize // are left, if it is the same in all of them
		if i == 0 {
			free &= ^portSet(0) << (start % topology.NATBlockSize)
		}
		if free != 0 {
			if few {
				t.noteScarcity(held, PortRange{router, addr, first, last}, answer)
			}
			return b.First + uint16(bits.TrailingZeros64(uint64(free))), true
		}
	}
	return 0, false
}
