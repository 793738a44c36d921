package worker

import (
	"cmp"
	"slices"
	"time"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/topology"
)

// Facts is what the host says of itself, whole: what it leaves out is no longer so.
type Facts struct {
	Host    *topology.Host
	State   *topology.HostState
	Ports   []*topology.PortState
	Learned []*topology.LearnedMAC
}

// Facts returns the host's state now, its ports and learned stations in order of identifier.
func (w *Worker) Facts() Facts {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := Facts{
		Host: w.self,
		State: &topology.HostState{
			Host: w.cfg.Host, Version: w.cfg.Version, StartedUnix: w.started.Unix(),
			FlowCount: w.flows.len(), MissesServed: w.counters.misses.Load(),
		},
		Learned: w.learned.records(),
	}
	for _, i := range w.interfaces {
		f.State.Interfaces = append(f.State.Interfaces, i.Interface)
	}
	slices.SortFunc(f.State.Interfaces, func(a, b topology.Interface) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(f.Learned, func(a, b *topology.LearnedMAC) int { return slices.Compare(a.ID[:], b.ID[:]) })
	for _, p := range w.view.LocalPorts() {
		if i, present := w.interfaces[p.Interface]; present {
			_, plugged := w.plugged[p.Port.ID]
			f.Ports = append(f.Ports, &topology.PortState{Port: p.Port.ID, Host: w.cfg.Host, Active: plugged && i.Up})
		}
	}
	return f
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

// Status is how the agent is, for people.
type Status struct {
	Host     topology.HostID   `json:"host"`
	Version  string            `json:"version"`
	Started  time.Time         `json:"started"`
	Ready    bool              `json:"ready"` // the topology is known
	Flows    int               `json:"flows"`
	Learned  int               `json:"learned"`
	Misses   uint64            `json:"misses"`
	Datapath datapath.Counters `json:"datapath"`
	Ports    []PortStatus      `json:"ports"`
}

// Status returns how the agent is now.
func (w *Worker) Status() (Status, error) {
	counters, err := w.cfg.Datapath.Counters()
	w.mu.Lock()
	defer w.mu.Unlock()
	s := Status{
		Host: w.cfg.Host, Version: w.cfg.Version, Started: w.started, Ready: w.complete, Flows: w.flows.len(),
		Learned: len(w.learned.bySource), Misses: w.counters.misses.Load(), Datapath: counters,
	}
	for _, p := range w.view.LocalPorts() {
		i, present := w.interfaces[p.Interface]
		_, plugged := w.plugged[p.Port.ID]
		s.Ports = append(s.Ports, PortStatus{
			Port: p.Port.ID, Name: p.Port.Name, Interface: p.Interface, TunnelKey: p.Port.TunnelKey,
			Present: present, Up: i.Up, Plugged: plugged,
		})
	}
	return s, err
}
