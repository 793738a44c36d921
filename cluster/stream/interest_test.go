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
func needs(objects map[topology.Key]topology.Object, host topology.HostID) map[topology.Key]topology.Object {
	onBridges := map[topology.BridgeID]bool{}
	portBridge := map[topology.PortID]topology.BridgeID{}
	bindings := map[topology.PortID]*topology.Binding{}
	for _, o := range objects {
		switch o := o.(type) {
		case *topology.Port:
			portBridge[o.ID] = o.Bridge
		case *topology.Binding:
			bindings[o.Port] = o
		}
	}
	hostsNeeded := map[topology.HostID]bool{host: true}
	for p, b := range bindings {
		if br, ok := portBridge[p]; ok && b.Host == host {
			onBridges[br] = true
		}
	}
	for p, b := range bindings {
		if onBridges[portBridge[p]] {
			hostsNeeded[b.Host] = true
		}
	}
	portNeeded := func(p topology.PortID) bool {
		return onBridges[portBridge[p]] || bindings[p] != nil && bindings[p].Host == host
	}
	result := map[topology.Key]topology.Object{}
	for k, o := range objects {
		need := false
		switch o := o.(type) {
		case *topology.Host:
			need = hostsNeeded[o.ID]
		case *topology.Binding:
			need = portNeeded(o.Port)
		case *topology.PortState:
			need = portNeeded(o.Port)
		case *topology.Bridge:
			need = onBridges[o.ID]
		case *topology.Port:
			need = onBridges[o.Bridge]
		case *topology.DHCP:
			need = onBridges[o.Bridge]
		case *topology.DHCPHost:
			need = onBridges[o.Bridge]
		case *topology.MACEntry:
			need = onBridges[o.Bridge]
		case *topology.Neighbour:
			need = onBridges[o.Bridge]
		case *topology.LearnedMAC:
			need = onBridges[o.Bridge]
		}
		if need {
			result[k] = o
		}
	}
	return result
}

// small returns one of a few identifiers, so that random objects meet.
func small[T any](t *rapid.T, label string, n int) id.ID[T] {
	return id.Derive[T](id.ID[T]{}, label+string(rune('a'+rapid.IntRange(0, n-1).Draw(t, label))))
}

func anyObject(t *rapid.T) topology.Object {
	bridge, port := small[topology.Bridge](t, "bridge", 3), small[topology.Port](t, "port", 6)
	host, hw := small[topology.Host](t, "host", 4), mac.Addr{2, 0, 0, 0, 0, byte(rapid.IntRange(0, 3).Draw(t, "mac"))}
	flag := rapid.Bool().Draw(t, "flag")
	switch rapid.IntRange(0, 13).Draw(t, "kind") {
	case 0:
		return &topology.Bridge{ID: bridge, AdminUp: flag}
	case 1, 2:
		return &topology.Port{ID: port, Bridge: bridge, AdminUp: flag}
	case 3:
		return &topology.DHCP{ID: small[topology.DHCP](t, "dhcp", 3), Bridge: bridge, Enabled: flag}
	case 4:
		return &topology.DHCPHost{ID: small[topology.DHCPHost](t, "dhcphost", 3), Bridge: bridge, Port: port}
	case 5:
		return topology.NewMACEntry(bridge, hw, port)
	case 6:
		return topology.NewNeighbour(bridge, netip.AddrFrom4([4]byte{10, 0, 0, hw[5]}), hw, port)
	case 7:
		return &topology.Host{ID: host, Name: map[bool]string{true: "x", false: "y"}[flag]}
	case 8, 9, 10:
		return &topology.Binding{Port: port, Host: host, Interface: "tap0"}
	case 11:
		return &topology.PortState{Port: port, Host: host, Active: flag}
	case 12:
		return topology.NewLearnedMAC(bridge, hw, port, host)
	}
	return &topology.HostState{Host: host, Version: "1"}
}

// TestIncrementalEqualsRecomputed takes random steps and asks, after each, that what every watching host has put together from its
// deltas is what a computation from nothing gives, and that a snapshot taken now says the same.
func TestIncrementalEqualsRecomputed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := newInterest()
		truth := map[topology.Key]topology.Object{}
		had := map[topology.HostID]map[topology.Key]topology.Object{}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			host := small[topology.Host](t, "host", 4)
			if _, ok := had[host]; !ok && rapid.IntRange(0, 3).Draw(t, "watch") == 0 {
				x.watching[host] = struct{}{}
				had[host] = byKey(x.snapshot(host))
			}
			puts, deletes := anyStep(t, truth)
			for host, d := range x.apply(puts, deletes) {
				receive(t, had[host], d)
			}
			for host, got := range had {
				want := needs(truth, host)
				if diff := cmp.Diff(want, got, netipEqual); diff != "" {
					t.Fatalf("host %v after %v, -%v (-want +got):\n%s", host, puts, deletes, diff)
				}
				if diff := cmp.Diff(want, byKey(x.snapshot(host)), netipEqual); diff != "" {
					t.Fatalf("snapshot for host %v (-want +got):\n%s", host, diff)
				}
			}
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
	if n := len(x.objects) + len(x.onBridge) + len(x.bound) + len(x.hosts) + len(x.bridges) + len(x.noted); n != 0 {
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
		x.watching[host] = struct{}{}
		x.apply([]topology.Object{&topology.Bridge{ID: bridge}, port, &topology.Binding{Port: port.ID, Host: host}}, nil)
	}
	changed := *ports[0]
	allocs := testing.AllocsPerRun(10, func() {
		changed.AdminUp = !changed.AdminUp
		next := changed
		if got := x.apply([]topology.Object{&next}, nil); len(got) != 1 {
			t.Fatalf("the change concerns %d hosts, want 1", len(got))
		}
	})
	if allocs > 50 {
		t.Errorf("%v allocations for a change of one port of one host", allocs)
	}
}
