package ebpf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
	"unsafe"

	cilium "github.com/cilium/ebpf"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/errs"
)

// installSeed needs d.mu.
func (d *Datapath) installSeed(f *flow.Flow) error {
	key, first, err := d.encodeFlow(f)
	if err != nil {
		return err
	}
	if f.Seed.Kind == flow.Answers {
		return installing(d.objects.Answers.Put(answerKey(key, f), &bpfAnswerSeed{Flow: first, Number: f.Seed.Number}))
	}
	n := len(f.Seed.Ports)
	if n > flow.MaxSeedPorts {
		return errs.New(errs.Invalid, "TooManyPorts", "%d ports, a seed has at most %d", n, flow.MaxSeedPorts)
	}
	seed := bpfSeed{First: first, Number: f.Seed.Number, Ports: uint32(n), Tells: tellsOf(f.Seed), Router: f.Seed.Router}
	for i, p := range f.Seed.Ports {
		seed.Port[i] = swap16(p)
	}
	if f.Seed.Kind == flow.Joins {
		if seed.Answer, seed.Answers, err = d.encodeFlow(&flow.Flow{Key: f.Seed.Answer, Actions: f.Seed.Answers}); err != nil {
			return err
		}
	}
	return installing(d.objects.Seeds.Put(&key, &seed))
}

// What is told of connections to other hosts: enum tells of bpf/types.h.
const tellsNothing, tellsOrigin, tellsTracked = 0, 1, 2

func tellsOf(s *flow.Seed) uint32 {
	switch {
	case s.Router.IsZero():
		return tellsNothing
	case s.Tracked:
		return tellsTracked
	}
	return tellsOrigin
}

// answerKey returns what the seed of answers with the key is found by.
func answerKey(key bpfFlowKey, f *flow.Flow) *bpfAnswerKey {
	return &bpfAnswerKey{Key: key, Behind: octets(f.Seed.Behind)}
}

func installing(err error) error {
	if err != nil {
		return fmt.Errorf("installing a seed: %w", err)
	}
	return nil
}

// Attend implements datapath.Datapath.
func (d *Datapath) Attend(length time.Duration) error {
	if err := d.objects.Attended.Put(uint32(0), now()+uint64(length)); err != nil {
		return fmt.Errorf("promising that there is an agent: %w", err)
	}
	return nil
}

// Withdraw implements datapath.Datapath.
func (d *Datapath) Withdraw(seeds []flow.Flow) (err error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	for i := range seeds {
		f := &seeds[i]
		key, unplugged := d.encodeKey(&f.Key)
		switch {
		case unplugged != nil: // the seeds of a port that is not plugged in went with it
		case f.Seed.Kind == flow.Answers:
			err = errors.Join(err, deleteSeed(d.objects.Answers, answerKey(key, f)))
		default:
			err = errors.Join(err, deleteSeed(d.objects.Seeds, &key))
		}
	}
	return err
}

func deleteSeed(from *cilium.Map, key any) error {
	if err := ignore(from.Delete(key), cilium.ErrKeyNotExist); err != nil {
		return fmt.Errorf("removing a seed: %w", err)
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
	var answer bpfAnswerKey
	var doomedAnswers []bpfAnswerKey
	var a bpfAnswerSeed
	answers := d.objects.Answers.Iterate()
	for answers.Next(&answer, &a) {
		if match(&answer.Key, &a.Flow) {
			doomedAnswers = append(doomedAnswers, answer)
		}
	}
	err := errors.Join(seeds.Err(), answers.Err())
	for i := range doomed {
		err = errors.Join(err, deleteSeed(d.objects.Seeds, &doomed[i]))
	}
	for i := range doomedAnswers {
		err = errors.Join(err, deleteSeed(d.objects.Answers, &doomedAnswers[i]))
	}
	return err
}

// forgetAwaited has no answer be one that is waited for.
func (d *Datapath) forgetAwaited() error {
	keys, values := make([]bpfFlowKey, sweepBatch), make([]bpfAwaited, sweepBatch)
	var cursor cilium.MapBatchCursor
	for {
		_, err := d.objects.Awaits.BatchLookupAndDelete(&cursor, keys, values, nil)
		if errors.Is(err, cilium.ErrKeyNotExist) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("forgetting what is waited for: %w", err)
		}
	}
}

// Where a struct birth of bpf/types.h has what a struct miss has not, BIRTH, and where a struct opened goes on.
const (
	birthNumber, birthFirst = 8, 16
	birthAnswer             = birthFirst + int(unsafe.Sizeof(bpfFlowKey{}))
	birthPort               = birthAnswer + int(unsafe.Sizeof(bpfFlowKey{}))
	birthSize               = birthPort + 8
	openedSize              = birthSize + datapath.OriginSize + 4
	birthMark               = 0xffffffff
)

// isBirth reports whether a record is a struct birth, or an opened.
func isBirth(b []byte) bool {
	return (len(b) == birthSize || len(b) == openedSize) && binary.NativeEndian.Uint32(b[4:]) == birthMark
}

// bornKeys returns the keys of the two flows.
func bornKeys(b []byte) (first, answer bpfFlowKey) {
	return keyAt(b, birthFirst), keyAt(b, birthAnswer)
}

func keyAt(b []byte, at int) (k bpfFlowKey) {
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&k)), unsafe.Sizeof(k)), b[at:])
	return k
}

// decodeBirth reads a struct birth or an opened. False means that a port has been unplugged meanwhile.
func (d *Datapath) decodeBirth(b []byte) (birth datapath.Birth, ok bool) {
	first, answer := bornKeys(b)
	d.mu.RLock()
	defer d.mu.RUnlock()
	birth.Seed, birth.Port = binary.NativeEndian.Uint64(b[birthNumber:]), binary.BigEndian.Uint16(b[birthPort:])
	if birth.First, ok = d.decodePart(&first); !ok {
		return birth, false
	}
	if len(b) == openedSize {
		_, birth.Origin = datapath.ParseOrigin(b[birthSize:], swap16(answer.EtherType) == etherTypeIPv4)
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
