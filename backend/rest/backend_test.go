package rest

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/neutron/ml2"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/store"
	"midonet.org/midonet/neutron/store/storetest"
)

// want checks what a client is told.
func want(t *testing.T, err error, kind errs.Kind, typ, message string) {
	t.Helper()
	var e *errs.Error
	if !errors.As(err, &e) || e.Kind != kind || e.Type != typ || !strings.Contains(e.Message, message) {
		t.Errorf("the client is told %#v, want kind %d, type %s, %q", err, kind, typ, message)
	}
}

func count[T any](t *testing.T, r plugin.Resource[T]) int {
	t.Helper()
	all, err := r.List(ctx, admin, plugin.Query{})
	check(t, err)
	return len(all)
}

func TestWhatIsRefusedIsNotCreated(t *testing.T) {
	midonet := newFakeMidoNet(t)
	s := newServer(t, midonet.uri())
	blue := s.network(alice, "blue")
	subnet := s.subnet(alice, blue, "10.0.0.0/24")
	router := create(s, s.l3.Routers(), alice, body(model.Router{AdminStateUp: true}))
	outside := create(s, s.core.Networks(), admin, body(model.Network{External: true, PortSecurityEnabled: true}, "router:external"))
	s.subnet(admin, outside, "198.51.100.0/24")
	port := body(model.Port{NetworkID: blue.ID}, "network_id")
	for path, c := range map[string]struct {
		do   func() error
		left func() int
	}{
		"/networks": {func() error {
			_, err := s.core.Networks().Create(ctx, alice, []plugin.Body[model.Network]{body(model.Network{PortSecurityEnabled: true})})
			return err
		}, func() int { return count(t, s.core.Networks()) }},
		"/subnets": {func() error {
			_, err := s.core.Subnets().Create(ctx, alice, []plugin.Body[model.Subnet]{body(model.Subnet{NetworkID: blue.ID,
				CIDR: netip.MustParsePrefix("10.1.0.0/24"), IPVersion: 4})})
			return err
		}, func() int { return count(t, s.core.Subnets()) }},
		"/ports": {func() error {
			_, err := s.core.Ports().Create(ctx, alice, []plugin.Body[model.Port]{port, port})
			return err
		}, func() int { return count(t, s.core.Ports()) }},
		"/security_groups": {func() error {
			_, err := s.core.SecurityGroups().Create(ctx, alice, []plugin.Body[model.SecurityGroup]{body(model.SecurityGroup{Name: "web", Stateful: true})})
			return err
		}, func() int { return count(t, s.core.SecurityGroups()) + count(t, s.core.SecurityGroupRules()) }},
		"/routers": {func() error {
			_, err := s.l3.Routers().Create(ctx, alice, []plugin.Body[model.Router]{body(model.Router{Gateway: &model.GatewayInfo{NetworkID: outside.ID}},
				"external_gateway_info")})
			return err
		}, func() int { return count(t, s.l3.Routers()) + count(t, s.core.Ports()) }},
		"/floating_ips": {func() error {
			_, err := s.l3.FloatingIPs().Create(ctx, alice, []plugin.Body[model.FloatingIP]{body(model.FloatingIP{FloatingNetworkID: outside.ID})})
			return err
		}, func() int { return count(t, s.l3.FloatingIPs()) + count(t, s.core.Ports()) }},
	} {
		before := c.left()
		midonet.refusing(http.MethodPost, path, 400)
		want(t, c.do(), errs.Invalid, "HTTPBadRequest", "MidoNet's own words.")
		midonet.set(func() { midonet.interfere = nil })
		if left := c.left(); left != before {
			t.Errorf("POST %s was refused, and there are %d, where there were %d", path, left, before)
		}
		s.await("MidoNet is told of what was taken back", func() bool { return s.pending() == 0 })
	}
	before := count(t, s.core.Ports())
	midonet.refusing(http.MethodPut, "/routers", 409)
	_, err := s.l3.AddInterface(ctx, alice, router.ID.String(), []byte(`{"subnet_id": "`+subnet.ID.String()+`"}`))
	want(t, err, errs.Conflict, "HTTPConflict", "MidoNet's own words.")
	if left := count(t, s.core.Ports()); left != before {
		t.Errorf("the router has an interface that was refused: %d ports, and %d before", left, before)
	}
	s.await("MidoNet is told of what was taken back", func() bool { return s.pending() == 0 })
	if there := midonet.has("ports"); len(there) != 0 {
		t.Errorf("MidoNet still has %v", there)
	}
}

