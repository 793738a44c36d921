package control

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/id"
	"midonet.org/midonet/test/leaks"
	"midonet.org/midonet/topology"
)

func TestMain(m *testing.M) { leaks.Main(m) }

// fakeSession keeps bindings in a map and refuses as the cluster does.
type fakeSession struct {
	mu    sync.Mutex
	bound map[topology.PortID]string
	err   error

	captureEnded chan struct{} // closed when the capture of the port "endless" has ended
}

// capture writes "packet" where there is such a port.
func (f *fakeSession) capture(ctx context.Context, port string, _ int, w io.Writer, flush func() error) error {
	if port == "none" {
		return errs.New(errs.NotFound, "PortNotFound", "there is no port none")
	}
	if _, err := io.WriteString(w, "packet"); err != nil {
		return err
	}
	if err := flush(); err != nil || port == "broken" {
		return errors.Join(err, errors.New("the interface has gone"))
	}
	<-ctx.Done()
	close(f.captureEnded)
	return nil
}

func (f *fakeSession) bind(_ context.Context, port topology.PortID, iface string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.bound[port] = iface
	}
	return f.err
}

func (f *fakeSession) unbind(_ context.Context, port topology.PortID) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.bound, port)
	return f.err
}

func (f *fakeSession) hosts(context.Context) ([]Host, error) {
	return []Host{{ID: "5a4e2d0c-0000-4000-8000-000000000001", Name: "cp1", Alive: true, Version: "1.2", Endpoints: []string{"192.0.2.1"}}}, f.err
}

// serve runs an agent's socket and returns its path.
func serve(t *testing.T, f *fakeSession) string {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "run", "midolman.sock")
	l, err := Listen(socket)
	if err != nil {
		t.Fatal(err)
	}
	a := &Agent{Bind: f.bind, Unbind: f.unbind, Hosts: f.hosts, Status: func() any { return map[string]int{"ports": 3} },
		Capture: f.capture, Log: slog.New(slog.DiscardHandler)}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- a.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return socket
}

func mmctl(socket string, args ...string) (code int, stdout, stderr string) {
	var out, errOut bytes.Buffer
	code = Command(context.Background(), args, socket, &out, &errOut)
	return code, out.String(), errOut.String()
}

func TestMMCtl(t *testing.T) {
	f := &fakeSession{bound: map[topology.PortID]string{}}
	socket := serve(t, f)
	port := id.New[topology.Port]()
	if code, out, e := mmctl(socket, "--bind-port", port.String(), "tap0"); code != ExitOK || out+e != "" || f.bound[port] != "tap0" {
		t.Errorf("bind: %d %q %q, bound %v", code, out, e, f.bound)
	}
	if code, _, e := mmctl(socket, "--unbind-port="+port.String()); code != ExitOK || len(f.bound) != 0 {
		t.Errorf("unbind: %d %q, bound %v", code, e, f.bound)
	}
	code, out, _ := mmctl("", "--list-hosts", "--socket", socket)
	for _, want := range []string{"5a4e2d0c-0000-4000-8000-000000000001", "cp1", "true", "192.0.2.1", "1.2"} {
		if code != ExitOK || !strings.Contains(out, want) {
			t.Errorf("list: %d, %q lacks %q", code, out, want)
		}
	}
	if code, out, _ := mmctl(socket, "--help"); code != ExitOK || !strings.Contains(out, "--bind-port") {
		t.Errorf("help: %d %q", code, out)
	}
}

func TestMMCtlBadCommands(t *testing.T) {
	f := &fakeSession{bound: map[topology.PortID]string{}}
	socket := serve(t, f)
	port := id.New[topology.Port]().String()
	for _, args := range [][]string{
		{}, {"--bind-port"}, {"--bind-port", port}, {"--unbind-port"}, {"--bind-port", "x", "tap0"}, {"--bind-port", port, "a/b"},
		{"--bind-port", port, "name-of-16-chars"}, {"--bind-port", port, ""}, {"--bind-port", port, "a b"}, {"--nonsense"}, {port},
		{"--bind-port", port, "tap0", "extra"}, {"--list-hosts", "--unbind-port", port}, {"--socket"},
		{"--unbind-port", "00000000-0000-0000-0000-000000000000"},
	} {
		if code, _, e := mmctl(socket, args...); code != ExitBadCommand || e == "" {
			t.Errorf("%q: exit %d, %q", args, code, e)
		}
	}
	if len(f.bound) != 0 {
		t.Errorf("something was bound: %v", f.bound)
	}
}

