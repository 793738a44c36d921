package importer

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/topology"
)

// TestARuleOfAGroupOfTwentyThousand: the group is there whole, and another rule writes a small part of it.
func TestARuleOfAGroupOfTwentyThousand(t *testing.T) {
	b := newBench(t)
	b.journal.append(journal.Create, journal.SecurityGroup, everyone.String(), encode(&model.SecurityGroup{ID: everyone, Stateful: true}))
	const many = 20_000
	for n := range many {
		b.journal.putRule(n)
	}
	b.journal.tasks = nil // they are what Neutron has
	b.restart()
	b.wantRules(many)
	b.journal.putRule(many)
	if n := b.written(); n != 3 { // the rule, the part, the progress
		t.Errorf("a rule writes %d objects, want 3", n)
	}
	b.wantNoDifferences()
	b.wantRules(many + 1)
	if p := b.importer.Status().Problems; len(p) != 0 {
		t.Errorf("problems: %v", p)
	}
}

// TestAnAddressGroupOfThirtyThousand is there whole, and so it is after a restart; one address more writes little.
func TestAnAddressGroupOfThirtyThousand(t *testing.T) {
	b := newBench(t)
	const many = 30_000
	random := rand.New(rand.NewPCG(1, 2)) // what cannot be packed well
	group := &model.AddressGroup{ID: model.AddressGroupID{6}, Name: "many"}
	for range many {
		var a [16]byte
		binary.BigEndian.PutUint64(a[:], 0x20010db8<<32|uint64(random.Uint32()))
		binary.BigEndian.PutUint64(a[8:], random.Uint64())
		group.Addresses = append(group.Addresses, netip.PrefixFrom(netip.AddrFrom16(a), 128))
	}
	put := func(verb journal.Type) {
		if len(encode(group)) < 1<<20 {
			t.Fatal("it is not large")
		}
		b.journal.append(verb, journal.AddressGroup, group.ID.String(), encode(group))
	}
	put(journal.Create)
	b.drain()
	if n := b.count(topology.KindGroupMember); n != many {
		t.Errorf("%d addresses, want %d", n, many)
	}
	if s := b.importer.Status(); len(s.Failed)+len(s.Problems) != 0 {
		t.Errorf("failed %v, problems %v", s.Failed, s.Problems)
	}
	b.restart()
	b.wantNoDifferences()
	group.Addresses = group.Addresses[1:]
	put(journal.Update)
	if n := b.written(); n != 3 { // the group's source, the address, the progress
		t.Errorf("an address less writes %d objects, want 3", n)
	}
}

func (j *memoryJournal) putRule(n int) {
	r := &model.SecurityGroupRule{ID: model.SecurityGroupRuleID{5}, SecurityGroupID: everyone, Direction: model.Ingress, EtherType: model.IPv4,
		RemoteGroupID: &everyone}
	binary.BigEndian.PutUint32(r.ID[12:], uint32(n))
	j.append(journal.Create, journal.SecurityGroupRule, r.ID.String(), encode(r))
}

// wantRules checks how many rules a packet to a member of everyone meets, in how many chains, none of which is large.
func (b *bench) wantRules(want int) {
	b.Helper()
	objects := b.objects()
	group := topology.AddrGroupID(everyone)
	chain := func(id topology.ChainID) *topology.Chain {
		c, _ := objects[topology.Key{Kind: topology.KindChain, ID: id}].(*topology.Chain)
		if c == nil || len(c.Rules) > 1000 {
			b.Fatalf("chain %s is %v", id, c)
		}
		return c
	}
	rules := 0
	for _, jump := range chain(topology.IngressChain(group)).Rules {
		rules += len(chain(jump.Jump).Rules)
	}
	if rules != want {
		b.Errorf("%d rules, want %d", rules, want)
	}
}

// TestAnObjectThatNoStoreTakes: everything else goes on, it is said, also after a restart, and it is made good when it is smaller.
func TestAnObjectThatNoStoreTakes(t *testing.T) {
	b := newBench(t)
	b.journal.putNetwork(network(0))
	b.drain()
	b.largest = smallStore
	b.restart()
	many := func(names int) *model.Network {
		n := network(0)
		n.Name = strings.Repeat("x", names)
		return n
	}
	b.journal.putNetwork(many(smallStore))
	b.journal.putNetwork(network(1))
	b.drainAnyway()
	b.wantProblem("bridge")
	if n := b.count(topology.KindBridge); n != 2 || b.journal.pending() != 0 {
		t.Errorf("%d bridges, %d tasks pending; want 2 and none: others go on", n, b.journal.pending())
	}
	if o := b.objects()[topology.Key{Kind: topology.KindBridge, ID: network(0).ID}]; o.(*topology.Bridge).Name != "net0" {
		t.Error("what is stored of it has changed")
	}
	b.journal.putNetwork(many(2 * smallStore))
	b.drainAnyway()
	b.wantProblem("bridge")
	b.restart()
	b.wantProblem("bridge")
	b.journal.putNetwork(many(10))
	b.drain()
	if o := b.objects()[topology.Key{Kind: topology.KindBridge, ID: network(0).ID}]; o.(*topology.Bridge).Name != many(10).Name {
		t.Error("it was not made good")
	}
	if p := b.importer.Status().Problems; len(p) != 0 {
		t.Errorf("problems remain: %v", p)
	}
}

// smallStore is the size of an object that a store of a test takes.
const smallStore = 4096

func (b *bench) drainAnyway() {
	b.Helper()
	if _, err := b.importer.drain(b.Context(), b.state); err != nil {
		b.Fatal(err)
	}
}

func (b *bench) wantProblem(what string) {
	b.Helper()
	status := b.importer.Status()
	report, err := b.importer.Check(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	if !strings.Contains(strings.Join(status.Problems, "\n"), what) || !strings.Contains(strings.Join(report.Differences, "\n"), "octets, more than") {
		b.Errorf("status %v, check %v: want a %s", status.Problems, report.Differences, what)
	}
}

// noise is a text that cannot be packed to less than half.
func noise(octets int) string {
	b := make([]byte, octets/2)
	random := rand.NewChaCha8([32]byte{})
	random.Read(b)
	return hex.EncodeToString(b)
}

// TestARequestForWhatNoStoreTakes is refused, and nothing of it is left in memory.
func TestARequestForWhatNoStoreTakes(t *testing.T) {
	b := emptyBench(t)
	i := fed(t, b.store)
	large := network(0)
	large.Description = noise(2 << 20)
	wantKind(t, apply(t, i, putNetwork(Create, network(1)), putNetwork(Create, large), putPort(Create, unaddressed(1, network(1).ID))), errs.TooLarge)
	b.wantWhole(t, i, 0)
	if err := apply(t, i, putNetwork(Create, network(1)), putNetwork(Create, network(0)), putPort(Create, unaddressed(1, network(1).ID))); err != nil {
		t.Errorf("after a refusal: %v", err)
	}
	b.wantWhole(t, i, 1)
}
