package worker

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pgregory.net/rapid"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/datapath/fake"
	"midonet.org/midonet/agent/flowstate"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/sim"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/agent/view/viewtest"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// forwarded is where the server reaches vm1.
var forwarded = netip.MustParseAddrPort("203.0.113.10:2222")

// talkWorld is wayOutWorld with a forwarding: connections begin on both hosts, where they are translated.
var talkWorld = wayOutWorld + `
forwarding w1 r1 r1-ext tcp 203.0.113.10:2222-2222 10.0.0.3:22
floating f2 r1 r1-ext 203.0.113.9 10.0.0.4
`

// talk is two hosts whose workloads talk to each other: a virtual machine on the first, and the server outside on the second.
type talk struct {
	t       *rapid.T
	sides   [2]*side
	between *fake.Underlay
	chance  *rand.Rand
	clean   bool // nothing gets lost, comes twice or late
	seen    map[string]int
}

// opener is the first packet of a connection, or one like it, from the workload of one of the sides.
type opener struct {
	from  int
	frame []byte
}

func (k *talk) opener() opener {
	src := rapid.Uint16Range(2000, 2020).Draw(k.t, "source port")
	if rapid.IntRange(0, 3).Draw(k.t, "from outside") == 0 {
		h := packet.Header{SrcMAC: mac.MustParse("fa:16:3e:00:00:09"), DstMAC: mac.MustParse("fa:16:3e:aa:00:03"), EtherType: packet.EtherTypeIPv4,
			SrcIP: server, DstIP: forwarded.Addr(), Proto: packet.ProtoTCP, SrcPort: src, DstPort: forwarded.Port(), TTL: 64}
		return opener{1, h.Frame(nil)}
	}
	proto := rapid.SampledFrom([]uint8{packet.ProtoTCP, packet.ProtoUDP}).Draw(k.t, "protocol")
	return opener{0, going(proto, 1, src, rapid.SampledFrom([]uint16{80, 443}).Draw(k.t, "port"))}
}

// pass sends the frame from the workload of a side, and returns what comes to the other one's; nil where nothing does.
func (k *talk) pass(from int, frame []byte) (got []byte) {
	a, b := k.sides[from], k.sides[1-from]
	a.far.Send(frame)
	for a.waits()+b.waits() > 0 {
		a.catchUp()
		b.catchUp()
	}
	for next := b.far.Receive(0); next != nil; next = b.far.Receive(0) {
		var p packet.Packet
		if packet.Parse(next, &p) != nil || p.Proto != packet.ProtoTCP && p.Proto != packet.ProtoUDP {
			continue // what routers say of themselves
		}
		if got != nil && !bytes.Equal(got, next) {
			k.t.Fatalf("%x comes as\n%x and as\n%x", frame, got, next)
		}
		got = next
	}
	return got
}

// answerTo returns what answers a packet; of TCP it opens nothing.
func (k *talk) answerTo(frame []byte) []byte {
	p := k.parsed(frame)
	h := p.Header
	h.SrcMAC, h.DstMAC, h.SrcIP, h.DstIP, h.SrcPort, h.DstPort, h.TTL = h.DstMAC, h.SrcMAC, h.DstIP, h.SrcIP, h.DstPort, h.SrcPort, 64
	answer := h.Frame(p.Data())
	if p.Proto == packet.ProtoTCP {
		const ack = 1 << 4
		answer[p.L4+13] |= ack
		sum := uint32(^binary.BigEndian.Uint16(answer[p.L4+16:])) + ack
		binary.BigEndian.PutUint16(answer[p.L4+16:], ^uint16(sum+sum>>16))
	}
	return answer
}

// decides returns what becomes of a frame from the workload of a side, by a simulator that has the memory of the host where its connection began; nil
// where it is dropped.
func (k *talk) decides(from, began int, frame []byte) []byte {
	a := k.sides[from]
	r := sim.Simulate(a.view, sim.Input{InPort: viewtest.ID[topology.Port]([]string{"vm1", "out"}[from]), Frame: frame, State: k.sides[began].cfg.State})
	if r.Verdict != sim.Forward || r.Actions.Drop() {
		return nil
	}
	p := k.parsed(frame)
	h, _ := r.Actions.Rewrite.Of(p.Header)
	return p.With(h)
}

