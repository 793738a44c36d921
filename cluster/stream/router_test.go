package stream_test

import (
	"context"
	"net/netip"
	"path/filepath"
	"sync"
	"testing"

	"midonet.org/midonet/agent/session"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/id"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
	"midonet.org/midonet/topology/topologypb"
)

// wire joins a bridge and a router, and returns the router's end.
func (c *cluster) wire(bridge topology.BridgeID, router topology.RouterID) topology.PortID {
	c.t.Helper()
	b := &topology.Port{ID: id.New[topology.Port](), Bridge: bridge, AdminUp: true}
	r := &topology.Port{ID: id.New[topology.Port](), Router: router, Peer: b.ID, AdminUp: true}
	b.Peer = r.ID
	c.put(b, r, &topology.Router{ID: router, AdminUp: true})
	return r.ID
}

// TestRoutersBehindAnExternalBridgeComeOnDemand has two routers meet on an external bridge. A host behind one of them is sent the
// bridge but not what is behind the other router, until it wants that.
func TestRoutersBehindAnExternalBridgeComeOnDemand(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	blue, ports := c.network(1)
	red, redPorts := c.network(1)
	outside := &topology.Bridge{ID: id.New[topology.Bridge](), AdminUp: true, External: true}
	c.put(outside)
	mine, other := id.New[topology.Router](), id.New[topology.Router]()
	c.wire(blue, mine)
	c.wire(outside.ID, mine)
	c.wire(outside.ID, other)
	c.wire(red, other)
	h := c.newHost(filepath.Join(t.TempDir(), "a"))
	eventually(t, "runs", func() bool { return h.Status().Connected })
	h.bind(ports[0], "tap0")
	eventually(t, "the external bridge is there", func() bool { return h.knows(outside.Key()) && h.knows(key(topology.KindRouter, mine)) })
	if h.knows(key(topology.KindRouter, other)) || h.knows(key(topology.KindPort, redPorts[0])) {
		t.Fatal("the host was sent a router that it does not need")
	}
	h.Want([]topology.RouterID{other})
	eventually(t, "the router and what is behind it are there", func() bool {
		return h.knows(key(topology.KindRouter, other)) && h.knows(key(topology.KindPort, redPorts[0]))
	})
	h.Want(nil)
	eventually(t, "they are gone", func() bool {
		return !h.knows(key(topology.KindRouter, other)) && !h.knows(key(topology.KindPort, redPorts[0]))
	})
}

// TestBlocksAreExclusive lets two hosts lease all the blocks of an address at one time.
func TestBlocksAreExclusive(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	router, addr := &topology.Router{ID: id.New[topology.Router]()}, netip.MustParseAddr("203.0.113.1")
	c.put(router)
	hosts := []*host{c.newHost(filepath.Join(t.TempDir(), "a")), c.newHost(filepath.Join(t.TempDir(), "b"))}
	for _, h := range hosts {
		eventually(t, "reports", func() bool { return !h.Status().LastReport.IsZero() })
	}
	const blocks = 8
	var leasing sync.WaitGroup
	for _, h := range hosts {
		leasing.Go(func() {
			for range blocks / 2 {
				if err := h.LeaseNAT(t.Context(), router.ID, addr, 1000, 1023+64*blocks); err != nil {
					t.Error(err)
				}
			}
		})
	}
	leasing.Wait()
	held := map[topology.HostID][]session.Block{}
	for b := range c.mirror.State().NATBlocks(router.ID) {
		if b.First < 1024 || b.First%64 != 0 || int(b.First)+63 > 1023+64*blocks {
			t.Errorf("block %d is not within the ports asked for", b.First)
		}
		held[b.Host] = append(held[b.Host], session.Block{Router: b.Router, Addr: b.Addr, First: b.First})
	}
	for _, h := range hosts {
		if got := len(held[h.HostID()]); got != blocks/2 {
			t.Errorf("a host holds %d blocks, want %d", got, blocks/2)
		}
		own := topology.NewNATBlock(router.ID, addr, held[h.HostID()][0].First, h.HostID())
		eventually(t, "the host is told of its block", func() bool { return h.knows(own.Key()) })
	}
	if err := hosts[0].LeaseNAT(t.Context(), router.ID, addr, 1024, 1023+64*blocks); !errs.Is(err, errs.Unavailable) {
		t.Errorf("a block more than there are: %v", err)
	}
	if err := hosts[0].LeaseNAT(t.Context(), id.New[topology.Router](), addr, 1024, 2048); !errs.Is(err, errs.NotFound) {
		t.Errorf("a block of no router: %v", err)
	}
	for _, h := range hosts { // named in reports, the blocks stay
		h.report(func(f *session.Facts) { f.Blocks = held[h.HostID()] })
		h.awaitReport()
	}
	if n := count(c.mirror.State().NATBlocks(router.ID)); n != blocks {
		t.Errorf("%d of %d blocks are left", n, blocks)
	}
}

func count[T any](all func(func(T) bool)) (n int) {
	for range all {
		n++
	}
	return n
}

