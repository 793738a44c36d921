package storetest

import (
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql" // registers the driver

	"midonet.org/midonet/test/child"
)

// MariaDB is a server with its files in a temporary directory. It listens on a Unix socket alone.
type MariaDB struct {
	dir, socket string
	user        string   // that a server which root starts runs as
	more        []string // options
	process     *os.Process
	ended       chan struct{}
}

// Password is what the user neutron logs in with. It holds what has to be escaped in a URL.
const Password = "p@ss:w/rd%?#"

// StartMariaDB starts a server, which ends with the test. Where MariaDB is not installed the test is skipped; so it is in the run that
// AgainOnMariaDB makes, since it was in the first.
func StartMariaDB(t testing.TB) *MariaDB {
	t.Helper()
	if os.Getenv(serverVariable) != "" {
		t.Skip("this was in the first run")
	}
	for _, program := range []string{"mariadbd", "mariadb-install-db"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("needs Debian's mariadb-server: %v", err)
		}
	}
	dir, err := os.MkdirTemp("", "mariadb") // t.TempDir may be too long for the name of a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	m := &MariaDB{dir: dir, socket: filepath.Join(dir, "socket"), user: "root"}
	m.install(t)
	m.Start(t)
	t.Cleanup(m.Kill)
	m.createUser(t)
	return m
}

// install makes the server's files.
func (m *MariaDB) install(t testing.TB) {
	t.Helper()
	install := exec.Command("mariadb-install-db", append(m.options(), "--auth-root-authentication-method=normal", "--skip-test-db")...)
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("mariadb-install-db: %v\n%s", err, out)
	}
}

func (m *MariaDB) createUser(t testing.TB) {
	t.Helper()
	m.exec(t, "CREATE USER neutron@localhost IDENTIFIED BY '"+Password+"'")
}

func (m *MariaDB) options() []string {
	// Files in the common temporary directory are named by process id, and others may run here in process namespaces of their own. Nothing
	// waits for the disk: what the server has written outlives it with the kernel, and no test outlives that.
	options := []string{"--no-defaults", "--datadir=" + filepath.Join(m.dir, "data"), "--tmpdir=" + m.dir,
		"--innodb-flush-method=nosync", "--innodb-flush-log-at-trx-commit=2", "--innodb-log-file-size=16M"}
	if os.Getuid() == 0 {
		options = append(options, "--user="+m.user)
	}
	return options
}

// Start starts the server, again after Kill, and returns when it answers.
func (m *MariaDB) Start(t testing.TB) {
	t.Helper()
	log, err := os.Create(filepath.Join(m.dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command("mariadbd", slices.Concat(m.options(), m.more,
		[]string{"--socket=" + m.socket, "--skip-networking", "--innodb-buffer-pool-size=64M"})...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := child.Start(cmd); err != nil {
		t.Fatal(err)
	}
	m.process, m.ended = cmd.Process, make(chan struct{})
	go func() {
		defer close(m.ended)
		cmd.Wait()
	}()
	m.await(t, log.Name())
}

func (m *MariaDB) await(t testing.TB, log string) {
	t.Helper()
	db := m.open(t)
	defer db.Close()
	for {
		err := db.Ping()
		if err == nil {
			return
		}
		select {
		case <-m.ended:
			text, _ := os.ReadFile(log)
			t.Fatalf("mariadbd ended: %s", text)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Kill ends the server as a power cut would, and returns when it is gone.
func (m *MariaDB) Kill() {
	m.process.Kill()
	<-m.ended
}

func (m *MariaDB) open(t testing.TB) *sql.DB {
	t.Helper()
	db, err := sql.Open("mysql", "root@unix("+m.socket+")/")
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// exec runs a statement as root.
func (m *MariaDB) exec(t testing.TB, statement string) {
	t.Helper()
	db := m.open(t)
	defer db.Close()
	if _, err := db.Exec(statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// databases counts those that this process has made.
var databases atomic.Int64

// New returns the [database] connection of a new and empty database, by the first node where there are several.
func (m *MariaDB) New(t testing.TB) string {
	t.Helper()
	doubt(t)
	name := fmt.Sprintf("neutron_%d_%d", os.Getpid(), databases.Add(1))
	// The character set is not ours, as in a database that was made by hand.
	m.exec(t, "CREATE DATABASE "+name+" CHARACTER SET latin1")
	m.exec(t, "GRANT ALL ON "+name+".* TO neutron@localhost")
	t.Cleanup(func() { m.exec(t, "DROP DATABASE "+name) })
	return fmt.Sprintf("mysql+pymysql://neutron:%s@localhost/%s?charset=utf8&unix_socket=%s", escape(Password), name, url.QueryEscape(m.socket))
}

// escape is what an operator does with a password, who has Python's urllib.parse.quote_plus at hand.
func escape(password string) string {
	return strings.ReplaceAll(url.QueryEscape(password), "+", "%20")
}

// Open opens the database of a connection without package store, for tests that look at its tables or hold its locks. It knows the
// connections that this package returns.
func Open(t testing.TB, connection string) *sql.DB {
	t.Helper()
	driver, source := "sqlite", strings.TrimPrefix(connection, "sqlite:///")
	if u, err := url.Parse(connection); err == nil && u.Scheme != "sqlite" {
		driver, source = "mysql", "root@unix("+u.Query().Get("unix_socket")+")"+u.Path
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}