// TestCodes: each of MidoNet's codes reaches the client as Neutron's fault of that code.
func TestCodes(t *testing.T) {
	midonet := newFakeMidoNet(t)
	s := newServer(t, midonet.uri())
	blue := s.network(alice, "blue")
	for status, c := range map[int]struct {
		kind errs.Kind
		typ  string
	}{
		400: {errs.Invalid, "HTTPBadRequest"}, 404: {errs.NotFound, "HTTPNotFound"}, 409: {errs.Conflict, "HTTPConflict"},
		413: {errs.TooLarge, "HTTPRequestEntityTooLarge"}, 501: {errs.Unsupported, "HTTPNotImplemented"},
		405: {errs.Internal, "HTTPInternalServerError"}, 500: {errs.Internal, "HTTPInternalServerError"},
	} {
		midonet.refusing(http.MethodPut, "/networks", status)
		request := *alice
		request.RequestID = fmt.Sprint("req-", status) // of its own: what follows in one request that was refused is refused likewise
		_, err := s.core.Networks().Update(ctx, &request, blue.ID.String(), body(model.Network{Name: "x"}, "name"))
		want(t, err, c.kind, c.typ, "MidoNet's own words.")
	}
}

func TestWhatIsRefusedIsAnError(t *testing.T) {
	midonet := newFakeMidoNet(t)
	s := newServer(t, midonet.uri())
	outside := create(s, s.core.Networks(), admin, body(model.Network{External: true, PortSecurityEnabled: true}, "router:external"))
	s.subnet(admin, outside, "198.51.100.0/24")
	blue := s.network(alice, "blue")
	vm := s.port(alice, blue)
	router := create(s, s.l3.Routers(), alice, body(model.Router{AdminStateUp: true}))
	floating := create(s, s.l3.FloatingIPs(), alice, body(model.FloatingIP{FloatingNetworkID: outside.ID}))
	status := func() []model.Status {
		n, err1 := s.core.Networks().Get(ctx, alice, blue.ID.String())
		p, err2 := s.core.Ports().Get(ctx, alice, vm.ID.String())
		r, err3 := s.l3.Routers().Get(ctx, alice, router.ID.String())
		f, err4 := s.l3.FloatingIPs().Get(ctx, alice, floating.ID.String())
		check(t, errors.Join(err1, err2, err3, err4))
		return []model.Status{n.Status, p.Status, r.Status, f.Status}
	}
	changeAll := func() error {
		_, err1 := s.core.Networks().Update(ctx, alice, blue.ID.String(), body(model.Network{Name: "green"}, "name"))
		_, err2 := s.core.Ports().Update(ctx, alice, vm.ID.String(), body(model.Port{Name: "x"}, "name"))
		_, err3 := s.l3.Routers().Update(ctx, alice, router.ID.String(), body(model.Router{Name: "x"}, "name"))
		_, err4 := s.l3.FloatingIPs().Update(ctx, alice, floating.ID.String(), body(model.FloatingIP{}, "port_id"))
		return errors.Join(err1, err2, err3, err4)
	}
	midonet.refusing(http.MethodPut, "/", 409)
	if err := changeAll(); strings.Count(err.Error(), "MidoNet's own words.") != 4 {
		t.Errorf("not every client is told: %v", err)
	}
	if got := status(); !slices.Equal(got, []model.Status{"ACTIVE", "ERROR", "ERROR", "ERROR"}) {
		t.Errorf("network, port, router and floating address are %v", got)
	}
	if n, err := s.core.Networks().Get(ctx, alice, blue.ID.String()); err != nil || n.Name != "green" {
		t.Errorf("the change of the network is %v, %v", n, err)
	}
	midonet.set(func() { midonet.interfere = nil })
	check(t, changeAll())
	if got := status(); !slices.Equal(got, []model.Status{"ACTIVE", "DOWN", "ACTIVE", "DOWN"}) {
		t.Errorf("after changes that succeed, network, port, router and floating address are %v", got)
	}
}

