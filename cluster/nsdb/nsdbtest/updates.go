package nsdbtest

import (
	"crypto/rand"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/id"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
	"midonet.org/midonet/topology/topologypb"
)

func emptyView(t *testing.T, h *harness) { h.wantObjects() }

func putAndDelete(t *testing.T, h *harness) {
	a, b := bridge("a"), bridge("b")
	first := h.put(a, b)
	h.wantObjects(a, b)
	if got := h.view().Revision; got < first {
		t.Errorf("the view is of revision %d, older than the update before it, %d", got, first)
	}
	changed := &topology.Bridge{ID: a.ID, Name: "changed"}
	second := h.update(func(tx nsdb.Tx) error {
		tx.Put(changed)
		tx.Delete(b.Key())
		return nil
	})
	h.wantObjects(changed)
	if second <= first {
		t.Errorf("revisions do not grow: %d, then %d", first, second)
	}
}

// everyKind fails for a kind that has no example here.
func everyKind(t *testing.T, h *harness) {
	port, host, br := id.New[topology.Port](), id.New[topology.Host](), id.New[topology.Bridge]()
	router, chain, group := id.New[topology.Router](), id.New[topology.Chain](), id.New[topology.AddrGroup]()
	zone, lb, pool, policy := id.New[topology.TunnelZone](), id.New[topology.LoadBalancer](), id.New[topology.Pool](), id.New[topology.QoSPolicy]()
	hw, v4, v6 := mac.MustParse("02:00:00:00:00:01"), netip.MustParseAddr("10.0.0.5"), netip.MustParseAddr("fd00::5")
	objects := []topology.Object{
		bridge("a"),
		&topology.Port{ID: port, Bridge: br, AdminUp: true, TunnelKey: 7},
		&topology.DHCP{ID: id.New[topology.DHCP](), Bridge: br, Prefix: netip.MustParsePrefix("10.0.0.0/24"), Enabled: true, Router: v4},
		&topology.DHCPHost{ID: id.New[topology.DHCPHost](), Port: port, MAC: hw, Addr: v4},
		topology.NewMACEntry(br, hw, port),
		topology.NewNeighbour(br, v6, hw, port),
		&topology.Host{ID: host, Name: "one", Endpoints: []netip.Addr{v4, v6}},
		&topology.Binding{Port: port, Host: host, Interface: "tap1"},
		&topology.TunnelKey{Number: 7, Port: port},
		&topology.HostState{Host: host, Version: "1", Interfaces: []topology.Interface{{Name: "tap1", MAC: hw, Up: true}}},
		&topology.PortState{Port: port, Host: host, Active: true},
		topology.NewLearnedMAC(br, hw, port, host),
		&topology.Overlay{Target: topology.Key{Kind: topology.KindPort, ID: port}, At: topology.Key{Kind: topology.KindBridge, ID: br}, InChain: chain},
		&topology.TunnelZone{ID: zone, Name: "tz"},
		topology.NewTunnelZoneHost(zone, host, v4),
		&topology.Source{Resource: "port", ID: port, JSON: []byte(`{}`)},
		&topology.Progress{Journal: "j", LastTaskID: 3, Applied: 2},
		&topology.Router{ID: router, Name: "r1", AdminUp: true, InChain: chain},
		&topology.Route{ID: id.New[topology.Route](), Router: router, Destination: netip.MustParsePrefix("fd00::/64"), Kind: topology.RouteForward,
			Port: port, Weight: 100},
		&topology.Chain{ID: chain, Rules: []topology.Rule{{ID: id.New[topology.Rule](), Action: topology.ActionAccept,
			When: topology.Condition{SrcGroup: group, DstPorts: topology.PortRange{First: 80, Last: 81, Set: true}}}}},
		&topology.AddrGroup{ID: group, Name: "web"},
		topology.NewGroupMember(group, netip.MustParsePrefix("10.0.0.5/32"), port),
		&topology.PortGroup{ID: id.New[topology.PortGroup](), Stateful: true},
		&topology.FloatingIP{ID: id.New[topology.FloatingIP](), Router: router, Port: port, Addr: v4, Fixed: v4},
		&topology.PortForwarding{ID: id.New[topology.PortForwarding](), Router: router, Proto: 6, Addr: v4,
			Ports: topology.PortRange{First: 8080, Last: 8080, Set: true}, Fixed: v4, FixedPort: 80},
		topology.NewNATBlock(router, v4, 1024, host),
		topology.NewRouterNeighbour(router, port, v6, hw, host),
		&topology.BGPNetwork{ID: id.New[topology.BGPNetwork](), Router: router, Subnet: netip.MustParsePrefix("10.0.0.0/24")},
		&topology.BGPPeer{ID: id.New[topology.BGPPeer](), Router: router, ASNumber: 65000, Addr: v4, Password: "p"},
		&topology.LoadBalancer{ID: lb, AdminUp: true},
		&topology.Pool{ID: pool, LoadBalancer: lb},
		&topology.PoolMember{ID: id.New[topology.PoolMember](), Pool: pool, Addr: v4, Port: 80, Weight: 1},
		&topology.VIP{ID: id.New[topology.VIP](), Pool: pool, Addr: v6, Port: 80, Sticky: true},
		&topology.HealthMonitor{ID: id.New[topology.HealthMonitor](), Delay: 1},
		&topology.Mirror{ID: id.New[topology.Mirror](), To: port, Conditions: []topology.Condition{{VLAN: 7}}},
		&topology.L2Insertion{ID: id.New[topology.L2Insertion](), Port: port, MAC: hw},
		&topology.QoSPolicy{ID: policy, Name: "gold"},
		&topology.QoSBandwidthRule{ID: id.New[topology.QoSBandwidthRule](), Policy: policy, MaxKbps: 1, HasBurst: true},
		&topology.QoSDSCPRule{ID: id.New[topology.QoSDSCPRule](), Policy: policy, Mark: 26},
		&topology.ServiceContainer{ID: id.New[topology.ServiceContainer](), Port: port, Type: "IPSEC"},
		&topology.ServiceContainerGroup{ID: id.New[topology.ServiceContainerGroup](), Least: true},
		&topology.TraceRequest{ID: id.New[topology.TraceRequest](), Device: topology.Key{Kind: topology.KindPort, ID: port}, Limit: 3},
		&topology.VTEP{ID: id.New[topology.VTEP](), Addr: v4, Port: 6632, Bindings: []topology.VTEPBinding{{Port: "eth1", VLAN: 7, Bridge: br}}},
		topology.NewPeeringEntry(port, hw, v4),
		topology.DefaultHostSettings(host),
		topology.NewConfigDocument(topology.ConfigTemplate, "default", `{"a": 1}`),
		&topology.Revocation{Host: host, Unix: 1_800_000_000},
	}
	h.put(objects...)
	if diff := cmp.Diff(index(objects), h.view().Objects, cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{})); diff != "" {
		t.Errorf("objects in the store (-want +got):\n%s", diff)
	}
	seen := map[topology.Kind]bool{}
	for _, o := range objects {
		seen[o.Key().Kind] = true
	}
	for _, kind := range topology.Kinds() {
		if !seen[kind] {
			t.Errorf("the suite has no example of %v", kind)
		}
	}
}

