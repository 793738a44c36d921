package operator

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/cluster/nsdb/etcd"
	"midonet.org/midonet/cluster/nsdb/mirror"
	"midonet.org/midonet/cluster/nsdb/staging"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/id"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// patience is how long a test waits for what must come.
const patience = time.Minute

// bench is an editor of a real store.
type bench struct {
	*Editor
	t   *testing.T
	log *slog.Logger
}

func newBench(t *testing.T) *bench {
	t.Helper()
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	store, err := etcd.OpenEmbedded(t.Context(), etcd.Embedded{Dir: t.TempDir(), Log: log})
	if err != nil {
		t.Fatal(err)
	}
	large := staging.Over(store)
	b := &bench{Editor: NewEditor(large, mirror.New(large, log)), t: t, log: log}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { b.mirror.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
		store.Close()
	})
	<-b.mirror.Ready()
	return b
}

// put and remove change the store beside the editor, as the importer does.
func (b *bench) put(objects ...topology.Object) {
	b.t.Helper()
	b.update(func(tx nsdb.Tx) error {
		for _, o := range objects {
			tx.Put(o)
		}
		return nil
	})
}

func (b *bench) remove(keys ...topology.Key) {
	b.t.Helper()
	b.update(func(tx nsdb.Tx) error {
		for _, k := range keys {
			tx.Delete(k)
		}
		return nil
	})
}

// clear removes everything but the hosts.
func (b *bench) clear() {
	b.t.Helper()
	for o := range b.mirror.State().All() {
		if o.Key().Kind != topology.KindHost {
			b.remove(o.Key())
		}
	}
}

