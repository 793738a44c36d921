package ebpf

import (
	"errors"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"midonet.org/midonet/agent/flow"
)

// sleeper is somebody who waits for the ring of misses, beside its reader.
type sleeper int

func newSleeper(t *testing.T, d *Datapath) sleeper {
	t.Helper()
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	check(t, err)
	t.Cleanup(func() { unix.Close(fd) })
	ring := d.objects.Misses.FD()
	check(t, unix.EpollCtl(fd, unix.EPOLL_CTL_ADD, ring, &unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET, Fd: int32(ring)}))
	return sleeper(fd)
}

// woken reports whether the sleeper is woken within the time.
func (s sleeper) woken(t *testing.T, wait time.Duration) bool {
	t.Helper()
	events := make([]unix.EpollEvent, 1)
	for end := time.Now().Add(wait); ; {
		n, err := unix.EpollWait(int(s), events, max(0, int(time.Until(end).Milliseconds())))
		if errors.Is(err, unix.EINTR) {
			continue
		}
		check(t, err)
		return n > 0
	}
}

// TestWordOfConnectionsWaits has connections begin before the agent has said that it looks by itself, and after: the first wakes it and the second
// does not, until a packet comes, or the time. All are received.
func TestWordOfConnectionsWaits(t *testing.T) {
	l := newLocal(t, Config{MaxFlows: 1024})
	s := newSleeper(t, l.current)
	check(t, l.Install([]flow.Flow{seedOf(t, udpHeader(1, 80), l.portA.ID, l.portB.ID)}))
	port := uint16(2000)
	begin := func() {
		t.Helper()
		port++
		frame := udpHeader(port, 80).Frame(nil)
		l.a.Send(t, frame)
		expectFrame(t, l.b, frame)
	}
	begin()
	if !s.woken(t, time.Minute) || len(l.heard(t)) != 2 {
		t.Fatal("the first word wakes nobody, or is not received")
	}
	look := func(from time.Duration) {
		t.Helper()
		check(t, l.current.objects.Looks.Put(uint32(0), monotonic()+uint64(from)))
	}
	look(time.Hour)
	begin()
	if s.woken(t, 20*time.Millisecond) {
		t.Error("a word wakes the agent, which looks by itself in an hour")
	}
	miss := udpHeader(1, 81).Frame(nil)
	l.a.Send(t, miss)
	if !s.woken(t, time.Minute) {
		t.Error("a packet behind the word wakes nobody")
	}
	if m := nextMiss(t, l); m.Born == nil {
		t.Errorf("%+v was received, want the word", m)
	}
	if m := nextMiss(t, l); m.Born != nil {
		t.Errorf("%+v was received, want the packet", m)
	}
	look(time.Hour)
	begin()
	if m := nextMiss(t, l); m.Born == nil { // without anybody's waking it
		t.Errorf("%+v was received, want the word", m)
	}
	look(-time.Nanosecond)
	begin()
	if !s.woken(t, time.Minute) {
		t.Error("a word after the agent has looked wakes nobody")
	}
}

// TestWordsAreLookedFor receives while connections begin that wake nobody.
func TestWordsAreLookedFor(t *testing.T) {
	l := newLocal(t, Config{MaxFlows: 1024})
	check(t, l.Install([]flow.Flow{seedOf(t, udpHeader(1, 80), l.portA.ID, l.portB.ID)}))
	for i := range uint16(50) {
		frame := udpHeader(2000+i, 80).Frame(nil)
		time.AfterFunc(time.Duration(i%5)*lookInterval/2, func() { unix.Write(l.a.fd, append(make([]byte, vnetHeaderLen), frame...)) })
		if m := nextMiss(t, l); m.Born == nil || m.Born.First.SrcPort != 2000+i {
			t.Fatalf("%+v was received, want the word of the connection from port %d", m, 2000+i)
		}
	}
}
