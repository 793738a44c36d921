package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"midonet.org/midonet/neutron/store"
	"midonet.org/midonet/neutron/store/storetest"
)

var ctx = context.Background()

// never is a time that no test lasts.
const never = time.Hour

func TestAgainOnMariaDB(t *testing.T) { storetest.AgainOnMariaDB(t) }

func TestAgainOnGalera(t *testing.T) {
	storetest.AgainOnGalera(t, "TestALateCommitIsNotSkipped|TestTransactionsOfTwoServersInterleave")
}

func open(t *testing.T, connection string) (*store.DB, *Journal) {
	t.Helper()
	db, err := store.Open(ctx, connection, store.Options{BusyTimeout: storetest.Patience})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db, New(db)
}

func task(resource string) Task {
	return Task{
		Type: Create, DataType: Network, ResourceID: resource, ProjectID: "p", TransactionID: "req-1",
		Data: json.RawMessage(`{"id":"` + resource + `"}`), CreatedAt: time.Date(2026, 11, 23, 1, 2, 3, 0, time.UTC),
	}
}

func add(j *Journal, tx *store.Tx, t Task) error {
	_, err := j.Append(tx, t)
	return err
}

func appendTask(t *testing.T, db *store.DB, j *Journal, resource string) {
	t.Helper()
	if err := db.Tx(ctx, func(tx *store.Tx) error { return add(j, tx, task(resource)) }); err != nil {
		t.Fatal(err)
	}
}

func pending(t *testing.T, j *Journal) []Task {
	t.Helper()
	tasks, err := j.Pending(ctx, 100)
	if err != nil {
		t.Fatal(err)
	}
	return tasks
}

func resources(tasks []Task) []string {
	var names []string
	for _, task := range tasks {
		names = append(names, task.ResourceID)
	}
	return names
}

