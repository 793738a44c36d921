// Package storetest gives tests databases: SQLite files, or databases of a real MariaDB server that is started for the test.
//
// A test asks New for a database and does not know its engine. AgainOnMariaDB, as a test of a package, runs all the other tests of the
// package once more on MariaDB, so that none can be forgotten. The package is imported by tests alone.
package storetest

import (
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"midonet.org/midonet/neutron/store/recheck"
)

// Whatever a test is answered from memory is compared with the database.
func init() {
	recheck.On.Store(true)
	if len(nodes()) == 0 { // on MariaDB it takes too long, and who writes is the same
		recheck.Commits.Store(100)
	}
}

// Patience is how long transactions of tests wait for those of others: a machine that is busy with other tests lets some stand still for
// long, whatever they have locked.
const Patience = 2 * time.Minute

// doubt has benchmarks measure what is done outside of tests.
func doubt(t testing.TB) {
	_, measures := t.(*testing.B)
	recheck.On.Store(!measures)
}

// serverVariable has the socket of the MariaDB server in a run on MariaDB, or those of the nodes of a Galera cluster, separated by commas.
const serverVariable = "MIDONET_TEST_MARIADB"

// New returns the [database] connection of a new and empty database on the engine of this run.
func New(t testing.TB) string {
	t.Helper()
	if sockets := nodes(); len(sockets) > 0 {
		return (&MariaDB{socket: sockets[0]}).New(t)
	}
	return SQLite(t)
}

// Servers returns the connections by which so many servers use the database of a connection: on a Galera cluster they go to its nodes in turn.
func Servers(connection string, count int) []string {
	all, sockets := make([]string, count), nodes()
	for i := range all {
		all[i] = connection
		if len(sockets) > 1 {
			all[i] = strings.Replace(connection, url.QueryEscape(sockets[0]), url.QueryEscape(sockets[i%len(sockets)]), 1)
		}
	}
	return all
}

// nodes are the sockets of this run's servers.
func nodes() []string {
	if os.Getenv(serverVariable) == "" {
		return nil
	}
	return strings.Split(os.Getenv(serverVariable), ",")
}

// SQLite returns the connection of a new SQLite database.
func SQLite(t testing.TB) string {
	t.Helper()
	doubt(t)
	return "sqlite:///" + filepath.Join(t.TempDir(), "neutron.db")
}

// OnSQLite skips a test of what only SQLite does, where the run is on another engine.
func OnSQLite(t testing.TB) {
	t.Helper()
	if os.Getenv(serverVariable) != "" {
		t.Skip("about SQLite")
	}
}

// OnMariaDB skips a test of what SQLite cannot be brought to, where the run is on SQLite.
func OnMariaDB(t testing.TB) {
	t.Helper()
	if os.Getenv(serverVariable) == "" {
		t.Skip("about MariaDB, where TestAgainOnMariaDB runs it")
	}
}

// failure is a line of the child's output that names a test that failed.
var failure = regexp.MustCompile(`(?m)^ *--- FAIL: (\S+)`)

// AgainOnMariaDB runs the tests of the package again, in a process of its own, with New on MariaDB. It is skipped where there is none.
func AgainOnMariaDB(t *testing.T) {
	if os.Getenv(serverVariable) != "" {
		t.Skip("this is the run on MariaDB")
	}
	runAgain(t, StartMariaDB(t).socket)
}

// AgainOnGalera runs those tests of the package again whose names the pattern matches, on a cluster of two nodes, to which the servers of
// a test go in turn (see Servers). A cluster takes seconds for the tables of a database, so it is for `make conformance`.
func AgainOnGalera(t *testing.T, pattern string) {
	if os.Getenv(serverVariable) != "" {
		t.Skip("this is the run on another engine")
	}
	if os.Getenv("MIDONET_CONFORMANCE") == "" {
		t.Skip("runs with MIDONET_CONFORMANCE=1 (make conformance)")
	}
	// A database for each test takes such a cluster most of a minute where others are at work; the flag that comes last counts.
	runAgain(t, strings.Join(startGalera(t, 2), ","), "-test.timeout=25m", "-test.run="+pattern)
}

// runAgain runs this test program in a process of its own, with New on those servers.
func runAgain(t *testing.T, sockets string, args ...string) {
	t.Helper()
	// Its time ends before that of the run that waits for it does.
	cmd := exec.Command(os.Args[0], append([]string{"-test.v", "-test.timeout=16m"}, args...)...)
	if testing.Short() {
		cmd.Args = append(cmd.Args, "-test.short")
	}
	cmd.Env = append(os.Environ(), serverVariable+"="+sockets)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v there: %s\n%s", err, names(failure.FindAllStringSubmatch(string(out), -1)), out)
	}
	if passed := strings.Count(string(out), "--- PASS"); passed == 0 {
		t.Errorf("no test ran there: %s", out)
	} else {
		t.Logf("%d tests and parts of tests passed there", passed)
	}
}

func names(found [][]string) string {
	var all []string
	for _, f := range found {
		all = append(all, f[1])
	}
	return strings.Join(all, ", ")
}
