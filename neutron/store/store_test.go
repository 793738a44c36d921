package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pressly/goose/v3"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/store/storetest"
)

var ctx = context.Background()

func TestAgainOnMariaDB(t *testing.T) { storetest.AgainOnMariaDB(t) }

func open(t testing.TB, connection string) *DB {
	t.Helper()
	db, err := Open(ctx, connection, Options{BusyTimeout: storetest.Patience})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func openNew(t testing.TB) *DB {
	t.Helper()
	return open(t, storetest.New(t))
}

var someTime = model.At(time.Date(2026, 11, 23, 1, 2, 3, 0, time.UTC))

func newNetwork(project string) *model.Network {
	return &model.Network{
		ID: id.New[model.Network](), Status: model.StatusActive, NetworkType: "midonet", MTU: 1450,
		Standard: model.Standard{ProjectID: project, CreatedAt: someTime, UpdatedAt: someTime, RevisionNumber: 1},
	}
}

// insertNetwork stores a network in a transaction of its own.
func insertNetwork(t testing.TB, db *DB, n *model.Network) {
	t.Helper()
	if err := db.Tx(ctx, func(tx *Tx) error { return InsertNetwork(tx, n) }); err != nil {
		t.Fatal(err)
	}
}

// countNetworks reads as another process would.
func countNetworks(t testing.TB, db *DB) int {
	t.Helper()
	var n int
	err := db.Read(ctx, func(q Querier) error { return q.QueryRow("SELECT count(*) FROM networks").Scan(&n) })
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestConnectionURLs(t *testing.T) {
	for _, c := range []struct {
		url  string
		kind errs.Kind
		part string
	}{
		{"neutron.db", errs.Invalid, "is not a URL"},
		{"sqlite://", errs.Invalid, "sqlite needs a file"},
		{"sqlite:///:memory:", errs.Invalid, "sqlite needs a file"},
		{"postgresql://h/db", errs.Invalid, `unknown engine "postgresql"`},
		{"sqlite:////nowhere/at/all.db", errs.Invalid, "/nowhere/at/all.db"},
	} {
		_, err := Open(ctx, c.url, Options{})
		if errs.KindOf(err) != c.kind || err == nil || !strings.Contains(err.Error(), c.part) {
			t.Errorf("%s: %v", c.url, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error tells the password: %v", c.url, err)
		}
	}
	t.Chdir(t.TempDir())
	db, err := Open(ctx, "sqlite:///relative.db", Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if info, err := os.Stat("relative.db"); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file: %v, %v", info, err)
	}
}

// TestADamagedFileIsNamed damages a database in different ways. Each is found when it is opened, and the error tells the file, the
// cause and what to do.
func TestADamagedFileIsNamed(t *testing.T) {
	storetest.OnSQLite(t)
	for name, damage := range map[string]func([]byte) []byte{
		"another kind of file":  func([]byte) []byte { return bytes.Repeat([]byte("not a database\n"), 1000) },
		"overwritten in part":   func(b []byte) []byte { clear(b[4096:12288]); return b },
		"cut short":             func(b []byte) []byte { return b[:len(b)/2] },
		"header overwritten":    func(b []byte) []byte { clear(b[:100]); return b },
		"noise in every page 4": func(b []byte) []byte { copy(b[3*4096:], bytes.Repeat([]byte{0xa5}, 4096)); return b },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "neutron.db")
			db := open(t, "sqlite:///"+path)
			for range 100 {
				insertNetwork(t, db, newNetwork("p"))
			}
			db.Close()
			whole, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, damage(whole), 0o600); err != nil {
				t.Fatal(err)
			}
			db, err = Open(ctx, "sqlite:///"+path, Options{})
			if err == nil {
				db.Close()
				t.Fatal("opened without complaint")
			}
			for _, part := range []string{path, "is damaged or is not an SQLite database (", "restore the file from a backup"} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not say %q", err, part)
				}
			}
		})
	}
}

