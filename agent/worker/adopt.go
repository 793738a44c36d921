package worker

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/sim"
	"midonet.org/midonet/topology"
)

// adoptChunk is how many flows are simulated again under one hold of the mutex.
const adoptChunk = batchSize

// adoptWhenReady waits for the first complete view and adopts the flows that the datapath kept from an earlier agent.
func (w *Worker) adoptWhenReady(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-w.ready:
		return w.adopt(ctx)
	}
}

// adopt simulates each flow that is in the datapath and keeps it where the answer is the same, removes it where not. It looks twice at those
// that it does not keep at once: they may answer connections that the datapath has begun while nobody listened, which the others tell of. Flows that
// this agent installed meanwhile are looked at like the others, which changes nothing for them. A change of the view between two
// chunks is no matter: the flows looked at before have their tags in the book, the others are simulated on the new view.
func (w *Worker) adopt(ctx context.Context) error {
	var found []datapath.Entry
	err := w.cfg.Datapath.Entries(func(e datapath.Entry) bool {
		found = append(found, e)
		return true
	})
	if err != nil {
		return err
	}
	defer func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.cfg.State.Withhold(nil)
	}()
	start := w.cfg.Now()
	doubtful, err := w.adoptAll(ctx, found)
	if err != nil {
		return err
	}
	wrong, err := w.adoptAll(ctx, doubtful)
	if err != nil {
		return err
	}
	for chunk := range slices.Chunk(wrong, adoptChunk) {
		w.disown(chunk)
	}
	if len(found) > 0 {
		w.log.Info("flows of the earlier agent looked at", "kept", len(found)-len(wrong), "removed", len(wrong), "took", w.cfg.Now().Sub(start))
	}
	return nil
}

// adoptAll returns the flows that it did not keep, which are where they were.
func (w *Worker) adoptAll(ctx context.Context, entries []datapath.Entry) (rest []datapath.Entry, err error) {
	for chunk := range slices.Chunk(entries, adoptChunk) {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		not, messages, touched := w.adoptSome(chunk)
		w.counters.adopted.Add(uint64(len(chunk) - len(not)))
		w.execute(messages)
		w.settle(touched)
		rest = append(rest, not...)
	}
	return rest, nil
}

// adoptSome returns those of the flows that it did not keep, what other hosts are to be told of the connections of the others, and the tags of the
// flows that it touches to learn who sends by these: the earlier agent knew, and they are no misses.
func (w *Worker) adoptSome(entries []datapath.Entry) (rest []datapath.Entry, messages []datapath.Packet, touched []flow.Tag) {
	w.mu.Lock()
	defer w.mu.Unlock()
	states, room := letters{}, new(sim.Room)
	var seen []sim.Learned
	for _, e := range entries {
		learned, kept := w.adoptOne(e, states, room)
		switch {
		case !kept:
			rest = append(rest, e)
		case e.Stats.LastUsed < learnedLife:
			seen = append(seen, learned...)
		}
	}
	return rest, w.messages(states), w.learn(seen, nil)
}

// disown removes flows that are not to be kept.
func (w *Worker) disown(entries []datapath.Entry) {
	w.mu.Lock()
	defer w.mu.Unlock()
	stale := make([]flow.Key, len(entries))
	for i, e := range entries {
		stale[i] = e.Key
		w.flows.remove(e.Key)
	}
	w.removeFlows(stale)
}

// adoptOne reports whether the flow's answer is the one that it would get now; the book then has it. It returns what its packets show of stations.
func (w *Worker) adoptOne(e datapath.Entry, states letters, room *sim.Room) (learned []sim.Learned, kept bool) {
	r := w.simulate(sim.Input{InPort: e.Key.InPort, Frame: e.Key.Frame(), State: w.givenTo(&e), Room: room})
	if !r.Cache || e.Key.Any&^r.Any != 0 || !equal(w.deliverable(r.Actions), e.Actions) {
		return nil, false
	}
	if _, _, err := w.remember(states, e.Key, &r, w.cfg.Now()); err != nil {
		return nil, false
	}
	w.closeBefore()
	w.flows.add(e.Key, w.tagsOf(&r), w.cfg.Now().Add(-e.Stats.LastUsed), r.Idle, r.Hard)
	return r.Learn, true
}

// equal reports whether two actions do the same with a packet. A datapath may give outputs back in another order, and need not
// remember the names of ports on other hosts.
func equal(a, b flow.Actions) bool {
	return a.Rewrite == b.Rewrite && slices.Equal(places(a.Outputs), places(b.Outputs))
}

// places returns the outputs in a fixed order, those to other hosts without the port's name.
func places(outputs []flow.Output) []flow.Output {
	all := slices.Clone(outputs)
	for i := range all {
		if !all[i].Local() {
			all[i].Port = topology.PortID{}
		}
	}
	slices.SortFunc(all, func(x, y flow.Output) int {
		return cmp.Or(x.Peer.Compare(y.Peer), cmp.Compare(x.TunnelKey, y.TunnelKey), bytes.Compare(x.Port[:], y.Port[:]))
	})
	return all
}
