package importer

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/cluster/nsdb/mirror"
	"midonet.org/midonet/cluster/nsdb/staging"
	"midonet.org/midonet/cluster/translate"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/topology"
)

// fed runs an importer without a journal on the store until the test ends.
func fed(t *testing.T, store nsdb.Large) *Importer {
	t.Helper()
	i := requesting(t, store)
	runUntilEnd(t, i.Run)
	return i
}

// requesting returns an importer without a journal.
func requesting(t *testing.T, store nsdb.Large) *Importer {
	t.Helper()
	i := New(store, nil, translate.DefaultSettings(), logTo(t))
	i.Follow(mirrorOf(t, store))
	return i
}

// mirrorOf runs a mirror of the store until the test ends.
func mirrorOf(t *testing.T, store nsdb.Store) *mirror.Mirror {
	t.Helper()
	m := mirror.New(store, logTo(t))
	runUntilEnd(t, m.Run)
	return m
}

func runUntilEnd(t *testing.T, run func(context.Context) error) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("it ended with %v", err)
		}
	})
}

func putNetwork(v Verb, n *model.Network) Write {
	return Write{Owner: translate.Owner{Resource: translate.Network, ID: n.ID}, Verb: v, JSON: encode(n)}
}

func putPort(v Verb, p *model.Port) Write {
	return Write{Owner: translate.Owner{Resource: translate.Port, ID: p.ID}, Verb: v, JSON: encode(p)}
}

// unaddressed is a port that names no subnet.
func unaddressed(n uint16, of model.NetworkID) *model.Port {
	p := port(n, of)
	p.FixedIPs = nil
	return p
}

func apply(t *testing.T, i *Importer, writes ...Write) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	_, err := i.Apply(ctx, writes)
	return err
}

func wantKind(t *testing.T, err error, kind errs.Kind) {
	t.Helper()
	if !errs.Is(err, kind) {
		t.Errorf("the error is %v, want one of kind %d", err, kind)
	}
}

func (b *bench) wantWhole(t *testing.T, i *Importer, ports int) {
	t.Helper()
	report, err := i.Check(t.Context())
	if err != nil || len(report.Differences) != 0 {
		t.Errorf("incremental differs from full: %v %v", report.Differences, err)
	}
	if n := b.count(topology.KindPort); n != ports {
		t.Errorf("%d ports, want %d", n, ports)
	}
}

func TestRequestsAreMadeWholeOrNotAtAll(t *testing.T) {
	b := emptyBench(t)
	i := fed(t, b.store)
	net := network(0)
	if err := apply(t, i, putNetwork(Create, net)); err != nil {
		t.Fatal(err)
	}
	wantKind(t, apply(t, i, putPort(Create, unaddressed(1, net.ID)), putNetwork(Create, net)), errs.Conflict)
	wantKind(t, apply(t, i, putPort(Create, unaddressed(1, net.ID)), putPort(Create, unaddressed(1, net.ID))), errs.Conflict)
	wantKind(t, apply(t, i, putPort(Create, unaddressed(1, net.ID)), putPort(Create, port(2, net.ID))), errs.NotFound)
	wantKind(t, apply(t, i, putPort(Create, unaddressed(1, net.ID)), putPort(Replace, unaddressed(2, net.ID))), errs.NotFound)
	wantKind(t, apply(t, i, make([]Write, MaxWrites+1)...), errs.TooLarge)
	b.wantWhole(t, i, 0)

	var many []Write
	for n := range uint16(60) {
		many = append(many, putPort(Create, unaddressed(n, net.ID)))
	}
	if err := apply(t, i, many...); err != nil {
		t.Fatal(err)
	}
	b.wantWhole(t, i, 60)
	gone := putPort(Delete, unaddressed(7, net.ID))
	for range 2 {
		if err := apply(t, i, gone); err != nil {
			t.Errorf("deleting: %v", err)
		}
	}
	b.wantWhole(t, i, 59)
}

// TestTwoProcessesTakeRequests: what one has just made, the other knows, whether it decides from memory or writes.
func TestTwoProcessesTakeRequests(t *testing.T) {
	b := emptyBench(t)
	one, other := fed(t, b.store), fed(t, b.store)
	for n := range uint16(5) {
		net := network(byte(n))
		if err := apply(t, one, putNetwork(Create, net)); err != nil {
			t.Fatal(err)
		}
		if err := apply(t, other, putPort(Create, unaddressed(n, net.ID))); err != nil {
			t.Fatalf("the other process does not know of the network: %v", err)
		}
		wantKind(t, apply(t, one, putPort(Create, unaddressed(n, net.ID))), errs.Conflict)
		if err := apply(t, one, putPort(Delete, unaddressed(n, net.ID))); err != nil {
			t.Fatal(err)
		}
		if err := apply(t, other, putPort(Create, unaddressed(n, net.ID))); err != nil {
			t.Fatalf("the other process still has the port: %v", err)
		}
	}
	b.wantWhole(t, one, 5)
}

