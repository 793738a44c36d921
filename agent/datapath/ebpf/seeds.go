package ebpf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unsafe"

	cilium "github.com/cilium/ebpf"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/flow"
)

// installSeed needs d.mu.
func (d *Datapath) installSeed(f *flow.Flow) error {
	key, first, err := d.encodeFlow(f)
	if err != nil {
		return err
	}
	seed := bpfSeed{First: first, Number: f.Seed.Number}
	switch f.Seed.Kind {
	case flow.Joins:
		seed.Answer, seed.Answers, err = d.encodeFlow(&flow.Flow{Key: f.Seed.Answer, Actions: f.Seed.Answers})
	case flow.Answers:
		return installing(d.objects.Answers.Put(&key, &bpfAnswerSeed{Flow: first, Number: f.Seed.Number}))
	}
	if err != nil {
		return err
	}
	return installing(d.objects.Seeds.Put(&key, &seed))
}

func installing(err error) error {
	if err != nil {
		return fmt.Errorf("installing a seed: %w", err)
	}
	return nil
}

// deleteSeeds removes the seeds of all kinds with the key, which is wide.
func (d *Datapath) deleteSeeds(key *bpfFlowKey) error {
	for _, m := range []*cilium.Map{d.objects.Seeds, d.objects.Answers} {
		if err := ignore(m.Delete(key), cilium.ErrKeyNotExist); err != nil {
			return fmt.Errorf("removing a seed: %w", err)
		}
	}
	return nil
}

// sweepSeeds removes the seeds of whose flows one matches.
func (d *Datapath) sweepSeeds(match func(*bpfFlowKey, *bpfFlow) bool) error {
	var key bpfFlowKey
	var doomed []bpfFlowKey
	var s bpfSeed
	seeds := d.objects.Seeds.Iterate()
	for seeds.Next(&key, &s) {
		if match(&key, &s.First) || match(&s.Answer, &s.Answers) {
			doomed = append(doomed, key)
		}
	}
	var a bpfAnswerSeed
	answers := d.objects.Answers.Iterate()
	for answers.Next(&key, &a) {
		if match(&key, &a.Flow) {
			doomed = append(doomed, key)
		}
	}
	err := errors.Join(seeds.Err(), answers.Err())
	for i := range doomed {
		err = errors.Join(err, d.deleteSeeds(&doomed[i]))
	}
	return err
}

// Where a struct birth of bpf/types.h has what a struct miss has not, and BIRTH.
const (
	birthNumber, birthFirst = 8, 16
	birthAnswer             = birthFirst + int(unsafe.Sizeof(bpfFlowKey{}))
	birthSize               = birthAnswer + int(unsafe.Sizeof(bpfFlowKey{}))
	birthMark               = 0xffffffff
)

// isBirth reports whether a record is a struct birth.
func isBirth(b []byte) bool {
	return len(b) == birthSize && binary.NativeEndian.Uint32(b[4:]) == birthMark
}

// bornKeys returns the keys of the two flows.
func bornKeys(b []byte) (first, answer bpfFlowKey) {
	return keyAt(b, birthFirst), keyAt(b, birthAnswer)
}

func keyAt(b []byte, at int) (k bpfFlowKey) {
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&k)), unsafe.Sizeof(k)), b[at:])
	return k
}

// decodeBirth reads a struct birth. False means that a port has been unplugged meanwhile.
func (d *Datapath) decodeBirth(b []byte) (birth datapath.Birth, ok bool) {
	first, answer := bornKeys(b)
	d.mu.RLock()
	defer d.mu.RUnlock()
	birth.Seed = binary.NativeEndian.Uint64(b[birthNumber:])
	if birth.First, ok = d.decodePart(&first); !ok {
		return birth, false
	}
	birth.Answer, ok = d.decodePart(&answer)
	return birth, ok
}

// decodePart is decodeKey of a key that may be missing.
func (d *Datapath) decodePart(k *bpfFlowKey) (flow.Key, bool) {
	if k.InPort == 0 {
		return flow.Key{}, true
	}
	return d.decodeKey(k)
}

// disown notes that the agent will not hear of a connection, where the record tells of one.
func (d *Datapath) disown(b []byte) {
	if isBirth(b) {
		first, answer := bornKeys(b)
		d.disowned = append(d.disowned, first, answer)
	}
}

// removeDisowned removes the flows that the agent has not heard of. Of those that have been there before, it costs a miss.
func (d *Datapath) removeDisowned() error {
	if len(d.disowned) == 0 {
		return nil
	}
	err := d.deleteFlows(d.disowned)
	d.disowned = d.disowned[:0]
	return err
}
