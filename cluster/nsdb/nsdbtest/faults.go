package nsdbtest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/topology"
)

// recovery is how long the fault tests wait for a cluster to go on by itself.
const recovery = 3 * time.Minute

// Cluster is the members of an engine, by number, as package servers runs them.
type Cluster interface {
	Size() int
	Leader() int
	Kill(i int)     // power off
	Start(i int)    // power on again
	Stop(i int)     // no answer, and connections stay open
	Continue(i int) // undoes Stop
	AwaitAll()
}

// Faults tests an engine of several members while they fail. open returns a new store on the data named; stores with one name share
// it. away is how long the tests keep all members away.
func Faults(t *testing.T, c Cluster, away time.Duration, open func(t *testing.T, name string) nsdb.Store) {
	for _, f := range []struct {
		name   string
		inject func(*crowd)
	}{
		{"the leader is killed", func(w *crowd) {
			leader := c.Leader()
			c.Kill(leader)
			w.awaitWrites(30)
			c.Start(leader)
		}},
		{"a follower is killed", func(w *crowd) {
			follower := (c.Leader() + 1) % c.Size()
			c.Kill(follower)
			w.awaitWrites(30)
			c.Start(follower)
		}},
		{"the leader is cut off", func(w *crowd) {
			leader := c.Leader()
			c.Stop(leader)
			w.awaitWrites(30)
			c.Continue(leader)
		}},
		{"a follower is cut off", func(w *crowd) {
			follower := (c.Leader() + 1) % c.Size()
			c.Stop(follower)
			w.awaitWrites(30)
			c.Continue(follower)
		}},
		{"all members are away for a while", func(w *crowd) {
			for i := range c.Size() {
				c.Kill(i)
			}
			time.Sleep(away) // is the length of the fault
			for i := range c.Size() {
				c.Start(i)
			}
		}},
	} {
		t.Run(f.name, func(t *testing.T) {
			c.AwaitAll()
			w := newCrowd(t, func() nsdb.Store { return open(t, f.name) })
			w.awaitWrites(30)
			f.inject(w)
			c.AwaitAll()
			w.awaitWrites(30)
			w.stopAndCheck()
		})
	}
}

// crowd is several processes' stores at work on the same data.
type crowd struct {
	t       *testing.T
	stores  []nsdb.Store
	writers sync.WaitGroup
	stop    context.CancelFunc

	watchers sync.WaitGroup
	copies   []*copied // what each store's watcher was shown

	mu      sync.Mutex
	written map[topology.Key]nsdb.Revision // what Updates that returned no error have put
	arrived chan struct{}                  // has a token when written has grown
}

// counter is incremented by every step, together with an object that only that step puts.
var counter = &topology.Progress{Journal: "counter"}

// newCrowd starts writers, each with a store of its own, and an owner of a lease who goes on renewing it.
func newCrowd(t *testing.T, open func() nsdb.Store) *crowd {
	w := &crowd{t: t, written: map[topology.Key]nsdb.Revision{}, arrived: make(chan struct{}, 1)}
	ctx, cancel := context.WithCancel(t.Context())
	w.stop = cancel
	for range 3 {
		store := open()
		t.Cleanup(func() { store.Close() })
		w.stores = append(w.stores, store)
		seen := &copied{t: t, steps: map[topology.Key]nsdb.Revision{}}
		w.copies = append(w.copies, seen)
		seen.start(store)
	}
	for i, store := range w.stores {
		w.watchers.Go(func() { w.copies[i].follow(store) })
		w.writers.Go(func() { w.write(ctx, store, i) })
	}
	w.writers.Go(func() { w.holdLease(ctx, w.stores[0]) })
	t.Cleanup(func() {
		cancel()
		w.writers.Wait()
	})
	return w
}

// write puts numbered objects until ctx ends. Of an Update that failed nobody knows what became; its object is not put again.
func (w *crowd) write(ctx context.Context, store nsdb.Store, who int) {
	for n := 0; ctx.Err() == nil; n++ {
		o := bridge(fmt.Sprintf("writer %d object %d", who, n))
		rev, err := store.Update(ctx, func(tx nsdb.Tx) error { return count(tx, o) })
		if err != nil {
			w.t.Logf("writer %d, object %d: %v", who, n, err)
			continue
		}
		w.mu.Lock()
		w.written[o.Key()] = rev
		w.mu.Unlock()
		select {
		case w.arrived <- struct{}{}:
		default:
		}
	}
}

