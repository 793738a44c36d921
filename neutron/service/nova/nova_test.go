package nova_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/neutron/ml2"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/service/nova"
	"midonet.org/midonet/neutron/store"
	"midonet.org/midonet/neutron/store/storetest"
)

func TestAgainOnMariaDB(t *testing.T) { storetest.AgainOnMariaDB(t) }

// event is what Nova is sent.
type event struct {
	Name   string `json:"name"`
	Server string `json:"server_uuid"`
	Status string `json:"status"`
	Tag    string `json:"tag"`
}

// cloud is a stand-in for Keystone and Nova: an HTTP server that logs everyone in and keeps the events that it takes.
type cloud struct {
	*httptest.Server
	mu     sync.Mutex
	logins int
	posts  int
	taken  []event
	answer func(post int) int // the status of each message to Nova, counted from 1
}

func newCloud(t *testing.T, answer func(post int) int) *cloud {
	c := &cloud{answer: answer}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /identity/v3/auth/tokens", c.login)
	mux.HandleFunc("POST /compute/v2.1/os-server-external-events", c.external)
	c.Server = httptest.NewServer(mux)
	t.Cleanup(c.Close)
	return c
}

func (c *cloud) login(w http.ResponseWriter, _ *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.logins++
	w.Header().Set("X-Subject-Token", fmt.Sprint("token", c.logins))
	w.WriteHeader(http.StatusCreated)
	fmt.Fprintf(w, `{"token":{"expires_at":%q,"user":{"id":"neutron"},"catalog":[
		{"type":"compute","endpoints":[{"interface":"admin","region_id":"here","url":"http://127.0.0.1:1/"},
			{"interface":"public","region_id":"elsewhere","url":"http://127.0.0.1:1/"},
			{"interface":"public","region_id":"here","url":"%s/compute/v2.1/"}]}]}}`,
		time.Now().Add(time.Hour).UTC().Format(time.RFC3339), c.URL)
}

func (c *cloud) external(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.posts++
	status := c.answer(c.posts)
	if r.Header.Get("X-Auth-Token") != fmt.Sprint("token", c.logins) {
		status = http.StatusUnauthorized
	}
	if status != http.StatusOK && status != http.StatusMultiStatus {
		w.WriteHeader(status)
		return
	}
	var body struct{ Events []event }
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	c.taken = append(c.taken, body.Events...)
	w.WriteHeader(status)
	fmt.Fprint(w, `{"events":[{"name":"network-vif-plugged","code":422}]}`)
}

func (c *cloud) events() []event {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.taken)
}

// server is a core plugin that tells Nova.
type server struct {
	*ml2.Plugin
	db *store.DB
}

func open(t *testing.T) server {
	t.Helper()
	db, err := store.Open(t.Context(), storetest.New(t), store.Options{BusyTimeout: storetest.Patience})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	config := ml2.DefaultConfig()
	config.NotifyNovaStatus, config.NotifyNovaData = true, true
	return server{ml2.New(db, journal.New(db), config, slog.New(slog.DiscardHandler)), db}
}

// tell sends events to the cloud until the test ends or stop is called.
func (s server) tell(t *testing.T, c *cloud) (stop func()) {
	return s.tellEvery(t, c, time.Millisecond)
}

func (s server) tellEvery(t *testing.T, c *cloud, interval time.Duration) (stop func()) {
	t.Helper()
	n, err := nova.New(s.db, nova.Config{Interval: interval, Log: slog.New(slog.DiscardHandler), Keystone: auth.KeystoneConfig{
		AuthURL: c.URL + "/identity", Username: "neutron", Password: "secret", ProjectName: "service",
		Interface: "public", RegionName: "here", Timeout: patience}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := n.Run(ctx, "test"); !errors.Is(err, context.Canceled) {
			t.Errorf("the notifier ended: %v", err)
		}
	}()
	stop = sync.OnceFunc(func() { cancel(); <-ended })
	t.Cleanup(stop)
	return stop
}

const vm = "11111111-0000-4000-8000-000000000001"

// port makes a port of the device.
func (s server) port(t *testing.T, device, owner string) *model.Port {
	t.Helper()
	caller := &auth.Caller{ProjectID: "blue", Admin: true}
	nets, err := s.Networks().Create(t.Context(), caller, []plugin.Body[model.Network]{{Value: model.Network{Name: "net"}}})
	if err != nil {
		t.Fatal(err)
	}
	made, err := s.Ports().Create(t.Context(), caller, []plugin.Body[model.Port]{
		{Value: model.Port{NetworkID: nets[0].ID, DeviceID: device, DeviceOwner: owner}}})
	if err != nil {
		t.Fatal(err)
	}
	return made[0]
}

// live takes a port through its life.
func (s server) live(t *testing.T, p *model.Port) {
	t.Helper()
	caller, ctx := &auth.Caller{ProjectID: "blue", Admin: true}, t.Context()
	status := func(active bool) error {
		return s.SetPortStatus(ctx, []journal.PortStatus{{PortID: p.ID.String(), Active: active}})
	}
	s.change(t, p)
	if err := errors.Join(status(true), status(true), status(false), s.Ports().Delete(ctx, caller, p.ID.String())); err != nil {
		t.Fatal(err)
	}
}

// change gives a port another name.
func (s server) change(t *testing.T, p *model.Port) {
	t.Helper()
	_, err := s.Ports().Update(t.Context(), &auth.Caller{ProjectID: "blue", Admin: true}, p.ID.String(), plugin.Body[model.Port]{
		Value: model.Port{Name: "x"}, Given: map[string]bool{"name": true}})
	if err != nil {
		t.Fatal(err)
	}
}

// lifeOf is what Nova is told of it when all is over: not that it changed, for Nova would look for it.
func lifeOf(p *model.Port) []event {
	id := p.ID.String()
	return []event{
		{"network-vif-plugged", vm, "completed", id}, {"network-vif-unplugged", vm, "completed", id},
		{"network-vif-deleted", vm, "", id},
	}
}

// patience is how long a thing that must happen may take, on a machine that is busy with other tests.
const patience = time.Minute

// await waits until the cloud has so many events.
func (c *cloud) await(count int) {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline) && len(c.events()) < count; {
		time.Sleep(time.Millisecond)
	}
}

