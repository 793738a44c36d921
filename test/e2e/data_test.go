package e2e

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"midonet.org/midonet/neutron/store/storetest"
	"midonet.org/midonet/test/freeport"
)

// TestDatabaseManager calls the program by the original's name, on a database that two servers share.
func TestDatabaseManager(t *testing.T) {
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) { manageDatabase(t, storetest.SQLite(t)) })
	t.Run("MariaDB", func(t *testing.T) { manageDatabase(t, storetest.StartMariaDB(t).New(t)) })
}

// manager is midonet-db-manage with the configuration of a database.
type manager struct {
	*testing.T
	dir, program, config string
	network              string // identifier of the network that is there
}

func newManager(t *testing.T, connection string) *manager {
	m := &manager{T: t, dir: t.TempDir()}
	m.program, m.config = filepath.Join(m.dir, "midonet-db-manage"), filepath.Join(m.dir, "neutron.conf")
	if err := os.Symlink(filepath.Join(binDir, "midonet"), m.program); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(m.config, []byte("[database]\nconnection = "+connection+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return m
}

// try runs a command and returns what it wrote.
func (m *manager) try(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	args = append([]string{"--config-file", m.config, "--state-dir", filepath.Join(m.dir, "server")}, args...)
	out, err := exec.CommandContext(ctx, m.program, args...).CombinedOutput()
	return string(out), err
}

// wants runs a command that is to succeed and to write the words.
func (m *manager) wants(words []string, args ...string) {
	m.Helper()
	out, err := m.try(args...)
	if err != nil {
		m.Fatalf("%v: %v\n%s", args, err, out)
	}
	squeezed := strings.Join(strings.Fields(out), " ")
	for _, w := range words {
		if !strings.Contains(squeezed, w) {
			m.Errorf("%v does not say %q:\n%s", args, w, out)
		}
	}
}

// serve starts a role of the program until stop, and returns the base URL of its Networking API.
func (m *manager) serve(role string, args ...string) (url string, stop func()) {
	m.Helper()
	address := freeport.Address(m.T)
	cmd := exec.Command(filepath.Join(binDir, "midonet"), append([]string{role, "--config-file", m.config, "--api-listen", address,
		"--metrics-listen", freeport.Address(m.T), "--log-level", "error"}, args...)...)
	cmd.Stderr = m.Output()
	if err := cmd.Start(); err != nil {
		m.Fatal(err)
	}
	stopped := false
	stop = func() {
		if !stopped {
			stopped = true
			cmd.Process.Signal(os.Interrupt)
			cmd.Wait()
		}
	}
	m.Cleanup(stop)
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		if code, _ := ask("http://"+address, http.MethodGet, "/", ""); code == http.StatusOK {
			return "http://" + address, stop
		}
		if time.Now().After(deadline) {
			m.Fatalf("midonet %s does not answer", role)
		}
	}
}

func (m *manager) server() (url string, stop func()) {
	return m.serve("server", "--state-dir", filepath.Join(m.dir, "server"), "--stream-listen", freeport.Address(m.T), "--midonet-api-listen", "")
}

// ask sends a request; status 0 is no answer.
func ask(url, method, path, body string) (status int, text string) {
	r, err := http.NewRequest(method, url+path, strings.NewReader(body))
	if err != nil {
		return 0, err.Error()
	}
	answer, err := webClient.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer answer.Body.Close()
	words, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0, err.Error()
	}
	return answer.StatusCode, string(words)
}

