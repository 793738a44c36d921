package flavors

import (
	"fmt"
	"sync"
	"testing"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/store"
	"midonet.org/midonet/neutron/store/storetest"
)

func TestAgainOnMariaDB(t *testing.T) { storetest.AgainOnMariaDB(t) }

const driver = "midonet.Driver"

// newPlugin returns the plugin with one provider, on a database of its own.
func newPlugin(t *testing.T) *Plugin {
	t.Helper()
	db, err := store.Open(t.Context(), storetest.New(t), store.Options{BusyTimeout: storetest.Patience})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return New(db, []string{"CORE", "VPN"}, &model.ServiceProvider{ServiceType: "VPN", Name: "midonet", Driver: driver})
}

// body is a request that gives the attributes named.
func body[T any](v T, given ...string) plugin.Body[T] {
	b := plugin.Body[T]{Value: v, Given: map[string]bool{}}
	for _, name := range given {
		b.Given[name] = true
	}
	return b
}

func made[T any](t *testing.T, r plugin.Resource[T], v T) *T {
	t.Helper()
	items, err := r.Create(t.Context(), nil, []plugin.Body[T]{body(v)})
	if err != nil {
		t.Fatal(err)
	}
	return items[0]
}

// refused checks that a request is refused with a fault.
func refused(t *testing.T, err error, kind errs.Kind, text string) {
	t.Helper()
	if !errs.Is(err, kind) || err.Error() != text {
		t.Errorf("refused with %v, want %s", err, text)
	}
}

func to[T any](v T) *T { return &v }

func TestFlavors(t *testing.T) {
	p := newPlugin(t)
	f := made(t, p.Flavors(), model.Flavor{Name: "gold", ServiceType: "VPN", Enabled: true})
	_, err := p.Flavors().Create(t.Context(), nil, []plugin.Body[model.Flavor]{body(model.Flavor{ServiceType: "CORE"}),
		body(model.Flavor{ServiceType: "tea"})})
	refused(t, err, errs.Invalid, "Invalid service type: tea.")
	all, err := p.Flavors().List(t.Context(), nil, plugin.Query{})
	if err != nil || len(all) != 1 || all[0].Name != "gold" || len(all[0].ServiceProfiles) != 0 {
		t.Errorf("one of the two is made: %v, %v", all, err)
	}
	changed, err := p.Flavors().Update(t.Context(), nil, f.ID.String(),
		body(model.Flavor{Name: "silver", Description: to("d")}, "name", "description", "enabled"))
	if err != nil || changed.Name != "silver" || *changed.Description != "d" || changed.Enabled || changed.ServiceType != "VPN" {
		t.Errorf("changed to %+v, %v", changed, err)
	}
	if got, err := p.Flavors().Get(t.Context(), nil, f.ID.String()); err != nil || got.Name != "silver" || got.Enabled {
		t.Errorf("it is %+v, %v", got, err)
	}
	none := "Flavor none could not be found."
	_, err = p.Flavors().Get(t.Context(), nil, "none")
	refused(t, err, errs.NotFound, none)
	_, err = p.Flavors().Update(t.Context(), nil, "none", body(model.Flavor{}))
	refused(t, err, errs.NotFound, none)
	_, err = p.Flavors().List(t.Context(), nil, plugin.Query{Limit: 1, Marker: "none"})
	refused(t, err, errs.NotFound, none)
	refused(t, p.Flavors().Delete(t.Context(), nil, "none"), errs.NotFound, none)
	if err := p.Flavors().Delete(t.Context(), nil, f.ID.String()); err != nil {
		t.Error(err)
	}
}

