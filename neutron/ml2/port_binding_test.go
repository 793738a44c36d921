package ml2

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/store"
)

// bound makes a port of a workload on host1.
func (f *fixture) bound(c *auth.Caller) *model.Port {
	f.t.Helper()
	b := portBody(f.network(c))
	b.Value.DeviceOwner, b.Value.DeviceID, b.Value.HostID = "compute:nova", "11111111-0000-4000-8000-000000000001", "host1"
	b.Given["device_owner"], b.Given["binding:host_id"] = true, true
	return one(f.t, f.Ports(), c, b)
}

// wantBindings checks a port's bindings: "host status vif_type profile" of each.
func (f *fixture) wantBindings(p *model.Port, want ...string) {
	f.t.Helper()
	all, err := f.PortBindings(p.ID.String()).List(f.t.Context(), admin, plugin.Query{})
	if err != nil {
		f.t.Fatal(err)
	}
	var got []string
	for _, b := range all {
		got = append(got, b.Host+" "+string(b.Status)+" "+b.VIFType+" "+string(b.Profile))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		f.t.Errorf("(-want +got):\n%s", diff)
	}
}

func (f *fixture) activate(p *model.Port, host string) error {
	_, err := f.ActivateBinding(p.ID.String())(f.t.Context(), admin, host, nil)
	return err
}

// TestAWorkloadMoves is a live migration as Nova asks for it, and back before it has removed the old binding.
func TestAWorkloadMoves(t *testing.T) {
	f := newFixture(t)
	f.cfg.NotifyNovaData = true
	p := f.bound(admin)
	bindings := f.PortBindings(p.ID.String())
	made := one(t, bindings, admin, body(model.PortBinding{Host: "host2", VNICType: vnicNormal, Profile: json.RawMessage(`{"to":2}`)}, "host", "profile"))
	if made.Status != model.BindingInactive || made.VIFType != vifMidonet || string(made.VIFDetails) != string(midonetDetails) {
		t.Errorf("the new host's binding: %+v", made)
	}
	f.wantBindings(p, `host1 ACTIVE midonet {}`, `host2 INACTIVE midonet {"to":2}`)
	f.tasks()
	if err := f.activate(p, "host2"); err != nil {
		t.Fatal(err)
	}
	f.wantBindings(p, `host1 INACTIVE unbound {}`, `host2 ACTIVE midonet {"to":2}`)
	tasks := f.tasks()
	if len(tasks) != 1 {
		t.Fatalf("the backend is told %v", tasks)
	}
	var told model.Port
	if err := json.Unmarshal(tasks[0].Data, &told); err != nil || told.HostID != "host2" || string(told.Profile) != `{"to":2}` {
		t.Errorf("the backend is told %+v, %v", told, err)
	}
	events, err := store.Read(t.Context(), f.db, func(q store.Querier) ([]*store.NovaEvent, error) { return store.PendingNovaEvents(q, 10) })
	if err != nil || len(events) != 1 || events[0].Name != networkChanged || events[0].Tag != p.ID.String() {
		t.Errorf("Nova is told %v, %v", events, err)
	}
	if err := f.activate(p, "host1"); err != nil {
		t.Fatal(err)
	}
	f.wantBindings(p, `host1 ACTIVE midonet {}`, `host2 INACTIVE unbound {"to":2}`)
	if err := bindings.Delete(t.Context(), admin, "host2"); err != nil {
		t.Fatal(err)
	}
	f.wantBindings(p, `host1 ACTIVE midonet {}`)
	if err := bindings.Delete(t.Context(), admin, "host1"); err != nil {
		t.Fatal(err)
	}
	f.wantBindings(p, ` ACTIVE unbound {}`)
}

// TestABindingMeetsThePort: what the ports API says of a host is said of the port's binding too.
func TestABindingMeetsThePort(t *testing.T) {
	f := newFixture(t)
	p := f.bound(admin)
	one(t, f.PortBindings(p.ID.String()), admin, body(model.PortBinding{Host: "host2", VNICType: vnicNormal}, "host"))
	if _, err := f.Ports().Update(t.Context(), admin, p.ID.String(), body(model.Port{HostID: "host2"}, "binding:host_id")); err != nil {
		t.Fatal(err)
	}
	f.wantBindings(p, `host2 ACTIVE midonet {}`)
	if _, err := f.PortBindings(p.ID.String()).Update(t.Context(), admin, "host2",
		body(model.PortBinding{Profile: json.RawMessage(`{"a":1}`)}, "profile")); err != nil {
		t.Fatal(err)
	}
	if got, err := f.Ports().Get(t.Context(), admin, p.ID.String()); err != nil || string(got.Profile) != `{"a":1}` {
		t.Errorf("the port's profile: %s, %v", got.Profile, err)
	}
	if err := f.Ports().Delete(t.Context(), admin, p.ID.String()); err != nil {
		t.Fatal(err)
	}
}

func TestBindingsThatAreRefused(t *testing.T) {
	f := newFixture(t)
	p := f.bound(admin)
	other := f.port(admin, f.network(admin))
	create := func(port *model.Port, b model.PortBinding) error {
		_, err := f.PortBindings(port.ID.String()).Create(t.Context(), admin, []plugin.Body[model.PortBinding]{body(b, "host")})
		return err
	}
	id := p.ID.String()
	wantFault(t, create(p, model.PortBinding{Host: "host1"}), errs.Conflict, "PortBindingAlreadyExists",
		"Binding for port "+id+" on host host1 already exists.")
	wantFault(t, create(p, model.PortBinding{Host: "host2", VNICType: "direct"}), errs.Conflict, "PortBindingError",
		"Binding for port "+id+" on host host2 could not be created or updated.")
	wantFault(t, create(other, model.PortBinding{Host: "host2"}), errs.Invalid, "BadRequest",
		"Bad port request: Invalid port "+other.ID.String()+". Operation only valid on compute ports.")
	wantFault(t, f.activate(p, "host1"), errs.Conflict, "PortBindingAlreadyActive", "Binding for port "+id+" on host host1 is already active.")
	wantFault(t, f.activate(p, "host2"), errs.NotFound, "PortBindingNotFound", "Binding for port "+id+" for host host2 could not be found.")
	f.wantBindings(p, `host1 ACTIVE midonet {}`)
}
