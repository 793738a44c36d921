package worker

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/datapath/fake"
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/flowstate"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/sim"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/agent/view/viewtest"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// natWorld has two workloads behind a router, and one outside of it that answers.
var natWorld = `
host h1 192.0.2.1
bridge blue
bridge ext external
port vm1 blue source fa:16:3e:00:00:01@10.0.0.3 egress all ingress web
port vm2 blue source fa:16:3e:00:00:02@10.0.0.4 egress all ingress web
port out ext
bind vm1 h1 tap0
bind vm2 h1 tap1
bind out h1 tap2
mac blue fa:16:3e:00:00:01 vm1
mac blue fa:16:3e:00:00:02 vm2
mac ext fa:16:3e:00:00:09 out
neighbour blue 10.0.0.3 fa:16:3e:00:00:01 vm1
neighbour blue 10.0.0.4 fa:16:3e:00:00:02 vm2
neighbour ext 203.0.113.20 fa:16:3e:00:00:09 out
router r1 in pre-r1 forward forward-r1 out post-r1
port r1b blue peer r1-blue device r1
rport r1-blue r1 fa:16:3e:aa:00:01 10.0.0.1/24 peer r1b
port r1e ext peer r1-ext device r1
rport r1-ext r1 fa:16:3e:aa:00:03 203.0.113.5/24 peer r1e
mac blue fa:16:3e:aa:00:01 r1b
mac ext fa:16:3e:aa:00:03 r1e
route r1 10.0.0.0/24 port r1-blue
route r1 203.0.113.0/24 port r1-ext
block r1 203.0.113.5 1024 h1
block r1 203.0.113.5 2048 h1
chain all accept
chain web accept tcp dport=22
` + viewtest.GatewayChains("r1", "r1-ext", "203.0.113.5")

var public, server = netip.MustParseAddr("203.0.113.5"), netip.MustParseAddr("203.0.113.20")

// going is a packet of a workload to the server, which says in it whose it is.
func going(proto uint8, vm byte, src, dst uint16) []byte {
	h := packet.Header{SrcMAC: mac.Addr{0xfa, 0x16, 0x3e, 0, 0, vm}, DstMAC: mac.MustParse("fa:16:3e:aa:00:01"), EtherType: packet.EtherTypeIPv4,
		SrcIP: netip.AddrFrom4([4]byte{10, 0, 0, 2 + vm}), DstIP: server, Proto: proto, SrcPort: src, DstPort: dst, TTL: 64}
	return h.Frame(binary.BigEndian.AppendUint16([]byte{vm}, src))
}

// natRig is a worker over a datapath that gives ports, and the workloads of natWorld.
type natRig struct {
	*seedRig
	wires [3]*fake.Interface
	taps  []Interface
	file  string // that the states are in
}

func newNATRig(t *rapid.T, file string) *natRig {
	r := &natRig{seedRig: &seedRig{t: t, clock: newClock()}, file: file}
	r.datapath = fake.New(fake.Config{MaxFlows: 1 << 12, MissQueue: 1 << 12, Now: r.clock.Now})
	for i := range r.wires {
		name := fmt.Sprintf("tap%d", i)
		r.wires[i] = r.datapath.AddInterface(name)
		r.taps = append(r.taps, Interface{Index: i + 1, PeerNamespace: -1, Interface: topology.Interface{Name: name, Up: true}})
	}
	r.begin()
	r.Apply(view.Delta{Puts: viewtest.MustParse(natWorld)})
	return r
}

func (r *natRig) begin() {
	states, err := flowstate.Open(flowstate.Config{Path: r.file, Size: 1 << 12, Random: rand.New(rand.NewPCG(1, 2)).IntN}, r.clock.Now())
	if err != nil {
		r.t.Fatal(err)
	}
	r.Worker = New(Config{Host: viewtest.ID[topology.Host]("h1"), HostName: "h1", Datapath: r.datapath, Cluster: quietCluster{}, State: states,
		Log: slog.New(slog.DiscardHandler), Now: r.clock.Now})
	if err := r.withholdPorts(); err != nil {
		r.t.Fatal(err)
	}
	r.attend()
	r.SetInterfaces(r.taps)
}

