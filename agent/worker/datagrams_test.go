package worker

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/sim"
	"midonet.org/midonet/agent/view/viewtest"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// datagramOut is a datagram from vm1 of twoRouters to the outside of its router, in fragments.
func datagramOut(t *testing.T, id byte) []datapath.Miss {
	t.Helper()
	h := packet.Header{
		SrcMAC: mac.MustParse("fa:16:3e:00:00:01"), DstMAC: mac.MustParse("fa:16:3e:aa:00:01"), EtherType: packet.EtherTypeIPv4,
		SrcIP: netip.MustParseAddr("10.0.0.3"), DstIP: netip.MustParseAddr("203.0.113.9"), Proto: packet.ProtoTCP, SrcPort: 1025, DstPort: 80,
	}
	frame := h.Frame(make([]byte, 4000))
	frame[19] = id
	var whole packet.Packet
	if err := packet.Parse(frame, &whole); err != nil {
		t.Fatal(err)
	}
	var misses []datapath.Miss
	for _, f := range whole.Cut(frame, 1000) {
		misses = append(misses, datapath.Miss{InPort: viewtest.ID[topology.Port]("vm1"), Frame: f})
	}
	return misses
}

// TestFragmentsInAnyOrder: all fragments of a translated packet go on with the first one's addresses, behind it, whatever the order in
// which they came, in one batch or in several.
func TestFragmentsInAnyOrder(t *testing.T) {
	for name, order := range map[string][]int{"in order": {0, 1, 2, 3, 4}, "the first last": {1, 2, 3, 4, 0}, "the first in between": {4, 2, 0, 1, 3}} {
		for _, together := range []bool{true, false} {
			r := newTextRig(t, 64, twoRouters+"block r1 203.0.113.5 1024 h1\n")
			misses := datagramOut(t, 7)
			if len(misses) != len(order) {
				t.Fatalf("%d fragments", len(misses))
			}
			var batch []datapath.Miss
			for _, i := range order {
				if batch = append(batch, misses[i]); !together {
					r.serve(batch)
					batch = nil
				}
			}
			r.serve(batch)
			sent := slices.DeleteFunc(r.sent(), func(p datapath.Packet) bool { return p.InPort.IsZero() })
			if len(sent) != len(misses) || r.waiting.load.packets != 0 {
				t.Fatalf("%s: %d fragments of %d were sent on, %d wait", name, len(sent), len(misses), r.waiting.load.packets)
			}
			var p packet.Packet
			for i := range sent {
				if err := packet.Parse(sent[i].Frame, &p); err != nil {
					t.Fatal(err)
				}
				if (p.Fragment == packet.FragmentFirst) != (i == 0) || sent[i].Actions.Rewrite.SrcIP != netip.MustParseAddr("203.0.113.5") ||
					sent[i].Actions.Rewrite.DstIP != netip.MustParseAddr("10.0.1.3") {
					t.Errorf("%s: packet %d, a fragment of kind %d, is sent %s", name, i, p.Fragment, sent[i].Actions)
				}
			}
			if n := len(r.datapath.keys()); n != 0 {
				t.Errorf("%s: %d flows, of which none holds for the next packet", name, n)
			}
		}
	}
}

// TestFragmentsWithoutTheirFirst wait no longer than anything else, and no longer than others' firsts are remembered.
func TestFragmentsWithoutTheirFirst(t *testing.T) {
	r := newTextRig(t, 64, twoRouters+"block r1 203.0.113.5 1024 h1\n")
	r.serve(datagramOut(t, 7)[1:])
	if len(r.sent()) != 0 || r.waiting.load.packets != 4 {
		t.Fatalf("%d fragments wait", r.waiting.load.packets)
	}
	for range maxAsks + 1 {
		r.clock.advance(wantInterval)
		r.askOverdue()
	}
	if len(r.sent()) != 0 || r.waiting.load.packets != 0 {
		t.Errorf("%d fragments wait still", r.waiting.load.packets)
	}
}

func TestDatagramsAreForgotten(t *testing.T) {
	d, now := datagrams{}, time.Unix(1_700_000_000, 0)
	of := func(id uint32) sim.Datagram {
		return sim.Datagram{InPort: viewtest.ID[topology.Port]("vm1"), Proto: packet.ProtoUDP, ID: id}
	}
	note := func(id uint32, port uint16) {
		d.note(&packet.Packet{Header: packet.Header{SrcPort: port}}, of(id), now)
	}
	for i := range uint32(datagramsPerPort + 1) {
		note(i, uint16(i))
	}
	if d.first(of(0), now) != nil {
		t.Error("the oldest of more than there is room for is remembered")
	}
	if h := d.first(of(1), now); h == nil || h.SrcPort != 1 {
		t.Errorf("the second is remembered as %+v", h)
	}
	note(1, 77)
	if h := d.first(of(1), now.Add(datagramLife)); h == nil || h.SrcPort != 77 {
		t.Errorf("of two of a number the first is %+v", h)
	}
	if d.first(of(1), now.Add(datagramLife+1)) != nil {
		t.Error("it is remembered for longer than it lives")
	}
	other := of(1)
	other.InPort = viewtest.ID[topology.Port]("vm2")
	if d.first(other, now) != nil {
		t.Error("another port's is taken for it")
	}
}
