package worker

import (
	"math/rand/v2"
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

// change begins anew where the delta has what routers advertise.
func (a advertisements) change(d view.Delta) {
	for _, o := range d.Puts {
		if p, ok := o.(*topology.Port); ok && p.Advertise != nil {
			clear(a)
			return
		}
	}
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