func TestServiceProfiles(t *testing.T) {
	p := newPlugin(t)
	made(t, p.ServiceProfiles(), model.ServiceProfile{Driver: driver})
	profile := made(t, p.ServiceProfiles(), model.ServiceProfile{Metainfo: to("m"), Enabled: true})
	for _, c := range []struct {
		profile model.ServiceProfile
		kind    errs.Kind
		text    string
	}{
		{model.ServiceProfile{}, errs.Invalid, "Service Profile needs either a driver or metainfo."},
		{model.ServiceProfile{Metainfo: to("")}, errs.Invalid, "Service Profile needs either a driver or metainfo."},
		{model.ServiceProfile{Driver: "nonsense", Metainfo: to("m")}, errs.NotFound, "Service Profile driver nonsense could not be found."},
	} {
		_, err := p.ServiceProfiles().Create(t.Context(), nil, []plugin.Body[model.ServiceProfile]{body(c.profile)})
		refused(t, err, c.kind, c.text)
	}
	_, err := p.ServiceProfiles().Update(t.Context(), nil, profile.ID.String(), body(model.ServiceProfile{Driver: "nonsense"}, "driver"))
	refused(t, err, errs.NotFound, "Service Profile driver nonsense could not be found.")
	changed, err := p.ServiceProfiles().Update(t.Context(), nil, profile.ID.String(),
		body(model.ServiceProfile{Driver: driver}, "driver", "metainfo", "enabled"))
	if err != nil || changed.Driver != driver || changed.Metainfo != nil || changed.Enabled {
		t.Errorf("changed to %+v, %v", changed, err)
	}
	with, err := p.ServiceProfiles().List(t.Context(), nil,
		plugin.Query{Filters: []plugin.Filter{{Attr: "driver", Values: []string{driver}}}})
	if err != nil || len(with) != 2 {
		t.Errorf("with the driver: %v, %v", with, err)
	}
	if err := p.ServiceProfiles().Delete(t.Context(), nil, profile.ID.String()); err != nil {
		t.Error(err)
	}
	refused(t, p.ServiceProfiles().Delete(t.Context(), nil, profile.ID.String()), errs.NotFound,
		fmt.Sprintf("Service Profile %s could not be found.", profile.ID))
}

func TestAssociations(t *testing.T) {
	p := newPlugin(t)
	f := made(t, p.Flavors(), model.Flavor{ServiceType: "VPN"})
	profile := made(t, p.ServiceProfiles(), model.ServiceProfile{Metainfo: to("m")})
	of, id := p.ProfilesOf(f.ID.String()), profile.ID.String()
	absent := fmt.Sprintf("Service Profile %s is not associated with flavor %s.", id, f.ID)

	_, err := of.Get(t.Context(), nil, id)
	refused(t, err, errs.NotFound, absent)
	refused(t, of.Delete(t.Context(), nil, id), errs.NotFound, absent)
	made(t, of, model.FlavorProfile{ID: profile.ID})
	_, err = of.Create(t.Context(), nil, []plugin.Body[model.FlavorProfile]{body(model.FlavorProfile{ID: profile.ID})})
	refused(t, err, errs.Conflict, fmt.Sprintf("Service Profile %s is already associated with flavor %s.", id, f.ID))
	_, err = of.Create(t.Context(), nil, []plugin.Body[model.FlavorProfile]{body(model.FlavorProfile{})})
	if !errs.Is(err, errs.NotFound) {
		t.Errorf("an unknown profile: %v", err)
	}
	_, err = p.ProfilesOf("none").Create(t.Context(), nil, []plugin.Body[model.FlavorProfile]{body(model.FlavorProfile{ID: profile.ID})})
	refused(t, err, errs.NotFound, "Flavor none could not be found.")
	_, err = p.ProfilesOf("none").List(t.Context(), nil, plugin.Query{})
	refused(t, err, errs.NotFound, "Flavor none could not be found.")
	if all, err := of.List(t.Context(), nil, plugin.Query{}); err != nil || len(all) != 1 || all[0].ID != profile.ID {
		t.Errorf("listed %v, %v", all, err)
	}
	if got, err := p.Flavors().Get(t.Context(), nil, f.ID.String()); err != nil || len(got.ServiceProfiles) != 1 {
		t.Errorf("the flavor is %+v, %v", got, err)
	}

	used := fmt.Sprintf("Service Profile %s is used by some service instance.", id)
	refused(t, p.ServiceProfiles().Delete(t.Context(), nil, id), errs.Conflict, used)
	_, err = p.ServiceProfiles().Update(t.Context(), nil, id, body(model.ServiceProfile{Enabled: true}, "enabled"))
	refused(t, err, errs.Conflict, used)
	if err := p.Flavors().Delete(t.Context(), nil, f.ID.String()); err != nil { // which takes the association with it
		t.Fatal(err)
	}
	if err := p.ServiceProfiles().Delete(t.Context(), nil, id); err != nil {
		t.Error(err)
	}
}

