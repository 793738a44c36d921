package api

import (
	"fmt"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"midonet.org/midonet/id"
	"midonet.org/midonet/topology"
)

// TestMidonetClient drives the API with the original's own client, which is not part of this repository: MIDONETCLIENT_DIR is
// python-midonetclient/src of github.com/midonet/midonet. MIDONETCLIENT_PYTHON may name a python3 with
// webob and httplib2.
func TestMidonetClient(t *testing.T) {
	needMidonetClient(t)
	f := newFixture(t)
	f.hostNamed("compute1")
	out := runMidonetClient(t, "drive.py", f.uri, account.Password, host1)
	const want = `create net1 10.0.1.0/24 fa:16:3e:00:00:01
bulk 2 2 2
update renamed 10.0.1.254 False
get renamed 10.0.1.254 False
list 3 3 3
refused HTTPConflict HTTPNotFound HTTPNotFound HTTPNotFound HTTPUnauthorized
host compute1 True [('eth0', 1500)]
bindings [('cccccccc-0000-4000-8000-000000000001', 'tap1')]
refused HTTPConflict
bound to True tap1
bridge renamed t True 3
ports [('cccccccc-0000-4000-8000-000000000001', 'Bridge', False), ('cccccccc-0000-4000-8000-000000000002', 'Bridge', True), ('cccccccc-0000-4000-8000-000000000003', 'Bridge', True)]
dhcp 10.0.1.0 24 10.0.1.254 [('fa:16:3e:00:00:01', '10.0.1.11'), ('fa:16:3e:00:00:02', '10.0.1.12'), ('fa:16:3e:00:00:03', '10.0.1.13')]
state ACTIVE
bindings 0
left 0 0 0 0
`
	if diff := cmp.Diff(want, out); diff != "" {
		t.Errorf("what the client saw (-want +got):\n%s", diff)
	}
}

// hostNamed has a live host with an interface.
func (f *fixture) hostNamed(name string) {
	f.Helper()
	h := id.MustParse[topology.Host](host1)
	f.report(&topology.Host{ID: h, Name: name}, &topology.HostState{Host: h, Interfaces: []topology.Interface{
		{Name: "eth0", MTU: 1500, Up: true, Addrs: []netip.Addr{netip.MustParseAddr("192.0.2.1")}}}})
	f.eventually("the host is listed, alive", func() bool {
		return strings.Contains(string(f.get("/hosts", mediaHosts).body), `"alive":true`)
	})
}

// TestMidonetClientNeutron has the client make every call of its Neutron mixins, and holds the recording to it.
func TestMidonetClientNeutron(t *testing.T) {
	needMidonetClient(t)
	f := newFixture(t)
	r := &recorder{Handler: f.api}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	if out := runMidonetClient(t, "neutron.py", server.URL+Root, account.Password); out != "" {
		t.Errorf("it printed:\n%s", out)
	}
	f.wantStored(topology.KindSource, 0)
	r.wantRecorded(t)
}

