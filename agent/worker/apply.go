package worker

import (
	"fmt"
	"net/netip"
	"slices"
	"sync/atomic"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/topology"
)

// Apply takes a change of the topology. The first one makes the view complete: it is a snapshot, from the cluster or from disk.
// When Apply returns, ports are plugged in as the new view says and no flow that the change touches is in the datapath. Each is removed
// once, before ports are plugged in: flows that are installed after that, and those that are adopted once ready is closed, are of the new
// view, and stay.
func (w *Worker) Apply(d view.Delta) {
	w.changing.Lock()
	defer w.changing.Unlock()
	w.mu.Lock()
	moved, came := w.movedAway(d), w.comes(d)
	was, admitted := w.view, w.admit(d)
	tags, first := w.advance(admitted), !w.complete
	news := append(w.retract(was, admitted), w.announce(was, admitted)...)
	w.handOver(moved)
	settled := w.arrive(came)
	unblocked := w.followBlocks(d)
	if advertising(w.view, d) {
		clear(w.advertisements) // what has changed is told at once
	}
	w.mu.Unlock()
	w.invalidate(tags)
	w.execute(news)
	if first {
		w.unplugStrangers()
	}
	w.followPorts()
	if first {
		w.mu.Lock()
		w.complete = true
		w.wantKnown()
		w.mu.Unlock()
		close(w.ready)
	}
	w.settle(slices.Concat(w.release(tags), w.answer(unblocked, false), w.answer(settled, false)))
}

// SetInterfaces takes the present interfaces of the host: all of them, each time.
func (w *Worker) SetInterfaces(present []Interface) {
	w.changing.Lock()
	defer w.changing.Unlock()
	w.mu.Lock()
	w.interfaces = make(map[string]Interface, len(present))
	for _, i := range present {
		w.interfaces[i.Name] = i
	}
	complete := w.complete
	w.mu.Unlock()
	if complete {
		w.followPorts()
	}
}

// SetUnderlay takes the underlay addresses of this host, where others send to and what the tunnels send from, and the MTU of the
// interfaces that have them, in octets; 0 where it is not known.
func (w *Worker) SetUnderlay(endpoints []netip.Addr, mtu int) error {
	w.changing.Lock()
	defer w.changing.Unlock()
	if err := w.cfg.Datapath.SetSource(endpoints); err != nil {
		return fmt.Errorf("set the tunnels' source to %v: %w", endpoints, err)
	}
	w.mu.Lock()
	w.underlayMTU = mtu
	self := *w.self
	self.Endpoints = slices.Clone(endpoints)
	w.self = &self
	tags := w.advance(view.Delta{Puts: []topology.Object{w.self}})
	w.mu.Unlock()
	w.settle(tags)
	w.warnTooLarge()
	w.signal()
	return nil
}

// admit returns the part of the cluster's delta that this host does not know better. What it says of itself and of the stations
// behind its ports comes back late, and is missing there when a report was late. A record of another host for one of its learned
// stations or found neighbours is newer knowledge (the station moved there), and this host forgets its own.
func (w *Worker) admit(d view.Delta) view.Delta {
	var admitted view.Delta
	for _, o := range d.Puts {
		if !w.knowsBetter(o) {
			admitted.Puts = append(admitted.Puts, o)
		}
		delete(w.others, o.Key())
		if w.knowsBetter(o) || !w.owns(o.Key()) {
			continue
		}
		switch o := o.(type) {
		case *topology.LearnedMAC:
			w.learned.forget(o.ID)
		case *topology.RouterNeighbour:
			w.found.forget(link{o.Port, o.Addr})
		}
		w.ceded[o.Key()] = true
		w.signal()
	}
	for _, k := range d.Deletes {
		delete(w.others, k)
		if !w.owns(k) {
			admitted.Deletes = append(admitted.Deletes, k)
		}
	}
	return admitted
}

// overrule notes what another host has said of a station or neighbour that this host has seen now.
func (w *Worker) overrule(o topology.Object) {
	if other := w.view.Object(o.Key()); other != nil && !w.knowsBetter(other) {
		w.others[o.Key()] = other
	}
}

