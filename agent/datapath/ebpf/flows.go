package ebpf

import (
	"errors"
	"fmt"
	"time"

	cilium "github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/flow"
)

// sweepBatch is how many flows are read with one system call.
const sweepBatch = 1024

// now returns the clock that the programs stamp flows with.
func now() uint64 { return read(unix.CLOCK_MONOTONIC_COARSE) }

// monotonic returns their finer clock.
func monotonic() uint64 { return read(unix.CLOCK_MONOTONIC) }

// read returns what a clock shows, ns.
func read(clock int32) uint64 {
	var t unix.Timespec
	if err := unix.ClockGettime(clock, &t); err != nil {
		return 0
	}
	return uint64(t.Nano())
}

// Which flows there may be, as the programs know it, which look for no others: 1 << Any of their keys. wideKnown says that it is known.
const (
	wideKnown = 1
	allWide   = 1<<flow.SrcPort | 1<<flow.DstPort | 1<<flow.BothPorts
)

// widen has the programs look for flows with such keys as well.
func (d *Datapath) widen(flows []flow.Flow) error {
	var wide uint32
	for i := range flows {
		if f := &flows[i]; f.Seed == nil && f.Key.Any != 0 {
			wide |= 1 << f.Key.Any
		}
	}
	d.mu.RLock()
	known := d.wide
	d.mu.RUnlock()
	if wide&^known == 0 {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.set(func(s *bpfConfig) { s.Wide |= wide })
}

// Install implements datapath.Datapath. The error joins those of all flows that were refused.
func (d *Datapath) Install(flows []flow.Flow) error {
	if err := d.widen(flows); err != nil {
		return err
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	keys, values := make([]bpfFlowKey, 0, len(flows)), make([]bpfFlow, 0, len(flows))
	stamp := now()
	var refused []error
	for i := range flows {
		if flows[i].Seed != nil {
			if err := d.installSeed(&flows[i]); err != nil {
				refused = append(refused, fmt.Errorf("seed of %v: %w", flows[i].Key, err))
			}
			continue
		}
		key, value, err := d.encodeFlow(&flows[i])
		if err != nil {
			refused = append(refused, fmt.Errorf("flow %v: %w", flows[i].Key, err))
			continue
		}
		value.LastUsed = stamp
		keys, values = append(keys, key), append(values, value)
	}
	for len(keys) > 0 {
		n, err := d.objects.Flows.BatchUpdate(keys, values, nil)
		if err != nil {
			refused = append(refused, fmt.Errorf("installing a flow: %w", err))
			n = min(n+1, len(keys))
		}
		keys, values = keys[n:], values[n:]
	}
	return errors.Join(refused...)
}

// Remove implements datapath.Datapath.
func (d *Datapath) Remove(keys []flow.Key) error {
	d.mu.RLock()
	defer d.mu.RUnlock()
	encoded := make([]bpfFlowKey, 0, len(keys))
	for i := range keys {
		key, unplugged := d.encodeKey(&keys[i])
		if unplugged != nil {
			continue // the flows of a port that is not plugged in went with it
		}
		encoded = append(encoded, key)
	}
	return d.deleteFlows(encoded)
}

// deleteFlows steps over keys that are not there, where the kernel ends a batch.
func (d *Datapath) deleteFlows(keys []bpfFlowKey) error {
	for len(keys) > 0 {
		n, err := d.objects.Flows.BatchDelete(keys, nil)
		if err != nil && !errors.Is(err, cilium.ErrKeyNotExist) {
			return fmt.Errorf("removing flows: %w", err)
		}
		if err != nil {
			n++
		}
		keys = keys[min(n, len(keys)):]
	}
	return nil
}

// Entries implements datapath.Datapath. Uses are as long ago as they were when it began: to ask the clock is a system call.
func (d *Datapath) Entries(fn func(datapath.Entry) bool) error {
	began := now()
	return d.eachFlow(func(k *bpfFlowKey, f *bpfFlow) bool {
		entry, ok := d.decodeFlow(k, f, began)
		return !ok || fn(entry)
	})
}

func (d *Datapath) decodeFlow(k *bpfFlowKey, f *bpfFlow, at uint64) (datapath.Entry, bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	key, ok := d.decodeKey(k)
	if !ok {
		return datapath.Entry{}, false
	}
	return datapath.Entry{
		Key: key,
		Actions: flow.Actions{
			Rewrite: decodeRewrite(&f.Actions, key.EtherType == etherTypeIPv4),
			Outputs: d.decodeOutputs(&f.Actions),
			MTU:     int(f.Actions.Mtu),
		},
		Stats: flow.Stats{Packets: f.Packets, Bytes: f.Bytes, LastUsed: time.Duration(at - min(at, f.LastUsed))},
	}, true
}

// eachFlow reads the cache in batches, without marking the flows as used.
func (d *Datapath) eachFlow(fn func(*bpfFlowKey, *bpfFlow) bool) error {
	keys, values := make([]bpfFlowKey, sweepBatch), make([]bpfFlow, sweepBatch)
	var cursor cilium.MapBatchCursor
	for {
		n, err := d.objects.Flows.BatchLookup(&cursor, keys, values, nil)
		last := errors.Is(err, cilium.ErrKeyNotExist)
		if err != nil && !last {
			return fmt.Errorf("reading the flows: %w", err)
		}
		for i := range n {
			if !fn(&keys[i], &values[i]) {
				return nil
			}
		}
		if last {
			return nil
		}
	}
}

// sweep removes the seeds and the flows that match, and all answers that are waited for. What a program makes of a seed meanwhile the agent hears of.
func (d *Datapath) sweep(match func(*bpfFlowKey, *bpfFlow) bool) error {
	var doomed []bpfFlowKey
	ofSeeds := errors.Join(d.sweepSeeds(match), d.forgetAwaited())
	err := d.eachFlow(func(k *bpfFlowKey, f *bpfFlow) bool {
		if match(k, f) {
			doomed = append(doomed, *k)
		}
		return true
	})
	return errors.Join(ofSeeds, err, d.deleteFlows(doomed))
}

// usesAny matches the flows that enter by one of the interfaces or have a local output to one.
func usesAny(interfaces ...uint32) func(*bpfFlowKey, *bpfFlow) bool {
	among := make(map[uint32]bool, len(interfaces))
	for _, i := range interfaces {
		among[i] = true
	}
	return func(k *bpfFlowKey, f *bpfFlow) bool {
		if among[k.InPort] {
			return true
		}
		for i, kind := range f.Actions.Kinds {
			if (kind == outputLocal || kind == outputLocalPeer) && among[f.Actions.Outputs[i].Target] {
				return true
			}
		}
		return false
	}
}