// restart has another agent take over when some of what the datapath had to tell has not been read.
func (r *natRig) restart() {
	var snapshot view.Delta
	for o := range r.view.Objects() {
		snapshot.Puts = append(snapshot.Puts, o)
	}
	if err := errors.Join(r.datapath.Close(), r.cfg.State.Close()); err != nil {
		r.t.Fatal(err)
	}
	buf := make([]datapath.Miss, 1)
	for ; r.taken < r.counted().Misses+r.counted().Born; r.taken++ {
		if _, err := r.datapath.Receive(context.Background(), buf); err != nil {
			r.t.Fatal(err)
		}
	}
	r.begin()
	r.Apply(snapshot)
	if err := r.adopt(context.Background()); err != nil {
		r.t.Fatal(err)
	}
}

// checkPorts fails the test where two flows leave by one way back, and has the server answer what came to it: who gets that has asked.
func (r *natRig) checkPorts(seen map[string]int) {
	r.t.Helper()
	ways := map[netip.AddrPort]map[flow.Key]bool{}
	if err := r.datapath.Entries(func(e datapath.Entry) bool {
		h, _ := e.Actions.Rewrite.Of(e.Key.Header())
		if h.SrcIP == public && !e.Actions.Drop() {
			way := netip.AddrPortFrom(netip.AddrFrom4([4]byte{h.Proto, byte(h.DstPort >> 8), byte(h.DstPort)}), h.SrcPort)
			if ways[way] == nil {
				ways[way] = map[flow.Key]bool{}
			}
			if ways[way][e.Key] = true; len(ways[way]) > 1 {
				r.t.Fatalf("these leave by port %d alike: %v", h.SrcPort, ways[way])
			}
		}
		return true
	}); err != nil {
		r.t.Fatal(err)
	}
	for frame := r.wires[2].Receive(0); frame != nil; frame = r.wires[2].Receive(0) {
		var p packet.Packet
		if packet.Parse(frame, &p) != nil || p.SrcIP != public {
			continue
		}
		h := p.Header
		asked := slices.Clone(frame[len(frame)-3:])
		h.SrcMAC, h.DstMAC, h.SrcIP, h.DstIP, h.SrcPort, h.DstPort = h.DstMAC, h.SrcMAC, h.DstIP, h.SrcIP, h.DstPort, h.SrcPort
		r.wires[2].Send(h.Frame(asked))
		r.read(1 << 20)
		for vm := range 2 {
			for back := r.wires[vm].Receive(0); back != nil; back = r.wires[vm].Receive(0) {
				if packet.Parse(back, &p) != nil || int(back[len(back)-3]) != vm+1 || p.DstPort != binary.BigEndian.Uint16(back[len(back)-2:]) {
					r.t.Fatalf("vm%d gets %x for %s", vm+1, back, netip.AddrPortFrom(p.DstIP, p.DstPort))
				}
				seen["answers"]++
			}
		}
	}
}