// TestARefusedGateway: a router that is to get a gateway is left without one.
func TestARefusedGateway(t *testing.T) {
	midonet := newFakeMidoNet(t)
	s := newServer(t, midonet.uri())
	outside := create(s, s.core.Networks(), admin, body(model.Network{External: true, PortSecurityEnabled: true}, "router:external"))
	s.subnet(admin, outside, "198.51.100.0/24")
	router := create(s, s.l3.Routers(), alice, body(model.Router{AdminStateUp: true}))
	gateway := body(model.Router{Gateway: &model.GatewayInfo{NetworkID: outside.ID}}, "external_gateway_info")
	midonet.refusing(http.MethodPost, "/ports", 400)
	_, err := s.l3.Routers().Update(ctx, alice, router.ID.String(), gateway)
	want(t, err, errs.Invalid, "HTTPBadRequest", "MidoNet's own words.")
	if r, err := s.l3.Routers().Get(ctx, alice, router.ID.String()); err != nil || r.Gateway != nil || r.Status != model.StatusError {
		t.Errorf("the router is %+v, %v", r, err)
	}
	midonet.refusing(http.MethodPut, "/routers", 400)
	_, err = s.l3.Routers().Update(ctx, alice, router.ID.String(), gateway)
	want(t, err, errs.Invalid, "HTTPBadRequest", "MidoNet's own words.")
	if r, err := s.l3.Routers().Get(ctx, alice, router.ID.String()); err != nil || r.Gateway == nil || r.Status != model.StatusError {
		t.Errorf("the router is %+v, %v", r, err)
	}
}

func TestDeletions(t *testing.T) {
	midonet := newFakeMidoNet(t)
	s := newServer(t, midonet.uri())
	blue := s.network(alice, "blue")
	group := create(s, s.core.SecurityGroups(), alice, body(model.SecurityGroup{Name: "web", Stateful: true}))
	midonet.refusing(http.MethodDelete, "/", 409)
	want(t, s.core.Networks().Delete(ctx, alice, blue.ID.String()), errs.Conflict, "HTTPConflict", "MidoNet's own words.")
	midonet.refusing(http.MethodDelete, "/security_groups", 500)
	if err := s.core.SecurityGroups().Delete(ctx, alice, group.ID.String()); err != nil {
		t.Errorf("that a group could not be deleted is for the log alone: %v", err)
	}
	_, err1 := s.core.Networks().Get(ctx, alice, blue.ID.String())
	_, err2 := s.core.SecurityGroups().Get(ctx, alice, group.ID.String())
	if !errs.Is(err1, errs.NotFound) || !errs.Is(err2, errs.NotFound) {
		t.Errorf("what was deleted is still there: %v, %v", err1, err2)
	}
	midonet.refusing(http.MethodDelete, "/", 404)
	green := s.network(alice, "green")
	check(t, s.core.Networks().Delete(ctx, alice, green.ID.String()))
}

// TestLostAnswers: the connection is lost before MidoNet makes a change, and after it; the change is made once.
func TestLostAnswers(t *testing.T) {
	midonet := newFakeMidoNet(t)
	s := newServer(t, midonet.uri())
	lose := func(before bool) {
		lost := map[string]bool{}
		midonet.set(func() {
			midonet.interfere = func(r seen) (int, string, func()) {
				if r.method == http.MethodGet || lost[r.String()] {
					return 0, "", nil
				}
				lost[r.String()] = true
				if before {
					hangUp()
				}
				return 0, "", hangUp
			}
		})
	}
	for _, before := range []bool{true, false} {
		lose(before)
		n := s.network(alice, "blue")
		update(s, s.core.Networks(), alice, n.ID, body(model.Network{Name: "green"}, "name"))
		if there := midonet.has("networks"); !slices.Equal(there, []string{"/networks/" + n.ID.String()}) {
			t.Errorf("MidoNet has %v", there)
		}
		check(t, s.core.Networks().Delete(ctx, alice, n.ID.String()))
		if there := midonet.has("networks"); len(there) != 0 {
			t.Errorf("after a deletion MidoNet has %v", there)
		}
	}
}

