package worker

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/flowstate"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/sim"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/agent/view/viewtest"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// wayOut has a workload behind a router whose uplink is on h3 and whose sources h1 and h2 translate.
var wayOut = `
host h1 192.0.2.1
host h2 192.0.2.2
host h3 192.0.2.3
bridge blue
port vm1 blue key 11 source fa:16:3e:00:00:01@10.0.0.3 egress all ingress none
bind vm1 h1 tap0
mac blue fa:16:3e:00:00:01 vm1
neighbour blue 10.0.0.3 fa:16:3e:00:00:01 vm1
router r1 in pre-r1 forward forward-r1 out post-r1
port r1b blue peer r1-blue device r1
rport r1-blue r1 fa:16:3e:aa:00:01 10.0.0.1/24 peer r1b
rport r1-up r1 fa:16:3e:aa:00:03 203.0.113.5/24 key 21
bind r1-up h3 tap0
active r1-up h3
mac blue fa:16:3e:aa:00:01 r1b
found r1 r1-up 203.0.113.1 02:00:00:00:00:01 h3
route r1 10.0.0.0/24 port r1-blue
route r1 203.0.113.0/24 port r1-up
route r1 0.0.0.0/0 port r1-up via 203.0.113.1
block r1 203.0.113.5 1024 h1
block r1 203.0.113.5 2048 h2
chain all accept ip4; accept ip6
chain none
` + viewtest.GatewayChains("r1", "r1-up", "203.0.113.5")

const moveLine = "bind vm1 h1 tap0"

// hostsOf are agents by their underlay addresses, and what is on its way between them.
type hostsOf map[netip.Addr]*rig

// startApart runs agents that know the topology, and nothing of each other.
func startApart(t testing.TB, text string, names ...string) hostsOf {
	hosts := hostsOf{}
	for _, name := range names {
		underlay := "192.0.2." + strings.TrimPrefix(name, "h")
		hosts[netip.MustParseAddr(underlay)] = newTextRigOf(t, name, underlay, 1024, text)
	}
	return hosts
}

func (hosts hostsOf) named(name string) *rig {
	return hosts[netip.MustParseAddr("192.0.2."+strings.TrimPrefix(name, "h"))]
}

// note is a message between agents.
type note struct {
	to    netip.Addr
	frame []byte
}

// collect has the agents do what they do by themselves and returns what they tell each other, and the other packets that host sent.
func (hosts hostsOf) collect(host *rig) (notes []note, packets []datapath.Packet) {
	for _, h := range hosts {
		for h.accountForSome() {
		}
		for h.postSome() {
		}
		for _, p := range h.sent() {
			switch out := p.Actions.Outputs; {
			case len(out) == 1 && out[0].TunnelKey == datapath.StateTunnelKey:
				notes = append(notes, note{out[0].Peer, p.Frame})
			case h == host:
				packets = append(packets, p)
			}
		}
	}
	return notes, packets
}

func (hosts hostsOf) deliver(n note) {
	if h := hosts[n.to]; h != nil { // else its agent is away
		h.serve([]datapath.Miss{{State: true, Frame: n.frame}})
	}
}

// settle carries messages until there are none, and returns the packets that the host sent meanwhile.
func (hosts hostsOf) settle(host *rig) (packets []datapath.Packet) {
	for {
		notes, sent := hosts.collect(host)
		packets = append(packets, sent...)
		if len(notes) == 0 {
			return packets
		}
		for _, n := range notes {
			hosts.deliver(n)
		}
	}
}

// pass lets time go by everywhere.
func (hosts hostsOf) pass(d time.Duration) {
	for _, h := range hosts {
		h.clock.advance(d)
		h.askForArrivals()
		h.askOverdue()
	}
}

// moves has the agents hear that the workload goes to another host.
func (hosts hostsOf) moves(to string, from ...string) {
	for _, h := range hosts {
		h.Apply(view.Delta{Puts: viewtest.MustParse(moved(to, from...))})
	}
}

