package importer

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"

	"midonet.org/midonet/mac"
	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/neutron/model"
)

// everyone is a security group whose rule names itself, so that each member's address is in the rules of all.
var everyone = model.SecurityGroupID{4}

// member is the n-th workload of a network, in the group.
func member(n int, name string) *model.Port {
	p := &model.Port{ID: model.PortID{3}, Name: name, NetworkID: network(0).ID, AdminStateUp: true, DeviceOwner: "compute:nova",
		PortSecurityEnabled: true, SecurityGroups: []model.SecurityGroupID{everyone},
		MACAddress: mac.Addr{0xfa, 0x16, 0x3e, byte(n >> 16), byte(n >> 8), byte(n)},
		FixedIPs:   []model.FixedIP{{SubnetID: model.SubnetID{2}, IPAddress: netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)})}}}
	binary.BigEndian.PutUint32(p.ID[12:], uint32(n))
	return p
}

// crowded is a bench with so many members.
func crowded(t testing.TB, size int) *bench {
	t.Helper()
	b := newBench(t)
	b.journal.putNetwork(network(0))
	b.journal.putSubnet(subnet(0, network(0).ID))
	b.journal.append(journal.Create, journal.SecurityGroup, everyone.String(), encode(&model.SecurityGroup{ID: everyone, Stateful: true}))
	rule := &model.SecurityGroupRule{ID: model.SecurityGroupRuleID{5}, SecurityGroupID: everyone, Direction: model.Ingress,
		EtherType: model.IPv4, RemoteGroupID: &everyone}
	b.journal.append(journal.Create, journal.SecurityGroupRule, rule.ID.String(), encode(rule))
	for n := range size {
		b.journal.putPort(member(n, ""))
	}
	b.journal.tasks = nil // they are what Neutron has
	b.restart()
	return b
}

// written drains what is pending and returns how many objects that writes, the Neutron object and the progress included.
func (b *bench) written() int {
	b.Helper()
	before := b.state.revision
	if _, err := b.importer.drain(b.Context(), b.state); err != nil {
		b.Fatal(err)
	}
	steps, failure := b.store.Watch(b.Context(), before)
	objects := 0
	for at := before; at < b.state.revision; {
		step, ok := <-steps
		if !ok {
			b.Fatal(failure())
		}
		at = step.Revision
		objects += len(step.Puts) + len(step.Deletes)
	}
	return objects
}

// lives are what happens to a port, one after the other.
var lives = []struct {
	name string
	make func(b *bench, size int)
}{
	{"comes", func(b *bench, size int) { b.journal.putPort(member(size, "")) }},
	{"is renamed", func(b *bench, size int) { b.journal.putPort(member(size, "renamed")) }},
	{"leaves the group", func(b *bench, size int) {
		p := member(size, "renamed")
		p.SecurityGroups = nil
		b.journal.putPort(p)
	}},
	{"goes", func(b *bench, size int) {
		b.journal.append(journal.Delete, journal.Port, member(size, "").ID.String(), nil)
	}},
}

// TestAPortsChangeWritesWhatItConcerns: beside 500 members as beside 5 it is the same few objects.
func TestAPortsChangeWritesWhatItConcerns(t *testing.T) {
	few, many := crowded(t, 5), crowded(t, 500)
	for _, life := range lives {
		life.make(few, 5)
		life.make(many, 500)
		if a, b := few.written(), many.written(); a != b || a == 0 || a > 10 {
			t.Errorf("a port that %s: %d objects are written beside 5 others, %d beside 500; want the same, 1 to 10", life.name, a, b)
		}
	}
	few.wantNoDifferences()
	many.wantNoDifferences()
}

// BenchmarkPortChange measures what becomes of a port beside others in its network and its group, whose rule names the group: the time
// from the task to the store, and the objects written. It is to be flat.
func BenchmarkPortChange(b *testing.B) {
	for _, size := range []int{10, 1_000, 10_000} {
		bench := crowded(b, size)
		b.Run(fmt.Sprintf("ports=%d", size), func(b *testing.B) {
			objects := 0
			for b.Loop() {
				for _, life := range lives {
					life.make(bench, size)
					if _, err := bench.importer.drain(b.Context(), bench.state); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.StopTimer()
			for _, life := range lives {
				life.make(bench, size)
				objects += bench.written()
			}
			b.ReportMetric(float64(objects)/float64(len(lives)), "objects/change")
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*len(lives)), "µs/change")
		})
	}
}