// TestForeignObjects: a conflict with something else is none of ours.
func TestForeignObjects(t *testing.T) {
	midonet := newFakeMidoNet(t)
	s := newServer(t, midonet.uri())
	midonet.set(func() {
		midonet.interfere = func(r seen) (int, string, func()) {
			if r.method == http.MethodGet {
				return 200, strings.Replace(midonet.requests[len(midonet.requests)-1].body, `"tenant_id":"alice"`, `"tenant_id":"bob"`, 1), nil
			}
			if r.method == http.MethodPost && r.path == "/networks" {
				return 409, `{"message": "A(n) NeutronNetwork with ID x already exists.", "code": 409}`, nil
			}
			return 0, "", nil
		}
	})
	_, err := s.core.Networks().Create(ctx, alice, []plugin.Body[model.Network]{body(model.Network{PortSecurityEnabled: true})})
	want(t, err, errs.Conflict, "HTTPConflict", "already exists")
}

// TestBusyMidoNet: what says that it is away is waited for.
func TestBusyMidoNet(t *testing.T) {
	midonet := newFakeMidoNet(t)
	s := newServer(t, midonet.uri())
	s.network(alice, "first") // with the default group
	answers := []int{503, 504}
	midonet.set(func() {
		midonet.interfere = func(r seen) (int, string, func()) {
			if len(answers) == 0 {
				return 0, "", nil
			}
			status := answers[0]
			answers = answers[1:]
			return status, "", nil
		}
	})
	s.network(alice, "blue")
	if told := midonet.told(); !slices.Equal(told[len(told)-3:], []string{"POST /networks", "POST /networks", "POST /networks"}) {
		t.Errorf("MidoNet was told %v", told)
	}
}

// TestMidoNetIsAway: nothing is written, the client is told at once, and all goes on when it is back.
func TestMidoNetIsAway(t *testing.T) {
	midonet := newFakeMidoNet(t)
	database := storetest.New(t)
	s := newServerOn(t, database, midonet.uri())
	blue, green := s.network(alice, "blue"), s.network(alice, "green")
	s.backend.RetryTime = 200 * time.Millisecond
	midonet.set(func() { midonet.down = true })
	err := s.core.Networks().Delete(ctx, alice, blue.ID.String())
	want(t, err, errs.Unavailable, "HTTPServiceUnavailable", "MidoNet will be told")
	if _, err := s.core.Networks().Get(ctx, alice, blue.ID.String()); !errs.Is(err, errs.NotFound) || s.pending() != 1 {
		t.Errorf("the deletion: %v, and %d tasks wait", err, s.pending())
	}
	before := count(t, s.core.Networks())
	_, err = s.core.Networks().Create(ctx, alice, []plugin.Body[model.Network]{body(model.Network{PortSecurityEnabled: true})})
	want(t, err, errs.Unavailable, "HTTPServiceUnavailable", "does not take changes")
	if count(t, s.core.Networks()) != before || s.pending() != 1 {
		t.Errorf("something was written: %d networks, where there were %d; %d tasks", count(t, s.core.Networks()), before, s.pending())
	}
	if got := s.backend.Status(); got.LastError == "" {
		t.Error("an operator is not told that MidoNet is away")
	}
	time.Sleep(time.Second) // for more attempts than a task has that fails by itself
	midonet.set(func() { midonet.down, midonet.token = false, "t2" })
	s.await("the deletion gets there", func() bool {
		return s.pending() == 0 && slices.Equal(midonet.has("networks"), []string{"/networks/" + green.ID.String()})
	})
	s.await("changes are taken again", func() bool { return s.backend.Ready(ctx) == nil })
	s.network(alice, "red")
}

