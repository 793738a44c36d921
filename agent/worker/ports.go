package worker

import (
	"maps"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/topology"
)

// plug is a port in the datapath and what the interface was when it was plugged in. An interface that was deleted and made again
// under its old name is another one; one whose other end moved is delivered to in another way. Both have to be plugged in again.
type plug struct {
	port          datapath.Port
	index         int
	peerNamespace int
}

// followPorts makes the datapath's ports those of this host whose interface is there, and says so where somebody waits for it. A
// port that cannot be plugged in is tried again at the next change and the next sweep. The caller holds changing.
func (w *Worker) followPorts() {
	w.mu.Lock()
	wanted := w.wantedPlugs()
	w.mu.Unlock()
	w.unplug(w.unwanted(wanted))
	w.plugAll(wanted)
	w.tellOfPorts(wanted)
	w.warnTooLarge()
}

// unwanted returns the ports that are plugged in and should not be, or not into that interface.
func (w *Worker) unwanted(wanted map[topology.PortID]plug) (ports []topology.PortID) {
	for id, have := range w.plugged {
		if want, ok := wanted[id]; !ok || want.index != have.index || want.port.Interface != have.port.Interface {
			ports = append(ports, id)
		}
	}
	return ports
}

// plugAll plugs in what is not yet as wanted, and removes the flows that were made without those ports. Of a port that cannot be plugged in the
// datapath may have kept what it was before, by an earlier agent maybe: it is taken out.
func (w *Worker) plugAll(wanted map[topology.PortID]plug) {
	var touched []flow.Tag
	var refused []topology.PortID
	for id, want := range wanted {
		switch have, before := w.plugged[id]; {
		case before && have == want:
		case !w.plugIn(want):
			refused = append(refused, id)
		case !before:
			touched = append(touched, portTag(id))
		}
	}
	w.invalidate(touched)
	w.unplug(refused)
}

// tellOfPorts signals that a port came, went, or changed its state, and forgets why ports could not be plugged in that need not be
// any more.
func (w *Worker) tellOfPorts(wanted map[topology.PortID]plug) {
	w.mu.Lock()
	defer w.mu.Unlock()
	maps.DeleteFunc(w.refused, func(id topology.PortID, _ string) bool {
		_, ok := wanted[id]
		return !ok
	})
	if now := w.portStates(); !maps.Equal(now, w.active) {
		w.active = now
		w.signal()
	}
}

// wantedPlugs returns what should be plugged in.
func (w *Worker) wantedPlugs() map[topology.PortID]plug {
	wanted := make(map[topology.PortID]plug)
	for _, p := range w.view.LocalPorts() {
		if i, ok := w.interfaces[p.Interface]; ok {
			wanted[p.Port.ID] = plug{
				port: datapath.Port{
					ID: p.Port.ID, Interface: p.Interface, TunnelKey: p.Port.TunnelKey, Watched: w.watched[p.Port.ID] > 0,
				},
				index: i.Index, peerNamespace: i.PeerNamespace,
			}
		}
	}
	if i, ok := w.interfaces[w.cfg.Metadata]; ok {
		wanted[view.MetadataPort] = plug{
			port:  datapath.Port{ID: view.MetadataPort, Interface: w.cfg.Metadata},
			index: i.Index, peerNamespace: i.PeerNamespace,
		}
	}
	return wanted
}

// plugIn reports whether the port is in the datapath as it is wanted. Misses wait meanwhile: the first packet of a port that comes should find
// it here.
func (w *Worker) plugIn(want plug) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, before := w.plugged[want.port.ID]; before { // under one hold of the mutex: a seed that is given between would be known here alone
		w.dropSeedsOf(portTag(want.port.ID))
	}
	if err := w.cfg.Datapath.SetPort(want.port); err != nil {
		w.counters.errors.Add(1)
		if text := err.Error(); w.refused[want.port.ID] != text {
			w.refused[want.port.ID] = text
			w.log.Warn("a port cannot be plugged in", "port", want.port.ID, "interface", want.port.Interface, "error", err)
		}
		return false
	}
	delete(w.refused, want.port.ID)
	w.log.Info("port plugged in", "port", want.port.ID, "interface", want.port.Interface)
	w.plugged[want.port.ID] = want
	return true
}

// unplug takes ports out. Nothing leads to them any more when the datapath is told, which then walks over its flows once for all of
// them, for those that an earlier agent left, while misses of the other ports are served. The caller holds changing.
func (w *Worker) unplug(ports []topology.PortID) {
	if len(ports) == 0 {
		return
	}
	tags := make([]flow.Tag, len(ports))
	w.mu.Lock()
	for i, id := range ports {
		tags[i] = portTag(id)
		if p, there := w.plugged[id]; there {
			w.log.Info("port unplugged", "port", id, "interface", p.port.Interface)
		}
		delete(w.plugged, id)
		delete(w.datagrams, id)
	}
	tags = append(tags, w.retreat(w.learned.expire(w.cfg.Now(), w.isPlugged).Deletes, view.Delta{})...)
	w.mu.Unlock()
	w.invalidate(tags)
	if err := w.cfg.Datapath.RemovePorts(ports...); err != nil {
		w.counters.errors.Add(1)
		w.log.Error("unplugging ports", "ports", ports, "error", err)
	}
}

// unplugStrangers removes the ports that an earlier agent plugged in and that are not this host's any more. Those that still are
// stay in place, so that their packets flow on, until followPorts sets them anew.
func (w *Worker) unplugStrangers() {
	ports, err := w.cfg.Datapath.Ports()
	if err != nil {
		w.counters.errors.Add(1)
		w.log.Error("listing the datapath's ports", "error", err)
		return
	}
	w.mu.Lock()
	wanted := w.wantedPlugs()
	var strangers []topology.PortID
	for _, p := range ports {
		if want, ok := wanted[p.ID]; !ok || want.port.Interface != p.Interface {
			w.plugged[p.ID] = plug{port: p}
			strangers = append(strangers, p.ID)
		}
	}
	w.mu.Unlock()
	w.unplug(strangers)
}
