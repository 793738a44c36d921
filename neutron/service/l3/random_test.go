package l3

import (
	"context"
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/store"
)

// TestAnyRequests makes requests at random, in any order. None is ever answered with a fault of ours, and after each of them addresses,
// ports and routers belong together, and the tasks tell the backend what the tables have.
func TestAnyRequests(t *testing.T) {
	f := newFixture(t)
	told := map[string]journal.Task{}
	rapid.Check(t, func(rt *rapid.T) {
		w := &requests{fixture: f, world: f.cloud(), told: told}
		defer w.removeAll()
		w.follow()
		second := f.network(alice)
		w.subnets = []*model.Subnet{w.world.insideSubnet, w.world.externalSubnet, f.subnet(alice, second, "10.1.0.0/24")}
		w.networks = []*model.Network{w.world.inside, w.world.external, second}
		rt.Repeat(map[string]func(*rapid.T){
			"router":     w.aboutRouters,
			"interface":  w.aboutInterfaces,
			"port":       w.aboutPorts,
			"floating":   w.aboutFloatingIPs,
			"forwarding": w.aboutForwardings,
			"":           func(*rapid.T) { w.wantWhole() },
		})
	})
}

// removeAll removes what there is, in the order in which Neutron lets one do that, and checks that nothing is left.
func (w *requests) removeAll() {
	gather(w, w.FloatingIPs(), func(f *model.FloatingIP) {
		for _, forwarding := range f.PortForwardings {
			w.removed(w.PortForwardings(f.ID.String()).Delete(ctx, admin, forwarding.ID.String()))
		}
		w.removed(w.FloatingIPs().Delete(ctx, admin, f.ID.String()))
	})
	gather(w, w.core.Ports(), func(p *model.Port) {
		switch p.DeviceOwner {
		case model.OwnerRouterInterface:
			_, err := w.RemoveInterface(ctx, admin, p.DeviceID, byPort(p))
			w.removed(err)
		case model.OwnerRouterGateway:
			_, err := w.Routers().Update(ctx, admin, p.DeviceID, gatewayBody(nil))
			w.removed(err)
		default:
			w.removed(w.core.Ports().Delete(ctx, admin, p.ID.String()))
		}
	})
	gather(w, w.Routers(), func(r *model.Router) { w.removed(w.Routers().Delete(ctx, admin, r.ID.String())) })
	for _, n := range w.networks {
		w.removed(w.core.Networks().Delete(ctx, admin, n.ID.String()))
	}
	w.follow()
	w.wantTold()
	if c, err := w.core.Contents(ctx); err != nil || slices.ContainsFunc(c.Resources, func(r journal.Task) bool { return r.DataType == journal.Port }) {
		w.t.Fatalf("ports are left: %v", err)
	}
}

// removed is for what may have gone with something else, as a forwarding does with the port behind it.
func (w *requests) removed(err error) {
	if err != nil && errs.KindOf(err) != errs.NotFound {
		w.t.Fatal(err)
	}
}

// requests makes requests of a cloud and remembers what the backend was told.
type requests struct {
	*fixture
	world    *cloud
	subnets  []*model.Subnet
	networks []*model.Network
	told     map[string]journal.Task // the last task of each resource that is there
}

// answered fails where a request was refused for no reason of Neutron's.
func (w *requests) answered(what string, err error) {
	if err != nil && errs.KindOf(err) == errs.Internal {
		w.t.Fatalf("%s: %v", what, err)
	}
	w.follow()
}

func (w *requests) follow() {
	for _, task := range w.tasks() {
		if task.Type == journal.Delete {
			delete(w.told, task.ResourceID)
		} else {
			w.told[task.ResourceID] = task
		}
	}
}

// pick returns one of the resources that the administrator lists, nil where there are none.
func pick[T any](t *rapid.T, list func(context.Context, plugin.Query) ([]*T, error)) *T {
	all, err := list(ctx, plugin.Query{Sort: []plugin.SortKey{{Attr: "created_at"}}})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		return nil
	}
	return rapid.SampledFrom(all).Draw(t, "one of them")
}

