// Package keystone runs OpenStack's own identity service for tests: Debian's package keystone, on loopback, with SQLite and Fernet keys
// in a temporary directory.
package keystone

import (
	"bytes"
	"database/sql"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the driver

	"midonet.org/midonet/test/child"
	"midonet.org/midonet/test/freeport"
)

// Password is every user's.
const Password = "secret"

//go:embed server.py
var program string

// python is the interpreter that Debian's packages are installed for.
const python = "/usr/bin/python3"

// startTimeout bounds what takes some ten seconds on a small machine: making the database, the keys and the first user, and the
// server's first answer.
const startTimeout = 3 * time.Minute

// Keystone is a running identity service. Its methods fail the test rather than return errors.
type Keystone struct {
	URL string // http://127.0.0.1:PORT/v3

	dir     string
	address string
	server  *exec.Cmd
	ended   chan struct{} // closed when the server has
}

// configuration keeps passwords cheap to check, as tests make many tokens. What is cached is cached for one request,
// as Keystone does unless it is told: without that a validation costs ten times as much, with more a revocation would wait.
const configuration = `[DEFAULT]
log_file = %[1]s/keystone.log
[database]
connection = sqlite:///%[1]s/keystone.db
[fernet_tokens]
key_repository = %[1]s/fernet
[credential]
key_repository = %[1]s/credential
[identity]
password_hash_rounds = 4
[token]
expiration = 3600
`

// Start starts Keystone with the user admin of the project admin, both in the domain Default, and ends it with the test. It skips the
// test where Debian's packages are not installed. Nothing of it is left but for the log of a failed test's commands.
func Start(t testing.TB) *Keystone {
	t.Helper()
	if _, err := exec.LookPath("keystone-manage"); err != nil {
		t.Skipf("the package keystone is not installed: %v", err)
	}
	k := &Keystone{dir: t.TempDir(), address: freeport.Address(t)}
	k.URL = "http://" + k.address + "/v3"
	if err := os.WriteFile(k.path("keystone.conf"), fmt.Appendf(nil, configuration, k.dir), 0o600); err != nil {
		t.Fatal(err)
	}
	k.letReadersBe(t)
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	commands := [][]string{{"db_sync"}}
	for _, keys := range []string{"fernet", "credential"} {
		if err := os.Mkdir(k.path(keys), 0o700); err != nil {
			t.Fatal(err)
		}
		commands = append(commands, []string{keys + "_setup", "--keystone-user", me.Uid, "--keystone-group", me.Gid})
	}
	k.start(t, append(commands, []string{"bootstrap", "--bootstrap-password", Password, "--bootstrap-internal-url", k.URL,
		"--bootstrap-public-url", k.URL, "--bootstrap-admin-url", k.URL, "--bootstrap-region-id", "RegionOne"}))
	t.Cleanup(k.Stop)
	return k
}