// retreat takes what this host says no more out of the view, and returns the tags of the flows that this touches. What another host has said all the
// time, and the cluster does not say again, is so.
func (w *Worker) retreat(gone []topology.Key, d view.Delta) []flow.Tag {
	for _, k := range gone {
		if other := w.others[k]; other != nil {
			d.Puts = append(d.Puts, other)
			delete(w.others, k)
		} else {
			d.Deletes = append(d.Deletes, k)
		}
	}
	if len(d.Puts)+len(d.Deletes) == 0 {
		return nil
	}
	w.signal()
	return w.advance(d)
}

// owns reports whether this host and not the cluster says whether the object is there.
func (w *Worker) owns(k topology.Key) bool {
	switch k.Kind {
	case topology.KindLearnedMAC:
		return w.learned.owns(k.ID)
	case topology.KindRouterNeighbour:
		n, ok := w.view.Object(k).(*topology.RouterNeighbour)
		return ok && w.found.owns(n)
	}
	return k == w.self.Key()
}

// knowsBetter reports whether the cluster's object is an echo of this host.
func (w *Worker) knowsBetter(o topology.Object) bool {
	switch o := o.(type) {
	case *topology.LearnedMAC:
		return o.Host == w.cfg.Host
	case *topology.RouterNeighbour:
		return o.Host == w.cfg.Host
	}
	return o.Key() == w.self.Key()
}

// advance replaces the view by the next one and returns the tags of the flows that the difference touches, which are for the caller
// to invalidate once it has let go of the mutex.
func (w *Worker) advance(d view.Delta) []flow.Tag {
	next, tags := w.view.Apply(d)
	w.view = next
	clear(w.seeds.tried)
	clear(w.answers.tried)
	w.counters.views.Add(1)
	return tags
}

// removeChunk is how many flows are removed under one hold of the mutex, and by one call of the datapath.
const removeChunk = 1024

// settle removes the flows with one of the tags and serves the packets that waited for what the tags name.
func (w *Worker) settle(tags []flow.Tag) {
	for len(tags) > 0 {
		w.invalidate(tags)
		tags = w.release(tags)
	}
}

// release serves the packets that waited for what the tags name, and returns the tags of the flows that this touches in turn.
func (w *Worker) release(tags []flow.Tag) []flow.Tag {
	w.mu.Lock()
	ready := w.waiting.touched(tags)
	w.mu.Unlock()
	if len(ready) == 0 {
		return nil
	}
	return w.answer(ready, false)
}

// invalidate removes exactly the flows with one of the tags; their next packets are misses. Flows that are installed meanwhile are
// of the new view, and lose nothing but time if they are taken as well.
func (w *Worker) invalidate(tags []flow.Tag) {
	if len(tags) > 0 {
		w.withdrawSeeds(tags) // before what they have made
		w.removeChunks(&w.counters.invalidations, func() []flow.Key { return w.flows.invalidate(tags, removeChunk) })
	}
}

// removeChunks removes the flows that take lets go of, until there are no more, and counts them. The caller does not hold the mutex.
func (w *Worker) removeChunks(count *atomic.Uint64, take func() []flow.Key) {
	for n := removeChunk; n == removeChunk; {
		w.mu.Lock()
		keys := take()
		w.removeFlows(keys)
		w.mu.Unlock()
		n = len(keys)
		count.Add(uint64(n))
	}
}

// removeFlows deletes flows that the book has let go of.
func (w *Worker) removeFlows(keys []flow.Key) {
	if len(keys) == 0 {
		return
	}
	if err := w.cfg.Datapath.Remove(keys); err != nil {
		w.counters.errors.Add(1)
		w.log.Error("removing flows", "flows", len(keys), "error", err)
	}
}

// letGo lets go of what flows use that leave the book.
func (w *Worker) letGo(flows []uint32) {
	if len(flows) > 0 {
		w.cfg.State.Remove(flows, w.cfg.Now())
	}
}