func listOf[T any](r plugin.Resource[T]) func(context.Context, plugin.Query) ([]*T, error) {
	return func(ctx context.Context, q plugin.Query) ([]*T, error) { return r.List(ctx, admin, q) }
}

func (w *requests) aboutRouters(t *rapid.T) {
	r := pick(t, listOf(w.Routers()))
	switch verb := rapid.SampledFrom([]string{"create", "gateway", "no gateway", "delete"}).Draw(t, "verb"); {
	case verb == "create":
		w.answered(verb, refused(w.Routers(), alice, gatewayBody(nil)))
	case r == nil:
	case verb == "delete":
		w.answered(verb, w.Routers().Delete(ctx, admin, r.ID.String()))
	default:
		var g *model.GatewayInfo
		if verb == "gateway" {
			g = &model.GatewayInfo{NetworkID: w.world.external.ID, EnableSNAT: rapid.Bool().Draw(t, "snat")}
		}
		_, err := w.Routers().Update(ctx, admin, r.ID.String(), gatewayBody(g))
		w.answered(verb, err)
	}
}

func (w *requests) aboutInterfaces(t *rapid.T) {
	r := pick(t, listOf(w.Routers()))
	if r == nil {
		return
	}
	where := bySubnet(rapid.SampledFrom(w.subnets).Draw(t, "subnet"))
	if p := pick(t, listOf(w.core.Ports())); p != nil && rapid.Bool().Draw(t, "by port") {
		where = byPort(p)
	}
	do := w.AddInterface
	if rapid.Bool().Draw(t, "remove") {
		do = w.RemoveInterface
	}
	_, err := do(ctx, admin, r.ID.String(), where)
	w.answered("interface", err)
}

func (w *requests) aboutPorts(t *rapid.T) {
	if rapid.Bool().Draw(t, "create") {
		n := rapid.SampledFrom(w.networks).Draw(t, "network")
		p := model.Port{NetworkID: n.ID, Standard: model.Standard{ProjectID: "alice"}}
		w.answered("create", refused(w.core.Ports(), admin, body(p, "network_id")))
	} else if p := pick(t, listOf(w.core.Ports())); p != nil {
		w.answered("delete", w.core.Ports().Delete(ctx, admin, p.ID.String()))
	}
}

func (w *requests) aboutFloatingIPs(t *rapid.T) {
	f, p := pick(t, listOf(w.FloatingIPs())), pick(t, listOf(w.core.Ports()))
	if rapid.Bool().Draw(t, "no port") {
		p = nil
	}
	switch verb := rapid.SampledFrom([]string{"create", "update", "delete"}).Draw(t, "verb"); {
	case verb == "create":
		w.answered(verb, refused(w.FloatingIPs(), admin, floatingBody(w.world.external, p)))
	case f == nil:
	case verb == "delete":
		w.answered(verb, w.FloatingIPs().Delete(ctx, admin, f.ID.String()))
	default:
		change := body(model.FloatingIP{}, "port_id")
		if p != nil {
			change.Value.PortID = p.ID
		}
		_, err := w.FloatingIPs().Update(ctx, admin, f.ID.String(), change)
		w.answered(verb, err)
	}
}

func (w *requests) aboutForwardings(t *rapid.T) {
	f, p := pick(t, listOf(w.FloatingIPs())), pick(t, listOf(w.core.Ports()))
	if f == nil || p == nil || len(p.FixedIPs) == 0 {
		return
	}
	of := w.PortForwardings(f.ID.String())
	if len(f.PortForwardings) > 0 && rapid.Bool().Draw(t, "delete") {
		w.answered("delete", of.Delete(ctx, admin, f.PortForwardings[0].ID.String()))
		return
	}
	external := rapid.IntRange(1, 3).Draw(t, "external")
	w.answered("create", refused(of, admin, forwardingBody(p, model.PortNumber(external), 80)))
}