func TestANewerSchemaIsRefused(t *testing.T) {
	connection := storetest.New(t)
	db := open(t, connection)
	if err := db.Tx(ctx, func(tx *Tx) error {
		_, err := tx.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	db.Close()
	if _, err := Open(ctx, connection, Options{}); err == nil || !strings.Contains(err.Error(), "schema version 99999") ||
		!strings.Contains(err.Error(), "put back a dump") {
		t.Errorf("error %v", err)
	}
}

// TestMigrationIsOneLine asks that a first start does not fill the log.
func TestMigrationIsOneLine(t *testing.T) {
	var log bytes.Buffer
	db, err := Open(ctx, storetest.New(t), Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	db.Close()
	if strings.Count(log.String(), "\n") != 1 || !strings.Contains(log.String(), `msg="database migrated"`) || !strings.Contains(log.String(), "from=0 to=") {
		t.Errorf("the log says %q", log.String())
	}
}

func TestSchemaOf(t *testing.T) {
	connection := storetest.New(t)
	look := func() Schema {
		t.Helper()
		s, err := SchemaOf(ctx, connection)
		if err != nil {
			t.Error(err)
		}
		return s
	}
	for range 2 { // the first look has not made it
		if s := look(); s.Has != 0 || s.Wants == 0 || strings.Contains(s.Location, storetest.Password) {
			t.Errorf("%+v of a new database", s)
		}
	}
	open(t, connection)
	if s := look(); s.Has != s.Wants {
		t.Errorf("%+v of one that is open", s)
	}
}

// TestManyOpenANewDatabaseAtOnce: one migrates, the others wait for it.
func TestManyOpenANewDatabaseAtOnce(t *testing.T) {
	connection := storetest.New(t)
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			db, err := Open(ctx, connection, Options{BusyTimeout: storetest.Patience})
			if err != nil {
				t.Error(err)
				return
			}
			db.Close()
		})
	}
	wg.Wait()
}

func TestConstraintsAreNamed(t *testing.T) {
	db := openNew(t)
	n := newNetwork("p")
	insertNetwork(t, db, n)
	port := func() *model.Port {
		return &model.Port{ID: id.New[model.Port](), NetworkID: n.ID, MACAddress: [6]byte{2}, Standard: n.Standard}
	}
	subnet := &model.Subnet{ID: id.New[model.Subnet](), NetworkID: n.ID, Standard: n.Standard}
	first := port()
	err := db.Tx(ctx, func(tx *Tx) error {
		return errors.Join(InsertPort(tx, first), InsertSubnet(tx, subnet), TouchNetwork(tx, n.ID, someTime),
			InsertAllocation(tx, first.ID, model.FixedIP{SubnetID: subnet.ID, IPAddress: addr("10.0.0.1")}, 0))
	})
	if err != nil {
		t.Fatal(err)
	}
	orphan := port()
	orphan.NetworkID = model.NetworkID{1}
	for _, c := range []struct {
		want Constraint
		fn   func(*Tx) error
	}{
		{UniqueID, func(tx *Tx) error { return InsertNetwork(tx, n) }},
		{UniqueMAC, func(tx *Tx) error { return InsertPort(tx, port()) }},
		{Reference, func(tx *Tx) error { return InsertPort(tx, orphan) }},
		{Reference, func(tx *Tx) error { return DeleteNetwork(tx, n.ID) }},
		{Reference, func(tx *Tx) error { return DeleteSubnet(tx, subnet.ID) }},
		{UniqueAddress, func(tx *Tx) error {
			return InsertAllocation(tx, first.ID, model.FixedIP{SubnetID: subnet.ID, IPAddress: addr("10.0.0.1")}, 1)
		}},
	} {
		if err := db.Tx(ctx, c.fn); !Violates(err, c.want) {
			t.Errorf("error %v, want a violation of %s", err, c.want)
		}
	}
}

// TestAChangedRowIsReadAgain: a transaction whose row was changed after it had read it runs once more.
func TestAChangedRowIsReadAgain(t *testing.T) {
	db := openNew(t)
	n := newNetwork("p")
	insertNetwork(t, db, n)
	runs := 0
	err := db.Tx(ctx, func(tx *Tx) error {
		runs++
		got, err := Network(tx, n.ID.String(), Scope{})
		if err != nil {
			return err
		}
		if runs == 1 {
			got.RevisionNumber-- // as if it had been read before someone else's change
		}
		got.Name = "changed"
		return UpdateNetwork(tx, got)
	})
	if err != nil || runs != 2 {
		t.Fatalf("%d runs, %v", runs, err)
	}
	err = db.Tx(ctx, func(tx *Tx) error {
		n.RevisionNumber = 77 // always wrong
		return UpdateNetwork(tx, n)
	})
	if !errs.Is(err, errs.Conflict) {
		t.Errorf("error %v, want a conflict after so many attempts", err)
	}
}

