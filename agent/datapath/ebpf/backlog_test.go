package ebpf

import (
	"slices"
	"testing"

	"midonet.org/midonet/agent/datapath"
)

// record is one of a port, with a number by which it is known again, and so many octets.
func record(port, number byte, octets int) []byte {
	b := make([]byte, octets)
	b[0], b[1] = port, number
	return b
}

// served takes everything out and returns which records came, in their order, as port*100+number.
func served(b *backlog) (order []int) {
	for b.waiting > 0 {
		r := b.pop()
		order = append(order, int(r[0])*100+int(r[1]))
	}
	return order
}

func TestBacklogTakesTurns(t *testing.T) {
	b := newBacklog(100, 1<<20)
	for i := range 50 {
		b.push(1, record(1, byte(i), 100))
	}
	b.push(2, record(2, 0, 100))
	b.push(3, record(3, 0, 2000))
	b.push(2, record(2, 1, 100))
	b.push(0, record(0, 0, 100)) // another host's word of a connection
	got := served(b)
	if want := []int{0, 100, 200, 300, 101, 201, 102, 103}; !slices.Equal(got[:len(want)], want) || len(got) != 54 {
		t.Errorf("%d records, in the order %v, want 54, %v and the rest of port 1", len(got), got, want)
	}
	b.push(1, record(1, 60, 100))
	b.push(2, record(2, 60, 100))
	if got, want := served(b), []int{160, 260}; !slices.Equal(got, want) || b.octets != 0 || b.lost != 0 {
		t.Errorf("afterwards %v, %d octets waiting and %d lost, want %v and none", got, b.octets, b.lost, want)
	}
}

func TestBacklogDropsTheOldestOfAFlood(t *testing.T) {
	b := newBacklog(10, 1<<20)
	var dropped [][]byte
	for i := range 25 {
		dropped = append(dropped, b.push(1, record(1, byte(i), 100))...)
	}
	b.push(2, record(2, 0, 100))
	if len(dropped) != 15 || b.lost != 15 || dropped[14][1] != 14 {
		t.Errorf("%d records dropped, %d counted, want the first 15", len(dropped), b.lost)
	}
	if got, want := served(b), []int{115, 200, 116, 117, 118, 119, 120, 121, 122, 123, 124}; !slices.Equal(got, want) {
		t.Errorf("served %v, want %v", got, want)
	}
}

// TestAQueueUsesItsRoomAgain: one that is never empty keeps the order, and no more room than it needs.
func TestAQueueUsesItsRoomAgain(t *testing.T) {
	const waiting, records = 5, 1000
	q := new(queue)
	for i := range records {
		q.add(record(1, byte(i), 10))
		if i < waiting {
			continue
		}
		if r := q.take(); r[1] != byte(i-waiting) || q.len() != waiting || q.octets != 10*waiting {
			t.Fatalf("record %d comes after %d others, want %d; %d wait with %d octets", r[1], i-waiting, byte(i-waiting), q.len(), q.octets)
		}
	}
	if n := cap(q.records); n > 4*waiting {
		t.Errorf("there is room for %d records where %d wait", n, waiting)
	}
}

// TestBacklogDropsOfTheLongestQueue fills the room in all with a port that is within its own, and one that has little.
func TestBacklogDropsOfTheLongestQueue(t *testing.T) {
	b := newBacklog(100, 10_000)
	b.push(2, record(2, 0, 100))
	for i := range 8 {
		b.push(1, record(1, byte(i), 2000))
	}
	if b.octets > 10_000 || b.lost != 4 {
		t.Errorf("%d octets wait and %d records are lost, want 10,000 at most and 4", b.octets, b.lost)
	}
	if got, want := served(b), []int{200, 104, 105, 106, 107}; !slices.Equal(got, want) {
		t.Errorf("served %v, want %v", got, want)
	}
	b.push(1, record(1, 9, 20_000)) // alone too large, and not kept
	if b.waiting != 0 || b.octets != 0 {
		t.Errorf("%d records with %d octets wait, want none", b.waiting, b.octets)
	}
	b.push(2, record(2, 1, 100))
	if got, want := served(b), []int{201}; !slices.Equal(got, want) {
		t.Errorf("served %v, want %v", got, want)
	}
}

// TestAFloodDelaysNobodyElse lets one port send far more than is received at a time, and then another one packet.
func TestAFloodDelaysNobodyElse(t *testing.T) {
	l := newLocal(t, Config{MaxFlows: 1024})
	const flood = 900 // the burst that a port may make
	for i := range flood {
		l.a.Send(t, udpHeader(1, uint16(i)).Frame(nil))
	}
	l.b.Send(t, udpHeader(2, 1).Frame(nil))
	buf := make([]datapath.Miss, 64) // as the worker has it
	for received := 0; ; {
		n, err := l.Receive(t.Context(), buf)
		check(t, err)
		if slices.ContainsFunc(buf[:n], func(m datapath.Miss) bool { return m.InPort == l.portB.ID }) {
			return
		}
		if received += n; received > flood/haste {
			t.Fatalf("the packet of the quiet port is not among the first %d received behind a flood of %d", received, flood)
		}
	}
}
