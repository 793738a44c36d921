package ml2

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/store/storetest"
	"midonet.org/midonet/test/child"
)

// The tests of this file run servers as processes of their own: the test binary, started again with a role in its environment.
const (
	roleVariable       = "ML2_TEST_ROLE"
	connectionVariable = "ML2_TEST_DATABASE"
	networkVariable    = "ML2_TEST_NETWORK"
)

func TestMain(m *testing.M) {
	if os.Getenv(roleVariable) == "create ports" {
		os.Exit(createPorts())
	}
	os.Exit(m.Run())
}

// createPorts is the child. It opens the database, says so, and waits for a line; then it creates ports with two clients until there
// is no address left, and prints each as it is answered.
func createPorts() int {
	t := &childT{}
	f := openFixture(t, os.Getenv(connectionVariable))
	n := &model.Network{ID: id.MustParse[model.Network](os.Getenv(networkVariable))}
	fmt.Println("ready")
	fmt.Scanln()
	done := make(chan error)
	for range 2 {
		go func() {
			for {
				made, err := f.Ports().Create(context.Background(), admin, []plugin.Body[model.Port]{portBody(n)})
				if err != nil {
					done <- err
					return
				}
				fmt.Printf("%s %s\n", made[0].ID, made[0].FixedIPs[0].IPAddress)
			}
		}()
	}
	for range 2 {
		var fault *errs.Error
		if err := <-done; !errors.As(err, &fault) || fault.Type != "IpAddressGenerationFailure" {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return 0
}

// childT is the little of testing.TB that a fixture needs, outside a test.
type childT struct{ testing.TB }

func (*childT) Helper()                           {}
func (*childT) Cleanup(func())                    {}
func (*childT) Fatal(args ...any)                 { panic(fmt.Sprint(args...)) }
func (*childT) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

// server is a child process and what it prints.
type server struct {
	*exec.Cmd
	lines *bufio.Scanner
	start io.WriteCloser // closed to let it begin
}

// newServer starts a child and returns when it has opened the database.
func newServer(t *testing.T, connection string, n *model.Network) *server {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleVariable+"=create ports", connectionVariable+"="+connection, networkVariable+"="+n.ID.String())
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(cmd); err != nil {
		t.Fatal(err)
	}
	s := &server{cmd, bufio.NewScanner(out), in}
	if !s.lines.Scan() {
		t.Fatalf("the server did not start: %v", cmd.Wait())
	}
	return s
}

// TestKilledAtAnyMoment kills a server again and again while it creates ports. Every port that was answered is there, and no port is
// there without its task, no task without its port, no address without its port.
func TestKilledAtAnyMoment(t *testing.T) {
	const rounds = 25
	connection := storetest.New(t)
	f := openFixture(t, connection)
	n := f.network(admin)
	f.subnet(admin, n, "10.0.0.0/12")
	answered := map[string]bool{}
	for range rounds {
		s := newServer(t, connection, n)
		s.start.Close()
		for first := true; s.lines.Scan(); first = false {
			if first {
				time.AfterFunc(time.Duration(rand.IntN(30_000))*time.Microsecond, func() { s.Process.Kill() })
			}
			if portID, _, whole := strings.Cut(s.lines.Text(), " "); whole {
				answered[portID] = true
			}
		}
		s.Wait() // says that it was killed
		checkWhole(t, connection, answered)
	}
	if len(answered) < rounds {
		t.Errorf("%d ports were answered in %d lives", len(answered), rounds)
	}
	t.Logf("%d ports answered in %d lives", len(answered), rounds)
}

// checkWhole compares ports, addresses and tasks by reading the tables, not through the code under test.
func checkWhole(t *testing.T, connection string, answered map[string]bool) {
	t.Helper()
	// One snapshot: a database server may still be committing what a client that was killed has told it to.
	db, err := storetest.Open(t, connection).BeginTx(t.Context(), &sql.TxOptions{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Rollback()
	ports, tasks := idSet(t, db, "SELECT id FROM ports"), idSet(t, db, "SELECT resource_id FROM midonet_tasks WHERE data_type='PORT'")
	holders := idSet(t, db, "SELECT port_id FROM ipallocations")
	for portID := range answered {
		if !ports[portID] {
			t.Errorf("port %s was answered and is lost", portID)
		}
	}
	if len(ports) != len(tasks) || len(ports) != len(holders) {
		t.Errorf("%d ports, %d tasks, %d addresses", len(ports), len(tasks), len(holders))
	}
	for portID := range ports {
		if !tasks[portID] || !holders[portID] {
			t.Errorf("port %s: task %v, address %v", portID, tasks[portID], holders[portID])
		}
	}
}

func idSet(t *testing.T, db *sql.Tx, query string) map[string]bool {
	t.Helper()
	rows, err := db.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	set := map[string]bool{}
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		set[s] = true
	}
	return set
}

// TestTwoServersOnOneDatabase has two processes create ports of one small subnet until both find it full: no address is handed out
// twice, each process gets a share, and the tasks tell the same story.
func TestTwoServersOnOneDatabase(t *testing.T) {
	connection := storetest.New(t)
	f := openFixture(t, connection)
	n := f.network(admin)
	f.subnet(admin, n, "10.0.0.0/21")
	f.tasks()
	const room = 2048 - 3 // less network, broadcast and gateway

	var servers []*server
	for _, c := range storetest.Servers(connection, 2) {
		servers = append(servers, newServer(t, c, n))
	}
	type answer struct {
		server        *server
		port, address string
	}
	answers := make(chan answer)
	var reading sync.WaitGroup
	for _, s := range servers {
		s.start.Close()
		reading.Go(func() {
			for s.lines.Scan() {
				port, address, _ := strings.Cut(s.lines.Text(), " ")
				answers <- answer{s, port, address}
			}
		})
	}
	go func() { reading.Wait(); close(answers) }()
	holder, share := map[string]string{}, map[*server]int{}
	for a := range answers {
		if other, taken := holder[a.address]; taken {
			t.Errorf("address %s was answered for %s and for %s", a.address, other, a.port)
		}
		holder[a.address] = a.port
		share[a.server]++
	}
	for _, s := range servers {
		if err := s.Wait(); err != nil {
			t.Errorf("a server did not end with the fault of a full network: %v", err)
		}
		if share[s] == 0 {
			t.Error("one server had no turn")
		}
	}
	if len(holder) != room {
		t.Errorf("%d addresses were handed out, want %d", len(holder), room)
	}
	f.checkTasksMatch(holder)
}

func (f *fixture) checkTasksMatch(holder map[string]string) {
	f.t.Helper()
	tasks := f.tasks()
	if len(tasks) != len(holder) {
		f.t.Errorf("%d tasks, want %d", len(tasks), len(holder))
	}
	for _, task := range tasks {
		var p model.Port
		if err := json.Unmarshal(task.Data, &p); err != nil {
			f.t.Fatal(err)
		}
		if got := holder[p.FixedIPs[0].IPAddress.String()]; got != task.ResourceID {
			f.t.Errorf("the task of port %s carries the address of port %s", task.ResourceID, got)
		}
	}
}
