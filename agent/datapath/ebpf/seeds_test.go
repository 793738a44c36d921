package ebpf

import (
	"context"
	"testing"
	"time"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/id"
	"midonet.org/midonet/topology"
)

// seedOf returns a seed of UDP connections from any port, of packets like the one with the header.
func seedOf(t *testing.T, h packet.Header, from, to topology.PortID) flow.Flow {
	t.Helper()
	f := flowOf(t, h.Frame(nil), from, flow.Output{Port: to})
	h.SrcMAC, h.DstMAC, h.SrcIP, h.DstIP, h.SrcPort, h.DstPort = h.DstMAC, h.SrcMAC, h.DstIP, h.SrcIP, h.DstPort, h.SrcPort
	back := flowOf(t, h.Frame(nil), to, flow.Output{Port: from})
	f.Key = f.Key.Wide(flow.SrcPort)
	f.Seed = &flow.Seed{Number: 7, Answer: back.Key.Wide(flow.DstPort), Answers: back.Actions}
	return f
}

// flows returns the keys of what is installed.
func (l *local) flows(t *testing.T) map[flow.Key]bool {
	t.Helper()
	keys := map[flow.Key]bool{}
	check(t, l.Entries(func(e datapath.Entry) bool { keys[e.Key] = true; return true }))
	return keys
}

// heard receives until nothing more comes, and returns the keys of the connections' flows that were told of.
func (l *local) heard(t *testing.T) map[flow.Key]bool {
	t.Helper()
	keys := map[flow.Key]bool{}
	for buf := make([]datapath.Miss, 4); ; {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		n, err := l.Receive(ctx, buf)
		cancel()
		if err != nil && l.current.ring.AvailableBytes() == 0 && l.current.backlog.waiting == 0 { // and not because this took its time
			return keys
		}
		for _, m := range buf[:n] {
			keys[m.Born.First], keys[m.Born.Answer] = true, true
		}
	}
}

// TestDroppedBirths has more connections begin than may wait outside of the ring: the flows of those that the agent is not told of go.
func TestDroppedBirths(t *testing.T) {
	l := newLocal(t, Config{MaxFlows: 1 << 12, MissBurst: 10_000})
	const room, flood = 20, 200
	l.current.backlog.limit = room * birthSize
	check(t, l.Install([]flow.Flow{seedOf(t, udpHeader(1, 80), l.portA.ID, l.portB.ID)}))
	for port := range uint16(flood) {
		frame := udpHeader(2000+port, 80).Frame(nil)
		l.a.Send(t, frame)
		expectFrame(t, l.b, frame)
	}
	if n := len(l.flows(t)); n != 2*flood {
		t.Fatalf("%d flows of %d connections", n, flood)
	}
	heard := l.heard(t)
	if n := len(heard); n < 2*room || n == 2*flood {
		t.Errorf("%d flows were told of, with room for %d connections", n, room)
	}
	left := l.flows(t)
	for k := range left {
		if !heard[k] {
			t.Errorf("nobody was told of %s", k)
		}
	}
	if len(left) != len(heard) {
		t.Errorf("%d flows are left of %d that were told of", len(left), len(heard))
	}
	if c, err := l.Counters(); err != nil || c.Born != flood || c.Misses != 0 || c.MissesLost != 0 {
		t.Errorf("counters %+v, %v: no packet was lost", c, err)
	}
}

// TestBirthsOfUnpluggedPorts: a program that ran on while its port was unplugged leaves nothing behind.
func TestBirthsOfUnpluggedPorts(t *testing.T) {
	for name, gone := range map[string]func(l *local) topology.PortID{
		"the first packet's": func(l *local) topology.PortID { return l.portA.ID },
		"the answer's":       func(l *local) topology.PortID { return l.portB.ID },
	} {
		t.Run(name, func(t *testing.T) {
			l := newLocal(t, Config{MaxFlows: 1024})
			check(t, l.Install([]flow.Flow{seedOf(t, udpHeader(1, 80), l.portA.ID, l.portB.ID)}))
			frame := udpHeader(2000, 80).Frame(nil)
			l.a.Send(t, frame)
			expectFrame(t, l.b, frame)
			var keys []bpfFlowKey
			var values []bpfFlow
			check(t, l.current.eachFlow(func(k *bpfFlowKey, f *bpfFlow) bool {
				keys, values = append(keys, *k), append(values, *f)
				return true
			}))
			check(t, l.RemovePorts(gone(l)))
			for i := range keys {
				check(t, l.current.objects.Flows.Put(&keys[i], &values[i]))
			}
			if heard := l.heard(t); len(heard) != 0 {
				t.Errorf("the agent was told of %v", heard)
			}
			n := 0
			check(t, l.current.eachFlow(func(*bpfFlowKey, *bpfFlow) bool { n++; return true }))
			if n != 0 {
				t.Errorf("%d flows are left", n)
			}
		})
	}
}

// TestBirthsWithoutAgent kills the agent: the programs go on to begin connections until what they have to tell has no more room. The next
// agent finds the flows, hears of none, and has no seeds.
func TestBirthsWithoutAgent(t *testing.T) {
	needRoot(t)
	h := newHost(t, Config{MaxFlows: 1 << 13, MissBuffer: 1 << 17, MissRate: 1_000_000, MissBurst: 100_000})
	a, b := h.newWire(t), h.newWire(t)
	portA := datapath.Port{ID: id.New[topology.Port](), Interface: a.name}
	portB := datapath.Port{ID: id.New[topology.Port](), Interface: b.name}
	agent := h.startAgent(t, orders{
		Config: h.config, Ports: []datapath.Port{portA, portB}, Flows: []flow.Flow{seedOf(t, udpHeader(1, 80), portA.ID, portB.ID)},
	})
	check(t, agent.Process.Kill())
	agent.Wait()
	const most = 1 << 17 / birthSize // less 8 octets each
	begun := 0
	for wait := patience; begun <= most; begun++ {
		if begun > most/2 {
			wait = 500 * time.Millisecond // it may be the one too many
		}
		a.Send(t, udpHeader(2000+uint16(begun), 80).Frame(nil))
		if b.Receive(t, wait) == nil {
			break
		}
	}
	if begun == 0 || begun > most {
		t.Errorf("%d connections were begun without an agent, which have room for %d", begun, most)
	}
	l := &local{host: h, Datapath: h.open(t), a: a, b: b}
	for b.Receive(t, 0) != nil { // it was not, but late
		begun++
	}
	if n := len(l.flows(t)); n != 2*begun {
		t.Errorf("%d flows of %d connections", n, begun)
	}
	if heard := l.heard(t); len(heard) != 0 {
		t.Errorf("%d flows were told of", len(heard))
	}
	frame := udpHeader(1999, 80).Frame(nil)
	a.Send(t, frame)
	if m := nextMiss(t, l); m.Born != nil || m.InPort != portA.ID {
		t.Errorf("%+v was received, want a miss", m)
	}
}