func (b *bench) update(fn func(nsdb.Tx) error) {
	b.t.Helper()
	revision, err := b.store.Update(b.t.Context(), fn)
	if err == nil {
		_, err = b.mirror.WaitFor(b.t.Context(), revision)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// few returns one of a few identifiers, so that random edits meet.
func few[T any](t *rapid.T, label string, n int) id.ID[T] {
	return id.Derive[T](id.ID[T]{}, label+string(rune('a'+rapid.IntRange(0, n-1).Draw(t, label))))
}

// anyEdit draws an edit, of which many are refused.
func anyEdit(t *rapid.T) func(*Edit) error {
	bridge, router := few[topology.Bridge](t, "bridge", 2), few[topology.Router](t, "router", 2)
	port, other := few[topology.Port](t, "port", 4), few[topology.Port](t, "port", 4)
	chain, group := few[topology.Chain](t, "chain", 3), few[topology.PortGroup](t, "group", 2)
	addrs, zone, host := few[topology.AddrGroup](t, "addrs", 2), few[topology.TunnelZone](t, "zone", 2), few[topology.Host](t, "host", 2)
	f := filters(rapid.SampledFrom([]topology.ChainID{{}, chain}).Draw(t, "in"), rapid.SampledFrom([]topology.ChainID{{}, chain}).Draw(t, "out"))
	n := byte(rapid.IntRange(1, 3).Draw(t, "n"))
	hw, addr := mac.Addr{2, 0, 0, 0, 0, n}, netip.AddrFrom4([4]byte{10, 0, 0, n})
	subnet := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, n, 0}), 24)
	return rapid.SampledFrom([]func(*Edit) error{
		func(e *Edit) error { return e.CreateBridge(&topology.Bridge{ID: bridge}, f) },
		func(e *Edit) error { return e.CreateRouter(&topology.Router{ID: router}, f) },
		func(e *Edit) error { return e.UpdateRouter(router, func(*topology.Router) {}, f) },
		func(e *Edit) error { return e.UpdateBridge(bridge, func(b *topology.Bridge) { b.AdminUp = n > 1 }, f) },
		func(e *Edit) error { return e.CreatePort(&topology.Port{ID: port, Bridge: bridge}, f) },
		func(e *Edit) error { return e.CreatePort(&topology.Port{ID: port, Bridge: bridge}, f) },
		func(e *Edit) error {
			return e.CreatePort(&topology.Port{ID: port, Router: router, MAC: hw, Addresses: []netip.Prefix{netip.PrefixFrom(addr, 24)}}, f)
		},
		func(e *Edit) error {
			return e.UpdatePort(port, func(p *topology.Port) {
				if !p.Router.IsZero() {
					p.MAC, p.Addresses = hw, []netip.Prefix{netip.PrefixFrom(addr, 24)}
				}
			}, f)
		},
		func(e *Edit) error { return e.Link(port, other) },
		func(e *Edit) error { return e.Link(port, other) },
		func(e *Edit) error { return e.Unlink(port) },
		func(e *Edit) error {
			return e.CreateRoute(&topology.Route{ID: few[topology.Route](t, "route", 3), Router: router, Port: port, Kind: topology.RouteForward})
		},
		func(e *Edit) error { return e.PutMACEntry(bridge, hw, port, 0) },
		func(e *Edit) error { return e.PutMACEntry(bridge, hw, port, uint16(n)) },
		func(e *Edit) error { return e.DeleteMACEntry(bridge, hw, port, uint16(n)) },
		func(e *Edit) error { return e.PutNeighbour(bridge, addr, hw) },
		func(e *Edit) error { return e.DeleteNeighbour(bridge, addr, hw) },
		func(e *Edit) error { return e.CreateDHCP(&topology.DHCP{Bridge: bridge, Prefix: subnet}) },
		func(e *Edit) error {
			return e.PutDHCPHost(dhcpID(bridge, subnet), &topology.DHCPHost{MAC: hw, Addr: addr}, true)
		},
		func(e *Edit) error { return e.CreateChain(&topology.Chain{ID: chain}) },
		func(e *Edit) error {
			return e.CreateRule(chain, 1, topology.Rule{ID: id.New[topology.Rule](), Action: topology.ActionJump, Jump: few[topology.Chain](t, "chain", 3)})
		},
		func(e *Edit) error {
			return e.CreateRule(chain, 1, topology.Rule{ID: id.New[topology.Rule](), Action: topology.ActionContinue,
				Kept: &topology.KeptRule{Trace: &topology.TraceRule{Request: few[topology.TraceRequest](t, "trace", 2)}}})
		},
		func(e *Edit) error { return e.CreatePortGroup(&topology.PortGroup{ID: group}) },
		func(e *Edit) error { return e.Join(group, port) },
		func(e *Edit) error { return e.Leave(group, port) },
		func(e *Edit) error { return e.CreateAddrGroup(&topology.AddrGroup{ID: addrs}) },
		func(e *Edit) error { return e.AddAddr(addrs, addr) },
		func(e *Edit) error {
			return e.CreateZone(&topology.TunnelZone{ID: zone, Name: zone.String(), VTEP: n == 1})
		},
		func(e *Edit) error { return e.JoinZone(zone, host, netip.AddrFrom4([4]byte{192, 0, 2, 1})) },
		func(e *Edit) error { return e.Create(anyService(t, bridge, router, port, other, zone, n)) },
		func(e *Edit) error { return e.Create(anyService(t, bridge, router, port, other, zone, n)) },
		func(e *Edit) error { return e.Replace(anyService(t, bridge, router, port, other, zone, n)) },
		func(e *Edit) error {
			return e.Bind(few[topology.VTEP](t, "vtep", 2), topology.VTEPBinding{Port: "eth", VLAN: uint16(n), Bridge: bridge}, 2)
		},
		func(e *Edit) error { return e.Unbind(few[topology.VTEP](t, "vtep", 2), "eth", uint16(n)) },
		func(e *Edit) error {
			return e.UpdateRouter(router, func(r *topology.Router) { r.ForwardChain = chain }, func(o *topology.Overlay) {
				o.LoadBalancer, o.InMirrors, o.LocalRedirect = few[topology.LoadBalancer](t, "lb", 2), []topology.MirrorID{few[topology.Mirror](t, "mirror", 2)}, chain
			})
		},
		func(e *Edit) error {
			return e.UpdatePort(port, func(*topology.Port) {}, func(o *topology.Overlay) {
				m := few[topology.Mirror](t, "mirror", 2)
				o.OutMirrors, o.PostInMirrors, o.QoSPolicy = []topology.MirrorID{m}, []topology.MirrorID{m}, few[topology.QoSPolicy](t, "policy", 2)
			})
		},
	}).Draw(t, "edit")
}

