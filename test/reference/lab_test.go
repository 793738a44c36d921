package reference

import (
	"fmt"
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/flowstate"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/sim"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/agent/worker"
	"midonet.org/midonet/cluster/translate"
	"midonet.org/midonet/id"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// lab is three hosts, each with what its agent knows.
type lab struct {
	t       *rapid.T
	world   *world
	hosts   [3]host
	objects map[topology.Key]topology.Object           // that the hosts know
	keys    map[topology.PortID]uint32                 // tunnel keys
	found   map[topology.Key]*topology.RouterNeighbour // where routers have found the virtual address
	// lastUplink is the one by which a message has reached the machine outside.
	lastUplink int
	// got is the last message that a machine has got, as it was, and walk tells of the last one's way.
	got  *packet.Packet
	walk string
	// told is what routers have said to machines of the last message.
	told []telling
}

// telling is an error that a machine has got.
type telling struct {
	machine int
	kind    [2]uint16 // type and code
	about   message
}

type host struct {
	id       topology.HostID
	endpoint netip.Addr
	view     *view.View
	states   states
	users    *flow.Keys // numbers for states, of flows that were there ever
	flows    map[flow.Key]cached
	seeds    map[flow.Key]sown
	begun    int // packets that a seed was there for
	ways     sim.Ways
	followed int // packets that took the way of another
}

// cached is an answer that holds for all packets with its key, until something that it depended on changes.
type cached struct {
	in sim.Input
	sim.Result
}

// sown is what the host's datapath would begin connections of, until something that it depended on changes.
type sown struct {
	flow.Flow
	tags  []flow.Tag
	apart []flow.Conn
}

// states is what a host remembers of connections. It gives ports of a block of its own, each once.
type states struct {
	*flowstate.Table
	first uint16
	given *uint16
}

// FreePort is of sim.State.
func (s states) FreePort(_ topology.RouterID, _ netip.Addr, first, _ uint16, _ flow.Conn) (uint16, bool) {
	*s.given++
	return first + s.first + *s.given, true
}

// now is the time at which everything happens.
var now = time.Unix(1_700_000_000, 0)

// newLab renders the world and plugs its machines into the hosts. It is closed after use.
func newLab(t *rapid.T, w *world) *lab {
	l := &lab{t: t, objects: map[topology.Key]topology.Object{}, keys: map[topology.PortID]uint32{}, found: map[topology.Key]*topology.RouterNeighbour{}}
	for i := range l.hosts {
		h := &l.hosts[i]
		h.id, h.endpoint = topology.HostID{byte(i + 1)}, netip.AddrFrom4([4]byte{192, 0, 2, byte(i + 1)})
		table, err := flowstate.Open(flowstate.Config{Host: h.id, Size: 1 << 10}, now)
		if err != nil {
			t.Fatal(err)
		}
		h.states = states{table, uint16(i+1) << 12, new(uint16)}
		h.users = flow.NewKeys()
		h.view, h.flows, h.seeds = view.New(h.id), map[flow.Key]cached{}, map[flow.Key]sown{}
	}
	l.follow(w)
	return l
}

func (l *lab) close() {
	for i := range l.hosts {
		l.hosts[i].states.Close()
	}
}

// follow makes the world what it is given: the hosts get the difference, and tell each other of the connections of machines that move.
func (l *lab) follow(w *world) {
	taken := l.world != nil && l.world.virtual.holder != w.virtual.holder
	if l.world != nil {
		l.handOver(w)
	}
	l.world = w
	l.losesTrack()
	d := view.Delta{}
	is := map[topology.Key]topology.Object{}
	for _, o := range l.render() {
		is[o.Key()] = o
		if !reflect.DeepEqual(l.objects[o.Key()], o) {
			d.Puts = append(d.Puts, o)
		}
	}
	for k := range l.objects {
		if is[k] == nil {
			d.Deletes = append(d.Deletes, k)
		}
	}
	l.objects = is
	l.apply(d)
	if taken && w.virtual.holder != nobody {
		l.announces(w.virtual.holder)
	}
}

func (l *lab) apply(d view.Delta) {
	for i := range l.hosts {
		h := &l.hosts[i]
		next, tags := h.view.Apply(d)
		h.view = next
		h.forget(tags)
		l.checkFlows(h)
		l.checkSeeds(h)
	}
}

// handOver has the hosts of machines and uplinks that move tell the new ones of their connections.
func (l *lab) handOver(w *world) {
	moves := func(port topology.PortID, from, to int) {
		if from != to {
			old := &l.hosts[from]
			l.tell(old, []netip.Addr{l.hosts[to].endpoint}, old.states.StatesOf(worker.Moving(old.view, port)[0]))
		}
	}
	for m, x := range w.machines {
		moves(id.As[topology.Port](machineID(m)), l.world.machines[m].host, x.host)
	}
	for u, x := range w.uplinks {
		moves(w.uplinkPort(u), l.world.uplinks[u].host, x.host)
	}
}

// forget drops the flows with one of the tags.
func (h *host) forget(changes []flow.Tag) {
	touched := func(tags []flow.Tag) bool {
		return slices.ContainsFunc(tags, func(t flow.Tag) bool {
			return slices.ContainsFunc(changes, func(c flow.Tag) bool { return c.Touches(t) })
		})
	}
	maps.DeleteFunc(h.flows, func(_ flow.Key, f cached) bool { return touched(f.Tags) })
	maps.DeleteFunc(h.seeds, func(_ flow.Key, s sown) bool { return touched(s.tags) })
}

// checkFlows fails the test unless what is left of a host's flows says what would be said now.
func (l *lab) checkFlows(h *host) {
	for key, f := range h.flows {
		is := sim.Simulate(h.view, f.in)
		if !sameActions(is.Actions, f.Actions) {
			l.t.Fatalf("flow %s of host %s is of no change, and does\n%v instead of\n%v\n%s", key, h.endpoint, f.Actions, is.Actions, l.world)
		}
	}
}

// checkSeeds fails the test unless the host's datapath would begin another connection as is said now.
func (l *lab) checkSeeds(h *host) {
	for _, s := range h.seeds {
		key := s.Key
		if key.Any = 0; s.Key.Any&flow.SrcPort != 0 {
			key.SrcPort = 50000
		}
		if s.Key.Any&flow.DstPort != 0 {
			key.DstPort = 50001
		}
		in := sim.Input{InPort: key.InPort, Frame: key.Frame(), State: h.states}
		r := sim.Simulate(h.view, in)
		l.checkSeed(h, in, key, &r)
	}
}

func sameActions(a, b flow.Actions) bool {
	return cmp.Equal(a, b, cmp.Comparer(func(a, b netip.Addr) bool { return a == b }))
}

// render returns what the cluster would tell the hosts.
func (l *lab) render() []topology.Object {
	w := l.world
	objects := translate.All(w.neutron(l.t))
	for i, o := range objects {
		if p, ok := o.(*topology.Port); ok && !p.Interior() {
			if l.keys[p.ID] == 0 {
				l.keys[p.ID] = uint32(len(l.keys) + 1)
			}
			with := *p
			with.TunnelKey = l.keys[p.ID]
			objects[i] = &with
		}
	}
	for _, h := range l.hosts {
		objects = append(objects, &topology.Host{ID: h.id, Endpoints: []netip.Addr{h.endpoint}})
	}
	for _, n := range l.found {
		objects = append(objects, n)
	}
	for m, x := range w.machines {
		port := id.As[topology.Port](machineID(m))
		objects = append(objects, &topology.Binding{Port: port, Host: l.hosts[x.host].id, Interface: "tap"},
			&topology.PortState{Port: port, Host: l.hosts[x.host].id, Active: true})
	}
	for u, x := range w.uplinks {
		port := w.uplinkPort(u)
		objects = append(objects, &topology.Binding{Port: port, Host: l.hosts[x.host].id, Interface: fmt.Sprint("eth", u)},
			&topology.PortState{Port: port, Host: l.hosts[x.host].id, Active: !x.down})
		for _, six := range []bool{false, true} {
			objects = append(objects, topology.NewRouterNeighbour(id.As[topology.Router](routerID(w.edge())), port,
				nth(uplinkNetwork(u), six, 2), farMAC, l.hosts[x.host].id))
		}
	}
	return objects
}

// losesTrack has routers forget the virtual address, as they do after a while, where its holder does not answer them.
func (l *lab) losesTrack() {
	v := l.world.virtual
	for key, n := range l.found {
		r := 0
		for id.As[topology.Router](routerID(r)) != n.Router {
			r++
		}
		if v.holder == nobody || l.world.machines[v.holder].off || l.world.networks[v.network].off || l.world.routers[r].isOff(v.network) {
			delete(l.found, key)
		}
	}
}

// announces has the holder of the virtual address say to all of its network that it has it.
func (l *lab) announces(m int) {
	hw, v := machineMAC(m), l.world.virtual
	own := v.address(false)
	l.finds(m, packet.ARP{Operation: packet.ARPRequest, SenderMAC: hw, SenderIP: own, TargetIP: own}.Frame(hw, mac.Broadcast))
	if l.world.networks[v.network].dual {
		l.finds(m, advertisement(hw, v.address(true), mac.MustParse("33:33:00:00:00:01"), netip.MustParseAddr("ff02::1"), false))
	}
}

// answers has the holder of the virtual address answer routers that ask for it, and reports whether they have found it.
func (l *lab) answers(r sim.Result) bool {
	v, found := l.world.virtual, false
	if v.holder == nobody || r.Verdict != sim.Wait {
		return false
	}
	x, hw := l.world.machines[v.holder], machineMAC(v.holder)
	for _, e := range r.Emit {
		p := l.parse(e.Frame)
		heard := !x.off && slices.ContainsFunc(e.Outputs, func(o flow.Output) bool { return l.leadsTo(o, id.As[topology.Port](machineID(v.holder)), x.host) })
		switch {
		case !heard:
		case p.ARP.Operation == packet.ARPRequest && v.is(p.ARP.TargetIP):
			found = l.finds(v.holder, p.ARP.Reply(hw)) || found
		case p.ValidSolicitation() && v.is(p.ND.Target):
			found = l.finds(v.holder, advertisement(hw, p.ND.Target, p.SrcMAC, p.SrcIP, true)) || found
		}
	}
	return found
}

// finds sends the frame from the machine, and tells all hosts what routers learn from it.
func (l *lab) finds(m int, frame []byte) bool {
	h, port, _ := l.entrance(m, message{})
	r := sim.Simulate(h.view, sim.Input{InPort: port, Frame: frame, State: h.states})
	d := view.Delta{}
	for _, f := range r.Found {
		n := topology.NewRouterNeighbour(f.Router, f.Port, f.Addr, f.MAC, h.id)
		l.found[n.Key()], l.objects[n.Key()] = n, n
		d.Puts = append(d.Puts, n)
	}
	l.apply(d)
	return len(r.Found) > 0
}

// advertisement is a neighbour advertisement of the address (RFC 4861 section 4.4).
func advertisement(hw mac.Addr, a netip.Addr, dst mac.Addr, to netip.Addr, solicited bool) []byte {
	h := packet.Header{SrcMAC: hw, DstMAC: dst, EtherType: packet.EtherTypeIPv6, SrcIP: a, DstIP: to, Proto: packet.ProtoICMPv6, TTL: 255,
		SrcPort: packet.NDNeighbourAdvertisement}
	body := []byte{0x20, 0, 0, 0} // override
	if solicited {
		body[0] |= 0x40
	}
	raw := a.As16()
	body = append(body, raw[:]...)
	return h.Frame(append(append(body, 2, 1), hw[:]...))
}

// farMAC is the machine outside's, on every uplink.
var farMAC = mac.MustParse("02:cc:00:00:00:01")

// uplinkPort is the topology's port of an uplink.
func (w *world) uplinkPort(u int) topology.PortID {
	return id.As[topology.Port](routerPortID(w.edge(), uplinkNetwork(u)))
}

// entrance is where a machine's packets come in.
func (l *lab) entrance(from int, p message) (h *host, port topology.PortID, src mac.Addr) {
	if from == far {
		return &l.hosts[l.world.uplinks[p.by].host], l.world.uplinkPort(p.by), farMAC
	}
	return &l.hosts[l.world.machines[from].host], id.As[topology.Port](machineID(from)), machineMAC(from)
}

// sends has a machine send the message, and returns which machine gets it, and as what. The second fragment of one has to come to the
// same machine, from and to the same addresses.
func (l *lab) sends(from int, p message) (to int, got message) {
	l.walk, l.told = "", nil
	dst, ok := l.nextMAC(from, p)
	if !ok {
		return nobody, p // nobody would answer for the address
	}
	_, _, src := l.entrance(from, p)
	frame := headerOf(p, src, dst).Frame(make([]byte, 120))
	if p.refusal {
		frame = refusalOf(p, src, dst, l.got)
	}
	if !p.fragments {
		return l.carries(from, p, frame, nil)
	}
	whole := l.parse(frame)
	fragments := whole.Cut(frame, 100)
	to, got = l.carries(from, p, fragments[0], nil)
	first := l.parse(fragments[0]).Header
	if also, second := l.carries(from, p, fragments[1], &first); also != to || to != nobody && (second.src != got.src || second.dst != got.dst) {
		l.t.Fatalf("%s, of machine %d, arrives at machine %d as %s, and its second fragment at machine %d as %s\n%s%s", p, from, to, got, also, second,
			l.walk, l.world)
	}
	return to, got
}

// parse is for frames that the test or the simulator has made.
func (l *lab) parse(frame []byte) *packet.Packet {
	var p packet.Packet
	if err := packet.Parse(frame, &p); err != nil {
		l.t.Fatal(err)
	}
	return &p
}

// carries sends a frame of the message; first is of a later fragment the header of the first one.
func (l *lab) carries(from int, p message, frame []byte, first *packet.Header) (to int, got message) {
	h, port, _ := l.entrance(from, p)
	was := l.parse(frame)
	r := l.simulate(h, sim.Input{InPort: port, Frame: frame, First: first, State: h.states, Trace: true}, flow.KeyOf(was, port))
	arrived := map[int]message{}
	if len(r.Actions.Outputs) > 0 {
		is, _ := r.Actions.Rewrite.Of(was.Header)
		l.arrive(arrived, r.Actions.Outputs, was.With(is), was)
	}
	for _, e := range r.Emit {
		l.arrive(arrived, e.Outputs, e.Frame, was)
	}
	switch len(arrived) {
	case 0:
		return nobody, p
	case 1:
		for to, got = range arrived {
		}
		got.answer, got.refusal, got.fragments = p.answer, p.refusal, p.fragments
		return to, got
	}
	l.t.Fatalf("%s of machine %d arrives at several: %v", p, from, arrived)
	return nobody, p
}

// refusalOf is the ICMP error with which whoever got the frame says that nothing listens to its port.
func refusalOf(p message, src, dst mac.Addr, got *packet.Packet) []byte {
	h := packet.Header{SrcMAC: src, DstMAC: dst, SrcIP: p.src, DstIP: p.dst, SrcPort: packet.ICMPUnreachable, DstPort: 3}
	if p.six() {
		h.SrcPort, h.DstPort = packet.ICMPv6Unreachable, 4
	}
	return h.Error(0, got.Frame[got.L3:got.End])
}

// wholeOf is a result without words, its tags in any order.
func wholeOf(r sim.Result) any {
	tags := map[flow.Tag]bool{}
	for _, t := range r.Tags {
		tags[t] = true
	}
	r.Tags, r.Steps, r.Followed, r.Any, r.Alike = nil, nil, false, 0, 0
	r.Source, r.SourceTo, r.Apart = sim.BlockWant{}, netip.Addr{}, nil
	r.State, r.StatePeers = append([]flow.State{}, r.State...), append([]netip.Addr{}, r.StatePeers...)
	return []any{r, tags}
}

// simulate is sim.Simulate on a host, of a packet with the key. Nobody answers routers that ask for a neighbour. The ways of earlier
// packets are to lead where a walk does, and so are flows of wider keys.
func (l *lab) simulate(h *host, in sim.Input, key flow.Key) sim.Result {
	untraced, given := in, *h.states.given
	untraced.Trace, untraced.Ways = false, &h.ways
	w := sim.Simulate(h.view, untraced)
	*h.states.given = given // both are to be given the same port
	r := sim.Simulate(h.view, in)
	if w.Followed {
		h.followed++
	}
	if got, want := wholeOf(w), wholeOf(r); !reflect.DeepEqual(got, want) {
		l.t.Fatalf("by ways (followed: %v)\n%+v\nand walked\n%+v\n%s", w.Followed, got, want, l.world)
	}
	if l.answers(r) {
		return l.simulate(h, in, key)
	}
	if r.Verdict == sim.Wait {
		in.GiveUp = true
		r = sim.Simulate(h.view, in)
	}
	for _, wide := range key.Wider() {
		if f, ok := h.flows[wide]; ok && (f.Verdict != r.Verdict || !sameActions(f.Actions, r.Actions)) {
			l.t.Fatalf("by flow %s of host %s\n%v\nand walked\n%v\n%s", wide, h.endpoint, f.Actions, r.Actions, l.world)
		}
	}
	l.checkSeed(h, in, key, &r)
	l.remember(h, key, &r)
	l.sow(h, in, &r)
	if r.Cache {
		in.Trace = false
		h.flows[key.Wide(w.Any)] = cached{in, r}
	}
	var b strings.Builder
	if err := sim.Format(&b, r, h.view); err != nil {
		l.t.Fatal(err)
	}
	l.walk = b.String()
	return r
}

// sow opens some connections that only ports tell from the packet's, of which nothing is remembered afterwards, and has the host keep what its
// datapath could make of them and of what answers them.
func (l *lab) sow(h *host, in sim.Input, r *sim.Result) {
	p := l.parse(in.Frame)
	if !flow.Opens(p) || r.Verdict != sim.Forward || len(r.Actions.Outputs) != 1 || !r.Actions.Outputs[0].Local() {
		return
	}
	given := *h.states.given
	defer func() { *h.states.given = given }()
	for n := range uint16(3) {
		header := p.Header
		header.SrcPort = 40000 + n
		first := sim.Simulate(h.view, sim.Input{InPort: in.InPort, Frame: header.Frame(nil), State: h.states, Ways: &h.ways})
		is, _ := first.Actions.Rewrite.Of(header)
		answer := flow.Key{InPort: r.Actions.Outputs[0].Port, SrcMAC: is.DstMAC, DstMAC: is.SrcMAC, EtherType: is.EtherType, SrcIP: is.DstIP, DstIP: is.SrcIP,
			Proto: is.Proto, TOS: is.TOS, SrcPort: is.DstPort, DstPort: is.SrcPort}
		back := sim.Simulate(h.view, sim.Input{InPort: answer.InPort, Frame: answer.Frame(), State: besides{h.states, first.State}, Ways: &h.ways})
		if !first.Begins(p) {
			continue
		}
		asked := flow.KeyOf(&packet.Packet{Header: header}, in.InPort)
		if f, ok := sim.SeedOf(asked, &first, answer, &back); ok {
			tags := slices.DeleteFunc(slices.Concat(first.Tags, back.Tags), func(t flow.Tag) bool { return t.Class == flow.TagState })
			if !first.Source.Router.IsZero() {
				f.Seed.Ports = []uint16{first.Source.First} // and any other
			}
			h.seeds[f.Key] = sown{f, tags, first.Apart}
			l.checkSeeds(h)
		}
	}
}

// besides is what a host remembers, and some states more.
type besides struct {
	sim.State
	more []flow.State
}

// Value is of sim.State.
func (b besides) Value(k flow.StateKey) (flow.StateValue, bool) {
	for _, s := range b.more {
		if s.Key == k {
			return s.Value, true
		}
	}
	return b.State.Value(k)
}

// checkSeed fails the test unless a connection that the host's datapath would begin is what the walk of its first packet says.
func (l *lab) checkSeed(h *host, in sim.Input, key flow.Key, r *sim.Result) {
	p := l.parse(in.Frame)
	if !flow.Opens(p) || r.Known && p.Proto == packet.ProtoTCP {
		return
	}
	for _, wide := range key.Wider() {
		s, ok := h.seeds[wide]
		if !ok || slices.ContainsFunc(s.apart, h.states.Answers) || datapath.Refuses(&s.Actions, p, datapath.Offload{}) {
			continue
		}
		is, _ := r.Actions.Rewrite.Of(p.Header)
		actions, _, _ := s.Given(key, is.SrcPort)
		if h.begun++; r.Verdict != sim.Forward || !sameActions(actions, r.Actions) || len(r.StatePeers) > 0 {
			l.t.Fatalf("by the seed of %s of host %s\n%v\nand walked\n%v\n%s", wide, h.endpoint, s.Actions, r.Actions, l.world)
		}
		return
	}
}

// remember keeps the states of an answer for as long as its flow lives, at the host that it is of, and tells those that it names. What was
// decided without them is decided anew.
func (l *lab) remember(h *host, key flow.Key, r *sim.Result) {
	if len(r.State) == 0 {
		return
	}
	h.forget(unknown(h, r.State))
	user := flowstate.User{InPort: key.InPort}
	if r.Cache {
		user.Flow, _ = h.users.Number(key)
	}
	news, err := h.states.Put(user, r.State, r.StatePeers, now)
	if err != nil {
		l.t.Fatal(err)
	}
	if !r.Cache {
		h.states.Remove([]uint32{user.Flow}, now)
	}
	l.tell(h, r.StatePeers, news)
}

// unknown returns the tags of what depends on those of the states that the host does not know.
func unknown(h *host, states []flow.State) (tags []flow.Tag) {
	for _, s := range states {
		if _, known := h.states.Value(s.Key); !known {
			tags = append(tags, flow.StateTag(&s.Key.Conn))
		}
	}
	return tags
}

// tell has a host tell others of states.
func (l *lab) tell(h *host, peers []netip.Addr, states []flow.State) {
	const mtu = 1280
	for i := range l.hosts {
		other := &l.hosts[i]
		if other == h || !slices.Contains(peers, other.endpoint) {
			continue
		}
		for _, frame := range h.states.Message(states, mtu) {
			heard, err := other.states.Learn(frame, now)
			if err != nil {
				l.t.Fatal(err)
			}
			for _, s := range heard.News {
				other.forget([]flow.Tag{flow.StateTag(&s.Key.Conn)})
			}
		}
	}
}

// nextMAC returns where the machine sends the message on its link.
func (l *lab) nextMAC(from int, p message) (mac.Addr, bool) {
	w := l.world
	if from == far {
		return routerMAC(w.edge(), uplinkNetwork(p.by)), true
	}
	n := w.machines[from].network
	if !w.onLink(n, p.dst) {
		r, ok := w.gatewayOf(from, p)
		return routerMAC(r, n), ok
	}
	for m, x := range w.machines {
		if x.network == n && w.has(m, p.dst) {
			return machineMAC(m), true
		}
	}
	for r := range w.routers {
		if a, ok := w.routerAddress(r, n, p.six()); ok && a == p.dst || n == 0 && w.answersFor(r, p.dst) {
			return routerMAC(r, n), true
		}
	}
	return mac.Addr{}, false
}

// arrive notes the machines that get the frame, where it is what the packet became and nothing that a router says of its own.
func (l *lab) arrive(at map[int]message, outputs []flow.Output, frame []byte, was *packet.Packet) {
	p := l.parse(frame)
	if p.IsError() && !was.IsError() {
		l.hear(outputs, p)
		return
	}
	if !p.IsIP() || protocolOf(p.Proto) != protocolOf(was.Proto) || p.IsEcho() != was.IsEcho() || p.IsEchoRequest() != was.IsEchoRequest() {
		return
	}
	l.got = p
	for _, o := range outputs {
		for u, x := range l.world.uplinks {
			if l.leadsTo(o, l.world.uplinkPort(u), x.host) {
				if p.DstMAC != farMAC || x.down {
					l.t.Fatalf("uplink %d, down %v, carries a frame for %s", u, x.down, p.DstMAC)
				}
				l.lastUplink = u
				at[far] = l.messageOf(p)
			}
		}
		for m, x := range l.world.machines {
			if l.leadsTo(o, id.As[topology.Port](machineID(m)), x.host) {
				if p.DstMAC != machineMAC(m) {
					l.t.Fatalf("machine %d gets a frame for %s", m, p.DstMAC)
				}
				at[m] = l.messageOf(p)
			}
		}
	}
}

// hear notes the machine that gets an error of a router.
func (l *lab) hear(outputs []flow.Output, p *packet.Packet) {
	q, ok := p.Quoted()
	if !ok {
		l.t.Fatalf("an error says nothing of what it is about\n%s%s", l.walk, l.world)
	}
	about := message{proto: protocolOf(q.Proto), src: q.Src, dst: q.Dst, srcPort: q.SrcPort, dstPort: q.DstPort}
	for _, o := range outputs {
		for u, x := range l.world.uplinks {
			if l.leadsTo(o, l.world.uplinkPort(u), x.host) {
				l.told = append(l.told, telling{far, [2]uint16{p.SrcPort, p.DstPort}, about})
			}
		}
		for m, x := range l.world.machines {
			if l.leadsTo(o, id.As[topology.Port](machineID(m)), x.host) {
				l.told = append(l.told, telling{m, [2]uint16{p.SrcPort, p.DstPort}, about})
			}
		}
	}
}

// leadsTo reports whether the output is to the port, which is on the host.
func (l *lab) leadsTo(o flow.Output, id topology.PortID, host int) bool {
	port := l.hosts[0].view.Port(id)
	return o.Local() && o.Port == port.ID || !o.Local() && o.TunnelKey == port.TunnelKey && o.Peer == l.hosts[host].endpoint
}

var protocols = map[string]uint8{"tcp": packet.ProtoTCP, "udp": packet.ProtoUDP, "sctp": packet.ProtoSCTP, "icmp": packet.ProtoICMP}

// protocolOf is the name of a protocol, in either family.
func protocolOf(number uint8) string {
	for name, n := range protocols {
		if number == n || number == packet.ProtoICMPv6 && n == packet.ProtoICMP {
			return name
		}
	}
	return ""
}

func headerOf(p message, src, dst mac.Addr) packet.Header {
	h := packet.Header{SrcMAC: src, DstMAC: dst, EtherType: packet.EtherTypeIPv4, SrcIP: p.src, DstIP: p.dst, Proto: protocols[p.proto],
		SrcPort: p.srcPort, DstPort: p.dstPort, TTL: 64}
	if p.six() {
		h.EtherType = packet.EtherTypeIPv6
	}
	if p.proto != "icmp" {
		return h
	}
	h.SrcPort, h.DstPort = packet.ICMPEcho, p.srcPort
	if p.answer {
		h.SrcPort = packet.ICMPEchoReply
	}
	if p.six() {
		h.Proto, h.SrcPort = packet.ProtoICMPv6, packet.ICMPv6Echo
		if p.answer {
			h.SrcPort = packet.ICMPv6EchoReply
		}
	}
	return h
}

// messageOf returns what the packet is. An error has to be about what its receiver has sent to its sender.
func (l *lab) messageOf(p *packet.Packet) message {
	m := message{src: p.SrcIP, dst: p.DstIP, srcPort: p.SrcPort, dstPort: p.DstPort, proto: protocolOf(p.Proto)}
	switch {
	case p.IsError():
		q, ok := p.Quoted()
		if !ok || q.Src != p.DstIP || q.Dst != p.SrcIP {
			l.t.Fatalf("an error to %s from %s is about %+v\n%s%s", p.DstIP, p.SrcIP, q, l.walk, l.world)
		}
		m.proto, m.srcPort, m.dstPort = protocolOf(q.Proto), q.DstPort, q.SrcPort
	case m.proto == "icmp":
		m.srcPort = p.DstPort
	}
	return m
}