func moved(to string, from ...string) string {
	return fmt.Sprintf("bind vm1 %s tap0 from %s", to, strings.Join(from, " "))
}

// outward is a packet of the workload's n-th connection to a server outside: TCP with the flags, or UDP where there are none.
func outward(n int, flags uint8) datapath.Miss {
	h := packet.Header{SrcMAC: mac.MustParse("fa:16:3e:00:00:01"), DstMAC: mac.MustParse("fa:16:3e:aa:00:01"), EtherType: packet.EtherTypeIPv4,
		SrcIP: netip.MustParseAddr("10.0.0.3"), DstIP: netip.MustParseAddr("198.51.100.9"), Proto: packet.ProtoTCP, SrcPort: uint16(30000 + n), DstPort: 443, TTL: 64}
	if flags == 0 {
		h.Proto = packet.ProtoUDP
	}
	frame := h.Frame(nil)
	if flags != 0 {
		frame[14+20+13] = flags
	}
	return datapath.Miss{InPort: viewtest.ID[topology.Port]("vm1"), Frame: frame}
}

const (
	syn uint8 = 0x02
	ack uint8 = 0x10
)

// translatedTo returns the source ports that packets leave with.
func translatedTo(packets []datapath.Packet) (ports []uint16) {
	for _, p := range packets {
		if p.Actions.Rewrite.Fields&flow.FieldSrcPort != 0 {
			ports = append(ports, p.Actions.Rewrite.SrcPort)
		}
	}
	return ports
}

// only returns the one port.
func only(t testing.TB, what string, packets []datapath.Packet) uint16 {
	t.Helper()
	ports := translatedTo(packets)
	if len(ports) != 1 {
		t.Fatalf("%s: packets leave with the ports %v, want one packet", what, ports)
	}
	return ports[0]
}

func ofBlock(first, port uint16) bool { return port >= first && port < first+topology.NATBlockSize }

// TestAMoveWhileTheOldAgentIsAway: the host of the uplink tells the new one of the workload's connections. Meanwhile packets of established
// ones wait, and those of new ones do not.
func TestAMoveWhileTheOldAgentIsAway(t *testing.T) {
	hosts := startApart(t, wayOut, "h1", "h2", "h3")
	h1, h2 := hosts.named("h1"), hosts.named("h2")
	h1.serve([]datapath.Miss{outward(1, syn), outward(2, 0)})
	ports := translatedTo(hosts.settle(h1))
	if len(ports) != 2 || !ofBlock(1024, ports[0]) || !ofBlock(1024, ports[1]) {
		t.Fatalf("the connections begin with the ports %v", ports)
	}
	delete(hosts, netip.MustParseAddr("192.0.2.1")) // killed
	hosts.moves("h2", "h1")

	h2.serve([]datapath.Miss{outward(1, ack), outward(2, 0), outward(3, ack), outward(4, syn)})
	if port := only(t, "a new connection", hosts.settle(h2)); !ofBlock(2048, port) {
		t.Errorf("a new connection has port %d, want one of this host", port)
	}
	hosts.pass(askInterval - 1)
	if left := hosts.settle(h2); len(left) != 0 {
		t.Fatalf("%d packets leave before anybody was asked", len(left))
	}
	hosts.pass(1)
	left := translatedTo(hosts.settle(h2))
	if len(left) != 2 || left[0] != ports[0] || left[1] != ports[1] {
		t.Fatalf("the packets leave with the ports %v, want %v as before", left, ports)
	}
	// Of the third connection nobody knows: it goes on when the host that is away has been asked twice.
	hosts.pass(maxArrivalAsks*wantInterval - wantInterval)
	hosts.settle(h2)
	hosts.pass(wantInterval - 1)
	if left := hosts.settle(h2); len(left) != 0 {
		t.Errorf("a packet of an unknown connection leaves too soon")
	}
	hosts.pass(1)
	if port := only(t, "an unknown connection", hosts.settle(h2)); !ofBlock(2048, port) {
		t.Errorf("an unknown connection goes on with port %d", port)
	}
	h2.serve([]datapath.Miss{outward(5, 0)})
	if port := only(t, "a connection like it", hosts.settle(h2)); !ofBlock(2048, port) {
		t.Errorf("a connection whose hosts have been asked waits again, or has port %d", port)
	}
	hosts.pass(arrivalLife)
	if len(h2.arrivals) != 0 || len(h2.waiting.lines) != 0 {
		t.Errorf("something is still waited for: %v, %v", h2.arrivals, h2.waiting.lines)
	}
}