// anyService draws an object of which operators make all, of few identifiers.
func anyService(t *rapid.T, bridge topology.BridgeID, router topology.RouterID, port, other topology.PortID, zone topology.TunnelZoneID, n byte) Made {
	lb, pool, policy := few[topology.LoadBalancer](t, "lb", 2), few[topology.Pool](t, "pool", 2), few[topology.QoSPolicy](t, "policy", 2)
	monitor, group := few[topology.HealthMonitor](t, "monitor", 2), few[topology.ServiceContainerGroup](t, "containers", 2)
	device := rapid.SampledFrom([]topology.Key{{Kind: topology.KindBridge, ID: bridge}, {Kind: topology.KindRouter, ID: router},
		{Kind: topology.KindPort, ID: port}}).Draw(t, "device")
	return rapid.SampledFrom([]Made{
		&topology.BGPNetwork{ID: few[topology.BGPNetwork](t, "network", 2), Router: router},
		&topology.BGPPeer{ID: few[topology.BGPPeer](t, "peer", 3), Router: router, ASNumber: uint32(n)},
		&topology.LoadBalancer{ID: lb}, &topology.HealthMonitor{ID: monitor},
		&topology.Pool{ID: pool, LoadBalancer: lb, HealthMonitor: monitor}, &topology.Pool{ID: pool, LoadBalancer: lb},
		&topology.PoolMember{ID: few[topology.PoolMember](t, "member", 2), Pool: pool}, &topology.VIP{ID: few[topology.VIP](t, "vip", 2), Pool: pool},
		&topology.Mirror{ID: few[topology.Mirror](t, "mirror", 2), To: port},
		&topology.L2Insertion{ID: few[topology.L2Insertion](t, "insertion", 2), Port: port, Service: other},
		&topology.QoSPolicy{ID: policy}, &topology.QoSDSCPRule{ID: few[topology.QoSDSCPRule](t, "dscp", 2), Policy: policy},
		&topology.QoSBandwidthRule{ID: few[topology.QoSBandwidthRule](t, "bandwidth", 2), Policy: policy},
		&topology.ServiceContainer{ID: few[topology.ServiceContainer](t, "container", 2), Group: group, Port: port},
		&topology.ServiceContainerGroup{ID: group, PortGroup: few[topology.PortGroup](t, "group", 2)},
		&topology.TraceRequest{ID: few[topology.TraceRequest](t, "trace", 2), Device: device},
		&topology.VTEP{ID: few[topology.VTEP](t, "vtep", 2), Addr: netip.AddrFrom4([4]byte{192, 0, 2, n}), Zone: zone},
		topology.NewPeeringEntry(port, mac.Addr{2, n}, netip.AddrFrom4([4]byte{192, 0, 2, n})),
	}).Draw(t, "service")
}

// TestRandomEdits: after each edit or deletion nothing refers to what is not there, wires have two ends, and every exterior port has a
// tunnel key of its own; and deleting everything leaves nothing.
func TestRandomEdits(t *testing.T) {
	b := newBench(t)
	for _, name := range []string{"hosta", "hostb"} {
		b.put(&topology.Host{ID: id.Derive[topology.Host](topology.HostID{}, name), Name: name})
	}
	rapid.Check(t, func(t *rapid.T) {
		done := 0
		b.clear() // what a case that failed has left
		if _, err := b.Edit(b.t.Context(), begin); err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(20, 60).Draw(t, "steps") {
			if rapid.IntRange(0, 9).Draw(t, "delete") == 0 {
				if roots := rootsOf(b.mirror.State()); len(roots) > 0 {
					root := rapid.SampledFrom(roots).Draw(t, "root")
					if err := b.Delete(b.t.Context(), root); err != nil && !heldOn(b.mirror.State(), root) {
						t.Fatalf("deleting %v: %v", root, err)
					}
				}
			} else if _, err := b.Edit(b.t.Context(), anyEdit(t)); err == nil {
				done++
			} else if k := errs.KindOf(err); k != errs.NotFound && k != errs.Conflict && k != errs.Invalid {
				t.Fatalf("an edit failed: %v", err)
			}
			wantWhole(t, b.mirror.State())
		}
		for o := range b.mirror.State().ByKind(topology.KindVTEP) { // what holds on to others first
			v := *o.(*topology.VTEP)
			v.Bindings = nil
			b.put(&v)
		}
		for pass := range 2 {
			for _, root := range rootsOf(b.mirror.State()) {
				if err := b.Delete(b.t.Context(), root); err != nil && !errs.Is(err, errs.NotFound) && (pass > 0 || !heldOn(b.mirror.State(), root)) {
					t.Fatalf("deleting %v: %v", root, err)
				}
			}
		}
		for o := range b.mirror.State().All() {
			if o.Key().Kind != topology.KindHost {
				t.Errorf("left after %d edits: %+v", done, o)
			}
		}
	})
}

