// Package fake is a datapath in memory: flows are interpreted in Go, interfaces are queues, and an Underlay joins several of them.
// It is for tests of what stands above the datapath, without kernel, root or waiting: a frame that is injected has arrived, or has
// become a miss, when the call returns.
package fake

import (
	"container/list"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/topology"
)

// Config is what a fake is made of. Fields that are zero get their default.
type Config struct {
	Underlay  *Underlay    // default: none, tunnelled packets are errors
	Endpoints []netip.Addr // the host's addresses on the underlay
	MaxFlows  int          // default 1024
	MissQueue int          // misses that may wait; default 1024
	// MissRate is how many misses a second one port may make, and MissBurst how many at once; default without limit.
	MissRate, MissBurst int
	StateBurst          int              // state messages that may wait; default 1024
	Now                 func() time.Time // default time.Now
}

// Datapath implements datapath.Datapath.
type Datapath struct {
	config Config
	ready  chan struct{} // has a token when misses wait

	mu         sync.Mutex
	interfaces map[string]*Interface
	ports      map[topology.PortID]*port
	flows      map[flow.Key]*list.Element
	recent     *list.List            // of *entry, most recently used first
	seeds      map[seedKey]flow.Flow // that begin connections
	answers    map[seedKey]flow.Flow // that wait for those of other hosts
	awaited    map[flow.Key]awaited  // by the keys of answers
	left       map[uint64][]uint16   // of the ports of seeds, by their numbers
	given      map[givenPort]uint16
	attended   time.Time // until when ports are given
	misses     []datapath.Miss
	waiting    map[topology.PortID]int // how many of misses are of the port; of other hosts' agents for the zero ID
	counters   datapath.Counters
}

var _ datapath.Datapath = (*Datapath)(nil)

type port struct {
	datapath.Port
	wire    *Interface
	missDue time.Time // when the next miss would be due at the port's rate
}

// entry is an installed flow.
type entry struct {
	key            flow.Key
	actions        flow.Actions
	packets, bytes uint64
	lastUsed       time.Time
}

// New returns an empty datapath, joined to c.Underlay at c.Endpoints.
func New(c Config) *Datapath {
	if c.MaxFlows == 0 {
		c.MaxFlows = 1024
	}
	if c.MissQueue == 0 {
		c.MissQueue = 1024
	}
	if c.StateBurst == 0 {
		c.StateBurst = 1024
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	d := &Datapath{
		config: c, ready: make(chan struct{}, 1),
		interfaces: map[string]*Interface{}, ports: map[topology.PortID]*port{},
		flows: map[flow.Key]*list.Element{}, recent: list.New(), waiting: map[topology.PortID]int{},
		seeds: map[seedKey]flow.Flow{}, answers: map[seedKey]flow.Flow{}, awaited: map[flow.Key]awaited{},
		left: map[uint64][]uint16{}, given: map[givenPort]uint16{},
	}
	if c.Underlay != nil {
		c.Underlay.join(d, c.Endpoints)
	}
	return d
}

// SetPort implements datapath.Datapath. The interface must have been made with AddInterface.
func (d *Datapath) SetPort(p datapath.Port) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	wire := d.interfaces[p.Interface]
	if wire == nil {
		return errs.New(errs.NotFound, "InterfaceNotFound", "interface %s does not exist", p.Interface)
	}
	if p.TunnelKey > datapath.MaxTunnelKey {
		return errs.New(errs.Invalid, "TunnelKeyInvalid", "tunnel key %d is over %d", p.TunnelKey, datapath.MaxTunnelKey)
	}
	for _, other := range d.ports {
		switch {
		case other.ID == p.ID:
		case other.Interface == p.Interface:
			return errs.New(errs.Conflict, "InterfaceInUse", "interface %s is plugged into port %s", p.Interface, other.ID)
		case p.TunnelKey != 0 && other.TunnelKey == p.TunnelKey:
			return errs.New(errs.Conflict, "TunnelKeyInUse", "tunnel key %d is that of port %s", p.TunnelKey, other.ID)
		}
	}
	if old := d.ports[p.ID]; old != nil && old.Interface != p.Interface {
		d.unplug(old)
	}
	d.ports[p.ID] = &port{Port: p, wire: wire}
	wire.port = p.ID
	return nil
}

// RemovePorts implements datapath.Datapath.
func (d *Datapath) RemovePorts(ports ...topology.PortID) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, id := range ports {
		if p := d.ports[id]; p != nil {
			d.unplug(p)
		}
	}
	return nil
}

func (d *Datapath) unplug(p *port) {
	delete(d.ports, p.ID)
	p.wire.port = topology.PortID{}
	clear(d.awaited)
	uses := func(key flow.Key, a flow.Actions) bool {
		return key.InPort == p.ID || slices.ContainsFunc(a.Outputs, func(o flow.Output) bool { return o.Local() && o.Port == p.ID })
	}
	for _, seeds := range []map[seedKey]flow.Flow{d.seeds, d.answers} {
		maps.DeleteFunc(seeds, func(key seedKey, f flow.Flow) bool {
			gone := uses(f.Key, f.Actions) || uses(f.Seed.Answer, f.Seed.Answers)
			if gone {
				d.dropPorts(f)
			}
			return gone
		})
	}
	for key, e := range d.flows {
		if uses(key, e.Value.(*entry).actions) {
			d.remove(key)
		}
	}
}

// Ports implements datapath.Datapath.
func (d *Datapath) Ports() ([]datapath.Port, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var all []datapath.Port
	for _, p := range d.ports {
		all = append(all, p.Port)
	}
	slices.SortFunc(all, func(a, b datapath.Port) int { return slices.Compare(a.ID[:], b.ID[:]) })
	return all, nil
}

// SetSource implements datapath.Datapath; the fake's tunnels have no source address.
func (d *Datapath) SetSource([]netip.Addr) error { return nil }

// Counters implements datapath.Datapath.
func (d *Datapath) Counters() (datapath.Counters, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.counters, nil
}

// Close implements datapath.Datapath: the fake, which lives in its agent's memory, goes on forwarding all the same. Like the kernel's next
// programs, it has no seeds then.
func (d *Datapath) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.seeds)
	clear(d.answers)
	clear(d.awaited)
	clear(d.left)
	clear(d.given)
	return nil
}
