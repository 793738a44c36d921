// Package flowstate is what a host remembers of connections, for as long as a flow here or on another host needs it: that packets
// are answers (sim reads it to let them pass), and what addresses and ports were translated to.
//
// # Life
//
// A state lives while an installed flow uses it, and Idle longer. What another host has told lives Learned long after it was last
// told, and hosts tell it again every Refresh while their flows use it. The way back of a port is remembered for PortRest longer by the host
// that gives the port. Time is passed in, and hosts tell each other no times, so
// that no clock but the host's own steady one matters.
//
// # Kill
//
// States are kept in a file that is mapped into memory. The kernel has every write at once, so that they outlive the agent however
// it ends, and its successor goes on with them (Open). A slot that was half written is recognised by its checksum and dropped. What
// is from before the machine's last start is dropped too, as the connections were.
//
// # Bounds
//
// The table has a fixed number of slots. Where it is full, room is made of what no flow uses: the oldest such states of the port, or of
// the other host, that has the most of them. So who makes too many pays for it. What flows use stays; where they use
// everything, what is new is refused.
//
// It has no goroutines, locks or clocks: the caller sees to it that one thing is done at a time.
package flowstate

import (
	"cmp"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/slot"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/id"
	"midonet.org/midonet/topology"
)

// Life times.
const (
	Idle    = 60 * time.Second // of a state behind its last flow (midolman's FlowStateStorage: 60 s)
	Refresh = 30 * time.Second // between two messages of the same state, so that two may be lost
	Learned = 90 * time.Second // of a state behind the last message of it
)

// DefaultSize is how many states are kept where Config does not say, in a file of 42 MB: four for each flow that the datapath holds
// by default. A connection has one to three on each host.
const DefaultSize = 1 << 19

// Config is what a Table is made of. Fields that are zero get their default.
type Config struct {
	// Path is the file that the states are kept in; one process uses it at a time. Empty: they are lost with the process.
	Path string
	// Host signs messages.
	Host topology.HostID
	// Size is how many states are kept; default DefaultSize. A file of another size is started anew.
	Size int
	// Random returns a number of 0 … n-1; default package math/rand/v2's.
	Random func(n int) int
}

func (c Config) withDefaults() Config {
	c.Size = cmp.Or(c.Size, DefaultSize)
	if c.Random == nil {
		c.Random = rand.IntN
	}
	return c
}

// Table is the host's memory; it implements sim.State.
type Table struct {
	config   Config
	base     time.Time // of the times below, which are durations because there are a million of each
	slots    storage
	index    slot.Index        // of the slots in use
	about    slot.Pages[about] // of each slot
	users    users
	using    []uint32     // of Put
	news     []flow.State // of Put and Learn
	read     []packed     // of Learn
	owners   map[[16]byte]*owner
	blocks   blocks
	answers  answers
	sweep    uint32 // where the next Sweep goes on
	sender   sender
	known    knownPeers
	heard    map[id.ID[run]]*listener
	accounts accounts
	stats    Stats
}

// about is what is known of a state besides itself.
type about struct {
	flows         uint32 // how many installed flows use it
	before, after uint32 // in its owner's list, where no flow uses it
	owner         *owner
	peers         peerSet       // who is told of it
	due           time.Duration // forgotten then, unless flows use it
	refresh       time.Duration // when the peers are to be told again
	teller        *listener     // which other host's agent told it last; nil: none did
	number        uint64        // of the message in which it did
}

// Stats says how full the table is, and what happened since it was opened.
type Stats struct {
	States, Size int
	Foreign      int // states that are known from other hosts, or the file, alone
	Flows        int // that use states
	Blocks       int // of translation ports held
	Restored     int // states found in the file

	Expired   uint64 // states whose time was over
	Evicted   uint64 // states that no flow used and that made room
	Refused   uint64 // states that found no room
	Messages  uint64 // of other hosts, read
	Malformed uint64 // of other hosts, not understood
	Late      uint64 // states of other hosts that a later message had told already
}

// Open returns the table that an earlier process left at c.Path, or an empty one. What is found lives Learned long, unless flows
// take it up. The error is of the file system.
func Open(c Config, now time.Time) (*Table, error) {
	c = c.withDefaults()
	slots, err := openStorage(c.Path, c.Size)
	if err != nil {
		return nil, err
	}
	t := &Table{
		config: c, base: now, slots: slots,
		owners: map[[16]byte]*owner{},
		blocks: newBlocks(), answers: answers{}, heard: map[id.ID[run]]*listener{}, accounts: accounts{}, users: newUsers(),
		sender: sender{host: c.Host, run: id.New[run]()},
	}
	t.restore()
	return t, nil
}

// restore takes up the states in the file.
func (t *Table) restore() {
	for range t.slots.last() {
		t.about.Take()
	}
	foreign := t.ownerOfHost(topology.HostID{})
	for i := range t.used() {
		s, _ := t.slots.get(i)
		key := s.key()
		if _, twice := t.find(&key); twice || !t.slots.whole(i) {
			t.slots.clear(i)
			t.about.Free(uint32(i))
			continue
		}
		t.index.Add(key.hash(), uint32(i))
		*t.about.At(uint32(i)) = about{owner: foreign, due: Learned}
		foreign.states++
		t.rest(uint32(i))
		t.blocks.use(&s, +1)
		t.answers.note(&s, +1)
		t.stats.Restored++
	}
}

