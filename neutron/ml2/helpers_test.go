package ml2

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"testing"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/store"
	"midonet.org/midonet/neutron/store/storetest"
)

// fixture is a plugin on a database of its own.
type fixture struct {
	*Plugin
	t       testing.TB
	journal *journal.Journal
}

var (
	admin = &auth.Caller{RequestID: "req-1", ProjectID: "admin", Admin: true}
	alice = &auth.Caller{RequestID: "req-2", ProjectID: "alice"}
	bob   = &auth.Caller{RequestID: "req-3", ProjectID: "bob"}
)

func newFixture(t testing.TB) *fixture {
	t.Helper()
	return openFixture(t, storetest.New(t))
}

func TestAgainOnMariaDB(t *testing.T) { storetest.AgainOnMariaDB(t) }

func openFixture(t testing.TB, connection string) *fixture {
	t.Helper()
	db, err := store.Open(context.Background(), connection, store.Options{BusyTimeout: storetest.Patience})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	j := journal.New(db)
	return &fixture{New(db, j, DefaultConfig(), slog.New(slog.DiscardHandler)), t, j}
}

// body is a request that gives the attributes named.
func body[T any](v T, given ...string) plugin.Body[T] {
	b := plugin.Body[T]{Value: v, Given: map[string]bool{}}
	for _, name := range given {
		b.Given[name] = true
	}
	return b
}

func one[T any](t testing.TB, r plugin.Resource[T], c *auth.Caller, b plugin.Body[T]) *T {
	t.Helper()
	made, err := r.Create(context.Background(), c, []plugin.Body[T]{b})
	if err != nil {
		t.Fatal(err)
	}
	return made[0]
}

func (f *fixture) network(c *auth.Caller) *model.Network {
	f.t.Helper()
	return one(f.t, f.Networks(), c, body(model.Network{Name: "net", AdminStateUp: true, PortSecurityEnabled: true}, "name"))
}

func (f *fixture) subnet(c *auth.Caller, n *model.Network, cidr string) *model.Subnet {
	f.t.Helper()
	return one(f.t, f.Subnets(), c, subnetBody(n, cidr))
}

func subnetBody(n *model.Network, cidr string) plugin.Body[model.Subnet] {
	p := netip.MustParsePrefix(cidr)
	version := 6
	if p.Addr().Is4() {
		version = 4
	}
	return body(model.Subnet{NetworkID: n.ID, CIDR: p, IPVersion: version, EnableDHCP: p.Bits() < 30 || version == 6 && p.Bits() < 126},
		"cidr", "network_id", "ip_version")
}

func (f *fixture) port(c *auth.Caller, n *model.Network, fixed ...model.FixedIP) *model.Port {
	f.t.Helper()
	return one(f.t, f.Ports(), c, portBody(n, fixed...))
}

func portBody(n *model.Network, fixed ...model.FixedIP) plugin.Body[model.Port] {
	b := body(model.Port{NetworkID: n.ID, AdminStateUp: true, FixedIPs: fixed}, "network_id")
	if fixed != nil {
		b.Given["fixed_ips"] = true
	}
	return b
}

// tasks returns what is in the journal and empties it.
func (f *fixture) tasks() []journal.Task {
	f.t.Helper()
	tasks, err := f.journal.Pending(context.Background(), 10_000)
	if err != nil {
		f.t.Fatal(err)
	}
	var ids []int64
	for _, task := range tasks {
		ids = append(ids, task.ID)
	}
	if err := f.journal.Done(context.Background(), ids, journal.Mark{}); err != nil {
		f.t.Fatal(err)
	}
	return tasks
}

// wantFault checks that err is Neutron's exception of that type and text.
func wantFault(t testing.TB, err error, kind errs.Kind, typ, message string) {
	t.Helper()
	var e *errs.Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v, want %s", err, typ)
	}
	if e.Kind != kind || e.Type != typ || message != "" && e.Message != message {
		t.Errorf("fault %d %s %q\nwant  %d %s %q", e.Kind, e.Type, e.Message, kind, typ, message)
	}
}
