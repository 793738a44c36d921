package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/google/go-cmp/cmp"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/apidef"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/store/storetest"
)

// TestMySQL is about what only a database server does to us: it goes away, breaks off connections and chooses victims of deadlocks.
func TestMySQL(t *testing.T) {
	server := storetest.StartMariaDB(t)
	for name, test := range map[string]func(*testing.T, *storetest.MariaDB){
		"the server is killed":        testServerIsKilled,
		"the connection is killed":    testConnectionIsKilled,
		"the outcome is unknown":      testOutcomeIsUnknown,
		"a deadlock":                  testDeadlock,
		"a lock that is not released": testLockIsHeld,
		"another's database":          testForeignDatabase,
		"a migration was killed":      testMigrationWasKilled,
		"who may not":                 testAccessDenied,
		"a server that is away":       testWaiting,
		"a holder that died":          testHolderDied,
		"the tables":                  testTables,
		"tables on the disk":          testTablesOnDisk,
		"no more statements":          testNoMoreStatements,
		"indexes":                     testIndexes,
	} {
		t.Run(name, func(t *testing.T) { test(t, server) })
	}
}

func testServerIsKilled(t *testing.T, server *storetest.MariaDB) {
	connection := server.New(t)
	db := open(t, connection)
	hasty, err := Open(ctx, connection, Options{BusyTimeout: 2 * time.Second}) // in which it asks at least once
	if err != nil {
		t.Fatal(err)
	}
	defer hasty.Close()
	insertNetwork(t, db, newNetwork("p"))
	server.Kill()
	err = hasty.Tx(ctx, func(tx *Tx) error { return InsertNetwork(tx, newNetwork("p")) })
	var fault *errs.Error
	if !errors.As(err, &fault) || fault.Kind != errs.Unavailable || fault.Message != "The service is unavailable." {
		t.Errorf("the client is told %v", err)
	}
	if !strings.Contains(err.Error(), "socket/neutron_") || !strings.Contains(err.Error(), "cannot be reached") ||
		strings.Contains(err.Error(), storetest.Password) {
		t.Errorf("the log is told %v", err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := db.Tx(ctx, func(tx *Tx) error { return InsertNetwork(tx, newNetwork("p")) }); err != nil {
			t.Errorf("a transaction that waited: %v", err)
		}
	})
	wg.Go(func() {
		if n := countNetworks(t, db); n < 1 || n > 2 {
			t.Errorf("%d networks", n)
		}
	})
	server.Start(t)
	wg.Wait()
	if n := countNetworks(t, hasty); n != 2 {
		t.Errorf("%d networks after the server came back, want 2", n)
	}
}

func testConnectionIsKilled(t *testing.T, server *storetest.MariaDB) {
	connection := server.New(t)
	db, root := open(t, connection), storetest.Open(t, connection)
	runs := 0
	err := db.Tx(ctx, func(tx *Tx) error {
		runs++
		if err := InsertNetwork(tx, newNetwork("p")); err != nil {
			return err
		}
		if runs == 1 {
			var id int64
			if err := tx.QueryRow("SELECT CONNECTION_ID()").Scan(&id); err != nil {
				return err
			}
			if _, err := root.Exec("KILL CONNECTION ?", id); err != nil {
				t.Error(err)
			}
		}
		return InsertNetwork(tx, newNetwork("p"))
	})
	if err != nil || runs != 2 || countNetworks(t, db) != 2 {
		t.Errorf("%d runs, %d networks, %v", runs, countNetworks(t, db), err)
	}
}

// testOutcomeIsUnknown breaks the connection between the order to commit and its answer. The transaction is not run again, whether the
// order arrived or not.
func testOutcomeIsUnknown(t *testing.T, server *storetest.MariaDB) {
	for name, arrives := range map[string]bool{"arrives": true, "is lost": false} {
		t.Run("the order "+name, func(t *testing.T) {
			connection := server.New(t)
			p := newProxy(t, connection, arrives)
			direct, db := open(t, connection), open(t, p.connection)
			p.armed.Store(true)
			runs := 0
			err := db.Tx(ctx, func(tx *Tx) error {
				runs++
				return InsertNetwork(tx, newNetwork("p"))
			})
			if !errs.Is(err, errs.Unavailable) || !strings.Contains(err.Error(), "whether its changes are there is not known") || runs != 1 {
				t.Errorf("%d runs, %v", runs, err)
			}
			want := map[bool]int{true: 1}[arrives]
			for deadline := time.Now().Add(storetest.Patience); countNetworks(t, direct) != want; time.Sleep(time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatalf("%d networks, want %d", countNetworks(t, direct), want)
				}
			}
			insertNetwork(t, db, newNetwork("p")) // on a new connection
		})
	}
}