// TestBlocksRest: a block that a host gives back is leased again when nobody is left that has not been leased, and then the one that has been
// free for longest.
func TestBlocksRest(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	router, addr := &topology.Router{ID: id.New[topology.Router]()}, netip.MustParseAddr("203.0.113.1")
	c.put(router)
	h := c.newHost(filepath.Join(t.TempDir(), "a"))
	eventually(t, "reports", func() bool { return !h.Status().LastReport.IsZero() })
	const blocks = 6
	lease := func() uint16 {
		before := map[uint16]bool{}
		for b := range c.mirror.State().NATBlocks(router.ID) {
			before[b.First] = true
		}
		check(t, h.LeaseNAT(t.Context(), router.ID, addr, 1024, 1023+64*blocks))
		for b := range c.mirror.State().NATBlocks(router.ID) {
			if !before[b.First] {
				return b.First
			}
		}
		t.Fatal("no block was leased")
		return 0
	}
	var order []uint16
	for range 2 * blocks {
		first := lease()
		if n := len(order); n >= blocks && first != order[n-blocks] {
			t.Errorf("after %v block %d is leased, want the one that has been free for longest", order, first)
		}
		for i := range min(len(order), blocks-1) {
			if order[len(order)-1-i] == first {
				t.Errorf("after %v block %d is leased again", order, first)
			}
		}
		order = append(order, first)
		c.remove(topology.NewNATBlock(router.ID, addr, first, h.HostID()).Key())
	}
}

// TestNeighboursThatHostsFind has a host tell of a neighbour of a router that it reaches, and of one that it does not.
func TestNeighboursThatHostsFind(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	blue, ports := c.network(1)
	mine, other := id.New[topology.Router](), &topology.Router{ID: id.New[topology.Router]()}
	port := c.wire(blue, mine)
	c.put(other)
	h := c.newHost(filepath.Join(t.TempDir(), "a"))
	eventually(t, "runs", func() bool { return h.Status().Connected })
	h.bind(ports[0], "tap0")
	eventually(t, "reaches its router", func() bool { return h.knows(key(topology.KindRouter, mine)) })
	addr, hw := netip.MustParseAddr("10.0.0.9"), mac.MustParse("02:00:00:00:00:99")
	h.report(func(f *session.Facts) {
		f.Found = []session.Neighbour{{Router: mine, Port: port, Addr: addr, MAC: hw}, {Router: other.ID, Port: port, Addr: addr, MAC: hw}}
	})
	eventually(t, "the neighbour is known", func() bool { return count(c.mirror.State().RouterNeighbours(mine)) == 1 })
	if n := count(c.mirror.State().RouterNeighbours(other.ID)); n != 0 {
		t.Error("a host told of the neighbours of a router that it does not reach")
	}
	h.report(func(f *session.Facts) { f.Found = nil })
	eventually(t, "the neighbour is forgotten", func() bool { return count(c.mirror.State().RouterNeighbours(mine)) == 0 })
}

// TestNeighboursOfAHostThatDoesNotWatch: what a host has told stays when it reports while it does not watch, as between two calls, and it may then tell of
// nothing else.
func TestNeighboursOfAHostThatDoesNotWatch(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	blue, ports := c.network(1)
	router, h := id.New[topology.Router](), id.New[topology.Host]()
	port := c.wire(blue, router)
	c.put(&topology.Binding{Port: ports[0], Host: h, Interface: "tap0"})
	r := c.raw(certificate(t, c.authority, h))
	report := func(found int) {
		t.Helper()
		req := &topologypb.ReportRequest{Host: topologypb.ToProto(&topology.Host{ID: h, Name: "h"}).GetHost(),
			State: topologypb.ToProto(&topology.HostState{Host: h, Version: "1"}).GetHostState()}
		for i := range found {
			n := topology.NewRouterNeighbour(router, port, netip.AddrFrom4([4]byte{10, 0, 0, byte(100 + i)}), mac.Addr{2, 0, 0, 0, 0, 1}, h)
			req.Neighbours = append(req.Neighbours, topologypb.ToProto(n).GetRouterNeighbour())
		}
		_, err := r.Report(t.Context(), req)
		check(t, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := r.watch(t, ctx).Recv()
	check(t, err)
	report(2)
	cancel()
	eventually(t, "the host does not watch", func() bool { return !c.server.Watches(h) })
	report(3)
	if n := count(c.mirror.State().RouterNeighbours(router)); n != 2 {
		t.Errorf("%d neighbours are known, want the 2 that there were", n)
	}
}

// TestUplinksArePluggedInAsNeutronSays has a port name a host that comes later, then another interface, then another host.
func TestUplinksArePluggedInAsNeutronSays(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	router := &topology.Router{ID: id.New[topology.Router]()}
	port := topology.Port{ID: id.New[topology.Port](), Router: router.ID}
	wants := func(host, iface string) {
		now := port
		now.Plug = &topology.Plug{HostName: host, Interface: iface}
		c.put(&now)
	}
	is := func(h *host, iface string) func() bool {
		return func() bool {
			b, _ := c.mirror.State().Get(key(topology.KindBinding, port.ID)).(*topology.Binding)
			return b != nil && b.SamePlace(&topology.Binding{Port: port.ID, Host: h.HostID(), Interface: iface})
		}
	}
	c.put(router)
	wants("gateway1", "eth1")
	first := c.namedHost("gateway1")
	eventually(t, "plugged in when the host has come", is(first, "eth1"))
	wants("gateway1", "eth2")
	eventually(t, "plugged into another interface", is(first, "eth2"))
	second := c.namedHost("gateway2")
	wants("gateway2", "eth2")
	eventually(t, "plugged in on another host", is(second, "eth2"))
	third := c.namedHost("gateway2")
	eventually(t, "the third host is known", func() bool { return c.mirror.State().Get(key(topology.KindHost, third.HostID())) != nil })
	wants("gateway2", "eth3")
	second.awaitReport()
	if !is(second, "eth2")() {
		t.Error("a name that two hosts have was followed")
	}
}

// namedHost starts a host of the name.
func (c *cluster) namedHost(name string) *host {
	c.t.Helper()
	return startHost(c.t, session.Config{StateDir: filepath.Join(c.t.TempDir(), name), HostName: name, JoinToken: c.token(), Log: quiet})
}