func TestMMCtlFailures(t *testing.T) {
	f := &fakeSession{bound: map[topology.PortID]string{}}
	socket := serve(t, f)
	port := id.New[topology.Port]().String()
	for _, c := range []struct {
		err  error
		code int
		says string
	}{
		{errs.New(errs.NotFound, "PortNotFound", "there is no port x"), ExitState, "there is no port x"},
		{errs.New(errs.Conflict, "PortBound", "bound to tap7"), ExitState, "bound to tap7"},
		{errs.New(errs.Unavailable, "ClusterUnavailable", "the cluster is away"), ExitState, "the cluster is away"},
		{errs.New(errs.Unauthorized, "NotJoined", "join first"), ExitNoHostID, "join first"},
		{errors.New("broken"), ExitUnknown, "broken"},
	} {
		f.err = c.err
		if code, _, e := mmctl(socket, "--bind-port", port, "tap0"); code != c.code || !strings.Contains(e, c.says) {
			t.Errorf("%v: exit %d, %q", c.err, code, e)
		}
	}
	missing := filepath.Join(t.TempDir(), "none.sock")
	if code, _, e := mmctl(missing, "--list-hosts"); code != ExitState || !strings.Contains(e, missing) || !strings.Contains(e, "midonet agent") {
		t.Errorf("no agent: exit %d, %q", code, e)
	}
}

func TestTheSocketIsTheOwnersAlone(t *testing.T) {
	socket := serve(t, &fakeSession{})
	info, err := os.Stat(socket)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if _, err := Listen(socket); !errs.Is(err, errs.Conflict) {
		t.Errorf("a second agent on the socket: %v", err)
	}
}

func TestAStaleSocketIsReplacedAndAFileIsNot(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	dead.Close()
	l, err := Listen(socket)
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if err := os.WriteFile(socket, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(socket); !errs.Is(err, errs.Conflict) {
		t.Errorf("in the place of a file: %v", err)
	}
	if data, _ := os.ReadFile(socket); string(data) != "precious" {
		t.Error("the file is gone")
	}
}

// TestHTTP speaks to the socket as midolman's own mm-ctl does, and badly.
func TestHTTP(t *testing.T) {
	f := &fakeSession{bound: map[topology.PortID]string{}}
	client := NewClient(serve(t, f))
	port := id.New[topology.Port]().String()
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{"PUT", "/binding/" + port, `{"interfaceName": "tap1"}`, 200},
		{"DELETE", "/binding/" + port, "", 204},
		{"GET", "/status", "", 200},
		{"GET", "/debug/pprof/goroutine", "", 200},
		{"PUT", "/binding/" + port, `{"interfaceName": 3}`, 400},
		{"PUT", "/binding/" + port, `{`, 400},
		{"PUT", "/binding/" + port, `{}`, 400},
		{"PUT", "/binding/nonsense", `{"interfaceName": "tap1"}`, 400},
		{"PUT", "/binding/" + port, `{"interfaceName": "` + strings.Repeat("x", 8<<10) + `"}`, 413},
		{"POST", "/binding/" + port, `{}`, 405},
		{"GET", "/elsewhere", "", 404},
	} {
		req, err := http.NewRequest(c.method, "http://dummy"+c.path, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != c.status {
			t.Errorf("%s %s %.40s: %d %s, want %d", c.method, c.path, c.body, resp.StatusCode, body, c.status)
		}
	}
	var status struct{ Ports int }
	if err := client.Status(t.Context(), &status); err != nil || status.Ports != 3 {
		t.Errorf("status %+v, %v", status, err)
	}
}

// TestCapture has a stream pass as it is made, one that fails half-way not look whole, and refusals keep their kind.
func TestCapture(t *testing.T) {
	f := &fakeSession{captureEnded: make(chan struct{})}
	socket := serve(t, f)
	client := NewClient(socket)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := client.Capture(ctx, "none", 1); !errs.Is(err, errs.NotFound) || !strings.Contains(err.Error(), "no port none") {
		t.Errorf("a port that is not there: %v", err)
	}
	if _, err := client.Capture(ctx, "endless", -1); !errs.Is(err, errs.Invalid) {
		t.Errorf("a count below 0: %v", err)
	}
	broken, err := client.Capture(ctx, "broken", 3)
	if err != nil {
		t.Fatal(err)
	}
	defer broken.Close()
	if got, err := io.ReadAll(broken); err == nil || string(got) != "packet" {
		t.Errorf("of a capture that breaks: %q, %v, want what came and an error", got, err)
	}
	endless, err := client.Capture(ctx, "endless", 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(endless, make([]byte, len("packet"))); err != nil {
		t.Errorf("the first packet does not come at once: %v", err)
	}
	endless.Close()
	select {
	case <-f.captureEnded:
	case <-ctx.Done():
		t.Error("a capture goes on though its client has gone")
	}
}
