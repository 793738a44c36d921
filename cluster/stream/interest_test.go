package stream

import (
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"midonet.org/midonet/id"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// netipEqual lets cmp compare addresses.
var netipEqual = cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{})

// needs is what interest computes, written down anew from its definition and without indexes: the oracle.
func needs(objects map[topology.Key]topology.Object, host topology.HostID, wanted []topology.RouterID) map[topology.Key]topology.Object {
	bindings := map[topology.PortID]*topology.Binding{}
	ports := map[topology.PortID]*topology.Port{}
	for _, o := range objects {
		switch o := o.(type) {
		case *topology.Port:
			ports[o.ID] = o
		case *topology.Binding:
			bindings[o.Port] = o
		}
	}
	reached := map[node]bool{}
	for _, r := range wanted {
		reached[node{Kind: topology.KindRouter, ID: r}] = true
	}
	for p, b := range bindings {
		if n, ok := nodeOf(objectOf(ports[p])); ok && b.Host == host {
			reached[n] = true
		}
	}
	for grown := true; grown; {
		grown = false
		for _, to := range leadsFrom(objects, ports, reached) {
			grown = grown || !reached[to]
			reached[to] = true
		}
	}
	portNeeded := func(p topology.PortID) bool {
		n, _ := nodeOf(objectOf(ports[p]))
		return reached[n] || bindings[p] != nil && bindings[p].Host == host
	}
	hosts := map[topology.HostID]bool{host: true}
	for p, b := range bindings {
		if n, _ := nodeOf(objectOf(ports[p])); reached[n] {
			hosts[b.Host] = true
		}
		for _, former := range b.Former {
			hosts[former] = hosts[former] || b.Host == host
		}
	}
	result := map[topology.Key]topology.Object{}
	for k, o := range objects {
		n, _ := nodeOf(o)
		need := reached[n]
		switch o := o.(type) {
		case *topology.Host:
			need = hosts[o.ID]
		case *topology.Binding:
			need = portNeeded(o.Port)
		case *topology.PortState:
			need = portNeeded(o.Port)
		case *topology.NATBlock:
			need = o.Host == host
		}
		if p, ok := o.(*topology.Port); ok && p.Router.IsZero() && !p.Interior() && (bindings[p.ID] == nil || bindings[p.ID].Host != host) {
			others := *p
			others.Device, others.ProjectID = "", ""
			o = &others
		}
		if need && topology.Heeded(o) {
			result[k] = o
		}
	}
	return result
}

// leadsFrom returns where the nodes lead in one step.
func leadsFrom(objects map[topology.Key]topology.Object, ports map[topology.PortID]*topology.Port, from map[node]bool) []node {
	var to []node
	for _, o := range objects {
		n, ok := nodeOf(o)
		if !ok || !from[n] {
			continue
		}
		to = append(to, references(o)...)
		p, ok := o.(*topology.Port)
		if !ok || !p.Interior() || ports[p.Peer] == nil || ports[p.Peer].Peer != p.ID {
			continue
		}
		next, ok := nodeOf(ports[p.Peer])
		if ok && !(external(objects[n]) && next.Kind == topology.KindRouter) {
			to = append(to, next)
		}
	}
	return to
}

func objectOf(p *topology.Port) topology.Object {
	if p == nil {
		return nil
	}
	return p
}

// small returns one of a few identifiers, so that random objects meet.
func small[T any](t *rapid.T, label string, n int) id.ID[T] {
	return id.Derive[T](id.ID[T]{}, label+string(rune('a'+rapid.IntRange(0, n-1).Draw(t, label))))
}