// proxy is on the way to the server. Once armed it breaks the first connection that commits.
type proxy struct {
	connection string
	target     string
	arrives    bool // the server gets the order before
	armed      atomic.Bool
}

func newProxy(t *testing.T, connection string, arrives bool) *proxy {
	t.Helper()
	d, err := dialectOf(connection)
	if err != nil {
		t.Fatal(err)
	}
	target := d.(*mysqlDialect).config.Addr
	socket := filepath.Join(filepath.Dir(target), strings.ReplaceAll(t.Name(), "/", "_")[:20])
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	before, _, _ := strings.Cut(connection, "unix_socket=")
	p := &proxy{connection: before + "unix_socket=" + socket, target: target, arrives: arrives}
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go p.serve(client)
		}
	}()
	return p
}

func (p *proxy) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("unix", p.target)
	if err != nil {
		return
	}
	defer server.Close()
	go io.Copy(client, server)
	buffer := make([]byte, 1<<16)
	for {
		n, err := client.Read(buffer)
		if err != nil {
			return
		}
		commits := strings.HasSuffix(string(buffer[:n]), "\x03COMMIT") /* COM_QUERY */ && p.armed.CompareAndSwap(true, false)
		if commits {
			client.Close() // no answer comes back
		}
		if !commits || p.arrives {
			if _, err := server.Write(buffer[:n]); err != nil {
				return
			}
		}
		if commits {
			return
		}
	}
}

