package ml2

import (
	"bytes"
	"context"
	"testing"

	"midonet.org/midonet/neutron/journal"
)

// TestContents: every resource is as its last task has it, whoever owns it, and what is pending is named.
func TestContents(t *testing.T) {
	f := newFixture(t)
	ctx := context.Background()
	n := f.network(alice)
	f.subnet(alice, n, "10.0.0.0/24")
	f.network(bob)
	tasks, err := f.journal.Pending(ctx, 10)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.journal.Done(ctx, []int64{tasks[1].ID}); err != nil {
		t.Fatal(err)
	}
	c, err := f.Contents(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Resources) != 3 || len(c.Pending) != 2 || c.Pending[tasks[1].ResourceID] || !c.Pending[tasks[0].ResourceID] {
		t.Errorf("%d resources, pending %v; want 3, and 2 pending", len(c.Resources), c.Pending)
	}
	for _, r := range c.Resources {
		if r.DataType == journal.Subnet && (r.ResourceID != tasks[1].ResourceID || !bytes.Equal(r.Data, tasks[1].Data)) {
			t.Errorf("the subnet's task had\n%s\nand Contents has\n%s", tasks[1].Data, r.Data)
		}
	}
}