// TestAWorkloadThatComesLongAfterItsPort, as one that is large: the hosts of its connections are asked when the first packet shows who they are.
func TestAWorkloadThatComesLongAfterItsPort(t *testing.T) {
	hosts := startApart(t, wayOut, "h1", "h2", "h3")
	h1, h2 := hosts.named("h1"), hosts.named("h2")
	h1.serve([]datapath.Miss{outward(1, syn)})
	port := only(t, "the connection's first packet", hosts.settle(h1))
	delete(hosts, netip.MustParseAddr("192.0.2.1"))
	hosts.moves("h2", "h1")
	for range 50 {
		hosts.pass(wantInterval)
		hosts.settle(h2)
	}
	h2.serve([]datapath.Miss{outward(1, ack)})
	if left := hosts.settle(h2); len(left) != 0 {
		t.Fatal("the packet leaves before anybody was asked")
	}
	hosts.pass(askInterval)
	if got := only(t, "the connection", hosts.settle(h2)); got != port {
		t.Errorf("it goes on with port %d, and had %d", got, port)
	}
}

// TestWhoIsBehindAnExternalNetworkIsAsked: the router that leads to the uplink is not known to a host before a packet asks for it.
func TestWhoIsBehindAnExternalNetworkIsAsked(t *testing.T) {
	const edge = `
router edge
port ext-edge ext peer edge-ext device edge
rport edge-ext edge fa:16:3e:ee:00:01 203.0.113.1/24 peer ext-edge
rport edge-up edge fa:16:3e:ee:00:02 172.19.2.1/30 key 22
bind edge-up h3 tap0
active edge-up h3
found edge edge-up 172.19.2.2 02:00:00:00:00:01 h3
route edge 203.0.113.0/24 port edge-ext
route edge 0.0.0.0/0 port edge-up via 172.19.2.2
host h3 192.0.2.3
`
	text := strings.NewReplacer("host h3 192.0.2.3\n", "", "rport r1-up r1 fa:16:3e:aa:00:03 203.0.113.5/24 key 21\nbind r1-up h3 tap0\nactive r1-up h3\n",
		"bridge ext external\nport r1e ext peer r1-up device r1\nrport r1-up r1 fa:16:3e:aa:00:03 203.0.113.5/24 peer r1e\nmac ext fa:16:3e:aa:00:03 r1e\n"+
			"neighbour ext 203.0.113.5 fa:16:3e:aa:00:03 r1e\nmac ext fa:16:3e:ee:00:01 ext-edge\nneighbour ext 203.0.113.1 fa:16:3e:ee:00:01 ext-edge\n",
		"found r1 r1-up 203.0.113.1 02:00:00:00:00:01 h3\n", "").Replace(wayOut)
	hosts := startApart(t, text+edge, "h1", "h3")
	hosts[netip.MustParseAddr("192.0.2.2")] = newTextRigOf(t, "h2", "192.0.2.2", 1024, text+"port ext-edge ext peer edge-ext device edge\n")
	h1, h2 := hosts.named("h1"), hosts.named("h2")
	h1.serve([]datapath.Miss{outward(1, syn)})
	port := only(t, "the connection's first packet", hosts.settle(h1))
	delete(hosts, netip.MustParseAddr("192.0.2.1"))
	hosts.moves("h2", "h1")
	h2.serve([]datapath.Miss{outward(1, ack)})
	if _, wanted := h2.wanted[viewtest.ID[topology.Router]("edge")]; !wanted {
		t.Fatal("nobody asks for the router")
	}
	h2.Apply(view.Delta{Puts: viewtest.MustParse(edge)})
	hosts.pass(askInterval)
	if got := only(t, "the connection", hosts.settle(h2)); got != port {
		t.Errorf("it goes on with port %d, and had %d", got, port)
	}
}

