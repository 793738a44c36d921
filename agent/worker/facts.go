package worker

import (
	"bytes"
	"cmp"
	"net/netip"
	"slices"

	"midonet.org/midonet/topology"
)

// Facts is what the host says of itself, whole: what it leaves out is no longer so.
type Facts struct {
	Endpoints  []netip.Addr // underlay addresses, at most one of each family
	Metadata   bool         // its metadata service answers
	Openings   bool         // topology.Host's, like the next
	Origins    bool
	Interfaces []topology.Interface
	Counts     topology.Counts
	// Ports has the bound ports whose interface is present; true where it is also up and in the datapath.
	Ports   map[topology.PortID]bool
	Learned []*topology.LearnedMAC
	Found   []*topology.RouterNeighbour
	Blocks  []*topology.NATBlock // in use
}

// Facts returns the host's state now: interfaces in order of name, learned stations and found neighbours in order of identifier, so that a report
// that has not room for all has the same ones each time.
func (w *Worker) Facts() Facts {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.facts()
}

// Report returns Facts for the cluster, which believes a host that says something new against one that says what it did before. So what
// another host has had since the last report is left out of this one; if it is back here, the next one says so.
func (w *Worker) Report() Facts {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := w.facts()
	said := len(f.Learned) + len(f.Found)
	f.Learned = slices.DeleteFunc(f.Learned, func(l *topology.LearnedMAC) bool { return w.ceded[l.Key()] })
	f.Found = slices.DeleteFunc(f.Found, func(n *topology.RouterNeighbour) bool { return w.ceded[n.Key()] })
	if len(f.Learned)+len(f.Found) < said {
		w.signal()
	}
	clear(w.ceded)
	return f
}

// SayAnew is for what the cluster, from a report, has as another host's: the word that it had left here, and is back, was lost. What is here now the next
// report leaves out, and the one after it says. There is no hurry: that it has gone there may just be on its way, and is to come first.
func (w *Worker) SayAnew(keys []topology.Key) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, k := range keys {
		if w.owns(k) {
			w.ceded[k] = true
		}
	}
}

func (w *Worker) facts() Facts {
	f := Facts{
		Endpoints: w.self.Endpoints, Metadata: w.self.Metadata, Openings: w.self.Openings, Origins: w.self.Origins, Counts: w.counts(),
		Ports: w.portStates(), Learned: w.learned.records(), Found: w.found.records(), Blocks: w.cfg.State.Blocks(w.cfg.Now()),
	}
	for _, i := range w.interfaces {
		f.Interfaces = append(f.Interfaces, i.Interface)
	}
	slices.SortFunc(f.Interfaces, func(a, b topology.Interface) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(f.Learned, func(a, b *topology.LearnedMAC) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	slices.SortFunc(f.Found, func(a, b *topology.RouterNeighbour) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	return f
}

// counts returns what Facts.Counts describes.
func (w *Worker) counts() topology.Counts {
	states := w.cfg.State.Stats()
	c := topology.Counts{Flows: w.flows.len(), States: states.States, Peers: w.peers(), Misses: w.counters.misses.Load(),
		Begun: w.counters.born.Load(), Opened: w.counters.opened.Load(), Blocks: states.Blocks, Lent: w.lent()}
	if d, err := w.cfg.Datapath.Counters(); err == nil {
		c.MissesLost = d.MissesLost
	}
	for why, name := range dropNames {
		if n := w.counters.drops[why].Load(); n > 0 {
			c.Drops = append(c.Drops, topology.Drop{Reason: name, Packets: n})
		}
	}
	return c
}

// peers counts the hosts that this one can tunnel to.
func (w *Worker) peers() (n int) {
	for h := range w.view.Hosts() {
		if h.ID != w.self.ID && slices.ContainsFunc(h.Endpoints, func(a netip.Addr) bool {
			return slices.ContainsFunc(w.self.Endpoints, func(own netip.Addr) bool { return own.Is4() == a.Is4() })
		}) {
			n++
		}
	}
	return n
}

// portStates returns what Facts.Ports describes.
func (w *Worker) portStates() map[topology.PortID]bool {
	states := make(map[topology.PortID]bool)
	for _, p := range w.portStatuses() {
		if p.Present {
			states[p.Port] = p.Up && p.Plugged
		}
	}
	return states
}

// PortStatus is a port of this host as its agent sees it.
type PortStatus struct {
	Port      topology.PortID `json:"port"`
	Name      string          `json:"name"`
	Interface string          `json:"interface"`
	TunnelKey uint32          `json:"tunnel_key"`
	Present   bool            `json:"present"` // the interface exists
	Up        bool            `json:"up"`      // the interface is up
	Plugged   bool            `json:"plugged"` // the datapath has it
}

// Status is how the packet loop is, for people.
type Status struct {
	Ready   bool   `json:"ready"`   // the topology is known
	Flows   int    `json:"flows"`   // installed and not removed
	Learned int    `json:"learned"` // stations
	Misses  uint64 `json:"misses"`  // served since the agent started
	// The rest are totals of the datapath, across restarts of the agent: package datapath's Counters.
	Hits          uint64 `json:"hits"`
	MissesLost    uint64 `json:"misses_lost"`
	TunnelUnknown uint64 `json:"tunnel_unknown"`
	Errors        uint64 `json:"errors"`

	Ports    []PortStatus `json:"ports"`
	Problems []string     `json:"problems,omitempty"` // that an operator should look into
}

// Status returns how the loop is now.
func (w *Worker) Status() (Status, error) {
	c, err := w.cfg.Datapath.Counters()
	w.mu.Lock()
	defer w.mu.Unlock()
	return Status{
		Ready: w.complete, Flows: w.flows.len(), Learned: len(w.learned.bySource), Misses: w.counters.misses.Load(),
		Hits: c.Hits, MissesLost: c.MissesLost, TunnelUnknown: c.TunnelUnknown, Errors: c.Errors,
		Ports: w.portStatuses(), Problems: w.problems(),
	}, err
}

// portStatuses returns every port that is bound on this host, in order of identifier.
func (w *Worker) portStatuses() []PortStatus {
	local := w.view.LocalPorts()
	all := make([]PortStatus, 0, len(local))
	for _, p := range local {
		i, present := w.interfaces[p.Interface]
		_, plugged := w.plugged[p.Port.ID]
		all = append(all, PortStatus{
			Port: p.Port.ID, Name: p.Port.Name, Interface: p.Interface, TunnelKey: p.Port.TunnelKey,
			Present: present, Up: i.Up, Plugged: plugged,
		})
	}
	return all
}