// eventually waits until the cloud has the events, and no others.
func eventually(t *testing.T, c *cloud, want []event) {
	t.Helper()
	c.await(len(want))
	if diff := cmp.Diff(want, c.events()); diff != "" {
		t.Errorf("Nova was told (-want +got):\n%s", diff)
	}
}

func TestTheLifeOfAPort(t *testing.T) {
	s, c := open(t), newCloud(t, func(int) int { return http.StatusMultiStatus })
	p := s.port(t, vm, "compute:nova")
	for _, other := range [][2]string{{vm, "network:dhcp"}, {"", "compute:nova"}, {"no-uuid", "compute:nova"}} {
		s.live(t, s.port(t, other[0], other[1]))
	}
	s.live(t, p)
	s.tell(t, c)
	eventually(t, c, lifeOf(p))
}

// TestNovaIsToldInTheEnd: it is away, refuses the token, and the notifier ends and begins again meanwhile.
func TestNovaIsToldInTheEnd(t *testing.T) {
	s := open(t)
	away := make(chan struct{})
	var back atomic.Bool
	refused := 0
	c := newCloud(t, func(post int) int {
		switch {
		case post == 1:
			return http.StatusServiceUnavailable
		case !back.Load(): // as long as the first notifier tries again
			if post == 2 {
				close(away)
			}
			return http.StatusBadGateway
		case refused == 0:
			refused++
			return http.StatusUnauthorized
		}
		return http.StatusOK
	})
	p := s.port(t, vm, "compute:nova")
	s.live(t, p)
	stop := s.tell(t, c)
	<-away
	stop()
	if len(c.events()) > 0 {
		t.Error("Nova took what it refused")
	}
	back.Store(true)
	s.tell(t, c)
	eventually(t, c, lifeOf(p))
	if c.logins < 2 {
		t.Errorf("%d logins, although a token was refused", c.logins)
	}
}

// TestServersThatNovaDoesNotKnow: they are gone, and what comes after them is told.
func TestServersThatNovaDoesNotKnow(t *testing.T) {
	s := open(t)
	asked := make(chan struct{})
	c := newCloud(t, func(post int) int {
		if post == 1 {
			close(asked)
			return http.StatusNotFound
		}
		return http.StatusOK
	})
	s.live(t, s.port(t, vm, "compute:nova"))
	s.tell(t, c)
	<-asked
	p := s.port(t, vm, "compute:nova")
	s.change(t, p)
	eventually(t, c, []event{{"network-changed", vm, "", p.ID.String()}})
}

// TestAPortThatChangesAndStays: it is told, also beside another that goes.
func TestAPortThatChangesAndStays(t *testing.T) {
	s, c := open(t), newCloud(t, func(int) int { return http.StatusOK })
	stays, goes := s.port(t, vm, "compute:nova"), s.port(t, vm, "compute:nova")
	s.change(t, stays)
	s.live(t, goes)
	s.tell(t, c)
	eventually(t, c, append([]event{{"network-changed", vm, "", stays.ID.String()}}, lifeOf(goes)...))
}

// TestManyEvents: more than fit a message do not wait for another interval, lest a project that changes its ports keeps all servers waiting.
func TestManyEvents(t *testing.T) {
	const many = 450
	s := open(t)
	err := s.db.Tx(t.Context(), func(tx *store.Tx) error {
		for range many {
			if err := store.InsertNovaEvent(tx, store.NovaEvent{Name: "network-changed", Server: vm, CreatedAt: model.Time{Time: time.Now()}}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	c := newCloud(t, func(int) int { return http.StatusOK })
	s.tellEvery(t, c, time.Hour)
	c.await(many)
	if n := len(c.events()); n != many {
		t.Errorf("%d events of %d before the first interval", n, many)
	}
}
