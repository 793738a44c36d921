package l3

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/netip"
	"testing"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/neutron/ml2"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/store"
	"midonet.org/midonet/neutron/store/storetest"
)

// fixture is the service and the core plugin on a database of their own.
type fixture struct {
	*Plugin
	t       testing.TB
	core    *ml2.Plugin
	journal *journal.Journal
}

var (
	admin = &auth.Caller{RequestID: "req-1", ProjectID: "admin", Admin: true}
	alice = &auth.Caller{RequestID: "req-2", ProjectID: "alice"}
	bob   = &auth.Caller{RequestID: "req-3", ProjectID: "bob"}
	ctx   = context.Background()
)

func newFixture(t testing.TB) *fixture {
	t.Helper()
	db, err := store.Open(ctx, storetest.New(t), store.Options{BusyTimeout: storetest.Patience})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	j := journal.New(db)
	core := ml2.New(db, j, ml2.DefaultConfig(), slog.New(slog.DiscardHandler))
	return &fixture{New(core, db, DefaultConfig()), t, core, j}
}

func TestAgainOnMariaDB(t *testing.T) { storetest.AgainOnMariaDB(t) }

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
	made, err := r.Create(ctx, c, []plugin.Body[T]{b})
	if err != nil {
		t.Fatal(err)
	}
	return made[0]
}

// refused returns why a resource cannot be made.
func refused[T any](r plugin.Resource[T], c *auth.Caller, b plugin.Body[T]) error {
	_, err := r.Create(ctx, c, []plugin.Body[T]{b})
	return err
}

func (f *fixture) network(c *auth.Caller) *model.Network {
	f.t.Helper()
	return one(f.t, f.core.Networks(), c, body(model.Network{AdminStateUp: true}))
}

func (f *fixture) external() *model.Network {
	f.t.Helper()
	return one(f.t, f.core.Networks(), admin, body(model.Network{AdminStateUp: true, External: true}, "router:external"))
}

func (f *fixture) subnet(c *auth.Caller, n *model.Network, cidr string) *model.Subnet {
	f.t.Helper()
	p := netip.MustParsePrefix(cidr)
	version := 6
	if p.Addr().Is4() {
		version = 4
	}
	return one(f.t, f.core.Subnets(), c, body(model.Subnet{NetworkID: n.ID, CIDR: p, IPVersion: version, EnableDHCP: true}, "cidr"))
}

func (f *fixture) port(c *auth.Caller, n *model.Network, addresses ...string) *model.Port {
	f.t.Helper()
	b := body(model.Port{NetworkID: n.ID, AdminStateUp: true}, "network_id")
	for _, a := range addresses {
		b.Value.FixedIPs = append(b.Value.FixedIPs, model.FixedIP{IPAddress: netip.MustParseAddr(a)})
		b.Given["fixed_ips"] = true
	}
	return one(f.t, f.core.Ports(), c, b)
}

func (f *fixture) router(c *auth.Caller, gateway *model.Network) *model.Router {
	f.t.Helper()
	b := body(model.Router{AdminStateUp: true})
	if gateway != nil {
		b.Value.Gateway, b.Given["external_gateway_info"] = &model.GatewayInfo{NetworkID: gateway.ID, SNATByDefault: true}, true
	}
	return one(f.t, f.Routers(), c, b)
}

// plug adds an interface by subnet.
func (f *fixture) plug(c *auth.Caller, r *model.Router, s *model.Subnet) *Interface {
	f.t.Helper()
	i, err := f.AddInterface(ctx, c, r.ID.String(), bySubnet(s))
	if err != nil {
		f.t.Fatal(err)
	}
	return i.(*Interface)
}

func bySubnet(s *model.Subnet) json.RawMessage {
	return json.RawMessage(`{"subnet_id":"` + s.ID.String() + `"}`)
}
func byPort(p *model.Port) json.RawMessage {
	return json.RawMessage(`{"port_id":"` + p.ID.String() + `"}`)
}

// cloud is a project's network behind a router to an external network.
type cloud struct {
	external, inside             *model.Network
	externalSubnet, insideSubnet *model.Subnet
	router                       *model.Router
	vm                           *model.Port
}

func (f *fixture) cloud() *cloud {
	f.t.Helper()
	w := &cloud{external: f.external(), inside: f.network(alice)}
	w.externalSubnet = f.subnet(admin, w.external, "172.24.4.0/24")
	w.insideSubnet = f.subnet(alice, w.inside, "10.0.0.0/24")
	w.router = f.router(alice, w.external)
	f.plug(alice, w.router, w.insideSubnet)
	w.vm = f.port(alice, w.inside, "10.0.0.5")
	return w
}

func (f *fixture) floating(c *auth.Caller, n *model.Network, p *model.Port) *model.FloatingIP {
	f.t.Helper()
	return one(f.t, f.FloatingIPs(), c, floatingBody(n, p))
}

func floatingBody(n *model.Network, p *model.Port) plugin.Body[model.FloatingIP] {
	b := body(model.FloatingIP{FloatingNetworkID: n.ID}, "floating_network_id")
	if p != nil {
		b.Value.PortID, b.Given["port_id"] = p.ID, true
	}
	return b
}

// tasks returns what is in the journal and empties it.
func (f *fixture) tasks() []journal.Task {
	f.t.Helper()
	tasks, err := f.journal.Pending(ctx, 10_000)
	if err != nil {
		f.t.Fatal(err)
	}
	var ids []int64
	for _, task := range tasks {
		ids = append(ids, task.ID)
	}
	if err := f.journal.Done(ctx, ids, journal.Mark{}); err != nil {
		f.t.Fatal(err)
	}
	return tasks
}

// wantTasks checks which tasks are in the journal, and empties it.
func (f *fixture) wantTasks(want ...string) []journal.Task {
	f.t.Helper()
	tasks := f.tasks()
	var got []string
	for _, task := range tasks {
		got = append(got, string(task.Type)+" "+string(task.DataType))
	}
	if len(got) != len(want) {
		f.t.Fatalf("tasks %q, want %q", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			f.t.Fatalf("tasks %q, want %q", got, want)
		}
	}
	return tasks
}

// wantFault checks that err is Neutron's exception of that type.
func wantFault(t testing.TB, err error, kind errs.Kind, typ string) {
	t.Helper()
	var e *errs.Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v, want %s", err, typ)
	}
	if e.Kind != kind || e.Type != typ {
		t.Errorf("fault %d %s %q\nwant  %d %s", e.Kind, e.Type, e.Message, kind, typ)
	}
}