// testDeadlock has two transactions change two rows crosswise: one of them is undone and run again.
func testDeadlock(t *testing.T, server *storetest.MariaDB) {
	db := open(t, server.New(t))
	a, b := newNetwork("p"), newNetwork("p")
	insertNetwork(t, db, a)
	insertNetwork(t, db, b)
	var runs atomic.Int64
	met := make(chan struct{}, 2)
	change := func(first, second string) error {
		return db.Tx(ctx, func(tx *Tx) error {
			if err := LockNetwork(tx, first); err != nil {
				return err
			}
			if runs.Add(1) <= 2 { // both have their first row before they ask for the second
				met <- struct{}{}
				for len(met) < 2 {
					time.Sleep(time.Millisecond)
				}
			}
			return LockNetwork(tx, second)
		})
	}
	var wg sync.WaitGroup
	for _, order := range [][2]string{{a.ID.String(), b.ID.String()}, {b.ID.String(), a.ID.String()}} {
		wg.Go(func() {
			if err := change(order[0], order[1]); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := runs.Load(); got != 3 {
		t.Errorf("%d runs, want 3", got)
	}
}

// testLockIsHeld: a transaction does not wait for ever for someone who holds a row.
func testLockIsHeld(t *testing.T, server *storetest.MariaDB) {
	connection := server.New(t)
	db, err := Open(ctx, connection, Options{BusyTimeout: (lockPatience - 1) * time.Second}) // less than a statement waits
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	n := newNetwork("p")
	insertNetwork(t, db, n)
	holder, err := storetest.Open(t, connection).Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer holder.Rollback()
	if _, err := holder.Exec("UPDATE networks SET name = 'held'"); err != nil {
		t.Fatal(err)
	}
	err = db.Tx(ctx, func(tx *Tx) error { return LockNetwork(tx, n.ID.String()) })
	if !errs.Is(err, errs.Unavailable) || !strings.Contains(err.Error(), "locked or changed by others for more than 4s") {
		t.Errorf("error %v", err)
	}
}

func testForeignDatabase(t *testing.T, server *storetest.MariaDB) {
	for table, part := range map[string]string{
		"alembic_version": "neutron-server or another OpenStack service (alembic_version)",
		"wp_posts":        "tables of another program (wp_posts",
	} {
		connection := server.New(t)
		root := storetest.Open(t, connection)
		if _, err := root.Exec("CREATE TABLE " + table + " (version_num VARCHAR(32))"); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(ctx, connection, Options{}); !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), part) {
			t.Errorf("error %v, want %s", err, part)
		}
		var tables int
		if err := root.QueryRow("SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE()").Scan(&tables); err != nil ||
			tables != 1 {
			t.Errorf("%d tables afterwards, %v", tables, err)
		}
	}
}

// testMigrationWasKilled has all of a migration's statements done and its version not yet written.
func testMigrationWasKilled(t *testing.T, server *storetest.MariaDB) {
	connection := server.New(t)
	db := open(t, connection)
	insertNetwork(t, db, newNetwork("p"))
	db.Close()
	if _, err := storetest.Open(t, connection).Exec("DELETE FROM goose_db_version WHERE version_id > 0"); err != nil {
		t.Fatal(err)
	}
	db = open(t, connection)
	if n := countNetworks(t, db); n != 1 {
		t.Errorf("%d networks", n)
	}
}

// testIndexes: no index is the beginning of another of its table, for it would be written with every row, and is of no use beside that. InnoDB has the
// primary key at the end of each.
func testIndexes(t *testing.T, server *storetest.MariaDB) {
	connection := server.New(t)
	open(t, connection)
	rows, err := storetest.Open(t, connection).Query(`SELECT i.table_name, i.index_name, MAX(i.non_unique),
			CONCAT(GROUP_CONCAT(i.column_name ORDER BY i.seq_in_index), ',', (SELECT GROUP_CONCAT(p.column_name ORDER BY p.seq_in_index)
				FROM information_schema.statistics p WHERE p.table_schema = DATABASE() AND p.table_name = i.table_name AND p.index_name = 'PRIMARY'), ',')
		FROM information_schema.statistics i WHERE i.table_schema = DATABASE() GROUP BY i.table_name, i.index_name`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	type index struct {
		name, columns string
		plain         bool
	}
	byTable := map[string][]index{}
	for rows.Next() {
		var table string
		var i index
		if err := rows.Scan(&table, &i.name, &i.plain, &i.columns); err != nil {
			t.Fatal(err)
		}
		byTable[table] = append(byTable[table], i)
	}
	if err := rows.Err(); err != nil || len(byTable) == 0 {
		t.Fatalf("%v, %d tables", err, len(byTable))
	}
	for table, indexes := range byTable {
		for _, a := range indexes {
			for _, b := range indexes {
				if a.plain && a.name != b.name && strings.HasPrefix(b.columns, a.columns) {
					t.Errorf("index %s of %s is the beginning of %s: %s, %s", a.name, table, b.name, a.columns, b.columns)
				}
			}
		}
	}
}

func testAccessDenied(t *testing.T, server *storetest.MariaDB) {
	connection := server.New(t)
	for wrong, part := range map[string]string{
		strings.Replace(connection, "neutron:", "neutron:x", 1):                  "does not accept the user and password",
		strings.Replace(connection, "localhost/neutron", "localhost/mysql_x", 1): "does not let this user use it",
		connection[:strings.Index(connection, "&unix")] + "&unix_socket=/no":     "cannot be reached",
		connection + "&ssl_verify_cert=true":                                     "cannot be ", // it has no certificate, or one of its own
	} {
		_, err := Open(ctx, wrong, Options{BusyTimeout: time.Millisecond})
		if err == nil || !strings.Contains(err.Error(), part) || !strings.Contains(err.Error(), "mysql database ") || strings.Contains(err.Error(), storetest.Password) {
			t.Errorf("error %v, want %s", err, part)
		}
	}
}

// testWaiting asks that a server that is away is waited for with one word to the log.
func testWaiting(t *testing.T, server *storetest.MariaDB) {
	connection := server.New(t)
	away := connection[:strings.Index(connection, "&unix")] + "&unix_socket=/no"
	var log bytes.Buffer
	_, err := Open(ctx, away, Options{BusyTimeout: 1100 * time.Millisecond, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err == nil || strings.Count(log.String(), "waiting for it") != 1 || strings.Contains(log.String(), storetest.Password) {
		t.Errorf("%v, and the log says %q", err, log.String())
	}
}

// testHolderDied: where a server is killed, another takes its place when the lease has run out, and the same comes back at once.
func testHolderDied(t *testing.T, server *storetest.MariaDB) {
	connection := server.New(t)
	db, root := open(t, connection), storetest.Open(t, connection)
	for name, expires := range map[string]string{"itself": "UTC_TIMESTAMP(6) + INTERVAL 1 HOUR", "another": "UTC_TIMESTAMP(6) + INTERVAL 1 SECOND"} {
		if _, err := root.Exec("REPLACE INTO midonet_leases (name, holder, expires_at) VALUES ('test', ?, "+expires+")", name); err != nil {
			t.Fatal(err)
		}
		ran := false
		if err := db.Alone(ctx, "test", "itself", func(context.Context) error { ran = true; return nil }); err != nil || !ran {
			t.Errorf("held by %s: ran %v, %v", name, ran, err)
		}
	}
	lost := make(chan struct{})
	short, cancel := context.WithCancel(ctx)
	defer cancel()
	err := db.Alone(short, "test", "itself", func(held context.Context) error {
		if _, err := root.Exec("UPDATE midonet_leases SET holder = 'thief'"); err != nil {
			t.Error(err)
		}
		<-held.Done()
		close(lost)
		cancel()
		return nil
	})
	<-lost
	if err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// testTables: both engines have the same tables and columns, or a migration was forgotten.
func testTables(t *testing.T, server *storetest.MariaDB) {
	var columns [2][]string
	for i, c := range []struct{ connection, query string }{
		{storetest.SQLite(t), `SELECT m.name || '.' || c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'
			AND m.name NOT IN ('goose_db_version', 'sqlite_sequence') ORDER BY 1`},
		{server.New(t), `SELECT CONCAT(table_name, '.', column_name) FROM information_schema.columns WHERE table_schema = DATABASE()
			AND table_name NOT IN ('goose_db_version', 'midonet_leases') ORDER BY 1`},
	} {
		open(t, c.connection)
		rows, err := storetest.Open(t, c.connection).Query(c.query)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var name string
			if err := rows.Scan(&name); err != nil {
				t.Fatal(err)
			}
			columns[i] = append(columns[i], name)
		}
		slices.Sort(columns[i])
	}
	if diff := cmp.Diff(columns[0], columns[1]); diff != "" || len(columns[0]) == 0 {
		t.Errorf("tables and columns (-SQLite +MariaDB):\n%s", diff)
	}
}

// TestWhatTheServerRefuses: errors that no test can bring a single server to.
func TestWhatTheServerRefuses(t *testing.T) {
	d := &mysqlDialect{config: mysql.NewConfig()}
	for number, c := range map[uint16]struct {
		transient bool
		part      string
	}{
		1213: {true, "text"},
		1205: {true, "text"},
		1047: {false, "Galera node that is not in the cluster"},
		1040: {true, "max_connections"},
		1290: {false, "read-only"},
		1114: {false, "full disk"},
		1146: {false, "text"},
	} {
		err := &mysql.MySQLError{Number: number, Message: "text"}
		if got := d.Explain(err); d.Transient(err) != c.transient || !strings.Contains(got.Error(), c.part) {
			t.Errorf("%d: transient %v, %v", number, d.Transient(err), got)
		}
	}
}

// testTablesOnDisk: to read resources makes the server write no tables to its disk, which would cost more than to read a few (see Concat). For
// the rules of a security group, of which there may be hundreds, that is the cheaper way.
func testTablesOnDisk(t *testing.T, server *storetest.MariaDB) {
	db := open(t, server.New(t))
	manyPorts(t, db, 1)
	err := db.Read(ctx, func(q Querier) error {
		made := func() (n int) {
			var name string
			if err := q.QueryRow("SHOW SESSION STATUS LIKE 'Created_tmp_disk_tables'").Scan(&name, &n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		for _, resource := range lists {
			before := made()
			if err := resource.list(q, plugin.Query{}); err != nil {
				return err
			}
			want := 0
			if resource.definition.Name == apidef.SecurityGroups().Name {
				want = 1
			}
			if n := made() - before; n != want {
				t.Errorf("%s: %d tables, want %d", resource.definition.Collection, n, want)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// testNoMoreStatements: a server that keeps no more compiled statements (max_prepared_stmt_count, of all its clients together) is asked without.
func testNoMoreStatements(t *testing.T, server *storetest.MariaDB) {
	connection := server.New(t)
	db := open(t, connection)
	root := storetest.Open(t, connection)
	limit := func(n int) {
		if _, err := root.Exec(fmt.Sprint("SET GLOBAL max_prepared_stmt_count = ", n)); err != nil {
			t.Fatal(err)
		}
	}
	limit(0)
	defer limit(16382)
	for want := 1; want <= 3; want++ { // compiled, it would be from the second time on
		insertNetwork(t, db, newNetwork("p"))
		if n := countNetworks(t, db); n != want {
			t.Errorf("%d networks, want %d", n, want)
		}
	}
}
