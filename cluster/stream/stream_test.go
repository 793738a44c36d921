package stream_test

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"midonet.org/midonet/agent/session"
	"midonet.org/midonet/cluster/nsdb/mirror"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/id"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
	"midonet.org/midonet/topology/topologypb"
)

// TestAPortsLife follows a port from its binding to the end of its host.
func TestAPortsLife(t *testing.T) {
	t.Parallel()
	c := newClusterOf(t, shortLease)
	bridge, ports := c.network(3)
	h := c.newHost(filepath.Join(t.TempDir(), "a"), c.addresses[0])
	other := c.newHost(filepath.Join(t.TempDir(), "b"), c.addresses[1]) // over the Unix socket
	eventually(t, "both hosts are known", func() bool { l, err := other.ListHosts(t.Context()); return err == nil && len(l) == 2 })
	if h.knows(key(topology.KindBridge, bridge)) {
		t.Fatal("the host knows a network that it has no port on")
	}

	h.bind(ports[0], "tap0")
	// 1 bridge, 3 ports, 3 MACs, 3 neighbours, its binding, its host
	eventually(t, "the host knows the network of its port", func() bool { return h.count() == 12 })
	if c.sink.isActive(ports[0]) {
		t.Fatal("ACTIVE before the host said that the interface is up")
	}
	h.report(func(f *session.Facts) { f.Ports = map[topology.PortID]bool{ports[0]: true} })
	eventually(t, "ACTIVE", func() bool { return c.sink.isActive(ports[0]) })
	h.report(func(f *session.Facts) { f.Ports = map[topology.PortID]bool{ports[0]: false} })
	eventually(t, "DOWN with the interface", func() bool { return !c.sink.isActive(ports[0]) })
	h.report(func(f *session.Facts) { f.Ports = map[topology.PortID]bool{ports[0]: true} })
	eventually(t, "ACTIVE again", func() bool { return c.sink.isActive(ports[0]) })

	other.bind(ports[1], "tap9")
	eventually(t, "each host knows the other", func() bool {
		return h.knows(key(topology.KindHost, other.HostID())) && other.knows(key(topology.KindHost, h.HostID()))
	})
	check(t, other.Unbind(t.Context(), ports[1]))
	eventually(t, "a host without a port forgets the network", func() bool { return other.count() == 1 })

	counted := func() bool { _, ok := c.server.Counts()[h.HostID()]; return ok }
	eventually(t, "the server knows what the host has counted", counted)
	h.stop()
	eventually(t, "DOWN when the host has been silent for its lease", func() bool { return !c.sink.isActive(ports[0]) })
	eventually(t, "what a silent host has counted is forgotten", func() bool { return !counted() })
	eventually(t, "the other host alone is alive", func() bool {
		hosts, err := other.ListHosts(t.Context())
		return err == nil && len(hosts) == 2 &&
			!slices.ContainsFunc(hosts, func(k session.KnownHost) bool { return k.Alive != (k.Host.ID == other.HostID()) })
	})
}

// TestAHostWithTooMuchToSayIsHeard has a host with more of everything than a report may have. Its server must not refuse it, and
// take it for dead, because a workload invents addresses or somebody gives an interface thousands.
func TestAHostWithTooMuchToSayIsHeard(t *testing.T) {
	c := newCluster(t)
	bridge, ports := c.network(1)
	h := c.newHost(filepath.Join(t.TempDir(), "a"))
	eventually(t, "runs", func() bool { return h.Status().Connected })
	h.bind(ports[0], "tap0")
	h.report(func(f *session.Facts) {
		f.Ports = map[topology.PortID]bool{ports[0]: true}
		f.Interfaces = []topology.Interface{{Name: "\xff"}, {Name: "ipvs", Addrs: make([]netip.Addr, 5000)}}
		for i := range f.Interfaces[1].Addrs {
			f.Interfaces[1].Addrs[i] = netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)})
		}
		for i := range 3000 {
			f.Interfaces = append(f.Interfaces, topology.Interface{Name: fmt.Sprintf("tap%d", i)})
		}
		for i := range 9000 {
			f.Learned = append(f.Learned, session.Station{Bridge: bridge, Port: ports[0], MAC: mac.Addr{2, 0, 0, 0, byte(i >> 8), byte(i)}})
		}
	})
	eventually(t, "the port is active", func() bool { return c.sink.isActive(ports[0]) })
	eventually(t, "nothing is refused", func() bool { s := h.Status(); return s.LastError == "" && !s.LastReport.IsZero() })
}