// begin makes what random edits need, so that most of them have something to change.
func begin(e *Edit) error {
	var failed error
	for _, name := range []string{"a", "b"} {
		for _, err := range []error{
			e.CreateBridge(&topology.Bridge{ID: id.Derive[topology.Bridge](topology.BridgeID{}, "bridge"+name)}, nothing),
			e.CreateRouter(&topology.Router{ID: id.Derive[topology.Router](topology.RouterID{}, "router"+name)}, nothing),
			e.CreateChain(&topology.Chain{ID: id.Derive[topology.Chain](topology.ChainID{}, "chain"+name)}),
			e.CreatePortGroup(&topology.PortGroup{ID: id.Derive[topology.PortGroup](topology.PortGroupID{}, "group"+name)}),
			e.CreateAddrGroup(&topology.AddrGroup{ID: id.Derive[topology.AddrGroup](topology.AddrGroupID{}, "addrs"+name)}),
			e.CreateZone(&topology.TunnelZone{ID: id.Derive[topology.TunnelZone](topology.TunnelZoneID{}, "zone"+name), Name: name, VTEP: name == "a"}),
		} {
			failed = errors.Join(failed, err)
		}
	}
	for i, name := range []string{"a", "b", "c", "d"} {
		p := &topology.Port{ID: id.Derive[topology.Port](topology.PortID{}, "port"+name)}
		if of := string("ab"[i/2]); i%2 == 0 {
			p.Bridge = id.Derive[topology.Bridge](topology.BridgeID{}, "bridge"+of)
		} else {
			p.Router, p.MAC = id.Derive[topology.Router](topology.RouterID{}, "router"+of), mac.Addr{2, 0, 0, 0, 1, byte(i)}
			p.Addresses = []netip.Prefix{netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 1, byte(i), 1}), 24)}
		}
		failed = errors.Join(failed, e.CreatePort(p, nothing))
	}
	return failed
}

// rootsOf returns what an operator deletes by itself, in order.
func rootsOf(s *mirror.State) []topology.Key {
	var roots []topology.Key
	for o := range s.All() {
		switch o.(type) {
		case *topology.Bridge, *topology.Router, *topology.Port, *topology.Chain, *topology.PortGroup, *topology.AddrGroup, *topology.TunnelZone,
			*topology.DHCP, *topology.Route:
			roots = append(roots, o.Key())
		default:
			if _, service := o.(Made); service && o.Key().Kind >= topology.KindBGPNetwork && o.Key().Kind < topology.KindPeeringEntry {
				roots = append(roots, o.Key())
			}
		}
	}
	return roots
}

// heldOn reports whether something keeps the object from being deleted.
func heldOn(s *mirror.State, k topology.Key) bool {
	switch o := s.Get(k).(type) {
	case *topology.Router:
		put := mirror.Lookup[*topology.Overlay](s, topology.KindOverlay, k.ID)
		return put != nil && !put.LoadBalancer.IsZero()
	case *topology.Bridge, *topology.TunnelZone:
		for range s.Referring(topology.KindVTEP, k) {
			return true
		}
	case *topology.VTEP:
		return len(o.Bindings) > 0
	}
	return false
}

func wantWhole(t *rapid.T, s *mirror.State) {
	t.Helper()
	for _, task := range orphans(s) {
		t.Errorf("something refers to %v, which is not there", task.gone)
	}
	for o := range s.ByKind(topology.KindOverlay) {
		if put := *o.(*topology.Overlay); len(put.References()) == 1 {
			t.Errorf("nothing is put by %+v", put)
		}
	}
	keys := 0
	for o := range s.ByKind(topology.KindPort) {
		p := o.(*topology.Port)
		peer := mirror.Lookup[*topology.Port](s, topology.KindPort, p.Peer)
		reserved, _ := s.Get(topology.TunnelKeyKey(p.TunnelKey)).(*topology.TunnelKey)
		switch {
		case p.Interior() && (peer == nil || peer.Peer != p.ID || p.TunnelKey != 0):
			t.Errorf("port %v is wired to %+v", p, peer)
		case !p.Interior() && (reserved == nil || reserved.Port != p.ID):
			t.Errorf("port %v has the key of %+v", p, reserved)
		}
		for k := range stations(p, peer) {
			if s.Get(k) == nil {
				t.Errorf("the bridge of %v does not know %v", p.ID, k)
			}
		}
		if peer != nil && !peer.Router.IsZero() && p.Router.IsZero() && p.Device != peer.Router.String() || !p.Interior() && p.Device != "" {
			t.Errorf("port %v is wired to %+v", p, peer)
		}
		if !p.Interior() {
			keys++
		}
	}
	for o := range s.ByKind(topology.KindNeighbour) {
		n := o.(*topology.Neighbour)
		if p := mirror.Lookup[*topology.Port](s, topology.KindPort, n.Port); p != nil && stations(p, mirror.Lookup[*topology.Port](s, topology.KindPort, p.Peer))[n.Key()] == nil {
			t.Errorf("port %v has no wire that %+v could follow from", p.ID, n)
		}
	}
	if n := s.Count(topology.KindTunnelKey); n != keys {
		t.Errorf("%d tunnel keys of %d ports", n, keys)
	}
}