func anyObject(t *rapid.T) topology.Object {
	bridge, port := small[topology.Bridge](t, "bridge", 3), small[topology.Port](t, "port", 6)
	host, hw := small[topology.Host](t, "host", 4), mac.Addr{2, 0, 0, 0, 0, byte(rapid.IntRange(0, 3).Draw(t, "mac"))}
	router, flag := small[topology.Router](t, "router", 3), rapid.Bool().Draw(t, "flag")
	addr := netip.AddrFrom4([4]byte{10, 0, 0, hw[5]})
	switch rapid.IntRange(0, 26).Draw(t, "kind") {
	case 0:
		return &topology.Bridge{ID: bridge, AdminUp: flag, External: rapid.Bool().Draw(t, "external")}
	case 1, 2, 3, 4:
		return anyPort(t, port, bridge, router)
	case 5:
		return &topology.DHCP{ID: small[topology.DHCP](t, "dhcp", 3), Bridge: bridge, Enabled: flag}
	case 6:
		return &topology.DHCPHost{ID: small[topology.DHCPHost](t, "dhcphost", 3), Bridge: bridge, Port: port}
	case 7:
		entry := topology.NewMACEntry(bridge, hw, port)
		entry.VLAN = uint16(rapid.SampledFrom([]int{0, 0, 5}).Draw(t, "vlan"))
		return entry
	case 8:
		return topology.NewNeighbour(bridge, addr, hw, port)
	case 9:
		return &topology.Host{ID: host, Name: map[bool]string{true: "x", false: "y"}[flag]}
	case 10, 11, 12:
		b := &topology.Binding{Port: port, Host: host, Interface: "tap0"}
		if flag {
			b.Follow(&topology.Binding{Port: port, Host: small[topology.Host](t, "former host", 4)})
		}
		return b
	case 13:
		return &topology.PortState{Port: port, Host: host, Active: flag}
	case 14:
		return topology.NewLearnedMAC(bridge, hw, port, host)
	case 15:
		return &topology.Router{ID: router, AdminUp: flag, InChain: anyChain(t), ForwardChain: anyChain(t)}
	case 16:
		return &topology.Route{ID: small[topology.Route](t, "route", 3), Router: router,
			Kind: rapid.SampledFrom([]topology.RouteKind{topology.RouteBlackhole, topology.RouteFIP64}).Draw(t, "route kind")}
	case 17:
		return topology.NewRouterNeighbour(router, port, addr, hw, host)
	case 18:
		return topology.NewNATBlock(router, addr, 64, host)
	case 19:
		return &topology.FloatingIP{ID: small[topology.FloatingIP](t, "floating", 3), Router: router, Addr: addr}
	case 20, 21:
		return &topology.Chain{ID: anyChain(t), Rules: []topology.Rule{{Jump: anyChain(t)}, {When: topology.Condition{SrcGroup: anyGroup(t)}}}}
	case 22:
		return &topology.AddrGroup{ID: anyGroup(t), Name: map[bool]string{true: "x", false: "y"}[flag]}
	case 23:
		return topology.NewGroupMember(anyGroup(t), netip.PrefixFrom(addr, 32), port)
	case 24:
		return &topology.Overlay{Target: topology.Key{Kind: topology.KindPort, ID: port}, At: anyDevice(t, bridge, router), InChain: anyChain(t)}
	case 25:
		at := anyDevice(t, bridge, router)
		return &topology.Overlay{Target: at, At: at, OutChain: anyChain(t)}
	}
	return &topology.HostState{Host: host, Version: "1"}
}

func anyChain(t *rapid.T) topology.ChainID     { return small[topology.Chain](t, "chain", 4) }
func anyGroup(t *rapid.T) topology.AddrGroupID { return small[topology.AddrGroup](t, "group", 3) }

func anyDevice(t *rapid.T, bridge topology.BridgeID, router topology.RouterID) topology.Key {
	if rapid.Bool().Draw(t, "router's") {
		return topology.Key{Kind: topology.KindRouter, ID: router}
	}
	return topology.Key{Kind: topology.KindBridge, ID: bridge}
}