func readYourWrites(t *testing.T, h *harness) {
	old, kept := bridge("old"), bridge("kept")
	h.put(old)
	h.update(func(tx nsdb.Tx) error {
		tx.Delete(old.Key())
		tx.Put(kept)
		if o, err := tx.Get(old.Key()); o != nil || err != nil {
			t.Errorf("Get after Delete = %v, %v", o, err)
		}
		if o, err := tx.Get(kept.Key()); o == nil || err != nil {
			t.Errorf("Get after Put = %v, %v", o, err)
		}
		if o, err := tx.Get(bridge("never").Key()); o != nil || err != nil {
			t.Errorf("Get of what is not there = %v, %v", o, err)
		}
		return nil
	})
	h.wantObjects(kept)
}

func abandoned(t *testing.T, h *harness) {
	want := errors.New("changed my mind")
	_, err := h.Update(h.ctx, func(tx nsdb.Tx) error {
		tx.Put(bridge("a"))
		return want
	})
	if err != want {
		t.Errorf("Update returned %v, want the function's own error", err)
	}
	h.wantObjects()
}

func noStep(t *testing.T, h *harness) {
	a := bridge("a")
	before := h.put(a)
	steps, failure := h.Watch(h.ctx, before)
	h.update(func(tx nsdb.Tx) error { _, err := tx.Get(a.Key()); return err })
	h.update(func(tx nsdb.Tx) error { tx.Delete(bridge("never").Key()); return nil })
	h.update(func(tx nsdb.Tx) error { return nil })
	last := h.put(bridge("b"))
	if step := h.next(steps, failure); step.Revision != last {
		t.Errorf("the watch saw a step of updates that changed nothing: %+v", step)
	}
}

