package ebpf

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/cilium/ebpf/ringbuf"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/topology"
)

// missHeader is the size of struct miss of bpf/types.h, without the frame.
const missHeader = 20

// haste is how many records are taken out of the ring for each that is received. More than one, so that what the ports share is the
// backlog, and a quiet port's packet passes by a flood in the ring. Not all that are there: what is dropped in the end had better be
// dropped by the programs, which spend none of the agent's time on it.
const haste = 4

// lookInterval is how long word of connections that have begun waits at most when the agent sleeps: the first one wakes it, and those that come within
// so long after that do not, each in its turn, as with the interrupts of network cards. Without it every connection of those that come one after
// the other wakes the agent.
const lookInterval = time.Millisecond

// Receive implements datapath.Datapath. Misses from a port that has been unplugged meanwhile are left out; so are connections between such
// ports, whose flows are removed.
func (d *Datapath) Receive(ctx context.Context, buf []datapath.Miss) (int, error) {
	d.recycle(d.received)
	d.received, d.births = d.received[:0], d.births[:0]
	for {
		if err := d.collect(ctx, haste*len(buf)); err != nil {
			return 0, err
		}
		n := 0
		for n < len(buf) && d.backlog.waiting > 0 {
			record := d.backlog.pop()
			d.received = append(d.received, record)
			if m, ok := d.decode(record); ok {
				buf[n] = m
				n++
			} else {
				d.disown(record)
			}
		}
		if err := d.removeDisowned(); err != nil || n > 0 {
			return n, err
		}
	}
}

// collect moves records from the ring to the backlog, limit at most, and waits for one where both are empty.
func (d *Datapath) collect(ctx context.Context, limit int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if d.backlog.waiting == 0 {
		if err := d.wait(ctx); err != nil {
			return err
		}
	}
	d.ring.SetDeadline(time.Now()) // what is there may have woken nobody
	for n := 0; n < limit && d.ring.AvailableBytes() > 0; n++ {
		err := d.take()
		if isInterrupted(err) {
			break
		}
		if err != nil {
			return fmt.Errorf("reading misses: %w", err)
		}
	}
	return errors.Join(d.announce(), d.countLost())
}

// isInterrupted reports whether the ring was read in vain and is in order: it has been flushed, the deadline has come, or all that was there had
// been discarded.
func isInterrupted(err error) bool {
	return errors.Is(err, ringbuf.ErrFlushed) || errors.Is(err, os.ErrDeadlineExceeded)
}

// wait moves one record, and wakes up when ctx ends. What ctx's end leaves behind in the ring's own flag is stepped over.
func (d *Datapath) wait(ctx context.Context) error {
	if d.ring.AvailableBytes() == 0 {
		stop := context.AfterFunc(ctx, func() { d.ring.Flush() })
		defer stop()
	}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		d.ring.SetDeadline(d.deadline())
		err := d.take()
		if isInterrupted(err) {
			continue
		}
		if err != nil {
			return fmt.Errorf("waiting for misses: %w", err)
		}
		return nil
	}
}

// announce tells the programs, while connections begin, that the ring is looked into soon in any case (bpf/miss.h). Those that begin while others are
// being served wake nobody either.
func (d *Datapath) announce() error {
	if !d.begun || time.Until(d.look) > lookInterval/2 {
		return nil
	}
	d.begun = false
	if err := d.objects.Looks.Put(uint32(0), monotonic()+uint64(lookInterval)); err != nil {
		return fmt.Errorf("saying when the ring is looked into: %w", err)
	}
	d.look = time.Now().Add(lookInterval) // no earlier than they were told
	return nil
}

// deadline returns until when to wait for a record. There is no end only when what was announced is over: then nothing is in the ring that has
// woken nobody.
func (d *Datapath) deadline() time.Time {
	now := time.Now()
	switch {
	case d.ring.AvailableBytes() > 0:
		return now
	case now.Before(d.look):
		return d.look.Add(time.Millisecond) // the reader waits for whole milliseconds, rounded down
	}
	return time.Time{}
}

