package quota_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/neutron/ml2"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/quota"
	"midonet.org/midonet/neutron/store"
	"midonet.org/midonet/neutron/store/storetest"
)

func TestAgainOnMariaDB(t *testing.T) { storetest.AgainOnMariaDB(t) }
func TestAgainOnGalera(t *testing.T) {
	storetest.AgainOnGalera(t, "TestALimitHoldsWhateverComesAtOnce")
}

var limits = quota.Limits{ByResource: map[string]int{"network": 5, "subnet": 2, "port": 3}}

// server is the core plugin and that of quotas on a database.
type server struct {
	*ml2.Plugin
	quotas *quota.Plugin
}

// open opens one database several times, as several servers do.
func open(t *testing.T, count int) []server {
	t.Helper()
	servers := make([]server, count)
	for i, connection := range storetest.Servers(storetest.New(t), count) {
		db, err := store.Open(t.Context(), connection, store.Options{BusyTimeout: storetest.Patience})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		config := ml2.DefaultConfig()
		config.Quotas = limits
		servers[i] = server{ml2.New(db, journal.New(db), config, slog.New(slog.DiscardHandler)), quota.NewPlugin(db, limits)}
	}
	return servers
}

func caller(project string) *auth.Caller { return &auth.Caller{RequestID: "req", ProjectID: project} }

// networks makes count networks for a project in one request.
func (s server) networks(project string, count int) ([]*model.Network, error) {
	items := make([]plugin.Body[model.Network], count)
	for i := range items {
		items[i].Value.ProjectID = project
	}
	return s.Networks().Create(context.Background(), caller(project), items)
}

// atOnce runs do count times at once, each on one of the servers, and counts the successes. Every failure must be Neutron's OverQuota
// for the resource.
func atOnce(t *testing.T, servers []server, count int, resource string, do func(server) error) (successes int) {
	t.Helper()
	outcome := make([]error, count)
	var group sync.WaitGroup
	for i := range count {
		group.Go(func() { outcome[i] = do(servers[i%len(servers)]) })
	}
	group.Wait()
	for _, err := range outcome {
		if err == nil {
			successes++
			continue
		}
		wantFault(t, err, errs.Conflict, "OverQuota", fmt.Sprintf("Quota exceeded for resources: ['%s'].", resource))
	}
	return successes
}

func wantFault(t *testing.T, err error, kind errs.Kind, typ, message string) {
	t.Helper()
	var e *errs.Error
	if !errors.As(err, &e) || e.Kind != kind || e.Type != typ || e.Message != message {
		t.Errorf("fault %v, want %s %q", err, typ, message)
	}
}

func TestALimitHoldsWhateverComesAtOnce(t *testing.T) {
	servers := open(t, 3)
	if got := atOnce(t, servers, 12, "network", func(s server) error {
		_, err := s.networks("blue", 1)
		return err
	}); got != 5 {
		t.Errorf("blue has %d networks and may have 5", got)
	}
	if got := atOnce(t, servers, 6, "network", func(s server) error {
		_, err := s.networks("red", 2)
		return err
	}); got != 2 {
		t.Errorf("red made two networks %d times and may have 5", got)
	}
	if _, err := servers[0].networks("red", 1); err != nil {
		t.Errorf("the last network of red: %v", err)
	}
	nets, err := servers[1].networks("green", 1)
	if err != nil {
		t.Fatal(err)
	}
	if got := atOnce(t, servers, 8, "port", func(s server) error {
		_, err := s.Ports().Create(context.Background(), caller("green"), []plugin.Body[model.Port]{
			{Value: model.Port{Standard: model.Standard{ProjectID: "green"}, NetworkID: nets[0].ID}}})
		return err
	}); got != 3 {
		t.Errorf("green has %d ports and may have 3", got)
	}
}

// TestWhatIsOverAndWhatIsFreeAgain: the quota is said before any other fault, and what is deleted no longer counts.
func TestWhatIsOverAndWhatIsFreeAgain(t *testing.T) {
	s, ctx := open(t, 1)[0], t.Context()
	nets, err := s.networks("blue", 1)
	if err != nil {
		t.Fatal(err)
	}
	subnet := func(cidr string) (*model.Subnet, error) {
		made, err := s.Subnets().Create(ctx, caller("blue"), []plugin.Body[model.Subnet]{{Value: model.Subnet{
			Standard: model.Standard{ProjectID: "blue"}, NetworkID: nets[0].ID, IPVersion: 4, CIDR: netip.MustParsePrefix(cidr)},
			Given: map[string]bool{"cidr": true}}})
		if err != nil {
			return nil, err
		}
		return made[0], nil
	}
	first, err := subnet("10.0.0.0/24")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := subnet("10.0.1.0/24"); err != nil {
		t.Fatal(err)
	}
	_, err = subnet("10.0.1.0/24")
	wantFault(t, err, errs.Conflict, "OverQuota", "Quota exceeded for resources: ['subnet'].")
	if err := s.Subnets().Delete(ctx, caller("blue"), first.ID.String()); err != nil {
		t.Fatal(err)
	}
	if _, err := subnet("10.0.2.0/24"); err != nil {
		t.Errorf("after one was deleted: %v", err)
	}
}

func TestProjectsHaveTheirOwnLimits(t *testing.T) {
	s, ctx := open(t, 1)[0], t.Context()
	set := func(project string, limit int, notBelowUse bool) error {
		_, err := s.quotas.Set(ctx, caller("admin"), project, []plugin.Quota{{Resource: "network", Limit: limit}}, notBelowUse)
		return err
	}
	if err := errors.Join(set("blue", 1, false), set("red", 7, true), set("red", -1, false)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.networks("red", 6); err != nil {
		t.Errorf("red, without a limit: %v", err)
	}
	_, err := s.networks("blue", 2)
	wantFault(t, err, errs.Conflict, "OverQuota", "Quota exceeded for resources: ['network'].")
	wantFault(t, set("red", 5, true), errs.Invalid, "HTTPBadRequest",
		"Quota limit 5 for network must be greater than or equal to already used 6")
	if err := set("red", 5, false); err != nil {
		t.Fatal(err)
	}
	details, err := s.quotas.Details(ctx, caller("red"), "red")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(plugin.Quota{Resource: "network", Limit: 5, Used: 6}, details[0]); diff != "" {
		t.Errorf("details of red (-want +got):\n%s", diff)
	}
	all, err := s.quotas.List(ctx, caller("admin"))
	if err != nil || len(all) != 2 || all[0].Project != "blue" || all[0].Quotas[0].Limit != 1 || all[1].Quotas[0].Limit != 5 ||
		all[1].Quotas[1].Limit != 2 {
		t.Errorf("all: %v, %v", all, err)
	}
	if err := s.quotas.Reset(ctx, caller("admin"), "blue"); err != nil {
		t.Error(err)
	}
	wantFault(t, s.quotas.Reset(ctx, caller("admin"), "blue"), errs.NotFound, "TenantQuotaNotFound",
		"Quota for tenant blue could not be found.")
	if _, err := s.networks("blue", 2); err != nil {
		t.Errorf("blue, whose quota was reset: %v", err)
	}
}

// TestWithoutLimits: the zero value refuses nothing, and shows it.
func TestWithoutLimits(t *testing.T) {
	for _, q := range quota.NewPlugin(nil, quota.Limits{}).Default() {
		if q.Limit != -1 {
			t.Errorf("%v", q)
		}
	}
}
