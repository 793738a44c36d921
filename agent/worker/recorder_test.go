package worker

import (
	"context"
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

// recorder is a datapath that only keeps what it is told, for tests that ask what the worker told it. Nothing flows through it, and
// nothing is made of seeds.
type recorder struct {
	mu         sync.Mutex
	flows      map[flow.Key]datapath.Entry
	seeds      map[flow.Key]flow.Flow
	ports      map[topology.PortID]datapath.Port
	executed   []datapath.Packet
	interfaces func(name string) bool
	full       bool // there is no room for anything
	source     []netip.Addr
}

func newRecorder() *recorder {
	return &recorder{
		flows: map[flow.Key]datapath.Entry{}, seeds: map[flow.Key]flow.Flow{}, ports: map[topology.PortID]datapath.Port{},
		interfaces: func(string) bool { return true },
	}
}

func (r *recorder) SetPort(p datapath.Port) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.interfaces(p.Interface) {
		return errs.New(errs.NotFound, "InterfaceNotFound", "no interface %s", p.Interface)
	}
	if old, plugged := r.ports[p.ID]; plugged && old.Watched != p.Watched {
		r.sweep(p.ID)
	}
	r.ports[p.ID] = p
	return nil
}

// sweep removes what enters or leaves by the port. The caller holds mu.
func (r *recorder) sweep(port topology.PortID) {
	uses := func(key flow.Key, a flow.Actions) bool {
		return key.InPort == port || slices.ContainsFunc(a.Outputs, func(o flow.Output) bool { return o.Local() && o.Port == port })
	}
	maps.DeleteFunc(r.flows, func(key flow.Key, e datapath.Entry) bool { return uses(key, e.Actions) })
	maps.DeleteFunc(r.seeds, func(key flow.Key, f flow.Flow) bool {
		return uses(key, f.Actions) || uses(f.Seed.Answer, f.Seed.Answers)
	})
}

func (r *recorder) RemovePorts(ports ...topology.PortID) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range ports {
		delete(r.ports, id)
	}
	return nil
}

func (r *recorder) Ports() ([]datapath.Port, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []datapath.Port
	for _, p := range r.ports {
		all = append(all, p)
	}
	return all, nil
}

func (r *recorder) Install(flows []flow.Flow) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.full {
		return errs.New(errs.Unavailable, "Full", "there is no room")
	}
	for _, f := range flows {
		if f.Seed != nil {
			r.seeds[f.Key] = f
			continue
		}
		r.flows[f.Key] = datapath.Entry{Key: f.Key, Actions: f.Actions}
	}
	return nil
}

func (r *recorder) Remove(keys []flow.Key) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, k := range keys {
		delete(r.flows, k)
	}
	return nil
}

func (r *recorder) Withdraw(seeds []flow.Flow) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range seeds {
		delete(r.seeds, f.Key)
	}
	return nil
}

func (r *recorder) Entries(fn func(datapath.Entry) bool) error {
	r.mu.Lock()
	all := make([]datapath.Entry, 0, len(r.flows))
	for _, e := range r.flows {
		all = append(all, e)
	}
	r.mu.Unlock()
	for _, e := range all {
		if !fn(e) {
			return nil
		}
	}
	return nil
}

func (r *recorder) Receive(ctx context.Context, _ []datapath.Miss) (int, error) {
	<-ctx.Done()
	return 0, ctx.Err()
}

func (r *recorder) Execute(packets []datapath.Packet) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.executed = append(r.executed, packets...)
	return nil
}

func (r *recorder) SetSource(endpoints []netip.Addr) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.source = slices.Clone(endpoints)
	return nil
}

func (r *recorder) Counters() (datapath.Counters, error) { return datapath.Counters{}, nil }

func (r *recorder) Attend(time.Duration) error { return nil }

func (r *recorder) Close() error { return nil }

func (r *recorder) keys() []flow.Key {
	r.mu.Lock()
	defer r.mu.Unlock()
	keys := make([]flow.Key, 0, len(r.flows))
	for k := range r.flows {
		keys = append(keys, k)
	}
	return keys
}
