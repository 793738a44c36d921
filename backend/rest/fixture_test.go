package rest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/neutron/ml2"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/service/l3"
	"midonet.org/midonet/neutron/store"
	"midonet.org/midonet/neutron/store/storetest"
)

// patience is how long a test waits for what must come, and how long a server waits for MidoNet unless the test says otherwise.
const patience = time.Minute

const testPassword = "a secret of MidoNet's"

// seen is a request that the fake MidoNet was sent.
type seen struct {
	method, path string // path below /neutron
	header       http.Header
	body         string
}

func (s seen) String() string { return s.method + " " + s.path }

// fakeMidoNet is a MidoNet that keeps what it is told as it is told, as the original answers: 201, 200, 204, and 409 for what is there.
type fakeMidoNet struct {
	*httptest.Server
	mu       sync.Mutex
	root     map[string]any // beside what every release has
	neutron  map[string]any
	media    string // of the Neutron document
	system   string
	requests []seen            // changes alone
	objects  map[string]string // by path
	logins   int
	token    string
	down     bool // nothing is answered
	// interfere may answer in the fake's place: status 0 leaves it to the fake; done runs behind the change and before the answer.
	interfere func(s seen) (status int, body string, done func())
	redirect  http.HandlerFunc // answers changes in the fake's place
}

func newFakeMidoNet(t testing.TB) *fakeMidoNet {
	t.Helper()
	f := &fakeMidoNet{
		root: map[string]any{"version": "v5.0"}, neutron: map[string]any{"gateway_devices": "x", "bgp_speakers": "x"}, media: mediaNeutron,
		system: "5.0.0", objects: map[string]string{}, token: "t1",
	}
	f.Server = httptest.NewServer(http.HandlerFunc(f.serve))
	t.Cleanup(f.Close)
	return f
}

func (f *fakeMidoNet) uri() string { return f.URL + "/midonet-api" }

