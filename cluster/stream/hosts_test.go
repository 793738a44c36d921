package stream

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/datapath/fake"
	"midonet.org/midonet/agent/flowstate"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/agent/worker"
	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/cluster/nsdb/mirror"
	"midonet.org/midonet/id"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
	"midonet.org/midonet/topology/topologypb"
)

// cloud is servers of one store, and hosts that talk to one or the other of them, with ports of one network and stations behind these that Neutron
// knows nothing of.
type cloud struct {
	t        *rapid.T
	store    *memory
	servers  []*member
	hosts    []*agentHost
	bridge   topology.BridgeID
	router   topology.RouterID
	ports    []topology.PortID
	stations map[mac.Addr]int // behind which of the ports each is
	seen     map[string]int
}

// member is one of the servers.
type member struct {
	*Server
	stop func()
}

// agentHost is a host with an agent that has no connection of its own to the cluster: what goes there and comes from there is up to the test.
type agentHost struct {
	*cloud
	id       topology.HostID
	known    map[topology.Key]topology.Object // what it was told, which outlives the agent
	datapath *served
	agent    *worker.Worker
	stop     func()
	at       *member // nil: it has lost the cluster
	watcher  *watcher
}

// served is a datapath that knows when the agent has nothing to do.
type served struct {
	*fake.Datapath
	taken uint64 // misses; Receive's alone
	done  atomic.Uint64
}

func (d *served) Receive(ctx context.Context, buf []datapath.Miss) (int, error) {
	d.done.Store(d.taken)
	n, err := d.Datapath.Receive(ctx, buf)
	d.taken += uint64(n)
	return n, err
}

// served reports whether all misses so far have been.
func (d *served) served() bool {
	c, err := d.Counters()
	return err == nil && d.done.Load() == c.Misses
}

var silent = slog.New(slog.DiscardHandler)

