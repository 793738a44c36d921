package store

import (
	"context"
	"reflect"
	"testing"

	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/store/storetest"
)

// facts are what a transaction can know from its beginning on.
type facts struct {
	limits []QuotaLimit
	group  model.SecurityGroupID
	zones  []string
}

func factsOf(t *testing.T, tx *Tx, project string) (f facts) {
	t.Helper()
	limits, err := QuotaLimits(tx, project)
	for _, l := range limits {
		f.limits = append(f.limits, *l)
	}
	if err == nil {
		f.group, err = DefaultSecurityGroup(tx, project)
		err = NotFoundAs(err, nil)
	}
	if err == nil {
		f.zones, err = Zones(tx)
	}
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestAnOpeningKnowsWhatIsThere: whoever makes something for a project knows of it, and of others, what everybody else reads.
func TestAnOpeningKnowsWhatIsThere(t *testing.T) {
	db := openNew(t)
	for n, zone := range []string{"", "west", `no"rth\`, "east", "west", ""} {
		err := db.Tx(ctx, func(tx *Tx) error {
			hosts, err := Hosts(tx)
			if err != nil {
				return err
			}
			return SetHosts(tx, append(hosts, &Host{ID: model.AgentID{byte(n + 1)}, Zone: zone}), model.Time{})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	group := &model.SecurityGroup{ID: id.New[model.SecurityGroup](), Name: "default"}
	group.ProjectID = "red"
	err := db.Tx(ctx, func(tx *Tx) error {
		for resource, limit := range map[string]int{"port": 7, "network": -1} {
			if err := SetQuotaLimit(tx, QuotaLimit{"red", resource, limit}); err != nil {
				return err
			}
		}
		if err := SetQuotaLimit(tx, QuotaLimit{"blue", "port", 3}); err != nil {
			return err
		}
		if err := InsertSecurityGroup(tx, group); err != nil {
			return err
		}
		return InsertDefaultSecurityGroup(tx, group)
	})
	if err != nil {
		t.Fatal(err)
	}
	read := func(ctx context.Context, project string) (f facts) {
		if err := db.Tx(ctx, func(tx *Tx) error { f = factsOf(t, tx, project); return nil }); err != nil {
			t.Fatal(err)
		}
		return f
	}
	for _, project := range []string{"red", "blue", "green", ""} {
		want := read(ctx, project)
		for _, making := range []string{"red", "blue", "green", ""} {
			if got := read(Making(plugin.ForClient(ctx), making), project); !sameFacts(got, want) {
				t.Errorf("of %q, making something for %q: %+v, want %+v", project, making, got, want)
			}
		}
	}
	if f := read(ctx, "red"); len(f.limits) != 2 || f.group != group.ID || !reflect.DeepEqual(f.zones, []string{"east", `no"rth\`, "west"}) {
		t.Errorf("%+v", f)
	}
}

// sameFacts compares without the order of limits, which has no meaning.
func sameFacts(a, b facts) bool {
	limits := func(f facts) map[QuotaLimit]bool {
		all := map[QuotaLimit]bool{}
		for _, l := range f.limits {
			all[l] = true
		}
		return all
	}
	return reflect.DeepEqual(limits(a), limits(b)) && a.group == b.group && reflect.DeepEqual(a.zones, b.zones)
}

// TestAnOpeningKeepsNobodyOff: of what a transaction reads at its beginning it keeps the gate alone.
func TestAnOpeningKeepsNobodyOff(t *testing.T) {
	storetest.OnMariaDB(t)
	db := openNew(t)
	set := func(limit int) error {
		return db.Tx(ctx, func(tx *Tx) error {
			if err := setZones(tx, nil); err != nil {
				return err
			}
			return SetQuotaLimit(tx, QuotaLimit{"red", "port", limit})
		})
	}
	if err := set(7); err != nil {
		t.Fatal(err)
	}
	err := db.Tx(Making(plugin.ForClient(ctx), "red"), func(*Tx) error { return set(8) })
	if err != nil {
		t.Errorf("what a transaction has read at its beginning could not be changed: %v", err)
	}
}
