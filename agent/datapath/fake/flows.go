package fake

import (
	"container/list"
	"errors"
	"fmt"
	"math"
	"slices"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/topology"
)

// Install implements datapath.Datapath.
func (d *Datapath) Install(flows []flow.Flow) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	var refused []error
	for i := range flows {
		if err := d.install(&flows[i]); err != nil {
			refused = append(refused, fmt.Errorf("flow %v: %w", flows[i].Key, err))
		}
	}
	return errors.Join(refused...)
}

func (d *Datapath) install(f *flow.Flow) error {
	actions, err := d.actions(f.Key, &f.Actions)
	if err != nil {
		return err
	}
	if f.Seed != nil {
		return d.installSeed(f, actions)
	}
	d.put(f.Key, actions)
	return nil
}

// actions returns the actions of the flow as they are kept.
func (d *Datapath) actions(key flow.Key, a *flow.Actions) (flow.Actions, error) {
	if n := len(a.Outputs); n > datapath.MaxOutputs {
		return flow.Actions{}, errs.New(errs.Invalid, "TooManyOutputs", "%d outputs, a flow has at most %d", n, datapath.MaxOutputs)
	}
	if d.ports[key.InPort] == nil {
		return flow.Actions{}, notPlugged(key.InPort)
	}
	outputs := slices.Clone(a.Outputs)
	for i, o := range outputs {
		if o.Local() && d.ports[o.Port] == nil {
			return flow.Actions{}, notPlugged(o.Port)
		}
		if !o.Local() {
			outputs[i].Port = topology.PortID{} // as the kernel's maps, which keep the tunnel key alone
		}
	}
	actions := flow.Actions{Rewrite: a.Rewrite, Outputs: outputs, MTU: a.MTU}
	if actions.MTU > math.MaxUint16 {
		actions.MTU = 0 // as the kernel's maps
	}
	return actions, nil
}

// putNew makes the flow where there is none with its key.
func (d *Datapath) putNew(key flow.Key, actions flow.Actions) {
	if d.flows[key] == nil {
		d.put(key, actions)
	}
}

// put makes the flow, in the place of one with its key.
func (d *Datapath) put(key flow.Key, actions flow.Actions) {
	d.remove(key)
	for len(d.flows) >= d.config.MaxFlows {
		d.remove(d.recent.Back().Value.(*entry).key)
	}
	d.flows[key] = d.recent.PushFront(&entry{key: key, actions: actions, lastUsed: d.config.Now()})
}

func notPlugged(id topology.PortID) error {
	return errs.New(errs.NotFound, "PortNotPlugged", "port %s is not plugged in on this host", id)
}

// Remove implements datapath.Datapath.
func (d *Datapath) Remove(keys []flow.Key) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, k := range keys {
		d.remove(k)
	}
	return nil
}

func (d *Datapath) remove(k flow.Key) {
	if e, ok := d.flows[k]; ok {
		d.recent.Remove(e)
		delete(d.flows, k)
	}
}

// Entries implements datapath.Datapath. fn may call the datapath: it is given a copy of what was there at first.
func (d *Datapath) Entries(fn func(datapath.Entry) bool) error {
	for _, e := range d.snapshot() {
		if !fn(e) {
			break
		}
	}
	return nil
}

func (d *Datapath) snapshot() []datapath.Entry {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.config.Now()
	var all []datapath.Entry
	for e := d.recent.Front(); e != nil; e = e.Next() {
		f := e.Value.(*entry)
		all = append(all, datapath.Entry{
			Key:     f.key,
			Actions: flow.Actions{Rewrite: f.actions.Rewrite, Outputs: slices.Clone(f.actions.Outputs), MTU: f.actions.MTU},
			Stats:   flow.Stats{Packets: f.packets, Bytes: f.bytes, LastUsed: now.Sub(f.lastUsed)},
		})
	}
	return all
}

// find returns the flow that a packet with the key has: its own, or one of its wider keys'; nil is a miss.
func (d *Datapath) find(key flow.Key) *list.Element {
	if e := d.flows[key]; e != nil {
		return e
	}
	for _, wide := range key.Wider() {
		if e := d.flows[wide]; e != nil {
			return e
		}
	}
	return nil
}

// use counts a packet.
func (d *Datapath) use(e *list.Element, length int) {
	f := e.Value.(*entry)
	f.packets++
	f.bytes += uint64(length)
	f.lastUsed = d.config.Now()
	d.recent.MoveToFront(e)
}
