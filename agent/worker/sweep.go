package worker

import (
	"errors"
	"fmt"
	"time"

	"midonet.org/midonet/agent/datapath"
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
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.cfg.Now()
	expired := w.flows.expired(now)
	w.counters.expirations.Add(uint64(len(expired)))
	w.removeFlows(expired)
	silent := w.learned.expire(now, func(p topology.PortID) bool { _, ok := w.plugged[p]; return ok })
	if len(silent.Deletes) > 0 {
		w.advance(silent)
		w.signal()
	}
	w.followPorts()
	return nil
}

// noteUses records when each flow was last used; a learned station that sent by a flow is used as well.
func (w *Worker) noteUses(entries []datapath.Entry, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range entries {
		used := now.Add(-e.Stats.LastUsed)
		w.flows.expiry.Used(e.Key, used)
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
	w.mu.Lock()
	defer w.mu.Unlock()
	ports, err := w.cfg.Datapath.Ports()
	if err != nil {
		return err
	}
	w.plugged = map[topology.PortID]plug{}
	w.flows = newBook()
	failures := make([]error, 0, len(ports))
	for _, p := range ports {
		failures = append(failures, w.cfg.Datapath.RemovePort(p.ID)) // and every flow that enters there
	}
	return errors.Join(failures...)
}
