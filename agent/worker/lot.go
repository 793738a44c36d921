package worker

import (
	"math"
	"math/bits"
	"net/netip"
	"slices"
	"time"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/flowstate"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/sim"
	"midonet.org/midonet/topology"
)

const (
	// lotRest is how long the ports of a seed that has gone are given to nobody: until the word of all connections that have got one has been
	// read, with a good margin.
	lotRest = 2 * sweepInterval
	// attendance is how long the datapath gives ports when it does not hear from the agent: a block may be another host's soon after that.
	attendance = 3 * sweepInterval
	// lotRetry is how long it is until more ports are looked for when there were none.
	lotRetry = time.Second
)

// lot is the ports of a seed, which the datapath gives to connections.
type lot struct {
	*flowstate.Lot
	key    flow.Key // of the seed
	source sim.BlockWant
	to     netip.Addr
	given  uint64    // which of the ports have been, as far as it is known: a bit for each
	tried  time.Time // when there were no more
	gone   time.Time // when the seed went; zero while it is there
}

var _ = [1]struct{}{}[flow.MaxSeedPorts-64] // there is a bit for each

// supply takes ports for seeds with the key of connections to an address; nil where there are none.
func (w *Worker) supply(key flow.Key, source sim.BlockWant, to netip.Addr) *lot {
	r := flowstate.PortRange{Router: source.Router, Addr: source.Addr, First: source.First, Last: source.Last}
	ports := w.cfg.State.NewLot(r, key.Proto, to, flow.MaxSeedPorts)
	if ports == nil {
		return nil
	}
	return &lot{Lot: ports, key: key, source: source, to: to}
}

// note notes that a port has been given, and reports whether it is one of the lot's.
func (l *lot) note(port uint16) bool {
	i := slices.Index(l.Ports, port)
	if i >= 0 {
		l.given |= 1 << i
	}
	return i >= 0
}

// isLow reports whether most of the ports have been given.
func (l *lot) isLow() bool { return 4*bits.OnesCount64(l.given) >= 3*len(l.Ports) }

// replenish gives the datapath a seed with ports of its own in the place of one whose ports are soon all given.
func (w *Worker) replenish(b *batch, was uint64) {
	old := w.lots[was]
	if !old.gone.IsZero() || !old.isLow() || b.now.Sub(old.tried) < lotRetry {
		return
	}
	more := w.supply(old.key, old.source, old.to)
	if more == nil {
		old.tried = b.now
		return
	}
	f := w.seeds.renumber(old.key)
	f.Seed.Ports = more.Ports
	w.lots[f.Seed.Number] = more
	old.gone = b.now
	b.seeds = append(b.seeds, f)
}

// returnLots takes back the ports of seeds that have been gone for long enough.
func (w *Worker) returnLots(now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for number, l := range w.lots {
		if !l.gone.IsZero() && now.Sub(l.gone) >= lotRest {
			w.cfg.State.Return(l.Lot)
			delete(w.lots, number)
		}
	}
}

// lent returns how many ports the lots have, those too whose seed has gone a while ago.
func (w *Worker) lent() (ports int) {
	for _, l := range w.lots {
		ports += len(l.Ports)
	}
	return ports
}

// recallLots removes the seeds that give ports of blocks which this host does not hold any more.
func (w *Worker) recallLots() {
	for _, l := range w.lots {
		if l.gone.IsZero() && !w.cfg.State.Owns(l.Lot) {
			w.seeds.book.remove(l.key)
			w.dropSeeds(w.seeds, []flow.Key{l.key})
		}
	}
}

// attend has the datapath give ports for a while.
func (w *Worker) attend() {
	if err := w.cfg.Datapath.Attend(attendance); err != nil {
		w.counters.errors.Add(1)
		w.log.Warn("telling the datapath that it may give ports", "error", err)
	}
}

// given is what is remembered, to a connection whose source the datapath has given a port.
type given struct {
	*flowstate.Table
	port uint16
	// lent says that the port is of a lot; else it has to be of a block.
	lent bool
	// begins says that the packet is the connection's first, whatever is remembered of one before it.
	begins bool
	// before is the way back of one before it, which had another port.
	before flow.StateKey
}

// Value implements sim.State.
func (g *given) Value(k flow.StateKey) (flow.StateValue, bool) {
	v, ok := g.Table.Value(k)
	if ok && g.begins && k.Kind == flow.StateSNAT && v.Port != g.port {
		g.before = flow.State{Key: k, Value: v}.WayBack().Key
		return flow.StateValue{}, false
	}
	return v, ok
}

// FreePort implements sim.State. It is the port, where the connection may have that.
func (g *given) FreePort(router topology.RouterID, addr netip.Addr, first, last uint16, c flow.Conn) (uint16, bool) {
	if g.port >= first && g.port <= last && (g.lent || g.Holds(router, addr, g.port)) && g.IsFree(router, addr, g.port, c) {
		return g.port, true
	}
	return g.Table.FreePort(router, addr, first, last, c)
}

// givenBy returns what is remembered to a connection that was begun of the seed with the number, which may have gone, and got the port; nil
// where the seed has not given it.
func (w *Worker) givenBy(seed uint64, proto uint8, port uint16) sim.State {
	l := w.lots[seed]
	if l == nil || !l.note(port) {
		return nil
	}
	w.given = given{Table: w.cfg.State, port: port, lent: true, begins: proto == packet.ProtoTCP}
	return &w.given
}

// closeBefore removes the flows of answers to a connection whose ends have begun another one: what they keep of it is not kept any more. It returns
// them.
func (w *Worker) closeBefore() (stale []flow.Key) {
	if w.given.before.Kind == 0 {
		return nil
	}
	stale = w.close(w.given.before)
	w.given.before = flow.StateKey{}
	return stale
}

// close removes the flows of answers that came by the way back, and returns them.
func (w *Worker) close(way flow.StateKey) (stale []flow.Key) {
	stale = w.flows.invalidate([]flow.Tag{flow.StateTag(&way.Conn)}, math.MaxInt)
	w.removeFlows(stale)
	return stale
}

// givenTo returns what is remembered to the connection of a flow that an earlier agent has left. Where the two differ the flow is newer.
func (w *Worker) givenTo(e *datapath.Entry) sim.State {
	w.given = given{Table: w.cfg.State, port: leavesWith(e).Port(), begins: true}
	return &w.given
}

// leavesWith returns the source of the flow's packets as they leave.
func leavesWith(e *datapath.Entry) netip.AddrPort {
	h := e.Key.Header()
	a := &e.Actions.Rewrite
	if a.Fields&flow.FieldSrcIP != 0 {
		h.SrcIP = a.SrcIP
	}
	if a.Fields&flow.FieldSrcPort != 0 {
		h.SrcPort = a.SrcPort
	}
	return netip.AddrPortFrom(h.SrcIP, h.SrcPort)
}

// withholdPorts has nobody given the ports by which packets leave of flows that an earlier agent has left: the datapath may have given them to
// connections of which nobody was told. Adopt has an end to that.
func (w *Worker) withholdPorts() error {
	left := map[netip.AddrPort]struct{}{}
	err := w.cfg.Datapath.Entries(func(e datapath.Entry) bool {
		if e.Actions.Rewrite.Fields&flow.FieldSrcIP != 0 {
			left[leavesWith(&e)] = struct{}{}
		}
		return true
	})
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cfg.State.Withhold(left)
	return err
}
