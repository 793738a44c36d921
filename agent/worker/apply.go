package worker

import (
	"fmt"
	"net/netip"
	"slices"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/topology"
)

// Apply takes a change of the topology. The first one makes the view complete: it is a snapshot, from the cluster or from disk.
// When Apply returns, ports are plugged in as the new view says and no flow that the change touches is in the datapath.
func (w *Worker) Apply(d view.Delta) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.advance(w.admit(d))
	if !w.complete {
		w.complete = true
		w.unplugStrangers()
		close(w.ready)
	}
	w.followPorts()
}

// SetInterfaces takes the present interfaces of the host: all of them, each time.
func (w *Worker) SetInterfaces(present []Interface) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.interfaces = make(map[string]Interface, len(present))
	for _, i := range present {
		w.interfaces[i.Name] = i
	}
	w.followPorts()
}

// SetEndpoints takes the underlay addresses of this host: where others send to, and what the tunnels send from.
func (w *Worker) SetEndpoints(endpoints []netip.Addr) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.cfg.Datapath.SetSource(endpoints); err != nil {
		return fmt.Errorf("set the tunnels' source to %v: %w", endpoints, err)
	}
	w.self = &topology.Host{ID: w.cfg.Host, Name: w.cfg.HostName, Endpoints: slices.Clone(endpoints)}
	w.advance(view.Delta{Puts: []topology.Object{w.self}})
	w.signal()
	return nil
}

// admit returns the part of the cluster's delta that this host does not know better. What it says of itself and of the stations
// behind its ports comes back late, and is missing there when a report was late. A record of another host for one of its learned
// stations is newer knowledge (the station moved there), and this host forgets its own.
func (w *Worker) admit(d view.Delta) view.Delta {
	var admitted view.Delta
	for _, o := range d.Puts {
		if !w.knowsBetter(o) {
			admitted.Puts = append(admitted.Puts, o)
		}
		if l, ok := o.(*topology.LearnedMAC); ok && l.Host != w.cfg.Host {
			w.learned.forget(l.ID)
		}
	}
	for _, k := range d.Deletes {
		if k != w.self.Key() && !(k.Kind == topology.KindLearnedMAC && w.learned.owns(k.ID)) {
			admitted.Deletes = append(admitted.Deletes, k)
		}
	}
	return admitted
}

// knowsBetter reports whether the cluster's object is an echo of this host.
func (w *Worker) knowsBetter(o topology.Object) bool {
	if l, ok := o.(*topology.LearnedMAC); ok {
		return l.Host == w.cfg.Host
	}
	return o.Key() == w.self.Key()
}

// advance replaces the view by the next one and removes the flows that the difference touches.
func (w *Worker) advance(d view.Delta) {
	next, tags := w.view.Apply(d)
	w.view = next
	w.counters.views.Add(1)
	w.invalidate(tags)
}

// invalidate removes exactly the flows with one of the tags; their next packets are misses.
func (w *Worker) invalidate(tags []flow.Tag) {
	keys := w.flows.invalidate(tags)
	w.counters.invalidations.Add(uint64(len(keys)))
	w.removeFlows(keys)
}

// removeChunk is how many flows one call removes from the datapath.
const removeChunk = 1024

// removeFlows deletes flows that the book has let go of.
func (w *Worker) removeFlows(keys []flow.Key) {
	for chunk := range slices.Chunk(keys, removeChunk) {
		if err := w.cfg.Datapath.Remove(chunk); err != nil {
			w.counters.errors.Add(1)
			w.log.Error("removing flows", "flows", len(chunk), "error", err)
		}
	}
}