func manageDatabase(t *testing.T, connection string) {
	m := newManager(t, connection)
	if out, err := m.try("data-show"); err == nil || !strings.Contains(out, "upgrade") {
		t.Errorf("a command on a database without tables: %v\n%s", err, out)
	}
	m.wants([]string{"which is this program's"}, "upgrade", "head")
	m.wants([]string{"which is this program's"}, "current")
	m.wants([]string{"last processed task id None", "active version None", "read only false"}, "data-show")

	other, _ := m.serve("api", "--state-dir", filepath.Join(m.dir, "api"))
	code, text := ask(other, http.MethodPost, "/v2.0/networks", `{"network": {"name": "blue"}}`)
	var made struct{ Network struct{ ID string } }
	if err := json.Unmarshal([]byte(text), &made); err != nil || code != http.StatusCreated {
		t.Fatalf("creating a network: %d %s", code, text)
	}
	m.network = made.Network.ID
	m.wants([]string{"id type data type resource id time", "CREATE NETWORK " + m.network}, "task-list", "-u")
	m.wants([]string{"NETWORK", `"name":"blue"`}, "task-resource")

	url, stop := m.server()
	m.eventuallySays("0 are still to be applied", "task-clean")
	if out, _ := m.try("task-list"); strings.Contains(out, "NETWORK") {
		t.Errorf("applied tasks are still listed:\n%s", out)
	}
	m.wants([]string{"incremental equals full"}, "check")

	m.wants(nil, "data-readonly")
	m.refusesWrites(url, other)
	m.makesVersions()
	stop()
	url, _ = m.server()
	m.refusesWrites(url, other)
	m.wants(nil, "data-readwrite")
	m.wants([]string{"1 COMPLETED COMPLETED true", "2 COMPLETED COMPLETED false"}, "data-version-list")
	if out, err := m.try("data-version-activate", "1"); err == nil || !strings.Contains(out, "stale") {
		t.Errorf("activating a stale version: %v\n%s", err, out)
	}
	for _, one := range []string{url, other} {
		if code, text := ask(one, http.MethodPost, "/v2.0/networks", `{"network": {}}`); code != http.StatusCreated {
			t.Errorf("creating a network when writes are let in again: %d %s", code, text)
		}
	}
}

// eventuallySays runs a command until it writes the words.
func (m *manager) eventuallySays(words string, args ...string) {
	m.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		out, err := m.try(args...)
		if err == nil && strings.Contains(out, words) {
			return
		}
		if time.Now().After(deadline) {
			m.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
}

// refusesWrites asks each server for every kind of write, and reads.
func (m *manager) refusesWrites(servers ...string) {
	m.Helper()
	network := "/v2.0/networks/" + m.network
	for _, url := range servers {
		for _, w := range [][3]string{
			{http.MethodPost, "/v2.0/networks", `{"network": {}}`},
			{http.MethodPost, "/v2.0/routers", `{"router": {}}`},
			{http.MethodPost, "/v2.0/security-groups", `{"security_group": {"name": "g"}}`},
			{http.MethodPut, network, `{"network": {"name": "red"}}`},
			{http.MethodPut, network + "/tags/x", ""},
			{http.MethodDelete, network, ""},
		} {
			if code, text := ask(url, w[0], w[1], w[2]); code != http.StatusServiceUnavailable || !strings.Contains(text, "read-only") {
				m.Errorf("%s %s: %d %s", w[0], w[1], code, text)
			}
		}
		for _, path := range []string{network, "/v2.0/ports", "/v2.0/security-groups?project_id=another"} {
			if code, text := ask(url, http.MethodGet, path, ""); code != http.StatusOK {
				m.Errorf("GET %s: %d %s", path, code, text)
			}
		}
	}
	m.wants([]string{"read only true"}, "data-show")
	out, err := exec.Command(filepath.Join(binDir, "midonet"), "status", "--state-dir", filepath.Join(m.dir, "server")).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "read-only") {
		m.Errorf("status: %v\n%s", err, out)
	}
}

// makesVersions makes one version that is switched to, and one that is activated later.
func (m *manager) makesVersions() {
	m.Helper()
	m.wants([]string{"version 1: active", "0 stored ones differed"}, "data-version-sync")
	m.wants([]string{"version 2: ", "0 stored ones differ"}, "data-version-sync", "--no-activate")
	m.wants([]string{"id sync_status sync_tasks_status stale", "1 COMPLETED COMPLETED false", "2 COMPLETED None false"}, "data-version-list")
	m.wants([]string{"active version 1"}, "data-show")
	m.wants([]string{"version 2: active"}, "data-version-activate", "2")
	m.wants([]string{"active version 2"}, "data-show")
	if out, err := m.try("data-version-activate", "9"); err == nil || !strings.Contains(out, "no data version 9") {
		m.Errorf("activating a version that is not there: %v\n%s", err, out)
	}
}
