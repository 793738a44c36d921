package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"midonet.org/midonet/agent/packet"
)

// batch is how many frames one system call sends.
const batch = 64

// frame is a UDP packet of 64 octets on the wire (60 and the FCS) from a to b.
func (p *path) frame(srcPort uint16) []byte {
	const wire = 60
	h := packet.Header{
		SrcMAC: workloadA, DstMAC: p.hopA, EtherType: packet.EtherTypeIPv4, SrcIP: p.ends.a.Addr(), DstIP: p.nobody,
		Proto: packet.ProtoUDP, SrcPort: srcPort, DstPort: 9,
	}
	frame := h.Frame(make([]byte, wire-payload))
	clear(frame[ports+6 : payload])
	return frame
}

// Where the frame has what follows its IPv4 header. It has no UDP checksum (RFC 768: zero), so that its ports may be changed.
const (
	ports   = 14 + 20
	payload = ports + 8
)

// renumber makes the frame one of another flow, out of 2³².
func renumber(frame []byte, n uint32) {
	binary.BigEndian.PutUint32(frame[ports:], n)
	binary.BigEndian.PutUint32(frame[payload:], n)
}

type mmsghdr struct {
	header unix.Msghdr
	sent   uint32
	_      [4]byte
}

// blaster sends the same batch of frames over and over.
type blaster struct {
	fd       int
	frames   [batch][]byte
	parts    [batch]unix.Iovec
	messages [batch]mmsghdr
}

func (p *path) newBlaster() (*blaster, error) {
	b := &blaster{}
	for i := range batch {
		b.frames[i] = p.frame(4000)
		b.parts[i] = unix.Iovec{Base: &b.frames[i][0], Len: uint64(len(b.frames[i]))}
		b.messages[i].header.Iov, b.messages[i].header.Iovlen = &b.parts[i], 1
	}
	var err error
	b.fd, err = p.nsA.packetSocket(0)
	return b, err
}

// packetSocket opens a raw socket on eth0 that receives protocol (host order, 0 for nothing).
func (ns *namespace) packetSocket(protocol uint16) (fd int, err error) {
	err = ns.do(func() error {
		if fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0); err != nil {
			return err
		}
		index, err := ns.index("eth0")
		if err != nil {
			return err
		}
		return unix.Bind(fd, &unix.SockaddrLinklayer{Ifindex: index, Protocol: protocol<<8 | protocol>>8})
	})
	return fd, err
}

func (b *blaster) send() error {
	for done := 0; done < batch; {
		n, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(b.fd), uintptr(unsafe.Pointer(&b.messages[done])), uintptr(batch-done), 0, 0, 0)
		if errno != 0 && errno != unix.EINTR && errno != unix.ENOBUFS {
			return errno
		}
		if errno == unix.ENOBUFS { // a full queue on the way: the frame is lost, as it would be on a wire
			n = 1
		}
		done += int(n)
	}
	return nil
}

// blast sends packets of one flow from one core for so long. The sample's rate is what arrived, in thousands a second.
func (p *path) blast(ctx context.Context, length time.Duration) (sample, error) {
	return p.send(ctx, length, func(*blaster) {})
}

// blastNewFlows makes each packet the first of a flow.
func (p *path) blastNewFlows(ctx context.Context, length time.Duration) (sample, error) {
	next := uint32(time.Now().UnixNano())
	return p.send(ctx, length, func(b *blaster) {
		for _, f := range b.frames {
			renumber(f, next)
			next++
		}
	})
}

func (p *path) send(ctx context.Context, length time.Duration, vary func(*blaster)) (sample, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	b, err := p.newBlaster()
	if err != nil {
		return sample{}, err
	}
	defer unix.Close(b.fd)
	if err := p.warmUp(ctx, b); err != nil {
		return sample{}, err
	}
	before, err := p.mark()
	if err != nil {
		return sample{}, err
	}
	for time.Since(before.at) < length && ctx.Err() == nil {
		vary(b)
		if err := b.send(); err != nil {
			return sample{}, fmt.Errorf("sending: %w", err)
		}
	}
	after, err := p.mark()
	if err != nil {
		return sample{}, err
	}
	return before.until(after), ctx.Err()
}

// warmUp sends until something arrives: by then what learns has learned, and flows are installed.
func (p *path) warmUp(ctx context.Context, b *blaster) error {
	before, err := p.nsB.received()
	for end := time.Now().Add(5 * time.Second); err == nil && time.Now().Before(end) && ctx.Err() == nil; {
		if err := b.send(); err != nil {
			return fmt.Errorf("sending: %w", err)
		}
		var now uint64
		if now, err = p.nsB.received(); err == nil && now > before {
			return nil
		}
		time.Sleep(time.Millisecond)
	}
	return errors.Join(err, ctx.Err(), errors.New("nothing arrives at the other end"))
}

// mark is what had been received and used at a time.
type mark struct {
	at                       time.Time
	received                 uint64
	sending, thread, process time.Duration // of CPU: sender, helpers and kernel threads; sender alone; sender and agents
}

func (p *path) mark() (mark, error) {
	n, err := p.nsB.received()
	return mark{time.Now(), n, cpuTime(append(p.helperThreads(), threadSelf)...), threadTime(), processTime()}, err
}

func (m mark) until(end mark) sample {
	n := float64(max(1, end.received-m.received))
	agents := (end.process - m.process) - (end.thread - m.thread)
	return sample{
		rate:  n / end.at.Sub(m.at).Seconds() / 1000,
		cpu:   float64((end.sending - m.sending).Nanoseconds()) / n,
		agent: float64(agents.Nanoseconds()) / n,
	}
}

// errLost says that a packet did not come.
var errLost = errors.New("a packet was lost")

// latency sends packets one after the other, each of a flow of its own if fresh, and returns the sorted times from send to receipt. One
// in ten may get lost, as happens in Open vSwitch on a busy machine.
func (p *path) latency(ctx context.Context, samples int, fresh bool) ([]time.Duration, error) {
	const etherTypeAll = unix.ETH_P_ALL
	in, err := p.nsB.packetSocket(etherTypeAll)
	if err != nil {
		return nil, err
	}
	defer unix.Close(in)
	out, err := p.nsA.packetSocket(0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(out)
	patience := unix.NsecToTimeval(time.Second.Nanoseconds())
	if err := unix.SetsockoptTimeval(in, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &patience); err != nil {
		return nil, err
	}
	frame, next := p.frame(4001), uint32(time.Now().UnixNano())
	var times []time.Duration
	for lost := 0; len(times) < samples && ctx.Err() == nil; {
		if fresh {
			renumber(frame, next)
			next++
		}
		d, err := crossing(out, in, frame)
		if errors.Is(err, errLost) && lost < samples/10 {
			lost++
			continue
		}
		if err != nil {
			return nil, err
		}
		times = append(times, d)
	}
	slices.Sort(times)
	return times, ctx.Err()
}

// crossing times one frame. Frames of others, which may come in between, are stepped over.
func crossing(out, in int, frame []byte) (time.Duration, error) {
	var buf [2048]byte
	start := time.Now()
	if err := uninterrupted(func() error { _, err := unix.Write(out, frame); return err }); err != nil {
		return 0, err
	}
	for {
		n, err := unix.Read(in, buf[:])
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("%w: %w", errLost, err)
		}
		if n == len(frame) && string(buf[payload:n]) == string(frame[payload:]) { // its headers may have been translated
			return time.Since(start), nil
		}
	}
}