func (f *fakeMidoNet) serve(w http.ResponseWriter, r *http.Request) {
	text, _ := io.ReadAll(r.Body)
	path := strings.TrimPrefix(r.URL.Path, "/midonet-api")
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.down {
		hangUp()
	}
	if path == "/login" {
		f.login(w, r)
		return
	}
	if r.Header.Get("X-Auth-Token") != f.token {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	switch path {
	case "":
		f.document(w, r, mediaApplication, f.root, map[string]any{"neutron": f.uri() + "/neutron", "systemState": f.uri() + "/system_state"})
	case "/neutron":
		f.document(w, r, f.media, f.neutron, f.links())
	case "/system_state":
		f.document(w, r, mediaSystemState, map[string]any{"version": f.system}, nil)
	default:
		if f.redirect != nil {
			f.redirect(w, r)
			return
		}
		f.change(w, seen{r.Method, strings.TrimPrefix(path, "/neutron"), r.Header.Clone(), string(text)})
	}
}

func (f *fakeMidoNet) login(w http.ResponseWriter, r *http.Request) {
	f.logins++
	user, password, _ := r.BasicAuth()
	if user != "admin" || password != testPassword || r.Header.Get("X-Auth-Project") != "the project" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	w.Header().Set("Set-Cookie", "sessionId="+f.token+"; Expires=Mon, 02-01-2036 15:04:05 UTC")
}

func (f *fakeMidoNet) links() map[string]any {
	links := map[string]any{}
	for _, k := range kinds {
		links[k.all] = f.uri() + "/neutron/" + k.all
		links[k.one] = f.uri() + "/neutron/" + k.all + "/{id}"
	}
	for _, action := range []string{"add_router_interface", "remove_router_interface"} {
		links[action+"_template"] = f.uri() + "/neutron/routers/{id}/" + action
	}
	return links
}

// document answers 406 to those who ask for another type, as the original does.
func (f *fakeMidoNet) document(w http.ResponseWriter, r *http.Request, media string, own, common map[string]any) {
	if r.Header.Get("Accept") != media {
		w.WriteHeader(http.StatusNotAcceptable)
		return
	}
	all := maps.Clone(own)
	maps.Copy(all, common)
	_ = json.NewEncoder(w).Encode(all)
}

// change is what happens to a request for a resource; it is on the record but for looks.
func (f *fakeMidoNet) change(w http.ResponseWriter, s seen) {
	if s.method != http.MethodGet {
		f.requests = append(f.requests, s)
	}
	var done func()
	if f.interfere != nil {
		status, body, after := f.interfere(s)
		if done = after; status != 0 {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
			return
		}
	}
	status, body := f.apply(s)
	if done != nil {
		done()
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

func (f *fakeMidoNet) apply(s seen) (status int, body string) {
	var object struct{ ID string }
	_ = json.Unmarshal([]byte(s.body), &object)
	_, there := f.objects[s.path]
	switch s.method {
	case http.MethodPost:
		key := s.path + "/" + object.ID
		if _, exists := f.objects[key]; exists {
			return http.StatusConflict, `{"message": "A(n) object with ID ` + object.ID + ` already exists.", "code": 409}`
		}
		f.objects[key] = s.body
		return http.StatusCreated, s.body
	case http.MethodDelete:
		delete(f.objects, s.path)
		return http.StatusNoContent, ""
	case http.MethodGet:
		if !there {
			return http.StatusNotFound, ""
		}
		return http.StatusOK, f.objects[s.path]
	}
	if strings.HasSuffix(s.path, "_router_interface") {
		return http.StatusNoContent, ""
	}
	if !there {
		return http.StatusNotFound, `{"message": "There is no object with ID ` + object.ID + `.", "code": 404}`
	}
	f.objects[s.path] = s.body
	return http.StatusOK, s.body
}

// told returns what the fake was sent, a line for each request.
func (f *fakeMidoNet) told() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var lines []string
	for _, s := range f.requests {
		lines = append(lines, s.String())
	}
	return lines
}

// has returns the paths of the objects of a collection.
func (f *fakeMidoNet) has(collection string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var paths []string
	for path := range f.objects {
		if strings.HasPrefix(path, "/"+collection+"/") {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	return paths
}

// set changes the fake under its lock.
func (f *fakeMidoNet) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// neutronServer is the plugins of one server, whose changes wait for a MidoNet.
type neutronServer struct {
	testing.TB
	db      *store.DB
	journal *journal.Journal
	core    *ml2.Plugin
	l3      *l3.Plugin
	backend *Backend
	stop    func() // ends the applying of the journal
}

var (
	admin = &auth.Caller{RequestID: "req-1", ProjectID: "admin", Admin: true}
	alice = &auth.Caller{RequestID: "req-2", ProjectID: "alice"}
	ctx   = context.Background()
)

// newServer returns a server on a database of its own.
func newServer(t testing.TB, uri string) *neutronServer {
	t.Helper()
	return newServerOn(t, storetest.New(t), uri)
}

// newServerOn returns a server that applies the journal of a database until the test ends.
func newServerOn(t testing.TB, database, uri string) *neutronServer {
	t.Helper()
	s := idleServerOn(t, database, uri)
	s.start()
	return s
}

// idleServerOn returns a server that leaves the journal to another.
func idleServerOn(t testing.TB, database, uri string) *neutronServer {
	t.Helper()
	db, err := store.Open(ctx, database, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	s := &neutronServer{TB: t, db: db, journal: journal.New(db), stop: func() {}}
	s.core = ml2.New(db, s.journal, ml2.DefaultConfig(), log)
	s.l3 = l3.New(s.core, db, l3.DefaultConfig())
	s.backend = New(Config{
		URI: uri, Username: "admin", Password: testPassword, ProjectID: "the project", RequestTimeout: patience,
		RetryTime: patience, Journal: s.journal, TakeBack: s.core.TakeBack, Log: log,
	})
	s.core.AnswerFor(s.backend)
	return s
}

// refusing makes the fake answer every change of a path that begins so with a status.
func (f *fakeMidoNet) refusing(method, path string, status int) {
	f.set(func() {
		f.interfere = func(s seen) (int, string, func()) {
			if s.method == method && strings.HasPrefix(s.path, path) {
				return status, fmt.Sprintf(`{"message": "MidoNet's own words.", "code": %d}`, status), nil
			}
			return 0, "", nil
		}
	})
}

// hangUp cuts the connection in the middle of a request.
func hangUp() { panic(http.ErrAbortHandler) }

// start applies the journal until stop.
func (s *neutronServer) start() {
	running, cancel := context.WithCancel(ctx)
	var drain sync.WaitGroup
	drain.Go(func() { _ = s.backend.Run(running) })
	s.stop = func() {
		cancel()
		drain.Wait()
	}
	s.Cleanup(func() { s.stop() })
}

func body[T any](v T, given ...string) plugin.Body[T] {
	b := plugin.Body[T]{Value: v, Given: map[string]bool{}}
	for _, name := range given {
		b.Given[name] = true
	}
	return b
}

func create[T any](t testing.TB, r plugin.Resource[T], c *auth.Caller, b plugin.Body[T]) *T {
	t.Helper()
	made, err := r.Create(ctx, c, []plugin.Body[T]{b})
	if err != nil {
		t.Fatal(err)
	}
	return made[0]
}

func update[T any](t testing.TB, r plugin.Resource[T], c *auth.Caller, id fmt.Stringer, b plugin.Body[T]) *T {
	t.Helper()
	changed, err := r.Update(ctx, c, id.String(), b)
	check(t, err)
	return changed
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (s *neutronServer) network(c *auth.Caller, name string) *model.Network {
	s.Helper()
	return create(s, s.core.Networks(), c, body(model.Network{Name: name, AdminStateUp: true, PortSecurityEnabled: true}))
}

func (s *neutronServer) subnet(c *auth.Caller, n *model.Network, cidr string) *model.Subnet {
	s.Helper()
	p := netip.MustParsePrefix(cidr)
	return create(s, s.core.Subnets(), c, body(model.Subnet{NetworkID: n.ID, CIDR: p, IPVersion: 4, EnableDHCP: true}, "cidr"))
}

func (s *neutronServer) port(c *auth.Caller, n *model.Network) *model.Port {
	s.Helper()
	return create(s, s.core.Ports(), c, body(model.Port{NetworkID: n.ID, AdminStateUp: true, DeviceOwner: "compute:nova"}, "network_id"))
}

func (s *neutronServer) pending() int {
	s.Helper()
	tasks, err := s.journal.Pending(ctx, 100)
	check(s, err)
	return len(tasks)
}

// await waits until something holds.
func (s *neutronServer) await(what string, holds func() bool) {
	s.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			s.Fatalf("not so after %v: %s", patience, what)
		}
	}
}

// action does something to a router.
func action(s *neutronServer, do plugin.Action, r *model.Router, format string, args ...any) {
	s.Helper()
	_, err := do(ctx, alice, r.ID.String(), json.RawMessage(fmt.Sprintf(format, args...)))
	check(s, err)
}