// anyPort draws a port of a bridge or of a router, many of them wired to another.
func anyPort(t *rapid.T, port topology.PortID, bridge topology.BridgeID, router topology.RouterID) *topology.Port {
	p := &topology.Port{ID: port, AdminUp: rapid.Bool().Draw(t, "up"), Device: rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "device")}
	if rapid.Bool().Draw(t, "of router") {
		p.Router = router
	} else {
		p.Bridge = bridge
	}
	if rapid.Bool().Draw(t, "wired") {
		p.Peer = small[topology.Port](t, "port", 6)
	}
	if rapid.IntRange(0, 3).Draw(t, "secured") == 0 {
		p.Security = &topology.Security{Ingress: []topology.ChainID{anyChain(t)}}
	}
	return p
}

// TestIncrementalEqualsRecomputed takes random steps and asks, after each, that what every watching host has put together from its
// deltas is what a computation from nothing gives, and that a snapshot taken now says the same.
func TestIncrementalEqualsRecomputed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := newInterest()
		truth := map[topology.Key]topology.Object{}
		had := map[topology.HostID]map[topology.Key]topology.Object{}
		wanted := map[topology.HostID][]topology.RouterID{}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			host := small[topology.Host](t, "host", 4)
			if _, ok := had[host]; !ok && rapid.IntRange(0, 3).Draw(t, "watch") == 0 {
				had[host] = byKey(x.watch(host, nil))
			}
			if had[host] != nil && rapid.IntRange(0, 3).Draw(t, "want") == 0 {
				wanted[host] = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) topology.RouterID {
					return small[topology.Router](t, "router", 3)
				}), 0, 2).Draw(t, "wanted")
				receive(t, had[host], x.want(host, wanted[host]))
			}
			puts, deletes := anyStep(t, truth)
			for _, part := range x.apply(puts, deletes) {
				for host, d := range part {
					receive(t, had[host], d)
				}
			}
			for host, got := range had {
				want := needs(truth, host, wanted[host])
				if diff := cmp.Diff(want, got, netipEqual); diff != "" {
					t.Fatalf("host %v after %v, -%v (-want +got):\n%s", host, puts, deletes, diff)
				}
				if diff := cmp.Diff(want, byKey(x.watch(host, wanted[host])), netipEqual); diff != "" {
					t.Fatalf("snapshot for host %v (-want +got):\n%s", host, diff)
				}
			}
		}
		for host := range had {
			x.unwatch(host)
		}
		drain(t, x, truth)
	})
}

// anyStep draws a step and applies it to the truth. As in an Update, a key is put or deleted, not both.
func anyStep(t *rapid.T, truth map[topology.Key]topology.Object) (puts []topology.Object, deletes []topology.Key) {
	seen := map[topology.Key]bool{}
	for range rapid.IntRange(1, 6).Draw(t, "changes") {
		o := anyObject(t)
		if seen[o.Key()] {
			continue
		}
		seen[o.Key()] = true
		if rapid.IntRange(0, 2).Draw(t, "delete") == 0 {
			deletes = append(deletes, o.Key())
			delete(truth, o.Key())
		} else {
			puts = append(puts, o)
			truth[o.Key()] = o
		}
	}
	return puts, deletes
}

// receive applies a delta as a host does, and refuses one that says what the host knows already.
func receive(t *rapid.T, had map[topology.Key]topology.Object, d delta) {
	for _, k := range d.deletes {
		if had[k] == nil {
			t.Fatalf("delete of %v, which the host does not have", k)
		}
		delete(had, k)
	}
	for _, o := range d.puts {
		if cmp.Equal(had[o.Key()], o, netipEqual) {
			t.Fatalf("put of %v, which the host has already", o.Key())
		}
		had[o.Key()] = o
	}
}

// drain deletes everything and asks that no index keeps anything.
func drain(t *rapid.T, x *interest, truth map[topology.Key]topology.Object) {
	x.apply(nil, slices.Collect(maps.Keys(truth)))
	if n := len(x.objects) + len(x.onNode) + len(x.owned) + len(x.located) + len(x.homes) + len(x.leads) + len(x.wanted) +
		len(x.reached) + len(x.hearing) + len(x.moved) + len(x.leaving) + len(x.noted) + len(x.others); n != 0 {
		t.Fatalf("%d index entries are left when nothing is stored: %+v", n, x)
	}
}

