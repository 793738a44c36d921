package ml2

import (
	"context"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/neutron/model"
)

// TestContents: every resource is as its last task has it, whoever owns it, and what is pending is named.
func TestContents(t *testing.T) {
	f := newFixture(t)
	ctx := context.Background()
	n := f.network(alice)
	f.subnet(alice, n, "10.0.0.0/24")
	f.network(bob)
	f.port(alice, n)
	one(t, f.AddressGroups(), bob, body(model.AddressGroup{Name: "offices", Addresses: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}))
	tasks, err := f.journal.Pending(ctx, 100)
	if err != nil {
		t.Fatal(err)
	}
	done := tasks[len(tasks)-1]
	if err := f.journal.Done(ctx, []int64{done.ID}, journal.Mark{}); err != nil {
		t.Fatal(err)
	}
	c, err := f.Contents(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Pending) != len(tasks)-1 || c.Pending[done.ResourceID] {
		t.Errorf("%d pending, want %d without %s", len(c.Pending), len(tasks)-1, done.ResourceID)
	}
	want, got := map[string]string{}, map[string]string{}
	for _, task := range tasks {
		want[string(task.DataType)+" "+task.ResourceID] = string(task.Data)
	}
	for _, r := range c.Resources {
		got[string(r.DataType)+" "+r.ResourceID] = string(r.Data)
	}
	withSubnet := "NETWORK " + n.ID.String() // a subnet counts its network's revision up, which no task says
	want[withSubnet] = got[withSubnet]
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-tasks +contents):\n%s", diff)
	}
}
