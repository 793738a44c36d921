package api

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"midonet.org/midonet/cluster/importer"
	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/cluster/nsdb/etcd"
	"midonet.org/midonet/cluster/nsdb/mirror"
	"midonet.org/midonet/cluster/nsdb/staging"
	"midonet.org/midonet/cluster/operator"
	"midonet.org/midonet/cluster/stream"
	"midonet.org/midonet/cluster/stream/pki"
	"midonet.org/midonet/cluster/translate"
	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/topology"
)

// patience is how long a test waits for what must come.
const patience = time.Minute

var account = Account{Username: "admin", Password: "pass:w0rd"}

// fixture is the API on a real store, with a client that has logged in.
type fixture struct {
	*testing.T
	store    nsdb.Store
	mirror   *mirror.Mirror
	importer *importer.Importer
	api      http.Handler
	uri      string // of Root
	token    string
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	return newFixtureOf(t, nil)
}

// newFixtureOf runs the API over an importer of the journal; nil: one that requests feed.
func newFixtureOf(t *testing.T, reader journal.Reader) *fixture {
	t.Helper()
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	engine, err := etcd.OpenEmbedded(t.Context(), etcd.Embedded{Dir: t.TempDir(), Log: log})
	if err != nil {
		t.Fatal(err)
	}
	store := staging.Over(engine)
	f := &fixture{T: t, store: store, importer: importer.New(store, reader, translate.DefaultSettings(), log)}
	m := mirror.New(store, log)
	f.mirror = m
	f.importer.Follow(m)
	edits := operator.NewEditor(store, m)
	sweeper := operator.Job{Editor: edits, Log: log}
	authority, err := pki.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	agents := stream.New(stream.Config{Store: store, Mirror: m, Authority: authority, Log: log})
	f.api = New(Config{Identity: Local(account), Mirror: m, Importer: f.importer, Bindings: agents, Operator: edits, Log: log})
	server := httptest.NewServer(f.api)
	f.uri = server.URL + Root
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { m.Run(ctx) })
	running.Go(func() { f.importer.Run(ctx) })
	running.Go(func() { agents.Run(ctx) })
	running.Go(func() { sweeper.Run(ctx) })
	t.Cleanup(func() {
		server.Close()
		cancel()
		running.Wait()
		store.Close()
	})
	f.login()
	return f
}

func (f *fixture) login() {
	f.Helper()
	r := f.do(http.MethodPost, "/login", header{"Authorization": basic(account)}, "{}")
	var body token
	r.decode(&body)
	f.token = body.Key
}

func basic(a Account) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(a.Username+":"+a.Password))
}

type header map[string]string

// response is an answer, read to its end.
type response struct {
	*fixture
	*http.Response
	body []byte
}

// do sends what python-midonetclient sends: a body always, and no header but those given.
func (f *fixture) do(method, path string, h header, body string) *response {
	f.Helper()
	req, err := http.NewRequestWithContext(f.Context(), method, f.uri+path, bytes.NewBufferString(body))
	if err != nil {
		f.Fatal(err)
	}
	if f.token != "" {
		req.Header.Set("X-Auth-Token", f.token)
	}
	for name, value := range h {
		req.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		f.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		f.Fatal(err)
	}
	return &response{f, res, text}
}

// The four calls of midonetclient/httpclient.py.
func (f *fixture) get(path, mediaType string) *response {
	f.Helper()
	return f.do(http.MethodGet, path, header{"Accept": mediaType}, "{}")
}

func (f *fixture) post(path, mediaType, body string) *response {
	f.Helper()
	return f.do(http.MethodPost, path, header{"Content-Type": mediaType, "Accept": mediaType}, body)
}

func (f *fixture) put(path, mediaType, body string) *response {
	f.Helper()
	return f.do(http.MethodPut, path, header{"Content-Type": mediaType}, body)
}

func (f *fixture) delete(path string) *response {
	f.Helper()
	return f.do(http.MethodDelete, path, nil, "{}")
}

// want fails unless the answer has the status, and returns the answer.
func (r *response) want(status int) *response {
	r.Helper()
	if r.StatusCode != status {
		r.Fatalf("%s %s: %d %s, want %d", r.Request.Method, r.Request.URL.Path, r.StatusCode, r.body, status)
	}
	return r
}

// wantError fails unless the answer is the error body of the status with the message.
func (r *response) wantError(status int, message string) {
	r.Helper()
	var body struct {
		Message string
		Code    int
	}
	r.want(status).decode(&body)
	if body.Code != status || body.Message != message || r.Header.Get("Content-Type") != mediaError {
		r.Errorf("%s %s: %s %s, want the message %q", r.Request.Method, r.Request.URL.Path, r.Header.Get("Content-Type"), r.body, message)
	}
}

func (r *response) decode(v any) {
	r.Helper()
	if err := json.Unmarshal(r.body, v); err != nil {
		r.Fatalf("%s: %v", r.body, err)
	}
}

// object returns the answer as JSON.
func (r *response) object() map[string]any {
	r.Helper()
	var v map[string]any
	r.decode(&v)
	return v
}

// objects returns the answer as a JSON list.
func (r *response) objects() []map[string]any {
	r.Helper()
	var v []map[string]any
	r.decode(&v)
	return v
}

// report stores objects beside the API, as agents do.
func (f *fixture) report(objects ...topology.Object) {
	f.Helper()
	_, err := f.store.Update(f.Context(), func(tx nsdb.Tx) error {
		for _, o := range objects {
			tx.Put(o)
		}
		return nil
	})
	if err != nil {
		f.Fatal(err)
	}
}

// eventually polls until the condition holds.
func (f *fixture) eventually(what string, holds func() bool) {
	f.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			f.Fatalf("not within %v: %s", patience, what)
		}
	}
}
