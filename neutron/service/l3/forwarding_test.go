package l3

import (
	"encoding/json"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
)

func forwardingBody(p *model.Port, external, internal model.PortNumber) plugin.Body[model.PortForwarding] {
	return body(model.PortForwarding{
		ExternalPort: external, InternalPort: internal, InternalIPAddress: p.FixedIPs[0].IPAddress, InternalPortID: p.ID, Protocol: "tcp",
	}, "external_port", "internal_port", "internal_ip_address", "internal_port_id", "protocol")
}

// TestForwarding follows one through its life: the address is its router's while it has any.
func TestForwarding(t *testing.T) {
	f := newFixture(t)
	w := f.cloud()
	fip := f.floating(alice, w.external, nil)
	f.tasks()
	pf := one(t, f.PortForwardings(fip.ID.String()), alice, forwardingBody(w.vm, 80, 8080))
	var told model.PortForwarding
	if err := json.Unmarshal(f.wantTasks("UPDATE FLOATINGIP", "CREATE PORTFORWARDING")[1].Data, &told); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(pf, &told, equal); diff != "" {
		t.Errorf("the task has (-answered +told):\n%s", diff)
	}
	fip, err := f.FloatingIPs().Get(ctx, alice, fip.ID.String())
	if err != nil || fip.RouterID != w.router.ID || fip.Status != model.StatusActive || len(fip.PortForwardings) != 1 {
		t.Errorf("%v, the address is %+v", err, fip)
	}
	_, err = f.FloatingIPs().Update(ctx, alice, fip.ID.String(), body(model.FloatingIP{}, "port_id"))
	if err != nil {
		t.Error(err)
	}
	if fip, err = f.FloatingIPs().Get(ctx, alice, fip.ID.String()); err != nil || fip.RouterID != w.router.ID {
		t.Errorf("%v, the router is %v", err, fip.RouterID)
	}
	_, err = f.RemoveInterface(ctx, alice, w.router.ID.String(), bySubnet(w.insideSubnet))
	wantFault(t, err, errs.Conflict, "RouterInterfaceInUseByFloatingIP")
	f.tasks()
	if err := f.PortForwardings(fip.ID.String()).Delete(ctx, alice, pf.ID.String()); err != nil {
		t.Fatal(err)
	}
	f.wantTasks("DELETE PORTFORWARDING", "UPDATE FLOATINGIP")
	if fip, err = f.FloatingIPs().Get(ctx, alice, fip.ID.String()); err != nil || !fip.RouterID.IsZero() || fip.Status != model.StatusDown {
		t.Errorf("%v, the address is %+v", err, fip)
	}
}

// TestForwardingRanges: a range has no single port, for clients; for the backend it has its first.
func TestForwardingRanges(t *testing.T) {
	f := newFixture(t)
	w := f.cloud()
	fip := f.floating(alice, w.external, nil)
	b := forwardingBody(w.vm, 0, 0)
	b.Value.ExternalPortRange, b.Value.InternalPortRange = model.PortRange{First: 100, Last: 110}, model.PortRange{First: 200, Last: 210}
	f.tasks()
	pf := one(t, f.PortForwardings(fip.ID.String()), alice, b)
	if pf.ExternalPort != 0 || pf.InternalPort != 0 || pf.ExternalPortRange.String() != "100:110" {
		t.Errorf("answered %+v", pf)
	}
	var told model.PortForwarding
	if err := json.Unmarshal(f.tasks()[1].Data, &told); err != nil || told.ExternalPort != 100 || told.InternalPort != 200 {
		t.Errorf("%v, told %+v", err, told)
	}
	update := func(v model.PortForwarding, given ...string) (*model.PortForwarding, error) {
		return f.PortForwardings(fip.ID.String()).Update(ctx, alice, pf.ID.String(), body(v, given...))
	}
	_, err := update(model.PortForwarding{ExternalPortRange: model.PortRange{First: 300, Last: 302}}, "external_port_range")
	wantFault(t, err, errs.Invalid, "BadRequest")
	changed, err := update(model.PortForwarding{ExternalPort: 99, InternalPort: 98}, "external_port", "internal_port")
	if err != nil || changed.ExternalPortRange != model.OnePort(99) || changed.InternalPort != 98 {
		t.Errorf("%v, changed %+v", err, changed)
	}
	unfit := forwardingBody(w.vm, 1, 1) // whose single ports fit, and whose range does not
	unfit.Value.InternalPortRange = model.PortRange{First: 1, Last: 3}
	for _, given := range []plugin.Body[model.PortForwarding]{forwardingBody(w.vm, 0, 1), forwardingBody(w.vm, 1, 0), unfit} {
		wantFault(t, refused(f.PortForwardings(fip.ID.String()), alice, given), errs.Invalid, "BadRequest")
		// … which is said before whether there is such an address.
		wantFault(t, refused(f.PortForwardings(w.vm.ID.String()), alice, given), errs.Invalid, "BadRequest")
	}
}

// TestForwardingsFollowTheirPort: they end with the port, and with the address that the port has lost.
func TestForwardingsFollowTheirPort(t *testing.T) {
	f := newFixture(t)
	w := f.cloud()
	fip := f.floating(alice, w.external, nil)
	stays := f.port(alice, w.inside, "10.0.0.6")
	one(t, f.PortForwardings(fip.ID.String()), alice, forwardingBody(w.vm, 80, 8080))
	one(t, f.PortForwardings(fip.ID.String()), alice, forwardingBody(stays, 81, 8080))
	f.tasks()
	_, err := f.core.Ports().Update(ctx, alice, w.vm.ID.String(),
		body(model.Port{FixedIPs: []model.FixedIP{{IPAddress: netip.MustParseAddr("10.0.0.55")}}}, "fixed_ips"))
	if err != nil {
		t.Fatal(err)
	}
	f.wantTasks("UPDATE PORT", "DELETE PORTFORWARDING")
	if err := f.core.Ports().Delete(ctx, alice, stays.ID.String()); err != nil {
		t.Fatal(err)
	}
	f.wantTasks("DELETE PORTFORWARDING", "UPDATE FLOATINGIP", "DELETE PORT")
}

// TestForwardingsOfOthers: what is below an address that one does not see does not exist.
func TestForwardingsOfOthers(t *testing.T) {
	f := newFixture(t)
	w := f.cloud()
	fip := f.floating(alice, w.external, nil)
	pf := one(t, f.PortForwardings(fip.ID.String()), alice, forwardingBody(w.vm, 80, 8080))
	of := f.PortForwardings(fip.ID.String())
	_, err := of.Get(ctx, bob, pf.ID.String())
	wantFault(t, err, errs.NotFound, "FloatingIPNotFound")
	_, err = of.List(ctx, bob, plugin.Query{})
	wantFault(t, err, errs.NotFound, "FloatingIPNotFound")
	_, err = of.Update(ctx, bob, pf.ID.String(), body(model.PortForwarding{ExternalPort: 1}, "external_port"))
	wantFault(t, err, errs.NotFound, "FloatingIPNotFound")
	wantFault(t, of.Delete(ctx, bob, pf.ID.String()), errs.NotFound, "FloatingIPNotFound")
	wantFault(t, refused(of, bob, forwardingBody(w.vm, 81, 8081)), errs.NotFound, "FloatingIPNotFound")
	bobs := f.floating(bob, w.external, nil)
	wantFault(t, refused(f.PortForwardings(bobs.ID.String()), bob, forwardingBody(w.vm, 81, 8081)), errs.NotFound, "PortNotFound")
}
