package datapathtest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/id"
	"midonet.org/midonet/topology"
)

func expectKind(t *testing.T, what string, err error, kind errs.Kind) {
	t.Helper()
	if !errs.Is(err, kind) {
		t.Errorf("%s: error %v, want kind %d", what, err, kind)
	}
}

func testPorts(t *testing.T, newHarness NewHarness) {
	h := one(t, newHarness)
	a, b := plug(t, h, 1), plug(t, h, 2)
	other := id.New[topology.Port]()
	set := h.Datapath.SetPort
	expectKind(t, "missing interface", set(datapath.Port{ID: other, Interface: "mn-none"}), errs.NotFound)
	expectKind(t, "interface of another port", set(datapath.Port{ID: other, Interface: a.Name()}), errs.Conflict)
	spare := h.NewInterface(t)
	expectKind(t, "tunnel key of another port", set(datapath.Port{ID: other, Interface: spare.Name(), TunnelKey: 2}), errs.Conflict)
	expectKind(t, "tunnel key too large", set(datapath.Port{ID: other, Interface: spare.Name(), TunnelKey: datapath.StateTunnelKey}), errs.Invalid)

	want := []datapath.Port{a.port, b.port}
	slices.SortFunc(want, func(x, y datapath.Port) int { return slices.Compare(x.ID[:], y.ID[:]) })
	got, err := h.Datapath.Ports()
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("Ports() = %v, %v, want %v", got, err, want)
	}

	// The port moves to another interface, and with it everything that goes in and out.
	f := a.flow(udp4(), b.local())
	a.install(f)
	a.port.Interface = spare.Name()
	if err := set(a.port); err != nil {
		t.Fatalf("SetPort: %v", err)
	}
	expectKeys(t, h)
	a.send(udp4())
	a.Interface = spare
	a.send(udp4())
	a.expectMiss(udp4())
	execute(t, h, datapath.Packet{Frame: udp4(), Actions: flow.Actions{Outputs: []flow.Output{a.local()}}})
	a.expect(udp4())
}

func testRemovePorts(t *testing.T, newHarness NewHarness) {
	hosts := newHarness(t, Options{})
	h := hosts[0]
	a, b, c, d := plug(t, h, 1), plug(t, h, 2), plug(t, h, 3), plug(t, h, 4)
	kept := a.flow(udp4(), c.local())
	for _, f := range []flow.Flow{
		kept, b.flow(udp4(), c.local()), c.flow(udp4(), d.local()), a.flow(ipv4(packet.ProtoTCP, 1, 2).Frame(nil), b.local(), c.local()),
	} {
		a.install(f)
	}
	for range 2 { // the second time there is nothing to do
		if err := h.Datapath.RemovePorts(b.port.ID, d.port.ID, id.New[topology.Port]()); err != nil {
			t.Fatalf("RemovePorts: %v", err)
		}
	}
	expectKeys(t, h, kept.Key)
	before := counters(t, h)
	b.send(udp4())
	a.send(udp4())
	c.expect(udp4())
	expectCounters(t, h, before, datapath.Counters{Hits: 1})
	execute(t, hosts[1], datapath.Packet{
		Frame: udp4(), Actions: flow.Actions{Outputs: []flow.Output{{Peer: h.IPv4, TunnelKey: 2}}},
	})
	expectCounters(t, h, before, datapath.Counters{Hits: 1, TunnelUnknown: 1})
	if err := h.Datapath.SetPort(b.port); err != nil {
		t.Fatalf("SetPort: %v", err)
	}
	b.send(udp4())
	b.expectMiss(udp4())
}

func testInstall(t *testing.T, newHarness NewHarness) {
	h := one(t, newHarness)
	a, b := plug(t, h, 0), plug(t, h, 0)
	good := a.flow(udp4(), b.local())
	toNowhere := a.flow(ipv4(packet.ProtoTCP, 1, 1).Frame(nil), flow.Output{Port: id.New[topology.Port]()})
	fromNowhere := a.flow(ipv4(packet.ProtoTCP, 1, 2).Frame(nil), b.local())
	fromNowhere.Key.InPort = id.New[topology.Port]()
	tooMany := a.flow(ipv4(packet.ProtoTCP, 1, 3).Frame(nil), slices.Repeat([]flow.Output{b.local()}, datapath.MaxOutputs+1)...)
	if err := h.Datapath.Install([]flow.Flow{toNowhere, good, fromNowhere, tooMany}); err == nil {
		t.Error("Install of flows that cannot be: no error")
	}
	expectKeys(t, h, good.Key)
	a.send(udp4())
	b.expect(udp4())

	// Replacing changes what is done and starts the counts anew.
	good.Actions.Outputs = nil
	a.install(good)
	if all := entries(t, h); len(all) != 1 || all[0].Stats.Packets != 0 || !all[0].Actions.Drop() {
		t.Errorf("entries %+v, want one drop without packets", all)
	}
}