func count(tx nsdb.Tx, o topology.Object) error {
	next := *counter
	stored, err := tx.Get(counter.Key())
	if err != nil {
		return err
	}
	if stored != nil {
		next = *stored.(*topology.Progress)
	}
	next.Applied++
	tx.Put(&next)
	tx.Put(o)
	return nil
}

// leased is held by a lease as long as those of agents, which is shorter than some of the faults, and is renewed whenever the engine
// answers.
var leased = bridge("leased")

func (w *crowd) holdLease(ctx context.Context, store nsdb.Store) {
	lease, err := store.Grant(ctx, 10*time.Second)
	if err == nil {
		_, err = store.Update(ctx, func(tx nsdb.Tx) error { tx.PutLeased(leased, lease); return nil })
	}
	if err != nil {
		w.t.Errorf("taking a lease: %v", err)
		return
	}
	for tick := time.NewTicker(time.Second / 2); ctx.Err() == nil; {
		if err := lease.Renew(ctx); err != nil && ctx.Err() == nil {
			w.t.Logf("renewing: %v", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

// awaitWrites waits until n more Updates have succeeded.
func (w *crowd) awaitWrites(n int) {
	w.t.Helper()
	want := w.count() + n
	for deadline := time.After(recovery); w.count() < want; {
		select {
		case <-w.arrived:
		case <-deadline:
			w.t.Fatalf("%d Updates succeeded, want %d", w.count(), want)
		}
	}
}

func (w *crowd) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.written)
}

// end is put last.
var end = bridge("end")

// stopAndCheck ends the writers and compares what they were told, what is stored, and what the watchers were shown.
func (w *crowd) stopAndCheck() {
	w.t.Helper()
	w.stop()
	w.writers.Wait()
	store := w.stores[1]
	if _, err := store.Update(w.t.Context(), func(tx nsdb.Tx) error { return count(tx, end) }); err != nil {
		w.t.Fatal(err)
	}
	w.watchers.Wait()
	snapshot, err := store.View(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	if snapshot.Objects[leased.Key()] == nil {
		w.t.Error("the lease ended although its owner renewed it whenever that was possible")
	}
	puts := uint64(len(snapshot.Objects) - 2) // less the counter and the leased object
	if got := snapshot.Objects[counter.Key()].(*topology.Progress).Applied; got != puts {
		w.t.Errorf("the counter says that %d steps were made, and they put %d objects", got, puts)
	}
	for _, seen := range w.copies {
		w.check(seen, snapshot)
	}
	w.t.Logf("%d acknowledged of %d made", len(w.written), puts)
}

// check compares what a watcher was shown with what is stored and what was acknowledged.
func (w *crowd) check(seen *copied, snapshot *nsdb.Snapshot) {
	w.t.Helper()
	if diff := cmp.Diff(snapshot.Objects, seen.objects); diff != "" {
		w.t.Errorf("a watcher has another state than the store (-store +watcher):\n%s", diff)
	}
	for key, rev := range w.written {
		if seen.steps[key] != rev {
			w.t.Errorf("%v was acknowledged as of revision %d; a watcher saw it at %d (0: never)", key, rev, seen.steps[key])
		}
	}
}

// copied is what one watcher was shown.
type copied struct {
	t       *testing.T
	at      nsdb.Revision
	objects map[topology.Key]topology.Object
	steps   map[topology.Key]nsdb.Revision // that put each object
}

// start takes the view, which must be before anybody writes for every step to be seen.
func (c *copied) start(store nsdb.Store) {
	snapshot, err := store.View(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	c.at, c.objects = snapshot.Revision, snapshot.Objects
}

// follow applies steps until the last one, each of which must move the counter by one.
func (c *copied) follow(store nsdb.Store) {
	ctx, cancel := context.WithTimeout(c.t.Context(), 4*recovery)
	defer cancel()
	steps, failure := store.Watch(ctx, c.at)
	for step := range steps {
		if step.Revision <= c.at {
			c.t.Errorf("step %d came after %d", step.Revision, c.at)
		}
		c.at = step.Revision
		before := c.applied()
		apply(c.objects, step)
		for _, o := range step.Puts {
			c.steps[o.Key()] = step.Revision
		}
		if counted := c.steps[counter.Key()] == step.Revision; counted && c.applied() != before+1 {
			c.t.Errorf("step %d moves the counter from %d to %d", step.Revision, before, c.applied())
		}
		if c.objects[end.Key()] != nil {
			return
		}
	}
	c.t.Errorf("the watch ended: %v", failure())
}

func (c *copied) applied() uint64 {
	if o := c.objects[counter.Key()]; o != nil {
		return o.(*topology.Progress).Applied
	}
	return 0
}
