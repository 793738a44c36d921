package fake

import (
	"container/list"
	"maps"
	"net/netip"
	"slices"
	"time"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/errs"
)

func (d *Datapath) installSeed(f *flow.Flow, actions flow.Actions) error {
	seed := *f.Seed
	seed.Ports = slices.Clone(seed.Ports)
	if n := len(seed.Ports); n > flow.MaxSeedPorts {
		return errs.New(errs.Invalid, "TooManyPorts", "%d ports, a seed has at most %d", n, flow.MaxSeedPorts)
	}
	if seed.Kind == flow.Joins {
		var err error
		if seed.Answers, err = d.actions(seed.Answer, &seed.Answers); err != nil {
			return err
		}
	}
	seeds, key := d.seedsOf(seed.Kind), keyOf(f)
	if _, replaced := seeds[key]; !replaced && len(seeds) == datapath.MaxSeeds {
		return errs.New(errs.Unavailable, "TooManySeeds", "there are %d seeds", datapath.MaxSeeds)
	}
	d.dropPorts(seeds[key])
	seeds[key] = flow.Flow{Key: f.Key, Actions: actions, Seed: &seed}
	if len(seed.Ports) > 0 {
		d.left[seed.Number] = seed.Ports
	}
	return nil
}

// seedKey is what a seed is found by.
type seedKey struct {
	key    flow.Key
	behind netip.Addr
}

func keyOf(f *flow.Flow) seedKey { return seedKey{f.Key, f.Seed.Behind} }

func (d *Datapath) seedsOf(kind flow.SeedKind) map[seedKey]flow.Flow {
	if kind == flow.Answers {
		return d.answers
	}
	return d.seeds
}

// Withdraw implements datapath.Datapath.
func (d *Datapath) Withdraw(seeds []flow.Flow) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range seeds {
		from, key := d.seedsOf(seeds[i].Seed.Kind), keyOf(&seeds[i])
		d.dropPorts(from[key])
		delete(from, key)
	}
	return nil
}

// begin makes the flows of the packet's connection, and returns the packet's, and the seed; nil where there is none for it, or no room for the word.
func (d *Datapath) begin(in *port, p *packet.Packet) (e *list.Element, by flow.Flow) {
	key := flow.KeyOf(p, in.ID)
	f, ok := among(d.seeds, key, netip.Addr{})
	if !ok || !flow.Opens(p) || refuses(&f, p) || !d.withinRate(in) || !d.withinShare(in.ID) {
		return nil, by
	}
	port, ok := d.portFor(&f, key.SrcPort)
	if !ok {
		return nil, by
	}
	birth := &datapath.Birth{Seed: f.Seed.Number, First: key, Port: port}
	actions, answer, answers := f.Given(key, port)
	if f.Seed.Kind == flow.Joins {
		birth.Answer = answer
		d.putNew(answer, answers)
	}
	d.put(key, actions)
	d.counters.Born++
	d.queue(datapath.Miss{InPort: in.ID, Born: birth})
	return d.flows[key], f
}

// refuses reports whether the seed's actions do not fit the packet, or an origin does not fit behind it.
func refuses(f *flow.Flow, p *packet.Packet) bool {
	if datapath.Refuses(&f.Actions, p, datapath.Offload{}) {
		return true
	}
	return !f.Seed.Router.IsZero() && f.Actions.MTU > 0 && len(p.Frame)-p.L3+datapath.OriginSize > f.Actions.MTU
}

// dropPorts forgets the ports of a seed that goes.
func (d *Datapath) dropPorts(f flow.Flow) {
	if f.Seed == nil || len(f.Seed.Ports) == 0 {
		return
	}
	delete(d.left, f.Seed.Number)
	maps.DeleteFunc(d.given, func(g givenPort, _ uint16) bool { return g.seed == f.Seed.Number })
}

// givenPort names what a seed's port was given to.
type givenPort struct {
	seed   uint64
	source uint16
}

// portFor returns the port that connections of the seed from the source port have, where it has ports; false where there is none for them.
func (d *Datapath) portFor(f *flow.Flow, source uint16) (port uint16, ok bool) {
	if len(f.Seed.Ports) == 0 {
		return 0, true
	}
	if !d.config.Now().Before(d.attended) {
		return 0, false
	}
	g := givenPort{f.Seed.Number, source}
	port, ok = d.given[g]
	if ports := d.left[g.seed]; !ok && len(ports) > 0 {
		port, ok = ports[0], true
		d.given[g], d.left[g.seed] = port, ports[1:]
	}
	return port, ok
}

// Attend implements datapath.Datapath.
func (d *Datapath) Attend(length time.Duration) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.attended = d.config.Now().Add(length)
	return nil
}

// among returns the seed, of some, of a packet with the key.
func among(seeds map[seedKey]flow.Flow, key flow.Key, behind netip.Addr) (flow.Flow, bool) {
	for _, wide := range key.Wider() {
		if f, ok := seeds[seedKey{wide, behind}]; ok {
			return f, true
		}
	}
	return flow.Flow{}, false
}

// open has the answers pass to a connection that another host has begun by the frame, which comes out at the port. It was something else where it
// began if it has an origin. Of UDP, whose answers are not sure to come, nothing is made before one does where there is a seed of them, unless there has been
// one, which it may have been too early for.
func (d *Datapath) open(at *port, frame, origin []byte) {
	var p packet.Packet
	if err := packet.Parse(frame, &p); err != nil {
		return
	}
	answer := flow.AnswerKey(p.Header, at.ID)
	if len(answer.Wider()) == 0 {
		return
	}
	var from flow.Origin
	if origin != nil {
		_, from = datapath.ParseOrigin(origin, answer.EtherType == packet.EtherTypeIPv4)
	}
	if _, ok := among(d.answers, answer, from.Src.Addr()); ok && p.Proto == packet.ProtoUDP && d.flows[answer] == nil {
		if len(d.awaited) >= datapath.MaxAwaited {
			clear(d.awaited)
		}
		d.awaited[answer] = awaited{from, d.config.Now().Add(datapath.AwaitedFor)}
		return
	}
	d.tellOfOpened(answer, from)
}

// awaited is a connection of UDP that another host has begun, to which there may be an answer.
type awaited struct {
	origin flow.Origin
	until  time.Time
}

// answered makes the flow of an answer with the key that was waited for, and tells the agent of its connection. It returns the flow, nil where there
// is none now, and whether the answer was waited for.
func (d *Datapath) answered(key flow.Key) (e *list.Element, was bool) {
	a, ok := d.awaited[key]
	if !ok || !d.config.Now().Before(a.until) {
		return nil, false
	}
	delete(d.awaited, key)
	d.tellOfOpened(key, a.origin)
	return d.flows[key], true
}

// tellOfOpened tells the agent of a connection that another host has begun, which is answered by packets with the key, and makes the flow of these where
// there is a seed.
func (d *Datapath) tellOfOpened(answer flow.Key, origin flow.Origin) {
	if !d.mayTell(datapath.OpeningsPerState) {
		d.counters.StatesLost++
		return
	}
	birth := &datapath.Birth{Answer: answer, Origin: origin}
	if f, ok := among(d.answers, answer, origin.Src.Addr()); ok {
		birth.Seed = f.Seed.Number
		d.putNew(answer, f.GivenBack(answer, origin))
	}
	d.counters.States++
	d.queue(datapath.Miss{Born: birth})
}