// TestAMoveThatTheOldAgentTellsOf asks nobody, whichever host hears of it first.
func TestAMoveThatTheOldAgentTellsOf(t *testing.T) {
	for _, order := range [][]string{{"h1", "h2", "h3"}, {"h3", "h2", "h1"}} {
		hosts := startApart(t, wayOut, "h1", "h2", "h3")
		h1, h2 := hosts.named("h1"), hosts.named("h2")
		h1.serve([]datapath.Miss{outward(1, syn)})
		port := only(t, "the connection's first packet", hosts.settle(h1))
		for _, name := range order {
			hosts.named(name).Apply(view.Delta{Puts: viewtest.MustParse(moved("h2", "h1"))})
			if name == "h1" || name == "h3" {
				hosts.settle(h2)
			}
		}
		if len(h2.arrivals) != 0 {
			t.Errorf("%v: the new host waits for more", order)
		}
		h2.serve([]datapath.Miss{outward(1, ack), outward(2, 0)})
		if left := translatedTo(hosts.settle(h2)); len(left) != 2 || left[0] != port || !ofBlock(2048, left[1]) {
			t.Errorf("%v: packets leave with the ports %v, want %d and a new one", order, left, port)
		}
		hosts.pass(time.Minute)
		if notes, _ := hosts.collect(h2); len(notes) != 0 {
			t.Errorf("%v: %d messages are sent", order, len(notes))
		}
	}
}

// TestAccountsThatAreLostAndLate: whatever becomes of the messages between the hosts, the connection has its port or none.
func TestAccountsThatAreLostAndLate(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		hosts := startApart(t, wayOut, "h1", "h2", "h3")
		h1, h2 := hosts.named("h1"), hosts.named("h2")
		h1.serve([]datapath.Miss{outward(1, syn)})
		port := only(t, "the connection's first packet", hosts.settle(h1))
		if rapid.Bool().Draw(r, "the old agent is killed") {
			delete(hosts, netip.MustParseAddr("192.0.2.1"))
		}
		hosts.moves("h2", "h1")
		var late []note
		for range rapid.IntRange(1, 6).Draw(r, "rounds") {
			h2.serve([]datapath.Miss{outward(1, ack)})
			notes, packets := hosts.collect(h2)
			for _, left := range translatedTo(packets) {
				if left != port {
					r.Fatalf("the connection has port %d, and had %d", left, port)
				}
			}
			late = append(late, notes...)
			for range rapid.IntRange(0, 3).Draw(r, "messages") {
				if len(late) > 0 {
					hosts.deliver(late[rapid.IntRange(0, len(late)-1).Draw(r, "which")])
				}
			}
			hosts.pass(askInterval)
		}
		for range 5 { // and now nothing is lost any more
			for _, n := range late {
				hosts.deliver(n)
			}
			var packets []datapath.Packet
			late, packets = hosts.collect(h2)
			for _, left := range translatedTo(packets) {
				if left != port {
					r.Fatalf("in the end the connection has port %d, and had %d", left, port)
				}
			}
			hosts.pass(askInterval)
		}
		h2.serve([]datapath.Miss{outward(1, ack)})
		if key := keyOf(t, outward(1, ack)); h2.datapath.flows[key].Actions.Rewrite.SrcPort != port {
			r.Fatalf("in the end the connection does not go on")
		}
	})
}