// TestPortsUnderChanges opens connections by source NAT, of which the datapath gives most their ports, while rules, blocks and ports change, word of
// them waits and agents come and go. No two have one way back, answers come to who has asked, and in the end every port is free.
func TestPortsUnderChanges(t *testing.T) {
	seen, dir := map[string]int{}, t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		file := filepath.Join(dir, "states")
		os.Remove(file)
		r := newNATRig(t, file)
		defer func() { r.cfg.State.Close() }()
		for range rapid.IntRange(20, 60).Draw(t, "steps") {
			switch step := rapid.IntRange(0, 59).Draw(t, "step"); {
			case step < 50:
				vm := rapid.SampledFrom([]byte{1, 1, 1, 2}).Draw(t, "vm")
				proto := rapid.SampledFrom([]uint8{packet.ProtoTCP, packet.ProtoTCP, packet.ProtoUDP}).Draw(t, "protocol")
				first := rapid.Uint16Range(2000, 2080).Draw(t, "source port")
				for n := range uint16(rapid.SampledFrom([]int{1, 1, 1, 40}).Draw(t, "connections")) {
					r.wires[vm-1].Send(going(proto, vm, first+n, rapid.SampledFrom([]uint16{80, 80, 443}).Draw(t, "port")))
				}
			case step < 52:
				line := rapid.SampledFrom([]string{"chain all accept tcp", "chain all accept", "chain forward-r1 drop tcp dport=443", "chain forward-r1",
					"port vm1 blue down", "port vm1 blue source fa:16:3e:00:00:01@10.0.0.3 egress all ingress web", "block r1 203.0.113.5 4096 h1",
					"block r1 203.0.113.5 1024 h2", "block r1 203.0.113.5 1024 h1"}).Draw(t, "change")
				r.Apply(view.Delta{Puts: viewtest.MustParse(line)})
			case step < 54:
				r.read(1 << 20) // word does not wait for as long as lotRest
				for r.wires[2].Receive(0) != nil {
				} // whoever waits that long for an answer has been forgotten
				r.clock.advance(time.Duration(rapid.IntRange(1, 40).Draw(t, "seconds")) * time.Second)
				if err := r.sweep(); err != nil {
					t.Fatal(err)
				}
			case step < 56:
				r.read(rapid.IntRange(0, 3).Draw(t, "read"))
			case step < 57:
				r.restart()
				seen["restarts"]++
				r.check()
			default:
				r.read(1 << 20)
				r.check()
				r.checkPorts(seen)
			}
		}
		r.read(1 << 20)
		r.check()
		r.checkPorts(seen)
		seen["born"] += int(r.counted().Born)
		for _, l := range r.lots {
			seen["lots"]++
			if !l.gone.IsZero() {
				seen["lots that have gone"]++
			}
		}

		// Everything goes, and is free again.
		r.Apply(view.Delta{Puts: viewtest.MustParse("port vm1 blue down\nport vm2 blue down\nport out ext down")})
		for range 60 {
			r.clock.advance(sweepInterval)
			if err := r.sweep(); err != nil {
				t.Fatal(err)
			}
		}
		r.cfg.State.Blocks(r.clock.Now())
		r.clock.advance(flowstate.BlockIdle)
		if s, kept := r.cfg.State.Stats(), r.cfg.State.Blocks(r.clock.Now()); s.States != 0 || len(r.lots) != 0 || len(kept) != 0 {
			t.Fatalf("%d states, %d lots are left, and blocks %v are not idle", s.States, len(r.lots), kept)
		}
	})
	t.Logf("%v", seen)
	for _, what := range []string{"born", "answers", "lots", "lots that have gone", "restarts"} {
		if seen[what] == 0 {
			t.Errorf("no %s: the property was not put to the test", what)
		}
	}
}

var _ sim.State = (*given)(nil)

// TestSeedsOfWhatMayBeAnswers: where a workload is reached by a forwarding, what it sends to who has asked, by UDP, may be an answer, and goes through
// the agent.
func TestSeedsOfWhatMayBeAnswers(t *testing.T) {
	r := newTextRig(t, 256, natWorld+`
host h2 192.0.2.2
bind vm2 h2 tap0
bind out h1 tap1
floating f1 r1 r1-ext 203.0.113.9 10.0.0.3
forwarding w1 r1 r1-ext udp 203.0.113.10:8080-8080 10.0.0.3:80
chain web accept udp
`)
	vm, out := viewtest.ID[topology.Port]("vm1"), viewtest.ID[topology.Port]("out")
	ask := func() bool {
		for port := range uint16(6) {
			r.serve([]datapath.Miss{{InPort: vm, Frame: going(packet.ProtoUDP, 1, 3000+port, 53)}})
		}
		return slices.ContainsFunc(slices.Collect(maps.Keys(r.datapath.seeds)), func(k flow.Key) bool { return k.InPort == vm })
	}
	if !ask() {
		t.Fatal("there is no seed, so that this test shows nothing")
	}
	h := packet.Header{SrcMAC: mac.MustParse("fa:16:3e:00:00:09"), DstMAC: mac.MustParse("fa:16:3e:aa:00:03"), EtherType: packet.EtherTypeIPv4,
		SrcIP: server, DstIP: netip.MustParseAddr("203.0.113.10"), Proto: packet.ProtoUDP, SrcPort: 5000, DstPort: 8080, TTL: 64}
	r.serve([]datapath.Miss{{InPort: out, Frame: h.Frame(nil)}})
	if ask() {
		t.Error("there is a seed of what may be an answer")
	}
	r.sent()
	r.serve([]datapath.Miss{{InPort: vm, Frame: going(packet.ProtoUDP, 1, 80, 5000)}})
	for _, p := range r.sent() {
		if p.Actions.Rewrite.SrcIP != h.DstIP || p.Actions.Rewrite.SrcPort != 8080 {
			t.Errorf("the answer leaves as %+v", p.Actions.Rewrite)
		}
	}
}
