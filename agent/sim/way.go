package sim

import (
	"net/netip"
	"slices"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// Ways are the ways that TCP and UDP packets have taken through one view, so that the first packet of a connection need not be walked
// through every device again where only its ports set it apart from one before. A way is good for every packet
//
//   - whose flow.Key is the same, but for ports that no step of the walk has looked at. (What a walk reads of a packet beside its key, a
//     flow's actions tell as well: its TTL and its size. A packet that they would not fit is walked.)
//   - with which every act of the walk comes out the same: whatever reads or makes states of the connection. These are done anew for each
//     packet, by the same functions and in the same order as in a walk, on the addresses that the packet has at that place.
//
// So the answer is that of a walk, states and their tags included; TestWaysAreWalks holds this. A way has no tags of its own to be
// forgotten by: another view has none of the ways of this one.
//
// The zero Ways is ready. It is not safe for use by several goroutines.
type Ways struct {
	view  *view.View
	ways  map[flow.PackedKey]*way // by wide keys
	of    [flow.BothPorts + 1]int // how many keys there are without these ports
	added int                     // ways, in all
	// once has hashes of keys whose way one packet has taken. It is kept for the second, so that packets like no other cost little more.
	once [1024]uint64
}

// maxWays is how many ways are kept, each of some two kilobytes; when there are more, all are forgotten. A host that speaks to more at
// once walks its packets.
const maxWays = 4096

// maxAlike is how many ways are kept that only their acts tell apart, such as those of questions and answers.
const maxAlike = 4

// way is one of them.
type way struct {
	acts   []act
	source [16]byte
	hops   uint8
	mtu    int
	tags   []flow.Tag // each once, but for those of states
	// result is without what the acts make; its Actions have the headers below in place of a Rewrite.
	result         Result
	srcMAC, dstMAC mac.Addr
	src, dst       netip.Addr
	alike          *way // another one with the same key
}

// actKind is what is done in an act.
type actKind uint8

const (
	translates  actKind = iota // by a rule at a place
	asks                       // whether the packet is an answer
	letsAnswers                // come in at a device
)

// act is a step of a walk that has to do with the packet's connection.
type act struct {
	kind    actKind
	outcome outcome // of asks: accepted for an answer
	rule    *topology.Rule
	at      place // of letsAnswers: the device alone
	// src and dst are the packet's addresses before it, toSrc and toDst behind it.
	src, dst, toSrc, toDst netip.Addr
}

// notes are what a walk notes of itself where it may be good for other packets.
type notes struct {
	open     bool // the walk is being noted; it is not where it has turned out to be good for its packet alone
	acting   bool
	states   bool       // the act reads or makes states
	follows  bool       // the walk is no walk: it follows a way
	known    bool       // states were found
	parted   bool       // a rule has told answers from other packets
	looks    flow.Ports // that were looked at
	srcMoved bool       // the source port is not that of the packet as it came in
	dstMoved bool
}

// act does a step that has to do with the packet's connection, and notes it.
func (w *walk) act(kind actKind, r *topology.Rule, at *place) outcome {
	if !w.notes.open {
		return w.perform(kind, r, at)
	}
	a := act{kind: kind, rule: r, at: *at, src: w.packet.SrcIP, dst: w.packet.DstIP}
	w.notes.acting, w.notes.states = true, false
	a.outcome = w.perform(kind, r, at)
	w.notes.acting = false
	if a.toSrc, a.toDst = w.packet.SrcIP, w.packet.DstIP; w.notes.states {
		w.acts = append(w.acts, a)
	}
	return a.outcome
}

func (w *walk) perform(kind actKind, r *topology.Rule, at *place) outcome {
	switch kind {
	case translates:
		c := flow.ConnOf(&w.packet.Header)
		return w.translateConnection(r, at, &c)
	case asks:
		return w.askWhetherAnswer()
	}
	w.letAnswers(at.device)
	return accepted
}

// looksAt notes that the walk depends on the packet's ports as they are here.
func (w *walk) looksAt(ports flow.Ports) {
	w.notes.looks |= ports
	if ports&flow.SrcPort != 0 && w.notes.srcMoved || ports&flow.DstPort != 0 && w.notes.dstMoved {
		w.notes.open = false // a port that an act has chosen
	}
}

// touchesStates notes that states are read or made: what is done so beside an act cannot be done again.
func (w *walk) touchesStates() {
	w.notes.states = true
	if !w.notes.acting {
		w.notes.open = false
	}
}

// hasWays reports whether the packet may take the way of another.
func (w *walk) hasWays() bool {
	p := &w.packet
	return w.in.Ways != nil && !w.in.Trace && !w.in.GiveUp && w.result.Cache && p.Fragment == packet.Unfragmented &&
		(p.Proto == packet.ProtoTCP || p.Proto == packet.ProtoUDP)
}

// follow takes the packet the way of an earlier one, and reports whether there is such a way. Where there is none, the walk is as before.
func (w *walk) follow() bool {
	ways := w.in.Ways
	if ways.view != w.view || ways.added >= maxWays {
		*ways = Ways{view: w.view, ways: map[flow.PackedKey]*way{}}
		return false
	}
	key := flow.KeyOf(&w.packet, w.in.InPort)
	for any, keys := range ways.of {
		if keys == 0 {
			continue
		}
		wide := key.Wide(flow.Ports(any))
		for y := ways.ways[wide.Pack()]; y != nil; y = y.alike {
			if w.takes(y) {
				return true
			}
			w.goBack()
		}
	}
	return false
}

// goBack undoes what was done of a way that is not the packet's.
func (w *walk) goBack() {
	w.packet.Header, w.result, w.answer = w.entered, Result{Cache: true}, answerUnknown
	w.tags, w.states, w.peers = w.tags[:0], w.states[:0], w.peers[:0]
	w.stated, w.notes, w.dstRewritten, w.assumed = flow.Conn{}, notes{}, false, false
}

// takes reports whether the packet takes the way, and takes it to the end.
func (w *walk) takes(y *way) bool {
	if y.hops > 0 && w.packet.TTL <= y.hops || y.mtu > 0 && w.size() > y.mtu {
		return false
	}
	w.notes.follows, w.source = true, y.source
	w.tags = append(w.tags, y.tags...)
	for i := range y.acts {
		a := &y.acts[i]
		w.packet.SrcIP, w.packet.DstIP = a.src, a.dst
		if w.perform(a.kind, a.rule, &a.at) != a.outcome || w.packet.SrcIP != a.toSrc || w.packet.DstIP != a.toDst {
			return false
		}
	}
	w.peers = append(w.peers, y.result.StatePeers...)
	w.result = y.result
	w.result.Followed = true
	if y.result.Verdict == Forward {
		w.packet.SrcMAC, w.packet.DstMAC, w.packet.SrcIP, w.packet.DstIP, w.hops = y.srcMAC, y.dstMAC, y.src, y.dst, y.hops
		w.result.Actions.Rewrite = w.rewrite()
	}
	return true
}

// keepWay keeps the way that the packet has taken, where others may take it. The answer at the end of one without acts is theirs.
func (w *walk) keepWay() {
	r := &w.result
	if !w.notes.open || !r.Cache || r.Verdict != Forward && r.Verdict != Drop {
		return
	}
	p, was, any := &w.packet, w.asEntered(), flow.BothPorts&^w.notes.looks
	if len(w.acts) == 0 && (r.Verdict == Forward || w.hops == 0) { // a drop's Actions say nothing of the routers before
		r.Any = any
	}
	wide := flow.KeyOf(&was, w.in.InPort).Wide(any)
	key := wide.Pack()
	if w.in.Ways.first(&key) {
		return
	}
	y := &way{
		acts: slices.Clone(w.acts), source: w.source, hops: w.hops, mtu: w.mtu, result: *r,
		srcMAC: p.SrcMAC, dstMAC: p.DstMAC, src: p.SrcIP, dst: p.DstIP,
	}
	y.result.StatePeers = slices.Clone(w.peers)
	if y.isAlike(p.Proto, any, w.notes.parted) {
		y.result.Alike = any
	} else {
		y.result.Source, y.result.SourceTo, y.result.Apart = BlockWant{}, netip.Addr{}, nil
	}
	y.tags = make([]flow.Tag, 0, len(w.tags))
	for _, t := range w.tags {
		if t.Class != flow.TagState && !slices.Contains(y.tags, t) {
			y.tags = append(y.tags, t)
		}
	}
	w.in.Ways.add(&key, any, y)
}

// isAlike reports whether there are acts and they come out the same for all connections of which nothing is remembered, and for the answers
// to such, but for the port that a source may be given by one of them, which it notes. Of UDP rules may not tell whether something is remembered,
// where parted is set, nor translations of answers, which it notes.
func (y *way) isAlike(proto uint8, any flow.Ports, parted bool) bool {
	if len(y.acts) == 0 || proto != packet.ProtoTCP && parted {
		return false
	}
	for i := range y.acts {
		a := &y.acts[i]
		switch {
		case a.kind != translates:
		case chooses(a.rule):
			if any&flow.SrcPort == 0 || !y.givesSource(a) {
				return false
			}
		case proto != packet.ProtoTCP && a.outcome != accepted:
			y.result.Apart = append(y.result.Apart, flow.Conn{Proto: proto, Src: a.src, Dst: a.dst})
		}
	}
	return true
}

// givesSource reports whether the act chooses a port for the source, of one address, and is the first that does. It notes what of.
func (y *way) givesSource(a *act) bool {
	if a.rule.Action != topology.ActionSNAT || len(a.rule.Targets) != 1 || a.outcome != accepted || !y.result.Source.Router.IsZero() {
		return false
	}
	t := a.rule.Targets[0]
	if t.FirstPort == 0 || t.Last.IsValid() && t.Last != t.First {
		return false
	}
	y.result.Source, y.result.SourceTo = BlockWant{Router: a.at.device, Addr: t.First, First: t.FirstPort, Last: t.LastPort}, a.dst
	return true
}

// first reports whether nobody has taken a way with the key, as far as it is known.
func (s *Ways) first(key *flow.PackedKey) bool {
	hash := key.Hash()
	known := &s.once[hash%uint64(len(s.once))]
	if *known == hash {
		return false
	}
	*known = hash
	return true
}

// add puts the way before those that are like it, and forgets the last of these where they are too many.
func (s *Ways) add(key *flow.PackedKey, any flow.Ports, y *way) {
	y.alike = s.ways[*key]
	if y.alike == nil {
		s.of[any]++
	}
	s.ways[*key] = y
	s.added++
	for n := 1; y != nil; n++ {
		if n == maxAlike {
			y.alike = nil
		}
		y = y.alike
	}
}