// TestMidonetClientTopology has the client make a topology by hand, and take it away.
func TestMidonetClientTopology(t *testing.T) {
	needMidonetClient(t)
	f := newFixture(t)
	f.hostNamed("compute1")
	out := runMidonetClient(t, "topology.py", f.uri, account.Password, host1)
	const want = `host compute1 True
zone tz vxlan 1
refused HTTPConflict gre
zone hosts [(True, '192.0.2.1')]
renamed renamed
bridge b t True
updated b2 False
ports ['Bridge', 'Bridge', 'Bridge']
dhcp 10.0.0.0 24 [{'destinationPrefix': '10.9.0.0', 'destinationLength': 16, 'gatewayAddr': '10.0.0.9'}] True
dhcp host 10.0.0.5 ['02:00:00:00:00:01']
dhcp updated [('10.0.0.254', False)]
router r t 1
router port Router 10.0.0.1 24 ac:ca:ba
linked True [True]
refused HTTPConflict
routes [('Local', '10.0.0.1', 32, 0), ('Normal', '10.0.0.0', 24, 100)]
refused HTTPBadRequest
rules [('accept', 1), ('jump', 2), ('drop', 3)] 65535 accept
addresses ['10.0.0.7']
rule True 1
filters True True True
port group True [True] 1
bound tap0 HTTPConflict
rules ['accept', 'drop'] None
unlinked None
left [0, 0, 0, 0, 0, 0, 0] 0
`
	if diff := cmp.Diff(want, out); diff != "" {
		t.Errorf("what the client saw (-want +got):\n%s", diff)
	}
	if left := f.stored(); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// TestMidonetClientServices has the client make what no packet is changed by yet, and take it away.
func TestMidonetClientServices(t *testing.T) {
	needMidonetClient(t)
	f := newFixture(t)
	f.hostNamed("compute1")
	out := runMidonetClient(t, "services.py", f.uri, account.Password, host1)
	const want = `bgp 65001 [('198.51.100.0', 24)] [(65000, '192.0.2.9', 5, 30)] None
refused HTTPBadRequest
load balancer True
pool ['TCP'] [('10.0.0.5', 7, 'ACTIVE')] [('10.0.0.6', 'SOURCE_IP', True)] [True]
refused HTTPConflict
mirror 6 1
insertion 02:00:00:00:00:01 True 1
qos gold [(100, 10)] [27] True
container LEAST [('IPSEC', 'STOPPED')]
trace [('t', True, 6)]
vtep disconnected [('eth1', 7)] ['Vxlan'] HTTPServiceUnavailable HTTPConflict
left [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] 0
`
	if diff := cmp.Diff(want, out); diff != "" {
		t.Errorf("what the client saw (-want +got):\n%s", diff)
	}
	f.wantNothingLeft()
}

func needMidonetClient(t *testing.T) {
	t.Helper()
	if os.Getenv("MIDONETCLIENT_DIR") == "" {
		t.Skip("MIDONETCLIENT_DIR does not say where python-midonetclient is")
	}
}

// runMidonetClient runs a script of testdata with the original's client, and returns what it printed.
func runMidonetClient(t *testing.T, script string, args ...string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("testdata", script))
	if err != nil {
		t.Fatal(err)
	}
	python := exec.CommandContext(t.Context(), "python3", append([]string{path}, args...)...)
	if named := os.Getenv("MIDONETCLIENT_PYTHON"); named != "" {
		python.Path = named
	}
	python.Env = append(os.Environ(), "PYTHONPATH="+os.Getenv("MIDONETCLIENT_DIR"), "PYTHONDONTWRITEBYTECODE=1")
	python.Stderr = t.Output()
	out, err := python.Output()
	if err != nil {
		t.Fatalf("%v after\n%s", err, out)
	}
	return string(out)
}

// cli runs commands of the original's midonet-cli, each by itself, as scripts of operators do.
type cli struct {
	*testing.T
	uri string
}

// run returns what a command printed, without the end of its last line.
func (c cli) run(command string) string {
	c.Helper()
	dir := os.Getenv("MIDONETCLIENT_DIR")
	python := exec.CommandContext(c.Context(), "python3", filepath.Join(dir, "bin", "midonet-cli"), "--midonet-url", c.uri, "-e", command)
	if named := os.Getenv("MIDONETCLIENT_PYTHON"); named != "" {
		python.Path = named
	}
	missing, err := filepath.Abs(filepath.Join("testdata", "python3"))
	if err != nil {
		c.Fatal(err)
	}
	python.Env = append(os.Environ(), "PYTHONPATH="+missing+":"+dir, "PYTHONDONTWRITEBYTECODE=1", "PYTHONWARNINGS=ignore", "HOME="+c.TempDir(),
		"MIDO_USER="+account.Username, "MIDO_PASSWORD="+account.Password, "MIDO_PROJECT_ID=admin", "MIDO_TENANT=t")
	out, _ := python.CombinedOutput() // what is refused says so
	return strings.TrimSpace(string(out))
}

// TestMidonetCLI runs the session in testdata/cli.txt: what operators make of networks by hand, show, and take away. A line with a dollar is a command, those
// below it what it prints; "NAME =" keeps the identifier that a command prints, which the rest has by that name.
func TestMidonetCLI(t *testing.T) {
	needMidonetClient(t)
	f := newFixture(t)
	f.hostNamed("compute1")
	c := cli{t, f.uri}
	session, err := os.ReadFile(filepath.Join("testdata", "cli.txt"))
	if err != nil {
		t.Fatal(err)
	}
	ids := []string{"HOST", host1} // names and identifiers, in turn
	var got strings.Builder
	for line := range strings.Lines(string(session)) {
		command, isCommand := strings.CutPrefix(strings.TrimSpace(line), "$ ")
		if !isCommand {
			continue
		}
		name, named, keeps := strings.Cut(command, " = ")
		if keeps {
			command = named
		}
		out := c.run(strings.NewReplacer(ids...).Replace(command))
		if keeps && len(out) == len(host1) {
			ids = append(ids, name, out)
		}
		back := slices.Clone(ids)
		slices.Reverse(back) // identifiers and names
		fmt.Fprintln(&got, strings.TrimSpace(line))
		if out = anyID.ReplaceAllString(strings.NewReplacer(back...).Replace(out), "ID"); out != "" {
			lines := strings.Split(out, "\n") // of a list that has an order of identifiers
			slices.Sort(lines)
			fmt.Fprintln(&got, strings.Join(lines, "\n"))
		}
	}
	if diff := cmp.Diff(string(session), got.String()); diff != "" {
		t.Errorf("the session (-want +got):\n%s", diff)
	}
	f.wantNothingLeft()
}

var anyID = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