func TestBindingRules(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	_, ports := c.network(3)
	a, b := c.newHost(filepath.Join(t.TempDir(), "a")), c.newHost(filepath.Join(t.TempDir(), "b"))
	eventually(t, "both run", func() bool { return a.Status().Connected && b.Status().Connected })

	a.bind(ports[0], "tap0")
	a.bind(ports[0], "tap0") // again is no error
	refused := func(name string, err error, kind errs.Kind, words ...string) {
		t.Helper()
		if !errs.Is(err, kind) {
			t.Errorf("%s: %v", name, err)
			return
		}
		for _, w := range words {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %q does not say %q", name, err, w)
			}
		}
	}
	ctx := t.Context()
	unknown := id.New[topology.Port]()
	refused("unknown port", a.Bind(ctx, unknown, "tap7"), errs.NotFound, unknown.String())
	refused("interface of another port", a.Bind(ctx, ports[1], "tap0"), errs.Conflict, "tap0", ports[0].String())
	refused("port of another interface", a.Bind(ctx, ports[0], "tap1"), errs.Conflict, "tap0", ports[0].String())
	refused("long name", a.Bind(ctx, ports[1], "sixteen-letters!"), errs.Invalid)
	refused("slash", a.Bind(ctx, ports[1], "a/b"), errs.Invalid)
	refused("empty", a.Bind(ctx, ports[1], ""), errs.Invalid)
	refused("space", a.Bind(ctx, ports[1], "tap 0"), errs.Invalid)
	refused("no port", a.Bind(ctx, topology.PortID{}, "tap0"), errs.Invalid)

	check(t, b.Unbind(ctx, ports[0])) // not bound there: nothing happens
	if !bound(c, ports[0], a.HostID()) {
		t.Fatal("a host unbound another's port")
	}
	a.report(func(f *session.Facts) { f.Ports = map[topology.PortID]bool{ports[0]: true} })
	eventually(t, "ACTIVE", func() bool { return c.sink.isActive(ports[0]) })
	b.bind(ports[0], "tap5") // the workload moves
	if !bound(c, ports[0], b.HostID()) {
		t.Fatal("the last to bind does not have the port")
	}
	if at := mirror.Lookup[*topology.Binding](c.mirror.State(), topology.KindBinding, ports[0]); at.Former[0] != a.HostID() {
		t.Errorf("the port was on host %v before, and its binding says %v", a.HostID(), at.Former)
	}
	eventually(t, "the new host knows the one before", func() bool { return b.knows(key(topology.KindHost, a.HostID())) })
	eventually(t, "DOWN until the new host says so", func() bool { return !c.sink.isActive(ports[0]) })
	b.report(func(f *session.Facts) { f.Ports = map[topology.PortID]bool{ports[0]: true} })
	eventually(t, "ACTIVE on the new host, whatever the old one still says", func() bool { return c.sink.isActive(ports[0]) })
	a.bind(ports[1], "tap0") // its interface is free now

	c.remove(key(topology.KindPort, ports[1]))
	a.bind(ports[2], "tap0") // the binding of a port that is gone does not hold the interface
	if bound(c, ports[1], a.HostID()) {
		t.Error("the binding of the deleted port is still there")
	}
}