func TestATaskComesBackAsItWasAppended(t *testing.T) {
	db, j := open(t, storetest.New(t))
	appendTask(t, db, j, "a")
	got := pending(t, j)
	want := task("a")
	want.ID = 1
	if len(got) != 1 || fmt.Sprint(got[0]) != fmt.Sprint(want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
}

func TestATaskOfAFailedTransactionIsNotThere(t *testing.T) {
	db, j := open(t, storetest.New(t))
	refused := errors.New("refused")
	err := db.Tx(ctx, func(tx *store.Tx) error { return errors.Join(add(j, tx, task("a")), refused) })
	if !errors.Is(err, refused) || len(pending(t, j)) != 0 {
		t.Errorf("error %v, tasks %v", err, pending(t, j))
	}
	j.poll = never
	short, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
	defer cancel()
	if err := j.Wait(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Wait was woken for nothing: %v", err)
	}
}

// TestALateTaskIsNotSkipped commits tasks in another order than that of their numbers, as databases do whose writers do not wait for
// each other: a transaction takes number 1 and is slow, another takes number 2, commits, and is drained. SQLite has one writer at a
// time and so cannot be brought to it by transactions; the late task is inserted with its lower number. TestALateCommitIsNotSkipped
// does it with transactions.
func TestALateTaskIsNotSkipped(t *testing.T) {
	db, j := open(t, storetest.New(t))
	insert := func(number int64, resource string) {
		err := db.Tx(ctx, func(tx *store.Tx) error {
			_, err := tx.Exec(`INSERT INTO midonet_tasks (id, type, data_type, data, resource_id, project_id, transaction_id, created_at)
				VALUES (?, 'CREATE', 'NETWORK', '', ?, '', '', '2026-11-23T01:02:03Z')`, number, resource)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	insert(2, "early")
	insert(4, "behind a gap")
	drained := pending(t, j)
	insert(1, "late") // commits after 2 and 4 were read and before they are done
	if err := j.Done(ctx, []int64{drained[0].ID, drained[1].ID}, Mark{}); err != nil {
		t.Fatal(err)
	}
	insert(3, "later still")
	if got := resources(pending(t, j)); !slices.Equal(got, []string{"late", "later still"}) {
		t.Errorf("left to drain: %v", got)
	}
	if err := j.Done(ctx, []int64{1, 2, 3}, Mark{}); err != nil { // 2 is gone already
		t.Fatal(err)
	}
	if got := pending(t, j); len(got) != 0 {
		t.Errorf("left to drain: %v", got)
	}
	appendTask(t, db, j, "next")
	if got := pending(t, j); got[0].ID != 5 {
		t.Errorf("number %d; a number that was used must not come back", got[0].ID)
	}
}

// TestALateCommitIsNotSkipped holds a transaction open that has its number, while others get the next ones, commit, and are drained.
func TestALateCommitIsNotSkipped(t *testing.T) {
	storetest.OnMariaDB(t)
	servers := storetest.Servers(storetest.New(t), 2)
	db1, j1 := open(t, servers[0])
	db2, j2 := open(t, servers[1])
	appended, release, late := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		late <- db1.Tx(ctx, func(tx *store.Tx) error {
			err := add(j1, tx, task("late"))
			close(appended)
			<-release
			return err
		})
	}()
	<-appended
	const count = 3
	var ids []int64
	for range count {
		appendTask(t, db2, j2, "early")
	}
	early := pending(t, j1)
	for _, task := range early {
		ids = append(ids, task.ID)
	}
	if len(early) != count || early[0].ResourceID != "early" {
		t.Fatalf("visible are %v", resources(early))
	}
	if err := j1.Done(ctx, ids, Mark{}); err != nil { // it does not wait for the other
		t.Fatal(err)
	}
	close(release)
	if err := <-late; err != nil {
		t.Fatal(err)
	}
	left := pending(t, j2)
	if len(left) != 1 || left[0].ResourceID != "late" {
		t.Fatalf("left to drain: %v", resources(left))
	}
	if left[0].ID >= early[0].ID {
		t.Errorf("the late task has number %d, the early one %d: nothing was out of order", left[0].ID, early[0].ID)
	}
}

// TestTransactionsOfTwoServersInterleave has two servers, each with several clients, change a few resources again and again, each
// transaction writing the resource's row before it appends, and dawdling. The tasks of each resource, as they are drained meanwhile, tell
// its history: each carries the row's next value.
func TestTransactionsOfTwoServersInterleave(t *testing.T) {
	servers := storetest.Servers(storetest.New(t), 2)
	db1, j1 := open(t, servers[0])
	db2, j2 := open(t, servers[1])
	const clients, each, counters = 4, 15, 3
	if err := db1.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(`CREATE TABLE counters (id INTEGER NOT NULL PRIMARY KEY, n INTEGER NOT NULL)`)
		for i := range counters {
			if err == nil {
				_, err = tx.Exec(`INSERT INTO counters VALUES (?, 0)`, i)
			}
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	for range clients {
		for _, s := range []struct {
			db *store.DB
			j  *Journal
		}{{db1, j1}, {db2, j2}} {
			running.Go(func() {
				for range each {
					if err := count(s.db, s.j, rand.IntN(counters)); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
	}
	ended := make(chan struct{})
	go func() { running.Wait(); close(ended) }()
	checkHistories(t, drainUntil(t, j1, ended), 2*clients*each)
}

// count changes a counter and appends a task that carries its name and value.
func count(db *store.DB, j *Journal, counter int) error {
	return db.Tx(ctx, func(tx *store.Tx) error {
		if _, err := tx.Exec(`UPDATE counters SET n = n + 1 WHERE id = ?`, counter); err != nil {
			return err
		}
		var n int
		if err := tx.QueryRow(`SELECT n FROM counters WHERE id = ?`, counter).Scan(&n); err != nil {
			return err
		}
		dawdle()
		t := task(fmt.Sprint(counter))
		t.Data = json.RawMessage(fmt.Sprint(n))
		err := add(j, tx, t)
		dawdle()
		return err
	})
}

// dawdle lets others overtake.
func dawdle() { time.Sleep(time.Duration(rand.IntN(2000)) * time.Microsecond) }

// drainUntil drains until the writers have ended and nothing is left.
func drainUntil(t *testing.T, j *Journal, ended <-chan struct{}) (drained []Task) {
	t.Helper()
	for last := false; ; {
		tasks := pending(t, j)
		if last && len(tasks) == 0 {
			return drained
		}
		var ids []int64
		for _, task := range tasks {
			drained, ids = append(drained, task), append(ids, task.ID)
		}
		if err := j.Done(ctx, ids, Mark{}); err != nil {
			t.Fatal(err)
		}
		select {
		case <-ended:
			last = true
		default:
		}
	}
}

func checkHistories(t *testing.T, drained []Task, want int) {
	t.Helper()
	next, overtaken, highest := map[string]int{}, 0, int64(0)
	for _, task := range drained {
		next[task.ResourceID]++
		if string(task.Data) != fmt.Sprint(next[task.ResourceID]) {
			t.Fatalf("change %d of counter %s carries %s", next[task.ResourceID], task.ResourceID, task.Data)
		}
		if task.ID < highest {
			overtaken++
		}
		highest = max(highest, task.ID)
	}
	if len(drained) != want {
		t.Errorf("%d tasks were drained, want %d", len(drained), want)
	}
	t.Logf("%d of %d tasks came after one with a higher number", overtaken, len(drained))
}

func TestWaitIsWokenByAnAppend(t *testing.T) {
	db, j := open(t, storetest.New(t))
	j.poll = never
	appendTask(t, db, j, "a")
	appendTask(t, db, j, "b")
	if err := j.Wait(ctx); err != nil {
		t.Error(err)
	}
	woken := make(chan error, 1)
	go func() { woken <- j.Wait(ctx) }()
	appendTask(t, db, j, "c")
	if err := <-woken; err != nil {
		t.Error(err)
	}
}

// TestWaitSeesAnotherProcess: an append through another handle gives no signal, and is found after a while.
func TestWaitSeesAnotherProcess(t *testing.T) {
	connection := storetest.New(t)
	db, other := open(t, connection)
	_, j := open(t, connection)
	appendTask(t, db, other, "a")
	if err := j.Wait(ctx); err != nil {
		t.Error(err)
	}
	if len(pending(t, j)) != 1 {
		t.Error("the task is not there")
	}
}

func TestIdentityStays(t *testing.T) {
	connection := storetest.New(t)
	db, j := open(t, connection)
	first, err := j.Identity(ctx)
	if err != nil || len(first) != 32 {
		t.Fatalf("identity %q, %v", first, err)
	}
	db.Close()
	_, j = open(t, connection)
	if again, err := j.Identity(ctx); err != nil || again != first {
		t.Errorf("identity %q, then %q, %v", first, again, err)
	}
	_, j = open(t, storetest.New(t))
	if other, err := j.Identity(ctx); err != nil || other == first {
		t.Errorf("another database has the same identity, %v", err)
	}
}
