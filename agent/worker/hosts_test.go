package worker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"midonet.org/midonet/agent/datapath/fake"
	"midonet.org/midonet/agent/flowstate"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/service/dhcp"
	"midonet.org/midonet/agent/sim"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/id"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// patience is how long what must come may take: machines stand still now and then.
const patience = time.Minute

// testHost is a host with a running worker over a fake datapath.
type testHost struct {
	*Worker
	t        testing.TB
	id       topology.HostID
	underlay netip.Addr
	datapath *fake.Datapath
	taps     []Interface
	stateDir string
	stop     func()
}

// quietCluster is a cluster that hears and has nothing.
type quietCluster struct{}

func (quietCluster) Want([]topology.RouterID) {}
func (quietCluster) LeaseNAT(context.Context, topology.RouterID, netip.Addr, uint16, uint16) error {
	return errs.New(errs.Unavailable, "NoBlocks", "there are none")
}

// openStates opens a table of connections; small, because each has its file.
func openStates(t testing.TB, path string, host topology.HostID, now time.Time) *flowstate.Table {
	t.Helper()
	table, err := flowstate.Open(flowstate.Config{Path: path, Host: host, Size: 1 << 16}, now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { table.Close() })
	return table
}

// startHosts runs hosts that an underlay joins, and makes them known to the network.
func startHosts(t testing.TB, n *network, count int) []*testHost {
	t.Helper()
	cable := &fake.Underlay{}
	hosts := make([]*testHost, count)
	for i := range hosts {
		h := &testHost{t: t, stateDir: t.TempDir(), id: id.New[topology.Host](), underlay: netip.AddrFrom4([4]byte{192, 0, 2, byte(i + 1)})}
		h.datapath = fake.New(fake.Config{Underlay: cable, Endpoints: []netip.Addr{h.underlay}, MaxFlows: 1 << 16})
		n.addHost(h.id, h.underlay)
		h.start()
		hosts[i] = h
	}
	return hosts
}

// start runs an agent over the host's datapath.
func (h *testHost) start() {
	h.t.Helper()
	states := openStates(h.t, filepath.Join(h.stateDir, "connections"), h.id, time.Now())
	h.Worker = New(Config{
		Host: h.id, HostName: h.id.Short(), Datapath: h.datapath, Responders: []sim.Responder{dhcp.Responder{}},
		Cluster: quietCluster{}, State: states, Log: slog.New(slog.DiscardHandler), Now: time.Now,
	})
	h.SetInterfaces(h.taps)
	if err := h.SetUnderlay([]netip.Addr{h.underlay}, 1500); err != nil {
		h.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- h.Run(ctx) }()
	h.stop = func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			h.t.Errorf("the worker ended with %v", err)
		}
		h.stop = func() {}
	}
	h.t.Cleanup(func() { h.stop() })
}

// tap is a workload at work: its endpoint and the far end of its interface.
type tap struct {
	endpoint
	*fake.Interface
	t testing.TB
}

// boot makes an interface on the host and a port that it is bound to. The hosts learn of the port by their next snapshot.
func (h *testHost) boot(n *network) tap {
	name := fmt.Sprintf("tap%d", len(h.taps))
	far := h.datapath.AddInterface(name)
	h.taps = append(h.taps, Interface{Index: len(h.taps) + 1, PeerNamespace: -1, Interface: topology.Interface{Name: name, Up: true}})
	h.SetInterfaces(h.taps)
	return tap{endpoint: n.plug(h.id, name), Interface: far, t: h.t}
}

func (w tap) expect(frame []byte) {
	w.t.Helper()
	if got := w.Receive(patience); !bytes.Equal(got, frame) {
		w.t.Fatalf("%s got\n%x, want\n%x", w.iface, got, frame)
	}
}

// answer returns the next frame, parsed.
func (w tap) answer() *packet.Packet {
	w.t.Helper()
	frame := w.Receive(patience)
	if frame == nil {
		w.t.Fatalf("%s got no answer", w.iface)
	}
	var p packet.Packet
	if err := packet.Parse(frame, &p); err != nil {
		w.t.Fatalf("%s got %x: %v", w.iface, frame, err)
	}
	return &p
}

// ask sends an ARP request for the address.
func (w tap) ask(addr netip.Addr) {
	w.Send(packet.ARP{
		Operation: packet.ARPRequest, SenderMAC: w.mac, SenderIP: w.addr, TargetIP: addr,
	}.Frame(w.mac, mac.Broadcast))
}

// ping sends an echo request and its reply.
func ping(from, to tap) {
	from.t.Helper()
	request, reply := echo(from.endpoint, to.endpoint, 8), echo(to.endpoint, from.endpoint, 0)
	from.Send(request)
	to.expect(request)
	to.Send(reply)
	from.expect(reply)
}

// twoHosts returns two hosts with a workload each, which know the whole network.
func twoHosts(t testing.TB) (n *network, hosts []*testHost, a, b tap) {
	n = newNetwork()
	hosts = startHosts(t, n, 2)
	a, b = hosts[0].boot(n), hosts[1].boot(n)
	for _, h := range hosts {
		h.Apply(n.snapshot())
	}
	return n, hosts, a, b
}