func newCloud(t *rapid.T, seen map[string]int) *cloud {
	c := &cloud{t: t, store: newMemory(), bridge: id.New[topology.Bridge](), router: id.New[topology.Router](), stations: map[mac.Addr]int{}, seen: seen}
	objects := []topology.Object{&topology.Bridge{ID: c.bridge, AdminUp: true, MTU: 1450}, &topology.Router{ID: c.router}}
	for i := range 4 {
		p := id.New[topology.Port]()
		c.ports = append(c.ports, p)
		objects = append(objects, &topology.Port{ID: p, Bridge: c.bridge, AdminUp: true, TunnelKey: uint32(i + 1)})
	}
	for i := range 3 {
		h := &agentHost{cloud: c, id: id.New[topology.Host](), known: map[topology.Key]topology.Object{}}
		h.start()
		c.hosts = append(c.hosts, h)
		objects = append(objects, &topology.Binding{Port: c.ports[i], Host: h.id, Interface: interfaceOf(i)})
	}
	objects = append(objects, &topology.Binding{Port: c.ports[3], Host: c.hosts[0].id, Interface: interfaceOf(3)})
	if _, err := c.store.Update(context.Background(), func(tx nsdb.Tx) error {
		for _, o := range objects {
			tx.Put(o)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		c.stations[mac.Addr{2, 0, 0, 0, 0, byte(i)}] = i
	}
	for range 2 {
		c.servers = append(c.servers, c.newMember())
	}
	return c
}

// interfaceOf returns the interface of a port, whichever host has it.
func interfaceOf(port int) string { return fmt.Sprintf("tap%d", port) }

func (c *cloud) close() {
	for _, h := range c.hosts {
		h.stop()
	}
	for _, m := range c.servers {
		m.stop()
	}
}

func (c *cloud) newMember() *member {
	m := &member{Server: New(Config{Store: c.store, Mirror: mirror.New(c.store, silent), LeaseTTL: 24 * time.Hour, Log: silent})}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { m.Mirror.Run(ctx) })
	running.Go(func() { m.follow(ctx) })
	m.stop = func() { cancel(); running.Wait() }
	<-m.ready
	return m
}

// restart has another server, which remembers no host, in the place of one.
func (c *cloud) restart(i int) {
	for _, h := range c.hosts {
		if h.at == c.servers[i] {
			h.disconnect()
		}
	}
	c.servers[i].stop()
	c.servers[i] = c.newMember()
}

// settle waits until all servers know what is in the store.
func (c *cloud) settle() {
	c.store.mu.Lock()
	now := c.store.revision()
	c.store.mu.Unlock()
	for _, m := range c.servers {
		if err := m.feed.await(context.Background(), now); err != nil {
			c.t.Fatal(err)
		}
	}
}

// hostOf returns the host that the port is bound to.
func (c *cloud) hostOf(port int) *agentHost {
	c.store.mu.Lock()
	defer c.store.mu.Unlock()
	b := c.store.objects[topology.Key{Kind: topology.KindBinding, ID: c.ports[port]}].(*topology.Binding)
	return c.hosts[slices.IndexFunc(c.hosts, func(h *agentHost) bool { return h.id == b.Host })]
}

// start has another agent run on the host, which knows what the one before was told.
func (h *agentHost) start() {
	if h.stop != nil {
		h.stop()
	}
	states, err := flowstate.Open(flowstate.Config{Size: 16, Host: h.id}, time.Now())
	if err != nil {
		h.t.Fatal(err)
	}
	now := time.Now() // for ever: nothing expires
	h.datapath = &served{Datapath: fake.New(fake.Config{})}
	h.agent = worker.New(worker.Config{Host: h.id, HostName: "h", Datapath: h.datapath, State: states, Log: silent,
		Now: func() time.Time { return now }})
	var interfaces []worker.Interface
	for i := range h.ports {
		name := interfaceOf(i)
		h.datapath.AddInterface(name)
		interfaces = append(interfaces, worker.Interface{Index: i + 1, PeerNamespace: -1, Interface: topology.Interface{Name: name, Up: true}})
	}
	h.agent.SetInterfaces(interfaces)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); h.agent.Run(ctx) }()
	h.stop = func() { cancel(); <-done; states.Close() }
	var d view.Delta
	for _, o := range h.known {
		d.Puts = append(d.Puts, o)
	}
	h.agent.Apply(d)
}

func (h *agentHost) context() context.Context {
	return context.WithValue(context.Background(), hostKey{}, h.id)
}

// connect has the host watch at a server.
func (h *agentHost) connect(m *member) {
	h.disconnect()
	snapshot, _, w := m.feed.watch(h.id, nil)
	m.session(h.id).returned.Store(true)
	h.at, h.watcher = m, w
	there := byKey(snapshot)
	var gone []topology.Key
	for k := range h.known {
		if there[k] == nil {
			gone = append(gone, k)
		}
	}
	h.take(delta{puts: snapshot, deletes: gone})
}

func (h *agentHost) disconnect() {
	if h.at != nil {
		h.at.feed.leave(h.watcher)
		h.at = nil
	}
}

// hear takes what is on its way to the host.
func (h *agentHost) hear() {
	for h.at != nil {
		select {
		case s := <-h.watcher.queue:
			h.take(s.delta)
		default:
			return
		}
	}
}

// take hands on what is different.
func (h *agentHost) take(news delta) {
	var d view.Delta
	for _, k := range news.deletes {
		if h.known[k] != nil {
			delete(h.known, k)
			d.Deletes = append(d.Deletes, k)
		}
	}
	for _, o := range news.puts {
		if !cmp.Equal(h.known[o.Key()], o, netipEqual) {
			h.known[o.Key()] = o
			d.Puts = append(d.Puts, o)
		}
	}
	h.agent.Apply(d)
}