// TestWithdrawal: a request that has waited long enough takes back what it did, whether MidoNet has heard of it or not.
func TestWithdrawal(t *testing.T) {
	midonet := newFakeMidoNet(t)
	database := storetest.New(t)
	applying := newServerOn(t, database, midonet.uri())
	blue := applying.network(alice, "blue")
	vm := applying.port(alice, blue)
	applying.stop()
	s := idleServerOn(t, database, midonet.uri()) // another server, to which MidoNet looks well
	s.backend.RetryTime, s.backend.RequestTimeout = 50*time.Millisecond, 50*time.Millisecond
	_, err := s.core.Networks().Create(ctx, alice, []plugin.Body[model.Network]{body(model.Network{PortSecurityEnabled: true})})
	want(t, err, errs.Unavailable, "HTTPServiceUnavailable", "does not answer")
	_, err = s.core.Ports().Update(ctx, alice, vm.ID.String(), body(model.Port{Name: "x"}, "name"))
	want(t, err, errs.Unavailable, "HTTPServiceUnavailable", "does not answer")
	if p, err := s.core.Ports().Get(ctx, alice, vm.ID.String()); err != nil || p.Status != model.StatusError {
		t.Errorf("the port is %+v, %v", p, err)
	}
	if n := count(t, s.core.Networks()); n != 1 {
		t.Errorf("there are %d networks", n)
	}
	s.backend.RequestTimeout = patience
	s.start()
	s.await("MidoNet is told of what was taken back", func() bool { return s.pending() == 0 })
	if there := midonet.has("networks"); len(there) != 1 {
		t.Errorf("MidoNet has %v", there)
	}
}

// TestATaskThatFailsByItself is given up; what is behind it goes on.
func TestATaskThatFailsByItself(t *testing.T) {
	midonet := newFakeMidoNet(t)
	s := newServer(t, midonet.uri())
	blue, green := s.network(alice, "blue"), s.network(alice, "green")
	midonet.set(func() {
		midonet.interfere = func(r seen) (int, string, func()) {
			if r.path == "/networks/"+blue.ID.String() {
				hangUp()
			}
			return 0, "", nil
		}
	})
	want(t, s.core.Networks().Delete(ctx, alice, blue.ID.String()), errs.Unavailable, "HTTPServiceUnavailable", "3 attempts")
	check(t, s.core.Networks().Delete(ctx, alice, green.ID.String()))
}

// TestChangesAreNotRedirected: a proxy that sends the client elsewhere, by which a client makes a GET of a change, has made none.
func TestChangesAreNotRedirected(t *testing.T) {
	midonet := newFakeMidoNet(t)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
	}))
	defer proxy.Close()
	for _, status := range []int{http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusPermanentRedirect} {
		c := newClient(Config{URI: midonet.uri(), Username: "admin", Password: testPassword, ProjectID: "the project", Log: slog.New(slog.DiscardHandler)})
		midonet.set(func() {
			midonet.redirect = func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, proxy.URL, status) }
		})
		a, err := c.send(ctx, Call{Method: http.MethodPost, Link: "networks", Media: mediaOf("Network"), Body: "{}"})
		if err != nil || a.status != status {
			t.Errorf("a change that was redirected by %d was answered %d, %v", status, a.status, err)
		}
	}
}

func TestTokens(t *testing.T) {
	midonet := newFakeMidoNet(t)
	s := newServer(t, midonet.uri())
	blue := s.network(alice, "blue")
	midonet.set(func() { midonet.token = "t2" })
	update(s, s.core.Networks(), alice, blue.ID, body(model.Network{Name: "green"}, "name"))
	midonet.set(func() {
		if midonet.logins != 2 {
			t.Errorf("%d logins, want one, and one more for the token that had expired", midonet.logins)
		}
	})
}

