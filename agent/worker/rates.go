package worker

import (
	"slices"
	"time"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/topology"
)

const (
	// floodRate is how many copies a second the agent makes of one port's packets to all. A packet to more ports than a flow has
	// outputs is simulated and copied by the agent each time, at some two microseconds a copy, while other ports' misses wait.
	floodRate = 100_000
	// questionRate is how many connections a second one port may open to the metadata service. The answers to all ports come in by
	// one port, whose misses they share.
	questionRate = 100
	// errorRate is how many ICMP errors a second routers send about what comes in by one port, as many as Linux by default about everything
	// (icmp_msgs_per_sec). Packets that they are sent about have no flow: each costs the agent a simulation and another packet.
	errorRate = 1000
	// burst is how far ahead of its rate a port may be.
	burst = time.Second
)

// rates limits what each port makes the agent do, as the generic cell rate algorithm (ITU-T I.371).
type rates struct {
	interval time.Duration                 // between two, at the rate
	due      map[topology.PortID]time.Time // when what was done so far would have been due
}

func newRates(perSecond int) rates {
	return rates{interval: time.Second / time.Duration(perSecond), due: map[topology.PortID]time.Time{}}
}

// exceeded reports whether the port has to wait.
func (r rates) exceeded(port topology.PortID, now time.Time) bool {
	return r.due[port].Sub(now) > burst
}

// spend takes note of what the port has had.
func (r rates) spend(port topology.PortID, n int, now time.Time) {
	due := r.due[port]
	if due.Before(now) {
		due = now
	}
	r.due[port] = due.Add(time.Duration(n) * r.interval)
}

// settle forgets the ports whose time has come.
func (r rates) settle(now time.Time) {
	for port, due := range r.due {
		if due.Before(now) {
			delete(r.due, port)
		}
	}
}

// spendCopies takes note of a packet with so many outputs. Those that a flow can have cost the agent no more than any miss.
func (w *Worker) spendCopies(port topology.PortID, copies int, now time.Time) {
	if copies > datapath.MaxOutputs {
		w.floods.spend(port, copies, now)
	}
}

// mayAsk reports whether the port may have a new flow with the actions, which it may not where they lead to the metadata service and
// it has asked too much of that.
func (w *Worker) mayAsk(port topology.PortID, a flow.Actions, now time.Time) bool {
	if !slices.ContainsFunc(a.Outputs, func(o flow.Output) bool { return o.Port == view.MetadataPort }) {
		return true
	}
	if w.questions.exceeded(port, now) {
		return false
	}
	w.questions.spend(port, 1, now)
	return true
}