func increments(t *testing.T, h *harness) {
	const writers, each = 6, 15
	counter := &topology.Progress{Journal: "counter"}
	concurrently(writers, func(int) {
		for range each {
			_, err := h.Update(h.ctx, func(tx nsdb.Tx) error {
				o, err := tx.Get(counter.Key())
				if err != nil {
					return err
				}
				next := *counter
				if o != nil {
					next = *o.(*topology.Progress)
				}
				next.Applied++
				tx.Put(&next)
				return nil
			})
			if err != nil {
				t.Errorf("Update: %v", err)
			}
		}
	})
	h.wantObjects(&topology.Progress{Journal: "counter", Applied: writers * each})
}

// reservations has writers take the lowest free number: what protects them is the read of a key that is not there.
func reservations(t *testing.T, h *harness) {
	const writers = 8
	concurrently(writers, func(int) {
		_, err := h.Update(h.ctx, func(tx nsdb.Tx) error {
			for n := uint32(1); ; n++ {
				if o, err := tx.Get(topology.TunnelKeyKey(n)); err != nil {
					return err
				} else if o == nil {
					tx.Put(&topology.TunnelKey{Number: n, Port: id.New[topology.Port]()})
					return nil
				}
			}
		})
		if err != nil {
			t.Errorf("Update: %v", err)
		}
	})
	objects := h.view().Objects
	for n := uint32(1); n <= writers; n++ {
		if objects[topology.TunnelKeyKey(n)] == nil {
			t.Errorf("number %d is free, so two writers took one number", n)
		}
	}
}

// updateIsolation writes two objects that always agree, and reads them in updates meanwhile.
func updateIsolation(t *testing.T, h *harness) {
	first, second := bridge("first"), bridge("second")
	h.put(first, second)
	concurrently(3, func(who int) {
		for i := range 25 {
			_, err := h.Update(h.ctx, func(tx nsdb.Tx) error {
				a, errA := tx.Get(first.Key())
				b, errB := tx.Get(second.Key())
				if err := errors.Join(errA, errB); err != nil {
					return err
				}
				if a.(*topology.Bridge).MTU != b.(*topology.Bridge).MTU {
					t.Errorf("an update read halves of two states: %+v, %+v", a, b)
				}
				x, y := *first, *second
				x.MTU, y.MTU = who*1000+i, who*1000+i
				tx.Put(&x)
				tx.Put(&y)
				return nil
			})
			if err != nil {
				t.Errorf("Update: %v", err)
			}
		}
	})
}