func keyOf(t testing.TB, m datapath.Miss) flow.Key {
	t.Helper()
	var p packet.Packet
	if err := packet.Parse(m.Frame, &p); err != nil {
		t.Fatal(err)
	}
	return flow.KeyOf(&p, m.InPort)
}

// TestThePortOfAConnectionThatMovedIsNotGivenAgain by the host that it was of, as long as the connection lives, and then it is.
func TestThePortOfAConnectionThatMovedIsNotGivenAgain(t *testing.T) {
	hosts := startApart(t, wayOut, "h1", "h2", "h3")
	h1, h2 := hosts.named("h1"), hosts.named("h2")
	h1.serve([]datapath.Miss{outward(1, syn)})
	port := only(t, "the connection's first packet", hosts.settle(h1))
	hosts.moves("h2", "h1")
	hosts.settle(h2)
	alive := func() {
		h2.serve([]datapath.Miss{outward(1, ack)})
		hosts.settle(h2)
		for _, h := range hosts {
			h.sweepStates(h.clock.Now())
		}
		hosts.settle(h2)
	}
	out := flow.Conn{Proto: packet.ProtoTCP, Dst: netip.MustParseAddr("198.51.100.9"), DstPort: 443}
	free := func() bool {
		_, ok := h1.cfg.State.FreePort(viewtest.ID[topology.Router]("r1"), netip.MustParseAddr("203.0.113.5"), port, port, out)
		return ok
	}
	alive()
	for range 4 * flowstate.BlockIdle / flowstate.Refresh {
		hosts.pass(flowstate.Refresh)
		alive()
		if free() {
			t.Fatal("the port is given again while its connection lives")
		}
		if len(h1.Facts().Blocks) != 1 {
			t.Fatal("the block is given back")
		}
	}
	hosts.pass(flowstate.Learned + flowstate.PortRest)
	h1.sweepStates(h1.clock.Now())
	if !free() {
		t.Error("the port is still kept")
	}
}

// TestConnectionsOfItsOwnAreNoBusinessOfFormerHosts: what begins here concerns nobody there.
func TestConnectionsOfItsOwnAreNoBusinessOfFormerHosts(t *testing.T) {
	hosts := startApart(t, strings.Replace(wayOut, moveLine, moved("h2", "h1"), 1), "h2")
	h2 := hosts.named("h2")
	h2.serve([]datapath.Miss{outward(1, syn)})
	notes, _ := hosts.collect(h2)
	for _, n := range notes {
		if n.to == netip.MustParseAddr("192.0.2.1") {
			t.Error("a former host is told of a connection of this one's")
		}
	}
	if len(notes) != 1 {
		t.Errorf("%d messages, want one to the uplink's host", len(notes))
	}
}

// TestWhoIsAsked: an agent that starts again asks about no port that was plugged in; and one whose port was not asks the host that had it.
func TestWhoIsAsked(t *testing.T) {
	text := strings.Replace(wayOut, moveLine, moved("h2", "h1"), 1)
	h2 := newTextRigOf(t, "h2", "192.0.2.2", 1024, text)
	h2.clock.advance(askInterval)
	h2.askForArrivals()
	var asked []netip.Addr
	for _, p := range h2.sent() {
		asked = append(asked, p.Actions.Outputs[0].Peer)
	}
	if len(asked) != 1 || asked[0] != netip.MustParseAddr("192.0.2.1") {
		t.Errorf("asked are %v, want the host that had the port", asked)
	}
	again := h2.restart()
	again.Apply(h2.network.snapshot())
	if len(again.arrivals) != 0 {
		t.Error("an agent that starts again asks about a port that was here")
	}
}