// TestABindWaitsForItsPort for as long as Neutron's changes are on their way, and no longer.
func TestABindWaitsForItsPort(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	bridge, _ := c.network(1)
	h := c.newHost(filepath.Join(t.TempDir(), "a"))
	eventually(t, "it runs", func() bool { return h.Status().Connected })
	late := id.New[topology.Port]()
	c.behind.Store(true)
	bound := make(chan error, 1)
	go func() { bound <- h.Bind(t.Context(), late, "tap0") }()
	eventually(t, "the server has given the port all the time that it gives one that does not come", func() bool { return c.asked.Load() > 0 })
	select {
	case err := <-bound:
		t.Fatalf("before the port is there: %v", err)
	default:
	}
	c.put(&topology.Port{ID: late, Bridge: bridge, AdminUp: true})
	if err := <-bound; err != nil {
		t.Errorf("when the port is there: %v", err)
	}
	never := id.New[topology.Port]()
	_, err := c.raw(certificate(t, c.authority, h.HostID())).Bind(t.Context(), &topologypb.BindRequest{Port: never[:], Interface: "tap1"})
	if err = topologypb.FromStatus(err); !errs.Is(err, errs.Unavailable) || !strings.Contains(err.Error(), "still to come from Neutron") {
		t.Errorf("a port that may come: %v", err)
	}
}

func TestLearnedAddressesFollowTheStation(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	bridge, ports := c.network(2)
	a, b := c.newHost(filepath.Join(t.TempDir(), "a")), c.newHost(filepath.Join(t.TempDir(), "b"))
	eventually(t, "both run", func() bool { return a.Status().Connected && b.Status().Connected })
	a.bind(ports[0], "tap0")
	b.bind(ports[1], "tap0")
	a.awaitReport() // what is new in a report can be told from its second on
	b.awaitReport()
	hw := mac.MustParse("02:00:00:00:00:99")
	behind := func(h *host, port topology.PortID) {
		h.report(func(f *session.Facts) { f.Learned = []session.Station{{Bridge: bridge, Port: port, MAC: hw}} })
	}
	where := func() topology.HostID {
		l, _ := c.mirror.State().Get(topology.NewLearnedMAC(bridge, hw, ports[0], a.HostID()).Key()).(*topology.LearnedMAC)
		if l == nil {
			return topology.HostID{}
		}
		return l.Host
	}
	behind(a, ports[0])
	eventually(t, "the station is at a", func() bool { return where() == a.HostID() })
	eventually(t, "b is told", func() bool {
		return b.knows(topology.NewLearnedMAC(bridge, hw, ports[0], a.HostID()).Key())
	})
	behind(b, ports[1])
	eventually(t, "the station has moved to b, though a still has its old record", func() bool { return where() == b.HostID() })
	a.awaitReport()
	if where() != b.HostID() {
		t.Error("a fought for its old record")
	}
	a.mu.Lock()
	if want := topology.NewLearnedMAC(bridge, hw, ports[0], a.HostID()).Key(); !slices.Equal(a.elsewhere, []topology.Key{want}) {
		t.Errorf("a is told that %v are elsewhere, want %v", a.elsewhere, want)
	}
	a.mu.Unlock()
	b.report(func(f *session.Facts) { f.Learned = nil })
	eventually(t, "gone from b", func() bool { return where() != b.HostID() })
	behind(a, ports[1]) // not its port
	a.awaitReport()
	eventually(t, "a record behind another host's port is not kept", func() bool { return where() == topology.HostID{} })
}

