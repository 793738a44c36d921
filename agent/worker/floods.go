package worker

import (
	"time"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/topology"
)

const (
	// floodRate is how many copies a second the agent makes of one port's packets to all. A packet to more ports than a flow has
	// outputs is simulated and copied by the agent each time, at some two microseconds a copy, while other ports' misses wait.
	floodRate = 100_000
	// floodBurst is how far ahead of its rate a port may be.
	floodBurst = time.Second
)

// floods limits what each port makes the agent copy, as the generic cell rate algorithm (ITU-T I.371). It has the time at which
// the copies made so far would have been due.
type floods map[topology.PortID]time.Time

// exceeded reports whether the port has to wait.
func (f floods) exceeded(port topology.PortID, now time.Time) bool {
	return f[port].Sub(now) > floodBurst
}

// spend takes note of a packet with so many outputs. Those that a flow can have cost the agent no more than any miss.
func (f floods) spend(port topology.PortID, copies int, now time.Time) {
	if copies <= datapath.MaxOutputs {
		return
	}
	due := f[port]
	if due.Before(now) {
		due = now
	}
	f[port] = due.Add(time.Duration(copies) * (time.Second / floodRate))
}

// settle forgets the ports whose time has come.
func (f floods) settle(now time.Time) {
	for port, due := range f {
		if due.Before(now) {
			delete(f, port)
		}
	}
}
