package ebpf

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cilium/ebpf/ringbuf"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/topology"
)

// missHeader is the size of struct miss of bpf/types.h, without the frame.
const missHeader = 20

// Receive implements datapath.Datapath. Misses from a port that has been unplugged meanwhile are left out.
func (d *Datapath) Receive(ctx context.Context, buf []datapath.Miss) (int, error) {
	if len(buf) > len(d.samples) {
		d.samples = append(d.samples, make([]ringbuf.Record, len(buf)-len(d.samples))...)
	}
	for {
		if err := d.wait(ctx, &d.samples[0]); err != nil {
			return 0, err
		}
		got, err := d.drain(len(buf))
		if err != nil {
			return 0, err
		}
		n := 0
		for i := range got {
			if m, ok := d.decodeMiss(d.samples[i].RawSample); ok {
				buf[n] = m
				n++
			}
		}
		if n > 0 {
			return n, nil
		}
	}
}

// wait reads one record, and wakes up when ctx ends. What ctx's end leaves behind in the ring's own flag is stepped over.
func (d *Datapath) wait(ctx context.Context, into *ringbuf.Record) error {
	if d.ring.AvailableBytes() == 0 {
		stop := context.AfterFunc(ctx, func() { d.ring.Flush() })
		defer stop()
	}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := d.ring.ReadInto(into)
		if errors.Is(err, ringbuf.ErrFlushed) {
			continue
		}
		if err != nil {
			return fmt.Errorf("waiting for misses: %w", err)
		}
		return nil
	}
}

// drain reads the records that are there behind the first, limit in all, and returns how many samples are filled.
func (d *Datapath) drain(limit int) (int, error) {
	for n := 1; ; n++ {
		if n == limit || d.ring.AvailableBytes() == 0 {
			return n, nil
		}
		if err := d.ring.ReadInto(&d.samples[n]); errors.Is(err, ringbuf.ErrFlushed) {
			return n, nil
		} else if err != nil {
			return 0, fmt.Errorf("reading misses: %w", err)
		}
	}
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