// TestAHostIsToldWhatAnotherHas loses a report: a station and a router's neighbour are at a, then at b, and at a again, and of a's reports the one
// without them does not come. The answer to the next one tells a to say them anew.
func TestAHostIsToldWhatAnotherHas(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	bridge, ports := c.network(2)
	router := &topology.Router{ID: id.New[topology.Router](), AdminUp: true}
	uplinks := []topology.PortID{id.New[topology.Port](), id.New[topology.Port]()}
	c.put(router, &topology.Port{ID: uplinks[0], Router: router.ID}, &topology.Port{ID: uplinks[1], Router: router.ID})
	hw := []mac.Addr{mac.MustParse("02:00:00:00:00:98"), mac.MustParse("02:00:00:00:00:99")}
	hosts := []topology.HostID{id.New[topology.Host](), id.New[topology.Host]()}
	var clients []*rawClient
	for i, h := range hosts {
		c.put(&topology.Binding{Port: ports[i], Host: h, Interface: "tap0"}, &topology.Binding{Port: uplinks[i], Host: h, Interface: "eth1"})
		clients = append(clients, c.raw(certificate(t, c.authority, h)))
		_, err := clients[i].watch(t, t.Context()).Recv()
		check(t, err)
	}
	station := func(i int) *topology.LearnedMAC { return topology.NewLearnedMAC(bridge, hw[0], ports[i], hosts[i]) }
	neighbour := func(i int) *topology.RouterNeighbour {
		return topology.NewRouterNeighbour(router.ID, uplinks[0], netip.MustParseAddr("203.0.113.1"), hw[i], hosts[i])
	}
	report := func(i int, here bool) (elsewhere []*topologypb.Key) {
		t.Helper()
		q := &topologypb.ReportRequest{
			Host:  topologypb.ToProto(&topology.Host{ID: hosts[i], Name: "h"}).GetHost(),
			State: topologypb.ToProto(&topology.HostState{Host: hosts[i], Version: "1"}).GetHostState(),
		}
		if here {
			q.Learned = append(q.Learned, topologypb.ToProto(station(i)).GetLearnedMac())
			q.Neighbours = append(q.Neighbours, topologypb.ToProto(neighbour(i)).GetRouterNeighbour())
		}
		reply, err := clients[i].Report(t.Context(), q)
		check(t, err)
		return reply.GetElsewhere()
	}
	expect := func(what string, elsewhere []*topologypb.Key, told, at int) {
		t.Helper()
		state := c.mirror.State()
		if len(elsewhere) != told || !reflect.DeepEqual(state.Get(station(0).Key()), topology.Object(station(at))) ||
			!reflect.DeepEqual(state.Get(neighbour(0).Key()), topology.Object(neighbour(at))) {
			t.Errorf("%s the host is told of %d things elsewhere, and the store has %v and %v, want %d, and those of host %d",
				what, len(elsewhere), state.Get(station(0).Key()), state.Get(neighbour(0).Key()), told, at)
		}
	}
	report(1, false)
	expect("at first", report(0, true), 0, 0)
	expect("when they have gone to b", report(1, true), 0, 1)
	expect("when they are back", report(0, true), 2, 1)
	expect("when a leaves them out", report(0, false), 0, 1)
	expect("when a says them again", report(0, true), 0, 0)
}

func TestAnIdleHostWritesNothing(t *testing.T) {
	c := newCluster(t)
	_, ports := c.network(1)
	h := c.newHost(filepath.Join(t.TempDir(), "a"))
	eventually(t, "runs", func() bool { return h.Status().Connected })
	h.bind(ports[0], "tap0")
	h.report(func(f *session.Facts) {
		f.Ports = map[topology.PortID]bool{ports[0]: true}
		f.Endpoints = []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")}
		f.Interfaces = []topology.Interface{
			{Name: "lo", MTU: 65536, Up: true, Addrs: []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.IPv6Loopback()}},
			{Name: "tap0", MAC: mac.MustParse("fe:16:3e:00:00:01"), MTU: 1500, Up: true},
		}
	})
	eventually(t, "ACTIVE", func() bool { return c.sink.isActive(ports[0]) })
	reports := func(n int) {
		for range n {
			h.report(func(f *session.Facts) {
				f.Counts.Flows++
				f.Counts.Misses += 7
				f.Counts.Begun += 3
				f.Counts.Opened += 2
			})
			h.awaitReport()
		}
	}
	reports(2)
	revision := c.mirror.State().Revision
	reports(5)
	if now := c.mirror.State().Revision; now != revision {
		t.Errorf("reports without news made steps: revision %d, then %d", revision, now)
	}
	if got := c.server.Counts()[h.HostID()]; got.Flows != 7 || got.Misses != 49 || got.Begun != 21 || got.Opened != 14 {
		t.Errorf("after seven reports the server knows of %+v", got)
	}
}