// report has the host report, which may get lost on its way there, or the answer on its way back, and says whether there was an answer.
func (h *agentHost) report(arrives, answered bool) bool {
	f := h.agent.Report()
	if h.at == nil || !arrives {
		return false
	}
	q := &topologypb.ReportRequest{
		Host:  topologypb.ToProto(&topology.Host{ID: h.id, Name: "h"}).GetHost(),
		State: topologypb.ToProto(&topology.HostState{Host: h.id, Version: "1"}).GetHostState(),
	}
	for p, active := range f.Ports {
		q.Ports = append(q.Ports, topologypb.ToProto(&topology.PortState{Port: p, Host: h.id, Active: active}).GetPortState())
	}
	for _, b := range f.Blocks {
		q.Blocks = append(q.Blocks, topologypb.ToProto(b).GetNatBlock())
	}
	for _, l := range f.Learned {
		q.Learned = append(q.Learned, topologypb.ToProto(l).GetLearnedMac())
	}
	reply, err := h.at.Report(h.context(), q)
	h.settle()
	if err != nil || !answered {
		return false
	}
	var elsewhere []topology.Key
	for _, x := range reply.GetElsewhere() {
		k, err := topologypb.KeyFromProto(x)
		if err != nil {
			h.t.Fatal(err)
		}
		elsewhere = append(elsewhere, k)
	}
	if len(elsewhere) > 0 {
		h.seen["elsewhere"]++
	}
	h.agent.SayAnew(elsewhere)
	return true
}

// send has a station send a packet, if the agent of the host that its port is bound to has the port. That host knows then where the station is.
func (c *cloud) send(hw mac.Addr) {
	port := c.stations[hw]
	h := c.hostOf(port)
	plugged, err := h.datapath.Ports()
	if err != nil {
		c.t.Fatal(err)
	}
	if !slices.ContainsFunc(plugged, func(p datapath.Port) bool { return p.ID == c.ports[port] }) {
		return
	}
	header := packet.Header{SrcMAC: hw, DstMAC: mac.Addr{2, 0, 0, 0, 1, 1}, EtherType: 0x88b6}
	h.datapath.Inject(c.ports[port], header.Frame([]byte("here I am")))
	c.eventually("a packet is served", h.datapath.served)
	if at, known := h.agent.View().Station(c.bridge, hw); !known || at.Port != c.ports[port] {
		c.t.Fatalf("%v sends, and for its host it is at %v (%v)", hw, at, known)
	}
}

// eventually waits until the condition holds.
func (c *cloud) eventually(what string, condition func() bool) {
	for end := time.Now().Add(time.Minute); !condition(); time.Sleep(20 * time.Microsecond) {
		if time.Now().After(end) {
			c.t.Fatalf("still not so after a minute: %s", what)
		}
	}
}

// move binds a port to a host, where its agent may not be told of it yet.
func (c *cloud) move(port int, h *agentHost) {
	if h.at == nil {
		return
	}
	if _, err := h.at.Bind(h.context(), &topologypb.BindRequest{Port: c.ports[port][:], Interface: interfaceOf(port)}); err == nil {
		c.seen["moves"]++
	}
	c.settle()
}

// lease has a host lease a block of the router's ports.
func (c *cloud) lease(h *agentHost) {
	if h.at == nil {
		return
	}
	const first, last = 1024, 1024 + 3*topology.NATBlockSize - 1
	want := &topologypb.LeaseNATRequest{Router: c.router[:], Addr: []byte{203, 0, 113, 1}, First: first, Last: last}
	if _, err := h.at.LeaseNAT(h.context(), want); err == nil {
		c.seen["leases"]++
	}
	c.settle()
}

// calm has everything come where it is to come, and time pass.
func (c *cloud) calm() {
	for _, h := range c.hosts {
		if h.at == nil {
			h.connect(c.anyServer())
		}
		h.hear()
	}
	for range 3 {
		for range 2 {
			for hw := range c.stations {
				c.send(hw)
			}
			for _, h := range c.hosts {
				c.eventually("a report is taken", func() bool { return h.report(true, true) })
			}
			for _, h := range c.hosts {
				h.hear()
			}
		}
		c.store.age()
		c.settle()
		for _, h := range c.hosts {
			h.hear()
		}
	}
}