func testRemove(t *testing.T, newHarness NewHarness) {
	h := one(t, newHarness)
	a, b := plug(t, h, 0), plug(t, h, 0)
	first, second := a.flow(udp4(), b.local()), a.flow(ipv4(packet.ProtoTCP, 1, 1).Frame(nil), b.local())
	never := b.flow(udp4(), a.local())
	a.install(first)
	a.install(second)
	if err := h.Datapath.Remove([]flow.Key{never.Key, first.Key, never.Key}); err != nil {
		t.Fatalf("Remove: %v", err)
	}
	expectKeys(t, h, second.Key)
	a.send(udp4())
	a.expectMiss(udp4())
}

func testReceiveEndsWithContext(t *testing.T, newHarness NewHarness) {
	h := one(t, newHarness)
	a := plug(t, h, 0)
	for range 3 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		if n, err := h.Datapath.Receive(ctx, make([]datapath.Miss, 4)); n != 0 || !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("Receive() = %d, %v, want the context's error", n, err)
		}
		cancel()
	}
	a.send(udp4())
	a.expectMiss(udp4())
}

// testMissRate floods from one port: it loses misses, and another port loses none.
func testMissRate(t *testing.T, newHarness NewHarness) {
	const burst, flood = 10, 50
	h := newHarness(t, Options{MissRate: 1, MissBurst: burst})[0]
	a, b := plug(t, h, 0), plug(t, h, 0)
	begun := time.Now()
	for range flood {
		a.send(udp4())
	}
	most := let(burst, begun) + 1 // and b's
	b.send(udp4())
	c := awaitMisses(t, h, flood+1)
	if c.Misses < burst || c.Misses > most || c.Misses+c.MissesLost != flood+1 {
		t.Errorf("%+v, want about %d of %d misses handed up", c, burst+1, flood+1)
	}
	for range c.Misses {
		if m := receive(t, h); m.InPort == b.port.ID {
			return
		}
	}
	t.Error("the other port's miss was lost")
}

// testFairShare floods from two ports, each within its rate, with nobody who takes the misses: a third and a fourth port, which send
// little, lose none. Once the misses are taken the floods get through again.
func testFairShare(t *testing.T, newHarness NewHarness) {
	const flood, few = 10_000, 20
	h := newHarness(t, Options{MissRate: 1_000_000_000, MissBurst: 1_000_000_000})[0]
	loud, quiet := []*station{plug(t, h, 0), plug(t, h, 0)}, []*station{plug(t, h, 0), plug(t, h, 0)}
	sent := uint64(0)
	for range flood {
		for _, s := range loud {
			s.send(udp4())
			sent++
		}
	}
	for range few {
		for _, s := range quiet {
			s.send(udp4())
			sent++
		}
	}
	before := awaitMisses(t, h, sent)
	if before.MissesLost == 0 {
		t.Fatalf("%+v: nothing was lost, and so nothing is shown", before)
	}
	got := map[topology.PortID]int{}
	for taken := uint64(0); taken < counters(t, h).Misses; taken++ { // fewer than there were: a datapath may drop what has waited too long
		got[receive(t, h).InPort]++
	}
	for _, s := range quiet {
		if got[s.port.ID] != few {
			t.Errorf("%d of %d misses of a port that sends little arrived", got[s.port.ID], few)
		}
	}
	if x, y := got[loud[0].port.ID], got[loud[1].port.ID]; x < y/2 || y < x/2 {
		t.Errorf("of two floods %d and %d arrived, want about the same", x, y)
	}
	loud[0].send(udp4())
	loud[0].expectMiss(udp4())
}

// awaitMisses waits until so many packets have missed, taken or not.
func awaitMisses(t *testing.T, h *Host, n uint64) datapath.Counters {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		c := counters(t, h)
		if c.Misses+c.MissesLost >= n || time.Now().After(deadline) {
			return c
		}
		time.Sleep(time.Millisecond)
	}
}

// testPressure installs many more flows than fit: each still forwards after its miss, none is wrong.
func testPressure(t *testing.T, newHarness NewHarness) {
	const fit, many = 16, 200
	h := newHarness(t, Options{MaxFlows: fit, MissRate: 1_000_000, MissBurst: 10_000})[0]
	a, b := plug(t, h, 0), plug(t, h, 0)
	for i := range many {
		frame := ipv4(packet.ProtoUDP, uint16(1000+i), 80).Frame(payload)
		a.send(frame)
		m := a.expectMiss(frame)
		f := a.flow(frame, b.local())
		a.install(f)
		execute(t, h, datapath.Packet{InPort: m.InPort, Frame: m.Frame, Actions: f.Actions})
		b.expect(frame)
		a.send(frame)
		b.expect(frame)
	}
	if n := len(entries(t, h)); n == 0 || n > fit {
		t.Errorf("%d entries, want at most %d", n, fit)
	}
}