// TestALargeDeletionIsOneStep: whoever watches sees a router and everything that is on it go together, and its neighbours keep what is theirs.
func TestALargeDeletionIsOneStep(t *testing.T) {
	b := newBench(t)
	r, net := topology.RouterID{1}, topology.BridgeID{2}
	edit := func(fn func(*Edit) error) {
		t.Helper()
		if _, err := b.Edit(t.Context(), fn); err != nil {
			t.Fatal(err)
		}
	}
	edit(func(e *Edit) error { return e.CreateRouter(&topology.Router{ID: r}, nothing) })
	edit(func(e *Edit) error { return e.CreateBridge(&topology.Bridge{ID: net}, nothing) })
	const ports = 120
	port := func(n int) topology.PortID { return topology.PortID{3, byte(n)} }
	for n := range ports {
		edit(func(e *Edit) error {
			addr := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(n), 1}), 24)
			return e.CreatePort(&topology.Port{ID: port(n), Router: r, MAC: mac.Addr{2, byte(n)}, Addresses: []netip.Prefix{addr}}, nothing)
		})
	}
	beside := topology.PortID{4}
	edit(func(e *Edit) error { return e.CreatePort(&topology.Port{ID: beside, Bridge: net}, nothing) })
	edit(func(e *Edit) error { return e.Link(port(0), beside) })
	_, changes := b.mirror.Subscribe()
	defer changes.Close()
	if err := b.Delete(t.Context(), topology.Key{Kind: topology.KindRouter, ID: r}); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, c := range changes.Pending() {
		before, after := 0, 0
		for range c.Before.RouterPorts(r) {
			before++
		}
		for range c.After.RouterPorts(r) {
			after++
		}
		if gone := c.After.Get(topology.Key{Kind: topology.KindRouter, ID: r}) == nil; gone && before == ports && after == 0 {
			seen++
		} else if before != after {
			t.Errorf("a step leaves %d of %d ports", after, before)
		}
	}
	if seen != 1 {
		t.Errorf("%d steps in which the router goes with its ports, want 1", seen)
	}
	state := b.mirror.State()
	if p := mirror.Lookup[*topology.Port](state, topology.KindPort, beside); p == nil || p.Interior() || p.TunnelKey == 0 {
		t.Errorf("the bridge's port is %+v, want it free", p)
	}
	if keys, routes := state.Count(topology.KindTunnelKey), state.Count(topology.KindRoute); keys != 1 || routes != 0 {
		t.Errorf("%d tunnel keys and %d routes are left, want 1 and none", keys, routes)
	}
}

// TestJobRemovesWhatIsLeft: what refers to a rendered object that went while no job ran, and while one does.
func TestJobRemovesWhatIsLeft(t *testing.T) {
	b := newBench(t)
	net, r := &topology.Bridge{ID: topology.BridgeID{1}}, &topology.Router{ID: topology.RouterID{2}}
	rp := &topology.Port{ID: topology.PortID{3}, Router: r.ID}
	b.put(net, r, rp)
	chain := &topology.Chain{ID: topology.ChainID{4}}
	fill := func() {
		t.Helper()
		_, err := b.Edit(t.Context(), func(e *Edit) error {
			for _, err := range []error{
				e.CreatePort(&topology.Port{ID: topology.PortID{5}, Bridge: net.ID}, nothing),
				e.CreateRoute(&topology.Route{ID: topology.RouteID{6}, Router: r.ID, Port: rp.ID, Kind: topology.RouteForward}),
				e.PutNeighbour(net.ID, netip.MustParseAddr("10.0.0.1"), mac.Addr{2}),
			} {
				if err != nil {
					return err
				}
			}
			return e.CreateChain(&topology.Chain{ID: chain.ID})
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = b.Edit(t.Context(), func(e *Edit) error { return e.overlay(rp.Key(), r.Key(), filters(chain.ID, topology.ChainID{})) })
		if err != nil {
			t.Fatal(err)
		}
	}
	left := func() (n int) {
		for o := range b.mirror.State().All() {
			if topology.ByOperator(o) || o.Key().Kind == topology.KindOverlay {
				n++
			}
		}
		return n
	}
	fill()
	if n := left(); n != 6 {
		t.Fatalf("%d objects were made", n)
	}
	b.remove(net.Key(), rp.Key())
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { (&Job{Editor: b.Editor, Log: b.log}).Run(ctx) })
	defer running.Wait()
	defer cancel()
	onlyTheChain := func() {
		t.Helper()
		for deadline := time.Now().Add(patience); left() != 1; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%d objects are left, want the chain alone", left())
			}
		}
	}
	onlyTheChain()
	if err := b.Delete(t.Context(), chain.Key()); err != nil {
		t.Fatal(err)
	}
	b.put(net, rp)
	fill()
	b.remove(net.Key(), rp.Key())
	onlyTheChain()
}