// TestSecrets: a MidoNet that does not let the server in is away to clients, and the password is nowhere.
func TestSecrets(t *testing.T) {
	midonet := newFakeMidoNet(t)
	var log bytes.Buffer
	b := New(Config{URI: midonet.uri(), Username: "admin", Password: "another secret", ProjectID: "the project", RequestTimeout: time.Second,
		Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	err := b.Ready(ctx)
	want(t, err, errs.Unavailable, "HTTPServiceUnavailable", "does not answer")
	b.setAway(err)
	for _, text := range []string{err.Error(), log.String(), b.Status().LastError} {
		if strings.Contains(text, "another secret") || strings.Contains(text, "YWRtaW46") {
			t.Errorf("a secret is in %q", text)
		}
	}
	if !strings.Contains(log.String(), `let \"admin\" in`) && !strings.Contains(log.String(), "admin") {
		t.Errorf("the log does not say who is not let in: %s", log.String())
	}
}

// TestSeveralServers: of two on a database one applies the journal; the other's clients are answered too, and it takes over in the middle.
func TestSeveralServers(t *testing.T) {
	midonet := newFakeMidoNet(t)
	database := storetest.New(t)
	one, two := newServerOn(t, database, midonet.uri()), idleServerOn(t, database, midonet.uri())
	n := one.network(alice, "blue")
	vm := two.port(alice, n)
	one.stop()
	changed := make(chan error)
	go func() {
		_, err := one.core.Ports().Update(ctx, alice, vm.ID.String(), body(model.Port{Name: "x"}, "name"))
		changed <- err
	}()
	two.await("the change is committed", func() bool { return two.pending() == 1 })
	two.start()
	if err := <-changed; err != nil {
		t.Errorf("the client of the server that stopped is told %v", err)
	}
	told := midonet.told()
	if i := slices.Index(told, "POST /ports"); i < 0 || !slices.Equal(told[i:], []string{"POST /ports", "PUT /ports/" + vm.ID.String()}) {
		t.Errorf("MidoNet was told %v", told)
	}
}

// TestNobodyIsLeft: a server has died between its commit and MidoNet's answer. Another makes the change, and takes back what is refused.
func TestNobodyIsLeft(t *testing.T) {
	midonet := newFakeMidoNet(t)
	database := storetest.New(t)
	s := idleServerOn(t, database, midonet.uri())
	dead := ml2.New(s.db, journal.New(s.db), ml2.DefaultConfig(), slog.New(slog.DiscardHandler)) // which will not wait for answers
	blue := create(t, dead.Networks(), alice, body(model.Network{Name: "blue", PortSecurityEnabled: true}))
	red := create(t, dead.Networks(), alice, body(model.Network{Name: "red", PortSecurityEnabled: true}))
	midonet.set(func() {
		midonet.interfere = func(r seen) (int, string, func()) {
			if r.method == http.MethodPost && strings.Contains(r.body, `"name":"red"`) {
				return 400, `{"message": "no red"}`, nil
			}
			return 0, "", nil
		}
	})
	s.start()
	s.await("the journal is applied", func() bool { return s.pending() == 0 })
	s.stop()
	if there := midonet.has("networks"); !slices.Equal(there, []string{"/networks/" + blue.ID.String()}) {
		t.Errorf("MidoNet has %v", there)
	}
	check(t, s.db.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec("UPDATE midonet_task_faults SET created_at = '2020-01-01T00:00:00Z'")
		return err
	}))
	again := newServerOn(t, database, midonet.uri())
	again.await("the network that was refused is taken back", func() bool {
		_, err := again.core.Networks().Get(ctx, alice, red.ID.String())
		return errs.Is(err, errs.NotFound)
	})
	again.await("its fault is forgotten", func() bool {
		faults, err := again.journal.Unheard(ctx, time.Now().Add(time.Hour))
		return err == nil && len(faults) == 0
	})
}

func TestAgainOnMariaDB(t *testing.T) { storetest.AgainOnMariaDB(t) }
