package stream_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"midonet.org/midonet/agent/session"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/cluster/job/portstatus"
	"midonet.org/midonet/cluster/job/uplink"
	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/cluster/nsdb/etcd"
	"midonet.org/midonet/cluster/nsdb/mirror"
	"midonet.org/midonet/cluster/nsdb/staging"
	"midonet.org/midonet/cluster/stream"
	"midonet.org/midonet/cluster/stream/pki"
	"midonet.org/midonet/id"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/test/freeport"
	"midonet.org/midonet/topology"
	"midonet.org/midonet/topology/topologypb"
)

// patience is how long a test waits for what must come. A certificate that could not be renewed is tried again after a minute.
const patience = 2 * time.Minute

// How long a silent host counts as alive.
const (
	longLease  = 10 * time.Minute // whatever the machine does meanwhile
	shortLease = 3 * time.Second  // for tests of its end, which may come at any time in them, should the machine be busy
)

// cluster is a whole one in this process: embedded etcd, mirror, stream on TCP and on a Unix socket, status and uplink jobs.
type cluster struct {
	t         *testing.T
	dir       string
	addresses []string
	lease     time.Duration
	authority *pki.Authority
	store     nsdb.Large
	mirror    *mirror.Mirror
	server    *stream.Server
	leases    *leases      // of the server
	behind    atomic.Bool  // Neutron was told of something that the topology does not have
	asked     atomic.Int64 // how often the server wanted to know
	sink      *sink
	stop      func()
}

// newCluster starts a cluster in which no lease runs out.
func newCluster(t *testing.T) *cluster {
	t.Helper()
	return newClusterOf(t, longLease)
}

// newClusterOf starts a cluster with leases of the length.
func newClusterOf(t *testing.T, lease time.Duration) *cluster {
	t.Helper()
	dir := t.TempDir()
	c := &cluster{t: t, dir: dir, lease: lease, sink: &sink{active: map[string]bool{}},
		addresses: []string{"tcp://" + freeport.Address(t), "unix:" + filepath.Join(dir, "stream.sock")}}
	c.start()
	t.Cleanup(func() { c.stop() })
	return c
}

// start runs the cluster from what its directory holds.
func (c *cluster) start() {
	c.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	authority, err := pki.Open(filepath.Join(c.dir, "pki"))
	check(c.t, err)
	engine, err := etcd.OpenEmbedded(ctx, etcd.Embedded{Dir: filepath.Join(c.dir, "etcd"), Log: quiet})
	check(c.t, err)
	store := staging.Over(engine)
	var listeners []net.Listener
	for _, a := range c.addresses {
		network, address, err := topologypb.SplitAddress(a)
		check(c.t, err)
		l, err := net.Listen(network, address)
		check(c.t, err)
		listeners = append(listeners, l)
	}
	c.authority, c.store, c.mirror = authority, store, mirror.New(store, quiet)
	c.leases = &leases{Store: store}
	server := stream.New(stream.Config{Store: c.leases, Mirror: c.mirror, Authority: authority, LeaseTTL: c.lease, Log: quiet,
		Behind: func(context.Context) (bool, error) { c.asked.Add(1); return c.behind.Load(), nil }})
	c.server = server
	job := &portstatus.Job{Mirror: c.mirror, Sink: c.sink, Log: quiet}
	var running sync.WaitGroup
	running.Go(func() { c.mirror.Run(ctx) })
	running.Go(func() { job.Run(ctx) })
	uplinks := &uplink.Job{Mirror: c.mirror, Binder: server, Log: quiet}
	running.Go(func() { uplinks.Run(ctx) })
	running.Go(func() {
		if err := server.Run(ctx, listeners...); err != nil {
			c.t.Errorf("stream server: %v", err)
		}
	})
	c.stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
		store.Close()
	})
}

// leases is a store that remembers the leases that it has granted.
type leases struct {
	nsdb.Store
	mu      sync.Mutex
	granted []nsdb.Lease
}

func (l *leases) Grant(ctx context.Context, ttl time.Duration) (nsdb.Lease, error) {
	lease, err := l.Store.Grant(ctx, ttl)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil {
		l.granted = append(l.granted, lease)
	}
	return lease, err
}

func (l *leases) all() []nsdb.Lease {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.granted)
}

// token returns a join token, in its text form, for the cluster's addresses.
func (c *cluster) token() string {
	c.t.Helper()
	token, err := c.authority.NewToken(c.addresses, 0, false)
	check(c.t, err)
	text, err := token.Text()
	check(c.t, err)
	return text
}

// put stores objects as the importer would, and returns when the server knows them.
func (c *cluster) put(objects ...topology.Object) {
	c.t.Helper()
	c.update(func(tx nsdb.Tx) {
		for _, o := range objects {
			tx.Put(o)
		}
	})
}

// remove deletes an object, and returns when the server knows that.
func (c *cluster) remove(k topology.Key) {
	c.t.Helper()
	c.update(func(tx nsdb.Tx) { tx.Delete(k) })
}