// nothing is put.
func nothing(*topology.Overlay) {}

func filters(in, out topology.ChainID) Put {
	return func(o *topology.Overlay) { o.InChain, o.OutChain = in, out }
}

// TestWhatIsTakenBackLeavesNothing: neither a port that has left its only group nor a filter that was taken away leaves an object.
func TestWhatIsTakenBackLeavesNothing(t *testing.T) {
	b := newBench(t)
	if _, err := b.Edit(t.Context(), begin); err != nil {
		t.Fatal(err)
	}
	group, port := id.Derive[topology.PortGroup](topology.PortGroupID{}, "groupa"), id.Derive[topology.Port](topology.PortID{}, "porta")
	chain := id.Derive[topology.Chain](topology.ChainID{}, "chaina")
	for _, edit := range []func(*Edit) error{
		func(e *Edit) error { return e.UpdatePort(port, func(*topology.Port) {}, filters(chain, chain)) },
		func(e *Edit) error {
			return e.UpdatePort(port, func(*topology.Port) {}, filters(topology.ChainID{}, topology.ChainID{}))
		},
		func(e *Edit) error { return e.Join(group, port) },
		func(e *Edit) error { return e.Leave(group, port) },
	} {
		if _, err := b.Edit(t.Context(), edit); err != nil {
			t.Fatal(err)
		}
	}
	if n := b.mirror.State().Count(topology.KindOverlay); n != 0 {
		t.Errorf("%d overlays are left", n)
	}
}

// TestRulesGoWithTheirTraceRequest, also where that goes with the port, and the port with the bridge.
func TestRulesGoWithTheirTraceRequest(t *testing.T) {
	b := newBench(t)
	bridge, port, chain := topology.BridgeID{1}, topology.PortID{2}, topology.ChainID{3}
	request := &topology.TraceRequest{ID: topology.TraceRequestID{4}, Device: topology.Key{Kind: topology.KindPort, ID: port}}
	kept := topology.Rule{ID: id.New[topology.Rule](), Action: topology.ActionDrop}
	tracing := topology.Rule{ID: id.New[topology.Rule](), Action: topology.ActionContinue, Kept: &topology.KeptRule{Trace: &topology.TraceRule{Request: request.ID}}}
	for _, edit := range []func(*Edit) error{
		func(e *Edit) error { return e.CreateBridge(&topology.Bridge{ID: bridge}, nothing) },
		func(e *Edit) error { return e.CreatePort(&topology.Port{ID: port, Bridge: bridge}, nothing) },
		func(e *Edit) error { return e.Create(request) },
		func(e *Edit) error { return e.CreateChain(&topology.Chain{ID: chain}) },
		func(e *Edit) error { return e.CreateRule(chain, 1, kept) },
		func(e *Edit) error { return e.CreateRule(chain, 1, tracing) },
	} {
		if _, err := b.Edit(t.Context(), edit); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Delete(t.Context(), topology.Key{Kind: topology.KindBridge, ID: bridge}); err != nil {
		t.Fatal(err)
	}
	c := mirror.Lookup[*topology.Chain](b.mirror.State(), topology.KindChain, chain)
	if b.mirror.State().Get(request.Key()) != nil || len(c.Rules) != 1 || c.Rules[0].ID != kept.ID {
		t.Errorf("the chain has %+v, want the rule that traces nothing alone", c.Rules)
	}
}