// letReadersBe has SQLite keep a log ahead of the database. Without one a commit fails as long as someone reads, and Keystone's requests
// do both on connections of their own.
func (k *Keystone) letReadersBe(t testing.TB) {
	t.Helper()
	db, err := sql.Open("sqlite", k.path("keystone.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("PRAGMA journal_mode = WAL"); err != nil {
		t.Fatal(err)
	}
}

func (k *Keystone) path(name string) string { return filepath.Join(k.dir, name) }

// Resume starts the server again after Stop, at the same address and with the same data, and waits for its first answer.
func (k *Keystone) Resume(t testing.TB) {
	t.Helper()
	k.start(t, [][]string{})
}

// start runs commands of keystone-manage and then the server, and waits for its first answer.
func (k *Keystone) start(t testing.TB, commands [][]string) {
	t.Helper()
	host, port, err := net.SplitHostPort(k.address)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(commands)
	if err != nil {
		t.Fatal(err)
	}
	k.server = exec.Command(python, "-c", program, host, port, string(text))
	k.server.Env = append(os.Environ(), "OS_KEYSTONE_CONFIG_FILES="+k.path("keystone.conf"))
	log, err := os.OpenFile(k.path("server.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	k.server.Stdout, k.server.Stderr = log, log
	if err := child.Start(k.server); err != nil {
		t.Fatal(err)
	}
	k.ended = make(chan struct{})
	go func() { defer close(k.ended); _ = k.server.Wait() }() // what it printed tells
	for deadline := time.Now().Add(startTimeout); ; time.Sleep(50 * time.Millisecond) {
		answer, err := http.Get(k.URL)
		if err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-k.ended:
			t.Fatalf("Keystone ended: %s", k.log())
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("Keystone does not answer: %v\n%s", err, k.log())
		}
	}
}

// log is what the server printed.
func (k *Keystone) log() string {
	text, err := os.ReadFile(k.path("server.log"))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// Stop ends the server; its data stay until the test ends.
func (k *Keystone) Stop() {
	if k.server == nil {
		return
	}
	k.server.Process.Signal(syscall.SIGTERM)
	<-k.ended
	k.server = nil
}

// Login returns a token of the user for the project, both in the domain Default.
func (k *Keystone) Login(t testing.TB, user, project string) string {
	t.Helper()
	return k.LoginScoped(t, user, map[string]any{"project": map[string]any{"name": project, "domain": map[string]any{"id": "default"}}})
}

// LoginScoped returns a token of the user for whatever the scope names, in the form of Keystone's API.
func (k *Keystone) LoginScoped(t testing.TB, user string, scope map[string]any) string {
	t.Helper()
	header, _ := k.Call(t, "", "POST", "/auth/tokens", map[string]any{"auth": map[string]any{
		"identity": map[string]any{"methods": []string{"password"}, "password": map[string]any{"user": map[string]any{
			"name": user, "domain": map[string]any{"id": "default"}, "password": Password}}},
		"scope": scope,
	}})
	return header.Get("X-Subject-Token")
}

// Call sends a request with a token, and returns the answer's header and body. An answer that is not 2xx fails the test. X-Subject-Token
// goes with it where given.
func (k *Keystone) Call(t testing.TB, token, method, path string, body any, subject ...string) (http.Header, []byte) {
	t.Helper()
	header := http.Header{}
	for _, s := range subject {
		header.Set("X-Subject-Token", s)
	}
	answer, raw, err := Ask(token, method, k.URL+path, body, header)
	if err != nil {
		t.Fatalf("%v\n%s", err, k.log())
	}
	if answer.StatusCode >= 300 {
		t.Fatalf("%s %s: %d\n%s\n%s", method, path, answer.StatusCode, raw, k.log())
	}
	return answer.Header, raw
}

// Ask sends a request to one of OpenStack's services, with a token unless that is empty, a body in JSON unless that is nil and more headers, and
// returns the answer with its body.
func Ask(token, method, url string, body any, header http.Header) (*http.Response, []byte, error) {
	var payload io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return nil, nil, err
		}
		payload = bytes.NewReader(raw)
	}
	r, err := http.NewRequest(method, url, payload)
	if err != nil {
		return nil, nil, err
	}
	maps.Copy(r.Header, header)
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("X-Auth-Token", token)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, nil, err
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(answer.Body)
	return answer, raw, err
}

// Create makes a resource ("project") in the collection ("projects") and returns its identifier.
func (k *Keystone) Create(t testing.TB, token, resource, collection string, attrs map[string]any) string {
	t.Helper()
	_, raw := k.Call(t, token, "POST", "/"+collection, map[string]any{resource: attrs})
	var answer map[string]struct{ ID string }
	if err := json.Unmarshal(raw, &answer); err != nil {
		t.Fatal(err)
	}
	return answer[resource].ID
}

// Roles returns the identifiers of the roles by name.
func (k *Keystone) Roles(t testing.TB, token string) map[string]string {
	t.Helper()
	_, raw := k.Call(t, token, "GET", "/roles", nil)
	var answer struct {
		Roles []struct{ ID, Name string }
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		t.Fatal(err)
	}
	byName := map[string]string{}
	for _, r := range answer.Roles {
		byName[r.Name] = r.ID
	}
	return byName
}

// User makes a user with a role in a project, and returns the user's identifier.
func (k *Keystone) User(t testing.TB, token, name, projectID, roleID string) string {
	t.Helper()
	id := k.Create(t, token, "user", "users", map[string]any{"name": name, "domain_id": "default", "password": Password})
	k.Call(t, token, "PUT", "/projects/"+projectID+"/users/"+id+"/roles/"+roleID, nil)
	return id
}

// Revoke ends a token's validity.
func (k *Keystone) Revoke(t testing.TB, token, subject string) {
	t.Helper()
	k.Call(t, token, "DELETE", "/auth/tokens", nil, subject)
}