// viewConsistency changes the first and the last of many objects together while views are taken.
func viewConsistency(t *testing.T, h *harness) {
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"} {
		h.put(bridges(name, nsdb.MaxObjects)...)
	}
	first, last := &topology.Bridge{ID: topology.BridgeID{15: 1}}, &topology.Bridge{ID: topology.BridgeID{0: 0xff, 15: 1}}
	h.put(first, last)
	var writer sync.WaitGroup
	writer.Go(func() {
		for i := range 100 {
			x, y := *first, *last
			x.MTU, y.MTU = i, i
			h.put(&x, &y)
		}
	})
	for range 10 {
		objects := h.view().Objects
		if len(objects) != 12*nsdb.MaxObjects+2 {
			t.Fatalf("the view has %d objects", len(objects))
		}
		if a, b := objects[first.Key()].(*topology.Bridge), objects[last.Key()].(*topology.Bridge); a.MTU != b.MTU {
			t.Errorf("the view has halves of two states: %d and %d", a.MTU, b.MTU)
		}
	}
	writer.Wait()
}

func maxObjects(t *testing.T, h *harness) {
	most := nsdb.EngineObjects
	if _, staged := h.Store.(nsdb.Large); staged {
		most = nsdb.MaxObjects
	}
	h.put(bridges("b", most)...)
	h.update(func(tx nsdb.Tx) error {
		for _, o := range bridges("b", most) {
			tx.Delete(o.Key())
		}
		return nil
	})
	h.put(bridges("a", nsdb.MaxObjects)...)
	_, err := h.Update(h.ctx, func(tx nsdb.Tx) error {
		for _, o := range bridges("b", most+1) {
			tx.Put(o)
		}
		return nil
	})
	if !errors.Is(err, nsdb.ErrTooLarge) {
		t.Errorf("putting %d objects: error %v, want ErrTooLarge", most+1, err)
	}
	h.wantObjects(bridges("a", nsdb.MaxObjects)...)
	h.update(func(tx nsdb.Tx) error { // reading and deleting the same object touches it once
		for _, o := range bridges("a", nsdb.MaxObjects) {
			if _, err := tx.Get(o.Key()); err != nil {
				return err
			}
			tx.Delete(o.Key())
		}
		return nil
	})
	h.wantObjects()
}

// maxBytes puts as much as is allowed, in few objects and in many, and then a little too much.
func maxBytes(t *testing.T, h *harness) {
	for _, n := range []int{1, nsdb.MaxObjects} {
		objects := make([]topology.Object, n)
		fill := func(size int) error {
			for i := range objects {
				s := &topology.Source{Resource: "port", ID: [16]byte{byte(i), 15: 1}}
				s.JSON = make([]byte, size-len(topologypb.Marshal(s))-8) // less the lengths of JSON and of what is around it
				rand.Read(s.JSON)
				objects[i] = s
			}
			_, err := h.Update(h.ctx, func(tx nsdb.Tx) error {
				for _, o := range objects {
					tx.Put(o)
				}
				return nil
			})
			return err
		}
		if err := fill(nsdb.MaxBytes / n); err != nil {
			t.Errorf("%d objects of %d octets each: %v", n, nsdb.MaxBytes/n, err)
		}
		h.wantObjects(objects...)
		if err := fill(nsdb.MaxBytes/n + 20); !errors.Is(err, nsdb.ErrTooLarge) {
			t.Errorf("%d objects of %d octets each: %v, want ErrTooLarge", n, nsdb.MaxBytes/n+20, err)
		}
	}
}

func oversize(t *testing.T, h *harness) {
	_, err := h.Update(h.ctx, func(tx nsdb.Tx) error {
		tx.Put(&topology.Bridge{ID: bridge("a").ID, Name: strings.Repeat("x", 8<<20)})
		return nil
	})
	if !errors.Is(err, nsdb.ErrTooLarge) {
		t.Errorf("putting an object of 8 MiB: error %v, want ErrTooLarge", err)
	}
	h.wantObjects()
}

func nameless(t *testing.T, h *harness) {
	_, err := h.Update(h.ctx, func(tx nsdb.Tx) error {
		tx.Put(bridge("a"))
		tx.Put(&topology.Bridge{Name: "nameless"})
		return nil
	})
	if err == nil {
		t.Error("an object with the zero identifier was stored")
	}
	h.wantObjects()
}

func concurrently(n int, fn func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { fn(i) })
	}
	wg.Wait()
}