// TestCrashWithinALargeRequest fails at each of the request's steps: it is made whole or not at all, and another process goes on from that.
func TestCrashWithinALargeRequest(t *testing.T) {
	t.Parallel() // whoever dies is waited for
	b := emptyBench(t)
	net := network(0)
	if err := apply(t, fed(t, b.store), putNetwork(Create, net)); err != nil {
		t.Fatal(err)
	}
	const ports = 150
	there, outcomes := 0, map[bool]int{}
	for allowed := 0; outcomes[true] < 3; allowed++ {
		t.Run(fmt.Sprint(allowed), func(t *testing.T) {
			failing := fed(t, staging.Over(&failingEngine{Store: b.engine, allowed: 2 + allowed})) // it settles, and asks whether it is overtaken
			var many []Write
			for n := range uint16(ports) {
				many = append(many, putPort(Create, unaddressed(n+uint16(there), net.ID)))
			}
			err := apply(t, failing, many...)
			if err != nil {
				wantKind(t, err, errs.Unavailable)
			}
			now := b.count(topology.KindPort)
			made := now == there+ports
			if !made && now != there || err == nil && !made {
				t.Fatalf("%d ports, there were %d; the request was answered %v", now, there, err)
			}
			there = now
			outcomes[made]++
			again := fed(t, b.store)
			wantKind(t, apply(t, again, putPort(Replace, unaddressed(uint16(there), net.ID))), errs.NotFound)
			b.wantWhole(t, again, there)
		})
	}
	if outcomes[false] < 3 {
		t.Errorf("only %d requests failed", outcomes[false])
	}
}

// TestALargeRequest makes the most that one request may write, and takes it away again.
func TestALargeRequest(t *testing.T) {
	b := emptyBench(t)
	i := fed(t, b.store)
	var writes []Write
	for n := range MaxWrites {
		net := network(byte(n))
		net.ID[2] = byte(n >> 8)
		writes = append(writes, putNetwork(Create, net))
	}
	if err := apply(t, i, writes...); err != nil {
		t.Fatal(err)
	}
	b.wantWhole(t, i, 0)
	if n := b.count(topology.KindBridge); n != MaxWrites {
		t.Errorf("%d bridges, want %d", n, MaxWrites)
	}
	for n := range writes {
		writes[n] = Write{Owner: writes[n].Owner, Verb: Delete}
	}
	if err := apply(t, i, writes...); err != nil {
		t.Fatal(err)
	}
	for key := range b.objects() {
		if key.Kind != topology.KindProgress {
			t.Errorf("%v is left", key)
		}
	}
}

func TestAStoreHasOneSource(t *testing.T) {
	b := emptyBench(t)
	if err := apply(t, fed(t, b.store), putNetwork(Create, network(0))); err != nil {
		t.Fatal(err)
	}
	wantKind(t, New(b.store, b.journal, translate.DefaultSettings(), logTo(t)).Run(t.Context()), errs.Conflict)
	drained := newBench(t)
	drained.journal.putNetwork(network(0))
	drained.drain()
	wantKind(t, apply(t, drained.importer, putNetwork(Create, network(1))), errs.Conflict)
	wantKind(t, requesting(t, drained.store).Run(t.Context()), errs.Conflict)
}

func TestARequestDoesNotWaitForEver(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	idle := New(emptyBench(t).store, nil, translate.DefaultSettings(), logTo(t)) // not running
	_, err := idle.Apply(ctx, []Write{putNetwork(Create, network(0))})
	wantKind(t, err, errs.Unavailable)
}

// TestAPlanSeesWhatIsThere: a plan is asked again where another process has written, so that what it decides is never of the past.
func TestAPlanSeesWhatIsThere(t *testing.T) {
	b := emptyBench(t)
	one, other := fed(t, b.store), fed(t, b.store)
	net := network(0)
	if err := apply(t, one, putNetwork(Create, net)); err != nil {
		t.Fatal(err)
	}
	portOnIt := func(now translate.View) ([]Write, error) {
		if translate.Find(now, net.ID) == nil {
			return nil, errs.New(errs.NotFound, "NotFound", "no network")
		}
		return []Write{putPort(Create, unaddressed(1, net.ID))}, nil
	}
	if _, err := other.ApplyPlan(t.Context(), portOnIt); err != nil {
		t.Fatalf("the other process does not see the network: %v", err)
	}
	if err := apply(t, one, Write{Owner: putNetwork(Delete, net).Owner, Verb: Delete}); err != nil {
		t.Fatal(err)
	}
	if _, err := other.ApplyPlan(t.Context(), portOnIt); !errs.Is(err, errs.NotFound) {
		t.Errorf("the other process still sees the network: %v", err)
	}
	renamed := unaddressed(1, net.ID)
	renamed.Name = "renamed"
	wantKind(t, apply(t, one, putPort(Replace, renamed)), errs.NotFound) // its network has gone
	if err := apply(t, one, putPort(Amend, renamed)); err != nil {
		t.Errorf("amending what names something that has gone: %v", err)
	}
	wantKind(t, apply(t, one, putPort(Amend, unaddressed(2, net.ID))), errs.NotFound)
}
