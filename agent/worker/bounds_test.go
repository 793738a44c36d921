package worker

import (
	"fmt"
	"math"
	"net/netip"
	"testing"
	"time"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/sim"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/agent/view/viewtest"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// slow is a datapath that calls a function at the moments which take long in the kernel.
type slow struct {
	*recorder
	removing  func()
	unplugged func(ports int)
}

func (d *slow) Remove(keys []flow.Key) error {
	if d.removing != nil {
		d.removing()
	}
	return d.recorder.Remove(keys)
}

func (d *slow) RemovePorts(ports ...topology.PortID) error {
	if d.unplugged != nil {
		d.unplugged(len(ports))
	}
	return d.recorder.RemovePorts(ports...)
}

// TestUnpluggingDoesNotHoldUpOtherPorts serves a miss of another port from within the removal of two, which would never end if the
// removal held what serving needs.
func TestUnpluggingDoesNotHoldUpOtherPorts(t *testing.T) {
	b := newRig(t, 4)
	b.Apply(b.network.snapshot())
	b.miss(b.local[0], udp(b.local[0], b.local[1], 1), udp(b.local[0], b.local[3], 2))
	var calls, ports int
	b.cfg.Datapath = &slow{recorder: b.datapath, unplugged: func(n int) {
		calls, ports = calls+1, ports+n
		b.miss(b.local[0], sctp(b.local[0], b.local[3], 3))
		if got := b.datapath.keys(); len(got) != 2 {
			t.Errorf("flows at the removal are %v, want those to the port that stays: the others' go first", got)
		}
	}}
	b.sent()
	b.Apply(view.Delta{Deletes: []topology.Key{
		{Kind: topology.KindBinding, ID: b.local[1].port}, {Kind: topology.KindBinding, ID: b.local[2].port},
	}})
	if calls != 1 || ports != 2 {
		t.Errorf("%d ports were removed in %d calls, want 2 in one: each call walks over all flows", ports, calls)
	}
	if sent := b.sent(); len(sent) != 1 {
		t.Errorf("%d packets were served meanwhile, want 1", len(sent))
	}
	checkFlows(t, b.Worker, b.datapath)
}

// TestManyFlowsAreRemovedInParts takes away more flows than one part, by age and by a change.
func TestManyFlowsAreRemovedInParts(t *testing.T) {
	for name, remove := range map[string]func(*rig){
		"age": func(b *rig) {
			b.clock.advance(sim.IdleForward)
			for _, k := range b.datapath.keys() {
				b.datapath.flows[k] = datapath.Entry{Key: k, Stats: flow.Stats{LastUsed: sim.IdleForward}}
			}
			if err := b.sweep(); err != nil {
				t.Fatal(err)
			}
		},
		"change": func(b *rig) {
			b.Apply(view.Delta{Deletes: []topology.Key{{Kind: topology.KindBinding, ID: b.local[1].port}}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newRig(t, 2)
			b.Apply(b.network.snapshot())
			const flows = 2*removeChunk + 10
			for i := range uint16(flows) {
				b.miss(b.local[0], sctp(b.local[0], b.local[1], i))
			}
			parts := 0
			b.cfg.Datapath = &slow{recorder: b.datapath, removing: func() { parts++ }}
			remove(b)
			if got := len(b.datapath.keys()); got != 0 || b.flows.len() != 0 || parts != 3 {
				t.Errorf("%d flows and %d records are left after %d parts, want none after 3", got, b.flows.len(), parts)
			}
		})
	}
}

// TestFlowsAreBounded has one workload make flow after flow, which a datapath would forget and the worker has to.
func TestFlowsAreBounded(t *testing.T) {
	b := newRig(t, 2)
	b.cfg.MaxFlows = 100
	b.Apply(b.network.snapshot())
	for i := range uint16(1000) {
		b.clock.advance(1)
		b.miss(b.local[0], sctp(b.local[0], b.local[1], i))
	}
	keys := b.datapath.keys()
	if len(keys) != 99 || b.flows.len() != 99 { // and room for one that is expected
		t.Errorf("%d flows and %d records, want 99", len(keys), b.flows.len())
	}
	for _, k := range keys {
		if k.SrcPort < 900 {
			t.Errorf("flow %s is older than the last hundred", k)
		}
	}
	checkFlows(t, b.Worker, b.datapath)
}

// filtered is a network with a stateful security group: connections have flows of their own.
const filtered = `
bridge blue
port vm1 blue
port vm2 blue source 02:02:00:00:00:00@10.0.0.2 egress all ingress web
bind vm1 h1 tap0
bind vm2 h1 tap1
mac blue 02:01:00:00:00:00 vm1
mac blue 02:02:00:00:00:00 vm2
chain all accept ip4
chain web accept tcp dport=80
`

// TestExpectedFlowsAreBounded opens connections, whose answers are expected, in batches of every size: the book never has more flows than
// it may, and those that there is room for are the newest.
func TestExpectedFlowsAreBounded(t *testing.T) {
	b := newTextRig(t, 1<<10, filtered)
	b.cfg.MaxFlows = 100
	port := uint16(1024)
	for size := 1; size <= batchSize; size++ {
		b.clock.advance(1)
		misses := make([]datapath.Miss, size)
		for i := range misses {
			port++
			h := packet.Header{SrcMAC: mac.Addr{2, 1}, DstMAC: mac.Addr{2, 2}, EtherType: packet.EtherTypeIPv4, SrcIP: netip.MustParseAddr("10.0.0.1"),
				DstIP: netip.MustParseAddr("10.0.0.2"), Proto: packet.ProtoTCP, SrcPort: port, DstPort: 80, TTL: 64}
			misses[i] = datapath.Miss{InPort: viewtest.ID[topology.Port]("vm1"), Frame: h.Frame(nil)}
		}
		b.serve(misses)
		if got, most := b.flows.len(), min(100, 2*int(port-1024)); got > 100 || len(b.datapath.keys()) != got || size <= 50 && got < most-2*size {
			t.Fatalf("%d flows and %d records after a batch of %d connections", len(b.datapath.keys()), got, size)
		}
		if size <= 50 { // all of it has room
			for _, m := range misses {
				var p packet.Packet
				if err := packet.Parse(m.Frame, &p); err != nil {
					t.Fatal(err)
				}
				if b.flows.tagsOf(flow.KeyOf(&p, m.InPort)) == nil {
					t.Fatalf("a connection of the last batch, of %d, has no flow", size)
				}
			}
		}
	}
	checkFlows(t, b.Worker, b.datapath)
}

// TestNoStateIsKeptForAFlowThatIsNot: what there is no flow for uses no connection's state for ever.
func TestNoStateIsKeptForAFlowThatIsNot(t *testing.T) {
	r := newTextRig(t, 64, twoRouters+"block r1 203.0.113.5 1024 h1\n")
	r.cfg.MaxFlows = 1
	r.serve(firstPackets(2))
	if n := len(r.sent()); n == 0 || r.flows.len() > 1 {
		t.Fatalf("%d packets sent, %d flows recorded, of one that there may be", n, r.flows.len())
	}
	if s := r.cfg.State.Stats(); s.States == 0 || s.Flows != r.flows.len() {
		t.Errorf("%d flows use states, want as many as there are: %d", s.Flows, r.flows.len())
	}
}

// TestWhatFindsNoRoomIsNotInTheBook opens more connections than can be remembered, of which some are begun by the datapath.
func TestWhatFindsNoRoomIsNotInTheBook(t *testing.T) {
	r := newTextRig(t, 4, filtered)
	seed := r.sown(packet.ProtoTCP)
	r.fillStates()
	r.serve([]datapath.Miss{r.datapath.begins(t, seed, opening(packet.ProtoTCP, 2000))})
	if s := r.cfg.State.Stats(); s.Flows != r.flows.len() || len(r.datapath.keys()) != r.flows.len() {
		t.Errorf("%d flows in the book, %d in the datapath, %d use states, want as many", r.flows.len(), len(r.datapath.keys()), s.Flows)
	}
	checkFlows(t, r.Worker, r.datapath)
}

// TestFlowsLetGoOfStates: those that leave the book, in whichever way, use nothing any more.
func TestFlowsLetGoOfStates(t *testing.T) {
	for name, remove := range map[string]func(*rig){
		"a change": func(r *rig) { r.invalidate([]flow.Tag{portTag(viewtest.ID[topology.Port]("vm1"))}) },
		"their time": func(r *rig) {
			r.clock.advance(sim.IdleStateful)
			r.removeFlows(r.flows.expired(r.clock.Now(), math.MaxInt))
		},
		"no room": func(r *rig) { r.makeRoom(r.cfg.MaxFlows) },
		"one by one": func(r *rig) {
			for _, k := range r.datapath.keys() {
				r.flows.remove(k)
				r.removeFlows([]flow.Key{k})
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newTextRig(t, 64, filtered)
			r.sown(packet.ProtoTCP)
			if s := r.cfg.State.Stats(); s.Flows == 0 {
				t.Fatal("no flow uses states")
			}
			remove(r)
			if s := r.cfg.State.Stats(); s.Flows != 0 || r.flows.len() != 0 || len(r.datapath.keys()) != r.flows.len() {
				t.Errorf("%d flows use states, want none; %d are in the book, %d in the datapath", s.Flows, r.flows.len(), len(r.datapath.keys()))
			}
		})
	}
}

// TestFloodingIsBounded has one workload of a large network send to all again and again. It is stopped when it has made the agent
// copy as much as it may, goes on being served otherwise, and does not stop others.
func TestFloodingIsBounded(t *testing.T) {
	b := newRig(t, 2)
	const ports = 1000
	for i := range ports {
		b.network.plug(b.other, fmt.Sprintf("far%d", i))
	}
	b.Apply(b.network.snapshot())
	all := netip.MustParseAddrPort("255.255.255.255:2000")
	shout := func(from endpoint) bool {
		b.sent()
		b.miss(from, packet.WrapUDP(from.mac, mac.Broadcast, netip.AddrPortFrom(from.addr, 2000), all, []byte("x")))
		return len(b.sent()) > 0
	}
	loud := 0
	for range 10 * floodRate / ports {
		if shout(b.local[0]) {
			loud++
		}
	}
	if most := int(burst/time.Second)*floodRate/ports + 1; loud > most || loud < most-2 {
		t.Errorf("%d packets to all went out at once, want about %d", loud, most)
	}
	b.miss(b.local[0], udp(b.local[0], b.local[1], 1))
	if len(b.sent()) != 1 {
		t.Error("the port's packets to one are not served any more")
	}
	if !shout(b.local[1]) {
		t.Error("another port may not send to all")
	}
	b.clock.advance(time.Second)
	if !shout(b.local[0]) {
		t.Error("after a while the port may still not send to all")
	}
}

// TestErrorsAreBounded has a workload send what its router refuses. It is told so a thousand times, and again a while later; meanwhile its packets are
// dropped by flows, and another port is told as ever.
func TestErrorsAreBounded(t *testing.T) {
	r := newTextRig(t, 1<<10, `
bridge blue
port vm1 blue
port vm2 blue
bind vm1 h1 tap0
bind vm2 h1 tap1
mac blue 02:00:00:00:00:01 vm1
mac blue 02:00:00:00:00:02 vm2
neighbour blue 10.0.0.11 02:00:00:00:00:01 vm1
neighbour blue 10.0.0.12 02:00:00:00:00:02 vm2
router r1
port r1b blue peer r1-blue device r1
rport r1-blue r1 fa:16:3e:aa:00:01 10.0.0.1/24 peer r1b
mac blue fa:16:3e:aa:00:01 r1b
route r1 10.0.0.1 local r1-blue
route r1 10.0.0.0/24 port r1-blue
`)
	told := func(vm byte, to string, srcPort uint16) (errors int) {
		h := packet.Header{SrcMAC: mac.Addr{2, 0, 0, 0, 0, vm}, DstMAC: mac.MustParse("fa:16:3e:aa:00:01"), EtherType: packet.EtherTypeIPv4,
			SrcIP: netip.AddrFrom4([4]byte{10, 0, 0, 10 + vm}), DstIP: netip.MustParseAddr(to), Proto: packet.ProtoUDP, SrcPort: srcPort, DstPort: 9, TTL: 64}
		r.sent()
		r.serve([]datapath.Miss{{InPort: viewtest.ID[topology.Port](fmt.Sprintf("vm%d", vm)), Frame: h.Frame(nil)}})
		for _, sent := range r.sent() {
			var p packet.Packet
			if packet.Parse(sent.Frame, &p) == nil && p.IsError() && p.DstIP == h.SrcIP {
				errors++
			}
		}
		return errors
	}
	errors := 0
	for n := range uint16(2 * errorRate) {
		errors += told(1, [...]string{"10.0.0.1", "192.0.2.9"}[n%2], n)
	}
	if errors < errorRate || errors > errorRate+1 {
		t.Errorf("the workload was told %d times at once, want %d", errors, errorRate)
	}
	if n := len(r.datapath.keys()); n < errorRate-1 {
		t.Errorf("%d flows drop what nobody is told of", n)
	}
	if told(2, "10.0.0.1", 1) != 1 {
		t.Error("another workload is not told")
	}
	r.clock.advance(time.Second + time.Millisecond)
	if err := r.sweep(); err != nil {
		t.Fatal(err)
	}
	if n := len(r.datapath.keys()); n != 0 {
		t.Errorf("%d flows go on dropping what may be told of again", n)
	}
	if told(1, "10.0.0.1", 1) != 1 {
		t.Error("a while later the workload is told no more")
	}
	checkFlows(t, r.Worker, r.datapath)
}