// TestInquiries: a host is answered about ports that are its own, as many at a time as there is room for.
func TestInquiries(t *testing.T) {
	text := strings.Builder{}
	text.WriteString(wayOut)
	for n := range maxInquiries + 1 {
		fmt.Fprintf(&text, "port p%d blue\nbind p%d h2 x%d\n", n, n, n)
	}
	h3 := newTextRigOf(t, "h3", "192.0.2.3", 1024, text.String())
	h1, h2 := viewtest.ID[topology.Host]("h1"), viewtest.ID[topology.Host]("h2")
	for _, c := range []struct {
		what string
		host topology.HostID
		port string
	}{{"another's port", h1, "p0"}, {"this host's port", h2, "r1-up"}, {"a port that is not known", h2, "p99999"}, {"a stranger", viewtest.ID[topology.Host]("h9"), "p0"}} {
		h3.inquire(c.host, viewtest.ID[topology.Port](c.port))
		if len(h3.inquiries.open) != 0 {
			t.Errorf("%s is answered about", c.what)
		}
	}
	for n := range maxInquiries + 1 {
		h3.inquire(h2, viewtest.ID[topology.Port](fmt.Sprint("p", n)))
		h3.inquire(h2, viewtest.ID[topology.Port](fmt.Sprint("p", n))) // twice is once
		if want := min(n+1, maxInquiries); len(h3.inquiries.open) != want || len(h3.inquiries.order) != want {
			t.Fatalf("after %d questions %d wait, want %d", n+1, len(h3.inquiries.open), want)
		}
	}
	answered := 0
	for h3.accountForSome() {
		for h3.postSome() {
		}
		answered += len(h3.sent())
	}
	if answered != maxInquiries {
		t.Errorf("%d answers, want %d", answered, maxInquiries)
	}
}

// TestArrivalsAreBounded: of too many ports that come at once the last are asked about by nobody, and their packets do not wait. The others
// are asked about some at a time.
func TestArrivalsAreBounded(t *testing.T) {
	h2 := newTextRigOf(t, "h2", "192.0.2.2", 1024, wayOut)
	var text strings.Builder
	for n := range maxArrivals + 1 {
		fmt.Fprintf(&text, "port p%d blue\nbind p%d h2 x%d from h1\n", n, n, n)
	}
	h2.Apply(view.Delta{Puts: viewtest.MustParse(text.String())})
	if len(h2.arrivals) != maxArrivals {
		t.Fatalf("%d ports are waited for, want %d", len(h2.arrivals), maxArrivals)
	}
	h2.clock.advance(askInterval)
	asked := map[topology.PortID]int{}
	for round := range maxArrivals / flowstate.MaxPorts {
		h2.askForArrivals()
		for _, p := range h2.sent() {
			if len(p.Frame) > 1280+14 {
				t.Fatalf("a question of %d octets", len(p.Frame))
			}
			count(t, p.Frame, asked)
		}
		if len(asked) != (round+1)*flowstate.MaxPorts {
			t.Fatalf("%d ports were asked about in %d rounds", len(asked), round+1)
		}
	}
	h2.clock.advance(arrivalLife - askInterval - 1)
	h2.askForArrivals()
	if len(h2.arrivals) != maxArrivals {
		t.Errorf("%d ports are waited for as long as they may be, want %d", len(h2.arrivals), maxArrivals)
	}
	h2.clock.advance(1)
	h2.askForArrivals()
	if len(h2.arrivals) != 0 {
		t.Errorf("%d ports are still waited for", len(h2.arrivals))
	}
	h2.Apply(view.Delta{Puts: viewtest.MustParse(moved("h2", "h1"))})
	h2.Apply(view.Delta{Puts: viewtest.MustParse(moved("h3", "h2", "h1"))})
	if len(h2.arrivals) != 0 {
		t.Error("a port is waited for that has gone on")
	}
}