func TestNotFound(t *testing.T) {
	db := openNew(t)
	err := db.Read(ctx, func(q Querier) error {
		_, err := Network(q, "no-such-id", Scope{})
		return err
	})
	if !errors.Is(err, ErrNotFound) {
		t.Errorf("error %v", err)
	}
	page, err := listNetworks(db, plugin.Query{})
	if err != nil || len(page) != 0 {
		t.Errorf("%v, %v", page, err)
	}
}

// TestAgree: whoever says the same is let in, whoever says something else is not, until nobody says the first any more.
func TestAgree(t *testing.T) {
	connection := storetest.New(t)
	one, other := open(t, connection), open(t, connection)
	agree := func(db *DB, word string) (end func()) {
		t.Helper()
		a, err := db.Agree(ctx, "test", word)
		if err != nil {
			t.Fatal(err)
		}
		saying, cancel := context.WithCancel(ctx)
		ended := make(chan error)
		go func() { ended <- a.Keep(saying) }()
		return func() {
			cancel()
			if err := <-ended; !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			a.Release()
		}
	}
	first, second := agree(one, "yes"), agree(other, "yes")
	first()
	var no *DisagreementError
	if _, err := one.Agree(ctx, "test", "no"); !errors.As(err, &no) || no.Other != "yes" {
		t.Errorf("error %v, want one that names the other's word", err)
	}
	second()
	agree(one, "no")()
}

// TestAlone: one at a time does what only one may do, and the next begins when it ends.
func TestAlone(t *testing.T) {
	connection := storetest.New(t)
	var wg sync.WaitGroup
	var inside, times atomic.Int64
	for i := range 3 {
		db := open(t, connection)
		wg.Go(func() {
			err := db.Alone(ctx, "test", fmt.Sprint("server", i), func(context.Context) error {
				if n := inside.Add(1); n != 1 {
					t.Errorf("%d at once", n)
				}
				time.Sleep(5 * time.Millisecond)
				inside.Add(-1)
				times.Add(1)
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if times.Load() != 3 {
		t.Errorf("%d of 3 had their turn", times.Load())
	}
	holder, db := open(t, connection), open(t, connection)
	err := holder.Alone(ctx, "test", "holder", func(context.Context) error {
		short, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
		defer cancel()
		return db.Alone(short, "test", "other", func(context.Context) error { t.Error("two at once"); return nil })
	})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}

// TestNetworksKeepTheirType: a database of before has it in another table.
func TestNetworksKeepTheirType(t *testing.T) {
	connection := storetest.New(t)
	d, err := dialectOf(connection)
	if err != nil {
		t.Fatal(err)
	}
	unlock, err := d.LockSchema(ctx, time.Minute, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	files, err := fs.Sub(migrations, "migrations/"+d.Name())
	if err != nil {
		t.Fatal(err)
	}
	raw := storetest.Open(t, connection)
	before, err := goose.NewProvider(d.Goose(), raw, files, goose.WithDisableGlobalRegistry(true))
	if err == nil {
		_, err = before.UpTo(ctx, 81)
	}
	unlock()
	if err != nil {
		t.Fatal(err)
	}
	types := map[model.NetworkID]string{}
	for _, kind := range []string{"midonet", "uplink"} {
		n := newNetwork("p")
		types[n.ID] = kind
		_, err := raw.Exec(`INSERT INTO networks (id, project_id, description, created_at, updated_at, revision_number, name, admin_state_up, status,
			external, mtu, availability_zone_hints, dns_domain) VALUES (?, 'p', '', '2026-11-23T01:02:03Z', '2026-11-23T01:02:03Z', 1, '', 1, 'ACTIVE', 0, 1450, '[]', '')`,
			n.ID.String())
		if err == nil {
			_, err = raw.Exec(`INSERT INTO networksegments (network_id, segment_index, network_type) VALUES (?, 0, ?)`, n.ID.String(), kind)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	networks, err := Read(ctx, open(t, connection), func(q Querier) ([]*model.Network, error) { return ListNetworks(q, Scope{}, plugin.Query{}) })
	if err != nil || len(networks) != len(types) {
		t.Fatalf("%d networks, %v", len(networks), err)
	}
	for _, n := range networks {
		if n.NetworkType != types[n.ID] || n.PhysicalNetwork != nil || n.SegmentationID != nil {
			t.Errorf("a network of type %s became %+v", types[n.ID], n)
		}
	}
}
