package worker

import (
	"math/rand/v2"
	"slices"
	"time"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/sim"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/topology"
)

// A port's first advertisements come sooner, so that a workload that missed one need not wait long (RFC 4861 section 10:
// MAX_INITIAL_RTR_ADVERT_INTERVAL and MAX_INITIAL_RTR_ADVERTISEMENTS).
const (
	firstAdvertisements = 3
	firstInterval       = 16 * time.Second
)

// advertisements are when routers next speak, unasked, to the workloads behind each port of this host.
type advertisements map[topology.PortID]*turn

type turn struct {
	due   time.Time
	spoke int // times, since the port came or a router changed
}

// due returns the ports whose turn has come at now, and sets their next one. Ports that are not plugged in have none.
func (a advertisements) due(now time.Time, plugged map[topology.PortID]plug) []topology.PortID {
	for id := range a {
		if _, ok := plugged[id]; !ok {
			delete(a, id)
		}
	}
	var ports []topology.PortID
	for id := range plugged {
		t := a[id]
		if t == nil {
			t = &turn{due: now}
			a[id] = t
		}
		if now.Before(t.due) {
			continue
		}
		ports = append(ports, id)
		t.spoke++
		t.due = now.Add(t.pause())
	}
	return ports
}

func (t *turn) pause() time.Duration {
	if t.spoke < firstAdvertisements {
		return firstInterval
	}
	return sim.MinAdvertise + rand.N(sim.MaxAdvertise-sim.MinAdvertise)
}

// retract returns what routers have to take back of what they have advertised behind this host's ports, after the delta.
func (w *Worker) retract(was *view.View, d view.Delta) (packets []datapath.Packet) {
	if !advertising(was, d) {
		return nil
	}
	for port := range w.plugged {
		packets = append(packets, emitted(sim.Retract(was, w.view, port))...)
	}
	return packets
}

// maxAnnounced is how many frames one change of the topology may have routers send unasked: a thousand floating addresses to a few ports.
const maxAnnounced = 4096

// announce returns what is said behind this host's ports of addresses that the delta has given to routers.
func (w *Worker) announce(was *view.View, d view.Delta) (packets []datapath.Packet) {
	for _, o := range d.Puts {
		n, ok := o.(*topology.Neighbour)
		if !ok || !w.complete || !sim.LeadsToRouter(w.view, n.Port) {
			continue
		}
		if before, known := was.Neighbour(n.Bridge, n.Addr); known && before.MAC == n.MAC {
			continue
		}
		for port := range w.plugged {
			if p := w.view.Port(port); p != nil && p.Bridge == n.Bridge && len(packets) < maxAnnounced {
				packets = append(packets, emitted(sim.Announce(w.view, n.Addr, port))...)
			}
		}
	}
	return packets
}

// advertising reports whether the delta has, of the view, a router, or a port that advertises or leads to one that does.
func advertising(was *view.View, d view.Delta) bool {
	concerns := func(k topology.Key) bool {
		switch k.Kind {
		case topology.KindRouter:
			return was.Router(k.ID) != nil
		case topology.KindPort:
			p := was.Port(k.ID)
			if p != nil && p.Interior() && p.Router.IsZero() {
				p = was.Port(p.Peer)
			}
			return p != nil && p.Advertise != nil
		}
		return false
	}
	return slices.ContainsFunc(d.Deletes, concerns) || slices.ContainsFunc(d.Puts, func(o topology.Object) bool { return concerns(o.Key()) })
}

// advertise lets the routers speak whose turn it is.
func (w *Worker) advertise(now time.Time) {
	w.mu.Lock()
	var packets []datapath.Packet
	if w.complete {
		for _, port := range w.advertisements.due(now, w.plugged) {
			packets = append(packets, emitted(sim.Advertise(w.view, port))...)
		}
	}
	w.mu.Unlock()
	w.execute(packets)
}
