package ml2

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
)

// asDefault is a network that is to be the default.
func asDefault(external bool) plugin.Body[model.Network] {
	yes := true
	return body(model.Network{Name: "net", External: external, IsDefault: &yes}, "router:external", "is_default")
}

// shownAs renders whether a network is shown as the default: absent for those of which that is not said.
func shownAs(n *model.Network) string {
	if n.IsDefault == nil {
		return "absent"
	}
	return fmt.Sprint(*n.IsDefault)
}

func TestDefaultExternalNetwork(t *testing.T) {
	f := newFixture(t)
	want := func(n *model.Network, answered string, stored string) {
		t.Helper()
		got, err := f.Networks().Get(ctx, admin, n.ID.String())
		if err != nil || shownAs(n) != answered || shownAs(got) != stored {
			t.Errorf("answered %s, then %s, %v; want %s, %s", shownAs(n), shownAs(got), err, answered, stored)
		}
	}
	change := func(n *model.Network, b plugin.Body[model.Network]) *model.Network {
		t.Helper()
		changed, err := f.Networks().Update(ctx, admin, n.ID.String(), b)
		if err != nil {
			t.Fatal(err)
		}
		return changed
	}
	no := false
	inner := one(t, f.Networks(), admin, asDefault(false))
	want(inner, "true", "absent") // as the original answers
	outer := one(t, f.Networks(), admin, asDefault(true))
	want(outer, "true", "true")
	exists := "A default external network already exists: " + outer.ID.String() + "."
	for _, external := range []bool{true, false} {
		_, err := f.Networks().Create(ctx, admin, []plugin.Body[model.Network]{asDefault(external)})
		wantFault(t, err, errs.Conflict, "DefaultExternalNetworkExists", exists)
		_, err = f.Networks().Update(ctx, admin, inner.ID.String(), asDefault(external))
		wantFault(t, err, errs.Conflict, "DefaultExternalNetworkExists", exists)
	}
	want(change(outer, asDefault(true)), "true", "true")
	want(change(inner, body(model.Network{External: true}, "router:external")), "false", "false")
	want(change(outer, body(model.Network{IsDefault: &no}, "is_default")), "false", "false")
	want(change(inner, asDefault(true)), "true", "true")
	want(change(inner, body(model.Network{}, "router:external")), "absent", "absent")
	want(change(outer, asDefault(true)), "true", "true") // nothing is left of the other's being it
	found, err := f.Networks().List(ctx, admin, plugin.Query{Filters: []plugin.Filter{{Attr: "is_default", Values: []string{"True"}}}})
	if err != nil || len(found) != 1 || found[0].ID != outer.ID {
		t.Errorf("filtered by it: %v, %v", found, err)
	}
}

// TestOneDefaultAtOnce: of several that would be the default at the same time one is.
func TestOneDefaultAtOnce(t *testing.T) {
	f := newFixture(t)
	results := make([]error, 6)
	var all sync.WaitGroup
	for i := range results {
		all.Go(func() { _, results[i] = f.Networks().Create(ctx, admin, []plugin.Body[model.Network]{asDefault(true)}) })
	}
	all.Wait()
	made := slices.DeleteFunc(slices.Clone(results), func(err error) bool { return errs.Is(err, errs.Conflict) })
	if len(made) != 1 || made[0] != nil {
		t.Errorf("%v", results)
	}
}