func byKey(objects []topology.Object) map[topology.Key]topology.Object {
	m := map[topology.Key]topology.Object{}
	for _, o := range objects {
		m[o.Key()] = o
	}
	return m
}

// TestAHostLearnsWhereItsLastPortGoes: a host from which the last port of a network moves is told of the other host while it still has what
// belongs to the port, and forgets that afterwards.
func TestAHostLearnsWhereItsLastPortGoes(t *testing.T) {
	x := newInterest()
	bridge := &topology.Bridge{ID: id.New[topology.Bridge]()}
	from, to := &topology.Host{ID: id.New[topology.Host]()}, &topology.Host{ID: id.New[topology.Host]()}
	port := &topology.Port{ID: id.New[topology.Port](), Bridge: bridge.ID}
	neighbour := topology.NewNeighbour(bridge.ID, netip.MustParseAddr("10.0.0.3"), mac.Addr{2}, port.ID)
	x.watch(from.ID, nil)
	x.watch(to.ID, nil)
	x.apply([]topology.Object{bridge, from, to, port, neighbour, &topology.Binding{Port: port.ID, Host: from.ID}}, nil)
	moved := &topology.Binding{Port: port.ID, Host: to.ID}
	parts := x.apply([]topology.Object{moved}, nil)
	if len(parts) != 2 {
		t.Fatalf("%d parts, want 2", len(parts))
	}
	first, second := parts[0][from.ID], parts[1][from.ID]
	if got := byKey(first.puts); got[moved.Key()] != topology.Object(moved) || got[to.Key()] == nil || len(first.deletes) != 0 {
		t.Errorf("the old host is told %v and has to forget %v, want it to learn of the binding and of the new host", first.puts, first.deletes)
	}
	want := []topology.Key{bridge.Key(), port.Key(), neighbour.Key(), moved.Key(), to.Key()}
	if len(second.puts) != 0 || len(second.deletes) != len(want) {
		t.Errorf("then it is told %v and has to forget %v, want %v", second.puts, second.deletes, want)
	}
	for _, k := range want {
		if !slices.Contains(second.deletes, k) {
			t.Errorf("then it keeps %v", k)
		}
	}
	if got := byKey(parts[0][to.ID].puts); got[neighbour.Key()] == nil || len(parts[1][to.ID].puts) != 0 {
		t.Errorf("the new host is told %v and then %v, want everything at once", got, parts[1][to.ID].puts)
	}
}

// TestAStepConcernsOnlyItsHosts shows that the work for a step does not grow with the cloud: many hosts watch, each with a bridge of
// its own, and a change on one bridge is computed for that host alone.
func TestAStepConcernsOnlyItsHosts(t *testing.T) {
	x := newInterest()
	var ports []*topology.Port
	for i := range 500 {
		name := strings.Repeat("x", i+1)
		bridge := id.Derive[topology.Bridge](topology.BridgeID{}, name)
		host := id.Derive[topology.Host](topology.HostID{}, name)
		port := &topology.Port{ID: id.Derive[topology.Port](topology.PortID{}, name), Bridge: bridge}
		ports = append(ports, port)
		x.watch(host, nil)
		x.apply([]topology.Object{&topology.Bridge{ID: bridge}, port, &topology.Binding{Port: port.ID, Host: host}}, nil)
	}
	changed := *ports[0]
	allocs := testing.AllocsPerRun(10, func() {
		changed.AdminUp = !changed.AdminUp
		next := changed
		if got := x.apply([]topology.Object{&next}, nil); len(got) != 1 || len(got[0]) != 1 {
			t.Fatalf("the change concerns %d hosts, want 1", len(got[0]))
		}
	})
	if allocs > 50 {
		t.Errorf("%v allocations for a change of one port of one host", allocs)
	}
}