// take moves one record from the ring to the backlog.
func (d *Datapath) take() error {
	d.record.RawSample = nil
	if last := len(d.spare) - 1; last >= 0 {
		d.record.RawSample, d.spare = d.spare[last], d.spare[:last]
	}
	if err := d.ring.ReadInto(&d.record); err != nil {
		return err
	}
	d.begun = d.begun || isBirth(d.record.RawSample)
	dropped := d.backlog.push(inPort(d.record.RawSample), d.record.RawSample)
	for _, record := range dropped {
		d.disown(record)
	}
	d.recycle(dropped)
	return nil
}

// smallRecord is what a record of a small packet has room in; there are thousands of these, and larger ones are left to the collector.
const smallRecord = 256

// recycle keeps the room of records that nobody looks at any more.
func (d *Datapath) recycle(records [][]byte) {
	for _, r := range records {
		if cap(r) <= smallRecord {
			d.spare = append(d.spare, r)
		}
	}
}

// inPort returns the interface of a struct miss.
func inPort(b []byte) uint32 {
	if len(b) < missHeader {
		return 0
	}
	return binary.NativeEndian.Uint32(b)
}

// countLost counts the records that the backlog has dropped.
func (d *Datapath) countLost() error {
	n := d.backlog.lost
	if n == 0 {
		return nil
	}
	d.backlog.lost = 0
	return d.addTo(counterBacklogLost, n)
}

// decode reads a record.
func (d *Datapath) decode(b []byte) (m datapath.Miss, ok bool) {
	if !isBirth(b) {
		return d.decodeMiss(b)
	}
	birth, ok := d.decodeBirth(b)
	d.births = append(d.births, birth)
	return datapath.Miss{InPort: birth.First.InPort, Born: &d.births[len(d.births)-1]}, ok
}

// decodeMiss reads a struct miss. The frame stays where it is; a tag that the kernel kept beside it is put back in front, over the
// header's last octets.
func (d *Datapath) decodeMiss(b []byte) (datapath.Miss, bool) {
	if len(b) < missHeader {
		return datapath.Miss{}, false
	}
	number := binary.NativeEndian
	ifindex, length := number.Uint32(b), int(number.Uint32(b[4:]))
	in, state, ok := d.origin(ifindex)
	if !ok || length == 0 || missHeader+length > len(b) {
		return datapath.Miss{}, false
	}
	m := datapath.Miss{
		InPort: in, State: state,
		Frame:   b[missHeader : missHeader+length],
		Offload: datapath.Offload{SegmentSize: number.Uint16(b[8:])},
	}
	tci, tagType := number.Uint16(b[14:]), [2]byte(b[16:18])
	if number.Uint16(b[18:]) != 0 {
		m.Offload.ChecksumPartial = true
		m.Offload.ChecksumStart, m.Offload.ChecksumOffset = number.Uint16(b[10:]), number.Uint16(b[12:])
	}
	if tagType != [2]byte{} {
		m.Frame = insertTag(b[missHeader-4:missHeader+length], tagType, tci)
		m.Offload.ChecksumStart += 4
	}
	return m, true
}

// origin returns the port that has the interface. No interface has the number 0, which stands for other hosts' agents.
func (d *Datapath) origin(ifindex uint32) (in topology.PortID, state, ok bool) {
	if ifindex == 0 {
		return in, true, true
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	in, ok = d.byIndex[ifindex]
	return in, false, ok
}

// insertTag moves the addresses, which start at b[4], to the front of b and writes the tag behind them.
func insertTag(b []byte, tagType [2]byte, tci uint16) []byte {
	copy(b, b[4:16])
	copy(b[12:], tagType[:])
	binary.BigEndian.PutUint16(b[14:], tci)
	return b
}
