package worker

import (
	"context"
	"slices"
	"time"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/sim"
	"midonet.org/midonet/topology"
)

const (
	// askInterval is how often it is looked whether something has to be asked for again.
	askInterval = 200 * time.Millisecond
	// maxLeases is how many different blocks may be asked for at a time.
	maxLeases = 256
	// wantedLife is how long after its last packet a router is kept that this host's ports do not lead to.
	wantedLife = 5 * time.Minute
)

// hold keeps a packet that has to wait, and asks for what it waits for where nobody has.
func (w *Worker) hold(b *batch, m datapath.Miss, r *sim.Result) {
	first, kept := w.waiting.add(m, r, w.cfg.Now())
	if !kept {
		w.counters.drop(dropWaiting, 1)
	}
	if first {
		b.packets = append(b.packets, emitted(r.Emit)...)
		w.ask(r.Wants)
	}
}

// ask asks the cluster for what it has. Questions to neighbours are packets, which the simulation made; about a port that has come other hosts
// are asked anyhow.
func (w *Worker) ask(wants []sim.Want) {
	for _, want := range wants {
		switch want.Kind() {
		case sim.WantRouter:
			w.wantRouter(want.Router)
		case sim.WantBlock:
			w.wantBlock(want.Block)
		}
	}
}

func (w *Worker) wantRouter(r topology.RouterID) {
	_, known := w.wanted[r]
	w.wanted[r] = w.cfg.Now()
	if !known {
		w.tellWanted()
	}
}

// wantKnown wants every router that is known when the agent starts: flows of the earlier agent may lead through those that its ports do
// not, and must not lose them before that is looked at. Those that no flow passes are let go of later.
func (w *Worker) wantKnown() {
	for o := range w.view.Objects() {
		if r, ok := o.(*topology.Router); ok {
			w.wanted[r.ID] = w.cfg.Now()
		}
	}
	if len(w.wanted) > 0 {
		w.tellWanted()
	}
}

func (w *Worker) tellWanted() {
	routers := make([]topology.RouterID, 0, len(w.wanted))
	for r := range w.wanted {
		routers = append(routers, r)
	}
	w.cfg.Cluster.Want(routers)
}

// keepWanted lets go of the routers that no flow has passed for a while.
func (w *Worker) keepWanted(now time.Time) {
	let := 0
	for r, used := range w.wanted {
		switch {
		case w.flows.tags.Has(flow.Tag{Class: flow.TagRouter, ID: r}):
			w.wanted[r] = now
		case now.Sub(used) >= wantedLife:
			delete(w.wanted, r)
			let++
		}
	}
	if let > 0 {
		w.tellWanted()
	}
}

// wantBlock asks for a block unless that is under way. Where too many are, the packet's next try asks again.
func (w *Worker) wantBlock(b sim.BlockWant) {
	if w.leasing[b] {
		return
	}
	select {
	case w.leases <- b:
		w.leasing[b] = true
	default:
	}
}

// wantAhead asks for a block that there will soon be need of, as often as packets that wait for one have it asked for: where there are no
// more, or nobody answers, each new connection is a reason to ask.
func (w *Worker) wantAhead(b sim.BlockWant, now time.Time) {
	if now.Sub(w.ahead[b]) < wantInterval {
		return
	}
	if len(w.ahead) >= maxLeases {
		clear(w.ahead)
	}
	w.ahead[b] = now
	w.wantBlock(b)
}

// lease asks the cluster for the blocks that packets wait for, until ctx ends.
func (w *Worker) lease(ctx context.Context) error {
	for {
		select {
		case b := <-w.leases:
			err := w.cfg.Cluster.LeaseNAT(ctx, b.Router, b.Addr, b.First, b.Last)
			if err != nil && ctx.Err() == nil {
				w.log.Warn("no ports to translate to", "router", b.Router, "address", b.Addr, "error", err)
			}
			w.mu.Lock()
			delete(w.leasing, b)
			w.mu.Unlock()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// askRegularly asks again for what has not come, and says what is to be said unasked, until ctx ends.
func (w *Worker) askRegularly(ctx context.Context) error {
	ticker := time.NewTicker(askInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			w.askOverdue()
			w.askForArrivals()
			w.advertise(w.cfg.Now())
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// askOverdue asks for what has been waited for long enough, and answers the packets that have waited for too long.
func (w *Worker) askOverdue() {
	w.mu.Lock()
	now := w.cfg.Now()
	again, givenUp := w.waiting.overdue(now)
	var packets []datapath.Packet
	var ready []datapath.Miss
	for _, want := range again {
		m := &w.waiting.lines[want].misses[0]
		var p packet.Packet
		if packet.Parse(m.Frame, &p) != nil {
			continue // it was parsed when it came
		}
		if r := w.simulate(w.inputOf(m, &p, now)); r.Verdict == sim.Wait {
			packets = append(packets, emitted(r.Emit)...)
			w.ask(r.Wants)
		} else {
			ready = append(ready, w.waiting.take(want)...)
		}
	}
	w.mu.Unlock()
	w.execute(packets)
	touched := w.answer(ready, false)
	w.settle(slices.Concat(touched, w.answer(givenUp, true)))
}