func (c *cloud) anyServer() *member { return rapid.SampledFrom(c.servers).Draw(c.t, "server") }

func (c *cloud) anyHost() *agentHost {
	return c.hosts[rapid.IntRange(0, len(c.hosts)-1).Draw(c.t, "host")]
}

// check asks that every host knows what it needs of the store, and where every station is, and that the store has what the hosts say.
func (c *cloud) check() {
	for _, h := range c.hosts {
		if diff := cmp.Diff(needs(c.store.objects, h.id, nil), h.known, netipEqual); diff != "" {
			c.t.Fatalf("what a host knows (-want +got):\n%s", diff)
		}
		for hw, port := range c.stations {
			if h.known[topology.Key{Kind: topology.KindBridge, ID: c.bridge}] == nil {
				break // it has no port there
			}
			if at, known := h.agent.View().Station(c.bridge, hw); !known || at.Port != c.ports[port] {
				c.t.Fatalf("for a host %v is at %v (%v), and it is at %v", hw, at, known, c.ports[port])
			}
		}
	}
	for hw, port := range c.stations {
		want := topology.NewLearnedMAC(c.bridge, hw, c.ports[port], c.hostOf(port).id)
		if got := c.store.objects[want.Key()]; !cmp.Equal(got, topology.Object(want), netipEqual) {
			c.t.Fatalf("the store has %v, want %v", got, want)
		}
	}
	for _, o := range c.store.objects {
		if b, ok := o.(*topology.NATBlock); ok {
			held := c.hosts[slices.IndexFunc(c.hosts, func(h *agentHost) bool { return h.id == b.Host })].agent.Facts().Blocks
			if !slices.ContainsFunc(held, func(h *topology.NATBlock) bool { return *h == *b }) {
				c.t.Fatalf("the host of %v has %v", b, held)
			}
		}
	}
	for i, p := range c.ports {
		want := &topology.PortState{Port: p, Host: c.hostOf(i).id, Active: true}
		if got := c.store.objects[want.Key()]; !cmp.Equal(got, topology.Object(want), netipEqual) {
			c.t.Fatalf("the store has %v, want %v", got, want)
		}
	}
}

// TestHostsComeToKnowWhatIs has hosts come and go between servers that are restarted, agents too, ports move from host to host and stations from
// port to port, reports get lost, what hosts are told come late, and leases end. When all that ends each host knows what is.
func TestHostsComeToKnowWhatIs(t *testing.T) {
	seen := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		c := newCloud(t, seen)
		defer c.close()
		for range rapid.IntRange(5, 60).Draw(t, "steps") {
			switch step := rapid.IntRange(0, 30).Draw(t, "step"); {
			case step < 6:
				hw := mac.Addr{2, 0, 0, 0, 0, byte(rapid.IntRange(0, 2).Draw(t, "station"))}
				c.stations[hw] = rapid.IntRange(0, len(c.ports)-1).Draw(t, "port")
				c.send(hw)
			case step < 14:
				c.anyHost().report(rapid.IntRange(0, 3).Draw(t, "arrives") > 0, rapid.IntRange(0, 3).Draw(t, "answered") > 0)
			case step < 22:
				c.anyHost().hear()
			case step < 24:
				c.anyHost().connect(c.anyServer())
			case step < 25:
				c.anyHost().disconnect()
			case step < 26:
				c.restart(rapid.IntRange(0, len(c.servers)-1).Draw(t, "restarted"))
			case step < 27:
				c.anyHost().start()
			case step < 28:
				c.lease(c.anyHost())
			case step < 30:
				c.move(rapid.IntRange(0, len(c.ports)-1).Draw(t, "moved"), c.anyHost())
			default:
				c.store.age()
				c.settle()
			}
		}
		c.calm()
		c.check()
	})
	t.Logf("%v", seen)
	if seen["elsewhere"] == 0 {
		t.Error("no host was told what another has: the property was not put to the test")
	}
}