// used returns the number of slots up to the last that was ever used.
func (t *Table) used() int { return int(t.about.Len()) }

// find returns the slot of the state with the key.
func (t *Table) find(k *packedKey) (slot uint32, ok bool) {
	return t.index.Find(k.hash(), func(i uint32) bool { return t.slots.has(int(i), k) })
}

// Close lets go of the file; what is in it stays.
func (t *Table) Close() error { return t.slots.close() }

// Value implements sim.State.
func (t *Table) Value(k flow.StateKey) (flow.StateValue, bool) {
	packed := packKey(k)
	i, ok := t.find(&packed)
	if !ok {
		return flow.StateValue{}, false
	}
	s, ok := t.slots.get(int(i))
	return s.value(), ok
}

// Put notes that the flow, which is to be installed, uses the states, and that the peers are to know them. What the flow used before
// it uses no more. It returns those of the states that the peers have not been told, or not with this value, or not for Refresh, so that
// the caller tells them before the packet leaves; the slice is good until the next Put or Learn. Where the peers are others than before, only these are told
// from then on. Where there is no room for all of the states, none is taken and the error is an errs.Unavailable: the packet is to be
// dropped, or its connection would be cut off at its first answer.
func (t *Table) Put(user User, states []flow.State, peers []netip.Addr, now time.Time) (news []flow.State, err error) {
	if err := t.makeRoom(states); err != nil {
		return nil, err
	}
	set, owner := t.known.set(peers), t.ownerOf(user.InPort)
	using := t.using[:0]
	news = t.news[:0]
	for _, s := range states {
		i, changed := t.put(s, owner)
		if slices.Contains(using, i) {
			continue
		}
		a := t.about.At(i)
		a.flows++
		using = append(using, i)
		if t.tell(a, set, now) || changed && !set.empty() {
			news = append(news, s)
		}
	}
	t.using, t.news = using, news
	t.let(user.Flow, now)
	if len(using) > 0 {
		t.users.set(user, using)
	}
	return news, nil
}

// makeRoom sees to it that the states that are new can be added.
func (t *Table) makeRoom(states []flow.State) error {
	if t.index.Len()+len(states) <= t.config.Size {
		return nil
	}
	for {
		fresh := 0
		for _, s := range states {
			key := packKey(s.Key)
			if _, ok := t.find(&key); !ok {
				fresh++
			}
		}
		if t.index.Len()+fresh <= t.config.Size {
			return nil
		}
		if !t.reclaim() { // which may take one of the states that were there: then it is new
			t.stats.Refused += uint64(fresh)
			return errs.New(errs.Unavailable, "ConnectionsFull", "this host remembers %d states of connections, all in use, and has no room for more",
				t.index.Len())
		}
	}
}

// put returns the slot of the state, which is made where it is not there, and whether its value is new. It is in no list then.
func (t *Table) put(s flow.State, o *owner) (slot uint32, changed bool) {
	p := pack(s)
	key := p.key()
	i, ok := t.find(&key)
	if !ok {
		return t.add(&p, o), true
	}
	a := t.about.At(i)
	if a.flows == 0 {
		t.wake(i)
	}
	if a.owner.foreign && !o.foreign {
		a.owner.states--
		o.states++
		a.owner = o
	}
	if had, _ := t.slots.get(int(i)); had == p {
		return i, false
	}
	a.teller = nil
	t.slots.set(int(i), &p)
	return i, true
}

// add takes a slot for a state that is not there; the caller has seen to it that there is one. It is in no list.
func (t *Table) add(p *packed, o *owner) uint32 {
	i := t.about.Take()
	t.about.At(i).owner = o
	o.states++
	key := p.key()
	t.index.Add(key.hash(), i)
	t.slots.set(int(i), p)
	t.blocks.use(p, +1)
	t.answers.note(p, +1)
	return i
}

// tell makes the set, unless it is empty, the one that is told of the state, and reports whether it is to be told now: it was another one before, or
// no flow has used the state when it was to be told again.
func (t *Table) tell(a *about, set peerSet, now time.Time) bool {
	at := now.Sub(t.base)
	if set.empty() || set == a.peers && at < a.refresh {
		return false
	}
	a.peers, a.refresh = set, at+Refresh
	return true
}

// Remove notes that the flows with the numbers are not installed any more; those that use nothing are no error.
func (t *Table) Remove(flows []uint32, now time.Time) {
	for _, f := range flows {
		t.let(f, now)
	}
}

// let takes what the flow has used so far as used no more.
func (t *Table) let(flow uint32, now time.Time) {
	due := now.Add(Idle).Sub(t.base)
	t.users.clear(flow, func(i uint32) {
		a := t.about.At(i)
		a.due = max(a.due, due)
		if a.flows--; a.flows == 0 {
			t.rest(i)
		}
	})
}

// Stats returns how the table is.
func (t *Table) Stats() Stats {
	s := t.stats
	s.States, s.Size, s.Flows, s.Blocks = t.index.Len(), t.config.Size, t.users.len, t.blocks.len()
	for _, o := range t.owners {
		if o.foreign {
			s.Foreign += o.states
		}
	}
	return s
}