func TestNextProvider(t *testing.T) {
	p := newPlugin(t)
	f := made(t, p.Flavors(), model.Flavor{ServiceType: "VPN"})
	next, of := p.NextProviderOf(f.ID.String()), p.ProfilesOf(f.ID.String())
	want := func(kind errs.Kind, text string) {
		t.Helper()
		_, err := next.List(t.Context(), nil, plugin.Query{})
		refused(t, err, kind, text)
	}
	_, err := p.NextProviderOf("none").List(t.Context(), nil, plugin.Query{})
	refused(t, err, errs.NotFound, "Flavor none could not be found.")
	want(errs.NotFound, fmt.Sprintf("Service Profile  is not associated with flavor %s.", f.ID))

	for _, c := range []struct {
		profile model.ServiceProfile
		kind    errs.Kind
		text    string
	}{
		{model.ServiceProfile{Driver: driver}, errs.Unavailable, "Service Profile is not enabled."},
		{model.ServiceProfile{Metainfo: to("m"), Enabled: true}, errs.NotFound, "Service Profile driver  could not be found."},
	} {
		profile := made(t, p.ServiceProfiles(), c.profile)
		made(t, of, model.FlavorProfile{ID: profile.ID})
		want(c.kind, c.text)
		if err := of.Delete(t.Context(), nil, profile.ID.String()); err != nil {
			t.Fatal(err)
		}
	}

	made(t, of, model.FlavorProfile{ID: made(t, p.ServiceProfiles(), model.ServiceProfile{Driver: driver, Enabled: true}).ID})
	if got, err := next.List(t.Context(), nil, plugin.Query{}); err != nil || len(got) != 1 ||
		*got[0] != (model.NextProvider{Provider: "midonet", Driver: driver}) {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := next.Get(t.Context(), nil, "midonet"); err != nil || got.Driver != driver {
		t.Errorf("%v, %v", got, err)
	}
	_, err = next.Get(t.Context(), nil, "other")
	refused(t, err, errs.NotFound, "Service provider 'other' could not be found.")
}

// TestAddedAndDeletedAtOnce: a profile that is being deleted is not added to a flavor, and one that is being added is not deleted.
func TestAddedAndDeletedAtOnce(t *testing.T) {
	p := newPlugin(t)
	f := made(t, p.Flavors(), model.Flavor{ServiceType: "VPN"})
	for range 10 {
		profile := made(t, p.ServiceProfiles(), model.ServiceProfile{Metainfo: to("m")})
		var added, deleted error
		var both sync.WaitGroup
		both.Go(func() {
			_, added = p.ProfilesOf(f.ID.String()).Create(t.Context(), nil,
				[]plugin.Body[model.FlavorProfile]{body(model.FlavorProfile{ID: profile.ID})})
		})
		both.Go(func() { deleted = p.ServiceProfiles().Delete(t.Context(), nil, profile.ID.String()) })
		both.Wait()
		if (added == nil) == (deleted == nil) || added != nil && !errs.Is(added, errs.NotFound) ||
			deleted != nil && !errs.Is(deleted, errs.Conflict) {
			t.Errorf("added: %v; deleted: %v", added, deleted)
		}
	}
}