func TestWorkloadsOfTwoHosts(t *testing.T) {
	_, hosts, a, b := twoHosts(t)

	discover, err := dhcpv4.NewDiscovery(a.mac[:])
	if err != nil {
		t.Fatal(err)
	}
	a.Send(packet.WrapUDP(a.mac, mac.Broadcast, netip.MustParseAddrPort("0.0.0.0:68"), netip.MustParseAddrPort("255.255.255.255:67"),
		discover.ToBytes()))
	offer, err := dhcpv4.FromBytes(a.answer().Data())
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := netip.AddrFromSlice(offer.YourIPAddr.To4()); got != a.addr || offer.MessageType() != dhcpv4.MessageTypeOffer {
		t.Errorf("DHCP answered %s, want an offer of %s", offer.Summary(), a.addr)
	}

	a.ask(b.addr)
	if arp := a.answer().ARP; arp.Operation != packet.ARPReply || arp.SenderMAC != b.mac || arp.SenderIP != b.addr {
		t.Errorf("ARP for %s answered %+v, want %s", b.addr, arp, b.mac)
	}

	ping(a, b)
	misses := hosts[0].counters.misses.Load() + hosts[1].counters.misses.Load()
	ping(a, b)
	if got := hosts[0].counters.misses.Load() + hosts[1].counters.misses.Load(); got != misses {
		t.Errorf("the second ping made %d misses, want none", got-misses)
	}
	if got := b.Receive(0); got != nil {
		t.Errorf("b also got %x", got)
	}
}

// TestRestartUnderTraffic stops an agent, lets its flow be used without one, and starts another.
func TestRestartUnderTraffic(t *testing.T) {
	n, hosts, a, b := twoHosts(t)
	ping(a, b)
	hosts[0].stop()
	ping(a, b) // nobody serves misses on a's host
	hosts[0].start()
	hosts[0].Apply(n.snapshot())
	awaitTrue(t, "the flow is adopted", func() bool { return hosts[0].counters.adopted.Load() == 1 })
	ping(a, b)
	if got := hosts[0].counters.misses.Load(); got != 0 {
		t.Errorf("the new agent saw %d misses of an adopted flow", got)
	}
	// The adopted flow follows the topology.
	hosts[0].Apply(view.Delta{Deletes: []topology.Key{{Kind: topology.KindBinding, ID: b.port}}})
	a.Send(echo(a.endpoint, b.endpoint, 8))
	if got := b.Receive(50 * time.Millisecond); got != nil {
		t.Errorf("b is unbound and got %x", got)
	}
}

// TestHostWithoutServer shows that an agent with the topology that it last knew serves new flows: no cluster is needed for it.
func TestHostWithoutServer(t *testing.T) {
	n := newNetwork()
	hosts := startHosts(t, n, 1)
	a, b := hosts[0].boot(n), hosts[0].boot(n)
	hosts[0].Apply(n.snapshot())
	for port := range uint16(50) {
		frame := sctp(a.endpoint, b.endpoint, 1000+port)
		a.Send(frame)
		b.expect(frame)
	}
}

// TestFloodingPortDoesNotStarveOthers has one workload make far more misses than it may, and another one new flow after another.
func TestFloodingPortDoesNotStarveOthers(t *testing.T) {
	n := newNetwork()
	h := &testHost{t: t, stateDir: t.TempDir(), id: id.New[topology.Host](), underlay: netip.MustParseAddr("192.0.2.1")}
	h.datapath = fake.New(fake.Config{MaxFlows: 1 << 16, MissQueue: 256, MissRate: 100, MissBurst: 64})
	h.start()
	noisy, victim, quiet, peer := h.boot(n), h.boot(n), h.boot(n), h.boot(n)
	h.Apply(n.snapshot())
	for port := range uint16(50) {
		for range 100 {
			noisy.Send(sctp(noisy.endpoint, victim.endpoint, uint16(rand.Uint32())))
		}
		frame := sctp(quiet.endpoint, peer.endpoint, port)
		quiet.Send(frame)
		peer.expect(frame)
	}
	if c, _ := h.datapath.Counters(); c.MissesLost == 0 {
		t.Error("the noisy workload lost nothing, so that this test shows nothing")
	}
}

func awaitTrue(t testing.TB, what string, done func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !done() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

// TestPressureOnlyCausesMisses has far more flows in use than the cache holds.
func TestPressureOnlyCausesMisses(t *testing.T) {
	n := newNetwork()
	h := &testHost{t: t, stateDir: t.TempDir(), id: id.New[topology.Host](), underlay: netip.MustParseAddr("192.0.2.1")}
	h.datapath = fake.New(fake.Config{MaxFlows: 16})
	h.start()
	a, b := h.boot(n), h.boot(n)
	h.Apply(n.snapshot())
	const flows, rounds = 200, 3
	for range rounds {
		for port := range uint16(flows) {
			frame := sctp(a.endpoint, b.endpoint, port)
			a.Send(frame)
			b.expect(frame)
		}
	}
	if got := h.counters.misses.Load(); got != flows*rounds {
		t.Errorf("%d misses, want every packet to be one", got)
	}
	// The flows that the cache forgot leave the book as the unused ones that they are, and a change finds the others.
	h.Apply(view.Delta{Deletes: []topology.Key{{Kind: topology.KindBinding, ID: b.port}}})
	a.Send(sctp(a.endpoint, b.endpoint, flows-1))
	if got := b.Receive(50 * time.Millisecond); got != nil {
		t.Errorf("b is unbound and got %x", got)
	}
}