// count counts the ports that the question is about.
func count(t testing.TB, question []byte, asked map[topology.PortID]int) {
	t.Helper()
	heard, err := openStates(t, "", topology.HostID{1}, time.Now()).Learn(question, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range heard.Asked {
		asked[p]++
	}
}

// TestPeersAreBounded: who would be one too many is not asked, and not waited for.
func TestPeersAreBounded(t *testing.T) {
	h2 := newTextRigOf(t, "h2", "192.0.2.2", 1024, wayOut)
	h2.Apply(view.Delta{Puts: viewtest.MustParse(moved("h2", "h1"))})
	port := viewtest.ID[topology.Port]("vm1")
	h2.arrivals[port].former.done = true
	for n := range maxAsked + 1 {
		r := sim.Result{Wants: []sim.Want{{Arrival: port}}, StatePeers: []netip.Addr{netip.AddrFrom4([4]byte{198, 18, 0, byte(n)})}}
		if nobody := h2.nobodyKnows(port, &r, h2.clock.Now()); nobody != (n == maxAsked) {
			t.Fatalf("peer %d is not waited for: %v", n, nobody)
		}
	}
}

// TestALargeAccountIsPaced: it goes out some messages at a time, and is whole at its end.
func TestALargeAccountIsPaced(t *testing.T) {
	h1 := newTextRigOf(t, "h1", "192.0.2.1", 1<<14, wayOut)
	states := make([]flow.State, 5000)
	for n := range states {
		states[n] = flow.State{Key: flow.StateKey{Kind: flow.StateReturn, Device: [16]byte{1, byte(n)}, Conn: flow.Conn{
			Proto: packet.ProtoTCP, Src: netip.MustParseAddr("10.0.0.3"), Dst: netip.MustParseAddr("10.0.0.4"), SrcPort: uint16(n), DstPort: 1}}}
	}
	port, peer := viewtest.ID[topology.Port]("vm1"), netip.MustParseAddr("192.0.2.2")
	h1.post.add(peer, flowstate.NewAccount(port, states, true))
	there := openStates(t, "", viewtest.ID[topology.Host]("h2"), time.Now())
	for more := true; more; {
		more = h1.postSome()
		sent := h1.sent()
		if len(sent) > postChunk {
			t.Fatalf("%d messages at once", len(sent))
		}
		for i, p := range sent {
			if !bytes.Equal(p.Frame[:12], make([]byte, 12)) || p.Actions.Outputs[0].Peer != peer {
				t.Fatalf("%+v", p)
			}
			heard, err := there.Learn(p.Frame, time.Now())
			if whole := !more && i == len(sent)-1; err != nil || (heard.Told == port) != whole {
				t.Fatalf("the account is whole: %v, want %v; %v", !whole, whole, err)
			}
		}
	}
	if n := there.Stats().States; n != len(states) {
		t.Errorf("%d states came, want %d", n, len(states))
	}
	for n := range maxPosted + 1 {
		h1.post.add(peer, flowstate.NewAccount(port, nil, true))
		if want := min(n+1, maxPosted); len(h1.post.letters) != want {
			t.Fatalf("%d accounts wait, want %d", len(h1.post.letters), want)
		}
	}
}

// TestWaitingForAnArrivalEnds with the packet's own patience too, where the arrival's does not.
func TestWaitingForAnArrivalEnds(t *testing.T) {
	h2 := newTextRigOf(t, "h2", "192.0.2.2", 1024, wayOut)
	h2.Apply(view.Delta{Puts: viewtest.MustParse(moved("h2", "h1"))})
	port := viewtest.ID[topology.Port]("vm1")
	h2.serve([]datapath.Miss{outward(1, ack)})
	if got := len(h2.waiting.lines[sim.Want{Arrival: port}].misses); got != 1 {
		t.Fatalf("%d packets wait", got)
	}
	for range maxAsks {
		h2.clock.advance(wantInterval)
		h2.askOverdue()
	}
	if got := only(t, "after three seconds", h2.sent()); !ofBlock(2048, got) {
		t.Errorf("it goes on with port %d", got)
	}
}