func (c *cluster) update(fn func(nsdb.Tx)) {
	c.t.Helper()
	rev, err := c.store.Update(c.t.Context(), func(tx nsdb.Tx) error { fn(tx); return nil })
	check(c.t, err)
	check(c.t, c.server.Await(c.t.Context(), rev))
}

// replace makes a change of any size, and returns when the server knows it.
func (c *cluster) replace(writes map[topology.Key]topology.Object) {
	c.t.Helper()
	rev, err := c.store.UpdateLarge(c.t.Context(), nsdb.LargeChange{Writes: writes})
	check(c.t, err)
	check(c.t, c.server.Await(c.t.Context(), rev))
}

// network stores a bridge with ports, each with one address, and returns the ports.
func (c *cluster) network(ports int) (topology.BridgeID, []topology.PortID) {
	c.t.Helper()
	bridge := id.New[topology.Bridge]()
	objects := []topology.Object{&topology.Bridge{ID: bridge, Name: "net", AdminUp: true, MTU: 1450}}
	var result []topology.PortID
	for i := range ports {
		port, hw := id.New[topology.Port](), mac.Addr{0xfa, 0x16, 0x3e, 0, 0, byte(i)}
		result = append(result, port)
		objects = append(objects, &topology.Port{ID: port, Bridge: bridge, AdminUp: true, TunnelKey: uint32(i + 1)},
			topology.NewMACEntry(bridge, hw, port), topology.NewNeighbour(bridge, netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}), hw, port))
	}
	c.put(objects...)
	return bridge, result
}

// host is an agent without a datapath: its facts are what the test says.
type host struct {
	*session.Session
	t    *testing.T
	stop func()

	mu    sync.Mutex
	facts session.Facts
	asked time.Time                        // when the facts were asked for last
	known map[topology.Key]topology.Object // what the deltas add up to

	elsewhere []topology.Key // of the last report of which any were
}

// newHost joins a host that keeps its state in dir and talks to the given addresses, or to all of them.
func (c *cluster) newHost(dir string, addresses ...string) *host {
	c.t.Helper()
	return startHost(c.t, session.Config{
		StateDir: dir, HostName: "host-" + filepath.Base(dir), JoinToken: c.token(), Addresses: addresses,
	})
}

func startHost(t *testing.T, config session.Config) *host {
	t.Helper()
	h := &host{t: t, known: map[topology.Key]topology.Object{}}
	config.Version, config.Log = "test", quiet
	config.Elsewhere = func(keys []topology.Key) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.elsewhere = keys
	}
	if config.Facts == nil {
		config.Facts = h.getFacts
	}
	var err error
	h.Session, err = session.New(config)
	check(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx, h.receive) }()
	h.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("session: %v", err)
		}
	})
	t.Cleanup(h.stop)
	return h
}

func (h *host) getFacts() session.Facts {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked = time.Now()
	return h.facts
}

// report changes the host's facts and says so.
func (h *host) report(change func(*session.Facts)) {
	h.mu.Lock()
	change(&h.facts)
	h.mu.Unlock()
	h.Changed()
}

// awaitReport waits until the cluster has taken a report of what are the host's facts now, or later.
func (h *host) awaitReport() {
	h.t.Helper()
	now := time.Now()
	h.Changed()
	eventually(h.t, "the host reports", func() bool {
		last := h.Status().LastReport // one report is under way at a time: the one asked for before it
		h.mu.Lock()
		defer h.mu.Unlock()
		return h.asked.After(now) && last.After(h.asked)
	})
}

func (h *host) receive(d view.Delta) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, k := range d.Deletes {
		delete(h.known, k)
	}
	for _, o := range d.Puts {
		h.known[o.Key()] = o
	}
}

func (h *host) knows(k topology.Key) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.known[k] != nil
}

func (h *host) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.known)
}

func (h *host) bind(port topology.PortID, iface string) {
	h.t.Helper()
	check(h.t, h.Bind(h.t.Context(), port, iface))
}

// sink stands for Neutron: it keeps the last status of each port.
type sink struct {
	mu      sync.Mutex
	active  map[string]bool
	changes []string // every change of a status, in order
	failing bool
}

func (s *sink) SetPortStatus(_ context.Context, statuses []journal.PortStatus) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failing {
		return errors.New("the database is away")
	}
	for _, p := range statuses {
		if s.active[p.PortID] != p.Active {
			s.changes = append(s.changes, fmt.Sprintf("%s %v", p.PortID[:8], p.Active))
		}
		s.active[p.PortID] = p.Active
	}
	return nil
}

func (s *sink) isActive(p topology.PortID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.active[p.String()]
}

func (s *sink) history() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.changes...)
}

func (s *sink) fail(failing bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failing = failing
}

var quiet = slog.New(slog.DiscardHandler)

// eventually waits until the condition holds.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("still not so after %v: %s", patience, what)
		}
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func key[T any](kind topology.Kind, u id.ID[T]) topology.Key { return topology.Key{Kind: kind, ID: u} }

// bound reports whether the port is bound on the host.
func bound(c *cluster, port topology.PortID, h topology.HostID) bool {
	b := mirror.Lookup[*topology.Binding](c.mirror.State(), topology.KindBinding, port)
	return b != nil && b.Host == h
}
