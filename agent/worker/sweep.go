package worker

import (
	"fmt"
	"time"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/sim"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/topology"
)

// sweepChunk is how many flows' uses are noted under one hold of the mutex.
const sweepChunk = 1024

// sweep notes which flows were used, removes those whose time is over, forgets learned stations that fell silent and tries again
// to plug in what could not be.
func (w *Worker) sweep() error {
	start := w.cfg.Now()
	err := w.eachChunk(func(entries []datapath.Entry) { w.noteUses(entries, start) })
	if err != nil {
		return fmt.Errorf("read the flows' uses: %w", err) // without them, flows in use would look idle
	}
	now := w.cfg.Now()
	w.attend()
	w.expireSeeds(now)
	w.returnLots(now)
	w.removeChunks(&w.counters.expirations, func() []flow.Key { return w.flows.expired(now, removeChunk) })
	tags, questions := w.forgetSilent(now)
	w.settle(tags)
	w.execute(questions)
	w.sweepStates(now)
	w.changing.Lock()
	defer w.changing.Unlock()
	if w.complete {
		w.followPorts()
	}
	return nil
}

// forgetSilent drops the stations and neighbours that fell silent, the routers that are not needed any more, and the debts of ports that
// no longer have any. It returns the tags of the flows that this touches, and questions to neighbours that may still be there.
func (w *Worker) forgetSilent(now time.Time) ([]flow.Tag, []datapath.Packet) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.floods.settle(now)
	w.questions.settle(now)
	w.refusals.settle(now)
	silent := w.learned.expire(now, w.isPlugged)
	gone, stale := w.found.expire(now)
	var questions []datapath.Packet
	for _, n := range stale {
		questions = append(questions, emitted(sim.Ask(w.view, n))...)
	}
	silent.Deletes = append(silent.Deletes, gone.Deletes...)
	w.keepWanted(now)
	return w.retreat(silent.Deletes, view.Delta{}), questions
}

// noteUses records when each flow was last used; a learned station that sent by a flow is used as well.
func (w *Worker) noteUses(entries []datapath.Entry, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range entries {
		used := now.Add(-e.Stats.LastUsed)
		w.flows.used(e.Key, used)
		w.learned.touch(source{e.Key.InPort, e.Key.SrcMAC}, used)
	}
}

// eachChunk calls fn with the datapath's flows, at most sweepChunk at a time.
func (w *Worker) eachChunk(fn func([]datapath.Entry)) error {
	chunk := make([]datapath.Entry, 0, sweepChunk)
	err := w.cfg.Datapath.Entries(func(e datapath.Entry) bool {
		if chunk = append(chunk, e); len(chunk) == sweepChunk {
			fn(chunk)
			chunk = chunk[:0]
		}
		return true
	})
	if len(chunk) > 0 {
		fn(chunk)
	}
	return err
}

// Flush unplugs every port and removes every flow, for an operator who wants nothing left behind when the agent stops.
func (w *Worker) Flush() error {
	w.changing.Lock()
	defer w.changing.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	ports, err := w.cfg.Datapath.Ports()
	if err != nil {
		return err
	}
	w.plugged = map[topology.PortID]plug{}
	w.flows, w.seeds, w.answers = newBook(w.letGo), newSeeds(), newSeeds()
	for _, l := range w.lots {
		l.gone = w.cfg.Now()
	}
	all := make([]topology.PortID, len(ports))
	for i, p := range ports {
		all[i] = p.ID
	}
	return w.cfg.Datapath.RemovePorts(all...) // and with them every flow
}
