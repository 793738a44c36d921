// Package replay holds what a real neutron-server answered, and asks our server the same.
//
// Each file in testdata is a scenario: requests in order, each with the status and body that neutron-server 21 (Zed; core plugin ml2
// with port security, type driver local, service plugins router and port_forwarding, MariaDB, no Keystone) gave. Captured values stand
// for themselves in later requests ($net). The test sends the same requests to our API on a fresh database, SQLite's and MariaDB's.
// `go test ./test/replay -record http://127.0.0.1:PORT` asks a real server again and rewrites the files; read the difference before you
// commit it. A file that begins with a configuration is recorded from a server that has it. port_binding.http is recorded with the mechanism
// driver openvswitch and living agents of it on host1 to host3.
package replay

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"midonet.org/midonet/test/original"
)

var record = flag.String("record", "", "base URL of a real neutron-server whose answers replace the recorded ones")

// exchange is one request and the answer on record.
type exchange struct {
	title    string
	method   string
	path     string
	caller   original.Caller // nobody: the server has no Keystone
	body     string
	captures []capture
	status   int
	answer   string
}

// capture names a value of the answer.
type capture struct{ name, path string }

func TestRecordedAnswers(t *testing.T) {
	files, err := filepath.Glob("testdata/*.http")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".http"), func(t *testing.T) { replay(t, file, startServer) })
	}
}

// TestBehindALoadBalancer asks the same of two processes that serve the API alone, in turn, beside the server that has the topology,
// all on one database: no answer may depend on which one gave the answer before.
func TestBehindALoadBalancer(t *testing.T) {
	if *record != "" {
		t.Skip("recording")
	}
	files, err := filepath.Glob("testdata/*.http")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".http"), func(t *testing.T) { replay(t, file, startBalanced) })
	}
}

func replay(t *testing.T, file string, start func(t *testing.T, more ...string) string) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	scenario, err := parse(string(text))
	if err != nil {
		t.Fatal(err)
	}
	base := *record
	if base == "" {
		var configuration []string
		if scenario.exchanges[0].caller.Project != "" {
			configuration = append(configuration, write(t, original.Keystone(t)))
		}
		if scenario.configuration != "" {
			configuration = append(configuration, write(t, scenario.configuration))
		}
		base = start(t, configuration...)
	}
	vars := map[string]string{}
	for i := range scenario.exchanges {
		e := &scenario.exchanges[i]
		status, body := send(t, base, *e, vars)
		got := original.Normalise(body, vars)
		switch {
		case *record != "":
			e.status, e.answer = status, got
		case status != e.status:
			t.Errorf("%s: status %d, neutron-server gave %d\n%s", e.title, status, e.status, got)
		default:
			if diff := original.Diff(e.answer, got); diff != "" {
				t.Errorf("%s (-neutron-server +ours):\n%s", e.title, diff)
			}
		}
	}
	if *record != "" {
		cleanUp(base, vars)
		if err := os.WriteFile(file, []byte(format(scenario)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func send(t *testing.T, base string, e exchange, vars map[string]string) (int, string) {
	t.Helper()
	req, err := http.NewRequest(e.method, base+expand(e.path, vars), strings.NewReader(expand(e.body, vars)))
	if err != nil {
		t.Fatalf("%s: %v", e.title, err)
	}
	if e.body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	e.caller.Identify(req)
	resp, err := (&http.Client{Timeout: 2 * time.Minute}).Do(req)
	if err != nil {
		t.Fatalf("%s: %v", e.title, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s: %v", e.title, err)
	}
	for _, c := range e.captures {
		if v, ok := lookUp(body, c.path); ok {
			vars[c.name] = v
		} else {
			t.Errorf("%s: no %s in the answer %s", e.title, c.path, body)
		}
	}
	return resp.StatusCode, string(body)
}

func expand(s string, vars map[string]string) string {
	return os.Expand(s, func(name string) string { return vars[name] })
}

// lookUp finds a string by path, "ports.0.id".
func lookUp(body []byte, path string) (string, bool) {
	var v any
	if json.Unmarshal(body, &v) != nil {
		return "", false
	}
	for _, step := range strings.Split(path, ".") {
		switch at := v.(type) {
		case map[string]any:
			v = at[step]
		case []any:
			var i int
			if _, err := fmt.Sscan(step, &i); err != nil || i >= len(at) {
				return "", false
			}
			v = at[i]
		default:
			return "", false
		}
	}
	s, ok := v.(string)
	return s, ok
}

// cleanUp deletes what a recording made, what needs others first; what is gone already does not matter.
func cleanUp(base string, vars map[string]string) {
	for _, collection := range []string{"floatingips", "routers", "ports", "subnets", "networks", "security-group-rules", "security-groups",
		"address-groups"} {
		for _, v := range vars {
			if req, err := http.NewRequest(http.MethodDelete, base+"/v2.0/"+collection+"/"+v, nil); err == nil && original.IsUUID(v) {
				original.Caller{Project: "ops", Roles: []string{"admin"}}.Identify(req)
				if resp, err := http.DefaultClient.Do(req); err == nil {
					resp.Body.Close()
				}
			}
		}
	}
}
