// Package storetest gives tests databases: SQLite files, or databases of a real MariaDB server that is started for the test.
//
// A test asks New for a database and does not know its engine. AgainOnMariaDB, as a test of a package, runs all the other tests of the
// package once more on MariaDB, so that none can be forgotten. The package is imported by tests alone.
package storetest

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// serverVariable has the socket of the MariaDB server in a run on MariaDB.
const serverVariable = "MIDONET_TEST_MARIADB"

// New returns the [database] connection of a new and empty database on the engine of this run.
func New(t testing.TB) string {
	t.Helper()
	if socket := os.Getenv(serverVariable); socket != "" {
		return (&MariaDB{socket: socket}).New(t)
	}
	return SQLite(t)
}

// SQLite returns the connection of a new SQLite database.
func SQLite(t testing.TB) string {
	t.Helper()
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
	server := StartMariaDB(t)
	cmd := exec.Command(os.Args[0], "-test.v", "-test.timeout=5m")
	if testing.Short() {
		cmd.Args = append(cmd.Args, "-test.short")
	}
	cmd.Env = append(os.Environ(), serverVariable+"="+server.socket)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v on MariaDB: %s\n%s", err, names(failure.FindAllStringSubmatch(string(out), -1)), out)
	}
	if passed := strings.Count(string(out), "--- PASS"); passed == 0 {
		t.Errorf("no test ran on MariaDB: %s", out)
	} else {
		t.Logf("%d tests and parts of tests passed on MariaDB", passed)
	}
}

func names(found [][]string) string {
	var all []string
	for _, f := range found {
		all = append(all, f[1])
	}
	return strings.Join(all, ", ")
}