// wantWhole checks what must be true of everything at any time.
func (w *requests) wantWhole() {
	ports, floating, routers := map[string]*model.Port{}, map[string]*model.FloatingIP{}, map[string]*model.Router{}
	gather(w, w.core.Ports(), func(p *model.Port) { ports[p.ID.String()] = p })
	gather(w, w.FloatingIPs(), func(f *model.FloatingIP) { floating[f.ID.String()] = f })
	gather(w, w.Routers(), func(r *model.Router) { routers[r.ID.String()] = r })
	for _, p := range ports {
		if p.DeviceOwner == model.OwnerFloatingIP && floating[p.DeviceID] == nil || isRouters(p) && routers[p.DeviceID] == nil {
			w.t.Fatalf("no one owns %+v", p)
		}
	}
	for _, f := range floating {
		w.wantTranslated(f, ports, routers)
	}
	w.wantTold()
}

func isRouters(p *model.Port) bool {
	return p.DeviceOwner == model.OwnerRouterInterface || p.DeviceOwner == model.OwnerRouterGateway
}

func gather[T any](w *requests, r plugin.Resource[T], add func(*T)) {
	all, err := r.List(ctx, admin, plugin.Query{})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, item := range all {
		add(item)
	}
}

// wantTranslated checks that an address has a router where it needs one, on both sides.
func (w *requests) wantTranslated(f *model.FloatingIP, ports map[string]*model.Port, routers map[string]*model.Router) {
	needed := !f.PortID.IsZero() || len(f.PortForwardings) > 0
	if needed == f.RouterID.IsZero() || needed != (f.Status == model.StatusActive) {
		w.t.Fatalf("router and status of %+v", f)
	}
	if !needed {
		return
	}
	if routers[f.RouterID.String()] == nil {
		w.t.Fatalf("the router of %+v has gone", f)
	}
	if f.PortID.IsZero() {
		return
	}
	p := ports[f.PortID.String()]
	i := slices.IndexFunc(p.FixedIPs, func(a model.FixedIP) bool { return a.IPAddress == f.FixedIPAddress })
	if i < 0 {
		w.t.Fatalf("%+v stands for an address that %+v does not have", f, p)
	}
	subnet := w.subnets[slices.IndexFunc(w.subnets, func(s *model.Subnet) bool { return s.ID == p.FixedIPs[i].SubnetID })]
	var paths []*store.RouterPath
	err := w.db.Read(ctx, func(q store.Querier) (err error) {
		paths, err = store.RouterPaths(q, subnet, f.FloatingNetworkID)
		return err
	})
	if err != nil || !slices.ContainsFunc(paths, func(p *store.RouterPath) bool { return p.Router == f.RouterID }) {
		w.t.Fatalf("%v, the router of %+v is not between the networks", err, f)
	}
}

// wantTold checks that the backend knows what there is, and no more. Of a router's revision it is not told when an interface changes.
func (w *requests) wantTold() {
	c, err := w.core.Contents(ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, r := range c.Resources {
		task, ok := w.told[r.ResourceID]
		switch r.DataType {
		case journal.Router, journal.FloatingIP, journal.PortForwarding, journal.Port:
			if diff := cmp.Diff(withoutRevision(r.Data), withoutRevision(task.Data)); !ok || diff != "" {
				w.t.Fatalf("%s %s: told %v (-there +told):\n%s", r.DataType, r.ResourceID, ok, diff)
			}
		}
	}
	if len(w.told) > len(c.Resources) {
		w.t.Fatalf("told of %d resources, and there are %d", len(w.told), len(c.Resources))
	}
}

// withoutRevision is a resource without its revision and time.
func withoutRevision(data json.RawMessage) map[string]any {
	var object map[string]any
	if json.Unmarshal(data, &object) != nil {
		return nil
	}
	delete(object, "revision_number")
	delete(object, "updated_at")
	return object
}
