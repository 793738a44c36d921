package worker

import (
	"maps"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/topology"
)

// plug is a port in the datapath and what the interface was when it was plugged in. An interface that was deleted and made again
// under its old name is another one; one whose other end moved is delivered to in another way. Both have to be plugged in again.
type plug struct {
	port          datapath.Port
	index         int
	peerNamespace int
}

// followPorts brings the datapath's ports up to date and says so where somebody waits for it.
func (w *Worker) followPorts() {
	w.plugPorts()
	if now := w.portStates(); !maps.Equal(now, w.active) {
		w.active = now
		w.signal()
	}
}

// plugPorts makes the datapath's ports those of this host whose interface is there, and removes the flows that lead to a port
// which came or went. A port that cannot be plugged in is tried again at the next change and the next sweep.
func (w *Worker) plugPorts() {
	if !w.complete {
		return
	}
	wanted := w.wantedPlugs()
	var touched []flow.Tag
	for id, have := range w.plugged {
		if want, ok := wanted[id]; !ok || want.index != have.index || want.port.Interface != have.port.Interface {
			w.unplug(id)
			touched = append(touched, portTag(id))
		}
	}
	for id, want := range wanted {
		have, before := w.plugged[id]
		if before && have == want {
			continue
		}
		if after := w.plugIn(want); after != before {
			touched = append(touched, portTag(id))
		}
	}
	maps.DeleteFunc(w.refused, func(id topology.PortID, _ string) bool {
		_, ok := wanted[id]
		return !ok
	})
	w.invalidate(touched)
}

// wantedPlugs returns what should be plugged in.
func (w *Worker) wantedPlugs() map[topology.PortID]plug {
	wanted := make(map[topology.PortID]plug)
	for _, p := range w.view.LocalPorts() {
		if i, ok := w.interfaces[p.Interface]; ok {
			wanted[p.Port.ID] = plug{
				port:  datapath.Port{ID: p.Port.ID, Interface: p.Interface, TunnelKey: p.Port.TunnelKey},
				index: i.Index, peerNamespace: i.PeerNamespace,
			}
		}
	}
	return wanted
}

// plugIn reports whether the port is in the datapath now.
func (w *Worker) plugIn(want plug) bool {
	if err := w.cfg.Datapath.SetPort(want.port); err != nil {
		delete(w.plugged, want.port.ID)
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

func (w *Worker) unplug(id topology.PortID) {
	was := w.plugged[id].port.Interface
	delete(w.plugged, id)
	if err := w.cfg.Datapath.RemovePort(id); err != nil {
		w.counters.errors.Add(1)
		w.log.Error("unplugging a port", "port", id, "interface", was, "error", err)
		return
	}
	w.log.Info("port unplugged", "port", id, "interface", was)
}

// unplugStrangers removes the ports that an earlier agent plugged in and that are not this host's any more. Those that still are
// stay in place, so that their packets flow on, until plugPorts sets them anew.
func (w *Worker) unplugStrangers() {
	ports, err := w.cfg.Datapath.Ports()
	if err != nil {
		w.counters.errors.Add(1)
		w.log.Error("listing the datapath's ports", "error", err)
		return
	}
	wanted := w.wantedPlugs()
	for _, p := range ports {
		if want, ok := wanted[p.ID]; !ok || want.port.Interface != p.Interface {
			w.plugged[p.ID] = plug{port: p}
			w.unplug(p.ID)
		}
	}
}