// converse asks and has it answered. The answer is what it would be for one who knows everything, or what it is for a host that was not told: one that
// is not let in, one that asks itself, or one to who had the port before.
func (k *talk) converse(q opener) {
	k.t.Helper()
	came := k.pass(q.from, q.frame)
	if came == nil {
		if k.clean {
			k.t.Fatalf("the question %x does not come", q.frame)
		}
		k.seen["lost"]++
		return
	}
	if want := k.decides(q.from, q.from, q.frame); !bytes.Equal(came, want) {
		if p, is := k.parsed(came), k.parsed(want); p.Proto != packet.ProtoUDP || p.SrcIP != is.SrcIP {
			k.t.Fatalf("the question comes as\n%x, want\n%x", came, want)
		}
		k.seen["by another port at first"]++ // the datapath does not know that it goes on, and hands the word up
		if came = k.pass(q.from, q.frame); came == nil && !k.clean {
			return
		}
		if !bytes.Equal(came, want) {
			k.t.Fatalf("the question comes again as\n%x, want\n%x", came, want)
		}
	}
	answer := k.answerTo(came)
	want := k.decides(1-q.from, q.from, answer)
	if want == nil || k.ends(want) != k.ends(k.answerTo(q.frame)) {
		k.t.Fatalf("who knows all that h%d knows makes of the answer to\n%x\n%x", q.from+1, q.frame, want)
	}
	switch got := k.pass(1-q.from, answer); {
	case bytes.Equal(got, want):
		k.seen["answered"]++
	case got == nil && !k.clean:
		k.seen["not let in"]++
	case got != nil && bytes.Equal(got, k.decides(1-q.from, 1-q.from, answer)) && (q.from == 0 || !k.clean):
		k.seen["as if of another connection"]++ // h2 may go on so, as long as it uses what it was told of the port before
	default:
		k.t.Fatalf("the answer comes as\n%x, want\n%x", got, want)
	}
}

func (k *talk) parsed(frame []byte) *packet.Packet {
	k.t.Helper()
	var p packet.Packet
	if err := packet.Parse(frame, &p); err != nil {
		k.t.Fatalf("%x: %v", frame, err)
	}
	return &p
}

// ends returns the source and the destination of a packet.
func (k *talk) ends(frame []byte) [2]netip.AddrPort {
	p := k.parsed(frame)
	return [2]netip.AddrPort{netip.AddrPortFrom(p.SrcIP, p.SrcPort), netip.AddrPortFrom(p.DstIP, p.DstPort)}
}

// restart has another agent take over on a host, when some of what the datapath had to tell has not been read.
func (s *side) restart() {
	s.t.Helper()
	var snapshot view.Delta
	for o := range s.view.Objects() {
		snapshot.Puts = append(snapshot.Puts, o)
	}
	if err := errors.Join(s.datapath.Close(), s.cfg.State.Close()); err != nil {
		s.t.Fatal(err)
	}
	for buf := make([]datapath.Miss, 1); s.waits() > 0; s.served++ {
		if _, err := s.datapath.Receive(context.Background(), buf); err != nil {
			s.t.Fatal(err)
		}
	}
	s.begin()
	s.attend()
	s.Apply(snapshot)
	if err := s.adopt(context.Background()); err != nil {
		s.t.Fatal(err)
	}
}

// pause lets time pass on both hosts.
func (k *talk) pause(d time.Duration) {
	for _, s := range k.sides {
		s.clock.advance(d)
	}
	for _, s := range k.sides {
		if err := s.sweep(); err != nil {
			k.t.Fatal(err)
		}
		s.tell()
	}
	for _, s := range k.sides {
		s.catchUp()
	}
}

// heal has nothing get lost any more, and what connections are used told again.
func (k *talk) heal() {
	k.clean, k.between.Copies, k.between.Late = true, nil, nil
	k.between.Deliver(k.chance.Shuffle)
	k.pause(flowstate.Refresh + time.Second)
}

// disturb has frames between the hosts get lost, come twice, and messages of agents late.
func (k *talk) disturb() {
	k.clean = false
	k.between.Copies = func(uint32) int { return []int{0, 1, 1, 1, 2}[k.chance.IntN(5)] }
	k.between.Late = func(key uint32) bool { return key == datapath.StateTunnelKey && k.chance.IntN(2) == 0 }
}

// TestTwoHostsAreAsOne opens connections through address translation between two hosts, on both of them, while what they tell each other gets lost, comes
// twice, and in another order, time passes and agents are followed by others. Whoever asks knows of it, and no host does
// other than it was told; and when nothing gets lost any more, all goes where one who knew all of the connections would send it.
func TestTwoHostsAreAsOne(t *testing.T) {
	seen, dir := map[string]int{}, t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		file := filepath.Join(dir, "states")
		for _, name := range []string{"h1", "h2"} {
			os.Remove(file + name)
		}
		k := &talk{t: t, clean: true, seen: seen, chance: rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "chance"), 0))}
		k.sides, k.between = sidesIn(t, talkWorld, file)
		defer func() {
			for _, s := range k.sides {
				s.cfg.State.Close()
			}
		}()
		for _, s := range k.sides {
			s.attend()
		}
		for range rapid.IntRange(10, 60).Draw(t, "steps") {
			switch step := rapid.IntRange(0, 29).Draw(t, "step"); {
			case step < 22:
				k.converse(k.opener())
			case step < 24:
				k.pause(time.Duration(rapid.IntRange(1, 50).Draw(t, "seconds")) * time.Second)
			case step < 25:
				k.sides[rapid.IntRange(0, 1).Draw(t, "side")].restart()
				seen["restarts"]++
			case step < 27:
				k.between.Deliver(k.chance.Shuffle)
			case step < 28:
				k.disturb()
			default:
				k.heal()
			}
		}
		k.heal()
		for range 10 {
			k.converse(k.opener())
		}
	})
	t.Logf("%v", seen)
	for _, what := range []string{"answered", "not let in", "lost", "restarts"} {
		if seen[what] == 0 {
			t.Errorf("nothing %s: the property was not put to the test", what)
		}
	}
}
