package worker

import (
	"bytes"
	"maps"
	"math"
	"net/netip"
	"slices"
	"time"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/flowstate"
	"midonet.org/midonet/agent/sim"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/topology"
)

const (
	// stateMTU is how large the packets that tell of states are where the underlay's MTU is not known, octets without the tunnel's headers.
	stateMTU = 1280
	// tunnelOverhead is what the tunnel puts around a frame over IPv6: IPv6, UDP, VXLAN and the inner Ethernet header.
	tunnelOverhead = 40 + 8 + 8 + 14
	// statesChunk is how many states are looked at under one hold of the mutex.
	statesChunk = 8192
)

// letters are the states that other hosts are to be told of, by their underlay address. Into nil ones nothing is written: nobody is to be told.
type letters map[netip.Addr][]flow.State

func (l letters) add(peers []netip.Addr, states []flow.State) {
	if len(states) == 0 || l == nil {
		return
	}
	for _, p := range peers {
		l[p] = append(l[p], states...)
	}
}

// len returns how many states there are in the letters.
func (l letters) len() (n int) {
	for _, states := range l {
		n += len(states)
	}
	return n
}

// free empties the letters, keeps their paper, and forgets whom nothing was written to.
func (l letters) free() {
	for peer, states := range l {
		if len(states) == 0 {
			delete(l, peer)
		} else {
			l[peer] = states[:0]
		}
	}
}

// remember keeps the states that a result made or relied on for its flow, or where it is for one packet only, for a while. It removes the
// flows that were decided on without those that are new, of answers that came before the question, and returns their keys. The error is
// for want of room: the packet is to be dropped. Without one a flow is to be put into the book next: by its number, where it has got one by this.
func (w *Worker) remember(l letters, key flow.Key, r *sim.Result, now time.Time) (number uint32, stale []flow.Key, err error) {
	if len(r.State) == 0 {
		return 0, nil, nil
	}
	stale = w.decidedWithout(r.State)
	w.removeFlows(stale)
	w.withdrawAlike(r.State)
	if len(w.former) > 0 {
		r.StatePeers = append(r.StatePeers, w.lenders(key.InPort, r)...)
	}
	user, added := flowstate.User{InPort: key.InPort}, false // without a number: one packet
	if r.Cache {
		user.Flow, added = w.flows.number(key)
	}
	news, err := w.cfg.State.Put(user, r.State, r.StatePeers, now)
	if err != nil {
		if added {
			w.flows.remove(key)
		}
		return 0, stale, err
	}
	if !r.Cache {
		w.cfg.State.Remove([]uint32{user.Flow}, now)
	}
	l.add(r.StatePeers, news)
	return user.Flow, stale, nil
}

// decidedWithout forgets the flows whose answer depended on a state that is not there yet.
func (w *Worker) decidedWithout(states []flow.State) (stale []flow.Key) {
	var tag flow.Tag
	depend := false // flows do
	for _, s := range states {
		if t := flow.StateTag(&s.Key.Conn); t != tag {
			tag, depend = t, w.flows.tags.Has(t)
		}
		if !depend {
			continue
		}
		if _, known := w.cfg.State.Value(s.Key); !known {
			stale = append(stale, w.flows.invalidate([]flow.Tag{tag}, math.MaxInt)...)
			depend = false
		}
	}
	return stale
}

// messages returns the packets that tell the other hosts.
func (w *Worker) messages(l letters) []datapath.Packet {
	var packets []datapath.Packet
	for _, peer := range slices.SortedFunc(maps.Keys(l), netip.Addr.Compare) {
		if len(l[peer]) == 0 {
			continue
		}
		packets = append(packets, toAgent(peer, w.cfg.State.Message(l[peer], w.stateMTU()))...)
	}
	return packets
}

// stateMTU returns how large the packets may be that tell of states, octets without the tunnel's headers.
func (w *Worker) stateMTU() int {
	if w.underlayMTU > 0 {
		return w.underlayMTU - tunnelOverhead
	}
	return stateMTU
}

// hear takes what another host tells of its connections or asks about them. It notes the tags of the flows that this touches, answers that
// came before the word of what they answer, and serves the packets of a port that waited for all that is known of it.
func (w *Worker) hear(b *batch, frame []byte) {
	heard, err := w.cfg.State.Learn(frame, b.now)
	if err != nil {
		w.counters.drop(dropMalformed, 1)
		w.log.Debug("what another host tells of its connections cannot be read", "error", err)
		return
	}
	w.withdrawAlike(heard.News)
	for _, s := range heard.News {
		if t := flow.StateTag(&s.Key.Conn); len(b.touched) == 0 || t != b.touched[len(b.touched)-1] { // those of a connection stand together
			b.touched = append(b.touched, t)
		}
	}
	for _, port := range heard.Asked {
		w.inquire(heard.From, port)
	}
	if w.toldOf(heard.Told, heard.From) {
		for _, m := range w.waiting.take(sim.Want{Arrival: heard.Told}) {
			w.decideOne(b, m)
		}
	}
}

// sweepStates forgets states whose time is over and tells the peers again of those that flows use.
func (w *Worker) sweepStates(now time.Time) {
	for last := false; !last; {
		w.mu.Lock()
		l := letters{}
		due, end := w.cfg.State.Sweep(now, statesChunk)
		for _, d := range due {
			l.add(d.Peers, d.States)
		}
		packets := w.messages(l)
		w.mu.Unlock()
		w.execute(packets)
		last = end
	}
}

// followBlocks takes up the blocks of translation ports that the delta gives to this host or takes from it, and returns the packets
// that waited for one.
func (w *Worker) followBlocks(d view.Delta) (ready []datapath.Miss) {
	changed := false
	for _, k := range d.Deletes {
		if _, ours := w.blocks[k.ID]; ours && k.Kind == topology.KindNATBlock {
			delete(w.blocks, k.ID)
			changed = true
		}
	}
	var got []*topology.NATBlock
	for _, o := range d.Puts {
		if b, ok := o.(*topology.NATBlock); ok && b.Host == w.cfg.Host {
			w.blocks[b.ID] = b
			got = append(got, b)
		}
	}
	if !changed && len(got) == 0 {
		return nil
	}
	held := slices.SortedFunc(maps.Values(w.blocks), func(a, b *topology.NATBlock) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	w.cfg.State.SetBlocks(held, w.cfg.Now())
	w.recallLots()
	for _, b := range got {
		ready = append(ready, w.waiting.blocked(b)...)
	}
	return ready
}
