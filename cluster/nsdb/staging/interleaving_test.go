package staging

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/topology"
)

type objects = map[topology.Key]topology.Object

// TestEveryInterleavingAndCrash makes large changes of which each step of the engine may be preceded by what others do: small Updates, a
// large change that supersedes this one, new processes that know nothing, new watches. The process may die at any step, before it or
// after it. Whatever happens, others see the old objects or the new ones, whole; their Updates read what they see; a watch shows
// nothing else; and in the end nothing is left over.
func TestEveryInterleavingAndCrash(t *testing.T) {
	engine := embedded(t)
	rapid.Check(t, func(rt *rapid.T) {
		empty(t, engine)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		w := &world{T: rt, ctx: ctx, engine: engine, other: quick(engine), history: []objects{{}}}
		w.follow()
		for range rapid.IntRange(1, 3).Draw(rt, "changes") {
			w.change()
		}
		w.settle()
	})
}

// errDied is what a process gets that no longer exists, errDisagrees what a Guard says.
var (
	errDied      = errors.New("died")
	errDisagrees = errors.New("the guard does not agree")
)

// world is one engine with a process that makes large changes, another that does everything else, and what is to be seen.
type world struct {
	*rapid.T
	ctx     context.Context
	engine  nsdb.Store
	other   *Store
	history []objects // everything that was to be seen, in order; the last is what is to be seen now
	pending objects   // the writes of the large change under way, until it is made; nil deletes
	changes uint64    // how many were begun
	rivals  int       // how many large changes of the other process came in between
	readers []*reader
}

func (w *world) now() objects { return w.history[len(w.history)-1] }

func (w *world) becomes(writes objects) {
	next := maps.Clone(w.now())
	apply(next, writes)
	if !cmp.Equal(next, w.now()) {
		w.history = append(w.history, next)
	}
}

func apply(to, writes objects) {
	for key, o := range writes {
		if o == nil {
			delete(to, key)
		} else {
			to[key] = o
		}
	}
}

// quick returns a store whose parts are small, and which has no patience: nobody is slow here but the dead.
func quick(engine nsdb.Store) *Store {
	s := Over(engine)
	s.partObjects, s.patience, s.writers = 2, 0, 1
	return s
}

// mortal is an engine as a process has it that dies at one of its Updates.
type mortal struct {
	nsdb.Store
	w     *world
	lives int  // Updates to go
	late  bool // it dies after the last one, so that nobody tells it what became of that
	alone bool // nobody comes in between its Updates
}

func (m *mortal) Update(ctx context.Context, fn func(nsdb.Tx) error) (nsdb.Revision, error) {
	if m.lives < 0 || m.lives == 0 && !m.late {
		m.lives = -1
		return 0, errDied
	}
	if !m.alone {
		m.w.interfere()
	}
	rev, err := m.Store.Update(ctx, fn)
	if m.lives--; m.lives < 0 {
		return 0, errDied
	}
	return rev, err
}

// draft returns a large change that everybody can tell from what was before, and its writes with those of its Guard.
func (w *world) draft(agrees bool) (nsdb.LargeChange, objects) {
	c := nsdb.LargeChange{Writes: rapid.Custom(drawWrites(12)).Draw(w.T, "writes")}
	w.changes++
	progress := &topology.Progress{Journal: "j", Applied: w.changes}
	c.Guard = func(tx nsdb.Tx) error {
		if !agrees {
			return errDisagrees
		}
		tx.Put(progress)
		return nil
	}
	all := maps.Clone(c.Writes)
	all[progress.Key()] = progress
	return c, all
}

// change makes one large change.
func (w *world) change() {
	m := &mortal{Store: w.engine, w: w, lives: rapid.IntRange(0, 40).Draw(w.T, "lives"), late: rapid.Bool().Draw(w.T, "late")}
	agrees := rapid.IntRange(0, 5).Draw(w.T, "agrees") > 0
	c, writes := w.draft(agrees)
	w.pending, w.rivals = writes, 0
	_, err := quick(m).UpdateLarge(w.ctx, c)
	w.look()
	made := w.pending == nil
	switch {
	case err == nil && made:
	case errors.Is(err, errDied):
	case errors.Is(err, errDisagrees) && !agrees && !made:
	case errors.Is(err, nsdb.ErrSuperseded) && w.rivals > 0 && !made:
	default:
		w.Fatalf("UpdateLarge returned %v; the change is made: %v, the guard agrees: %v, rivals: %d", err, made, agrees, w.rivals)
	}
	w.pending = nil // what was not made is never made
}

// interfere does what others may do between two steps of the change.
func (w *world) interfere() {
	for range rapid.IntRange(0, 2).Draw(w.T, "interference") {
		w.look()
		switch rapid.IntRange(0, 9).Draw(w.T, "what") {
		case 0:
			w.follow()
		case 1:
			w.other = quick(w.engine) // one that remembers nothing
		case 2:
			w.rival()
		case 3: // a process that dies while it clears up, perhaps after this one
			w.rivals++
			m := &mortal{Store: w.engine, w: w, lives: rapid.IntRange(1, 6).Draw(w.T, "lives of the rival"), alone: true}
			if err := quick(m).Settle(w.ctx); err != nil && !errors.Is(err, errDied) {
				w.Fatalf("Settle: %v", err)
			}
		default:
			w.small()
		}
	}
}

// rival has a third process make a large change, at which it may die.
func (w *world) rival() {
	w.rivals++
	m := &mortal{Store: w.engine, w: w, lives: rapid.IntRange(0, 60).Draw(w.T, "lives of the rival"), late: true, alone: true}
	c, writes := w.draft(true)
	_, err := quick(m).UpdateLarge(w.ctx, c)
	if err != nil && !errors.Is(err, errDied) {
		w.Fatalf("UpdateLarge of a rival: %v", err)
	}
	before := w.now()
	w.becomes(writes)
	snapshot, failed := w.other.View(w.ctx)
	if failed != nil {
		w.Fatalf("View: %v", failed)
	}
	if err != nil && cmp.Equal(snapshot.Objects, before) { // it was not made
		w.history = w.history[:len(w.history)-1]
	}
}

// small makes a small Update, which reads before and after it writes.
func (w *world) small() {
	writes := rapid.Custom(drawWrites(2)).Draw(w.T, "small writes")
	reads := rapid.SliceOfN(rapid.Custom(drawKey), 0, 3).Draw(w.T, "reads")
	after := maps.Clone(w.now())
	apply(after, writes)
	_, err := w.other.Update(w.ctx, func(tx nsdb.Tx) error {
		if err := w.reads(tx, w.now(), reads); err != nil {
			return err
		}
		for key, o := range writes {
			if o == nil {
				tx.Delete(key)
			} else {
				tx.Put(o)
			}
		}
		return w.reads(tx, after, reads)
	})
	if err != nil {
		w.Fatalf("Update: %v", err)
	}
	w.becomes(writes)
}

func (w *world) reads(tx nsdb.Tx, want objects, keys []topology.Key) error {
	for _, key := range keys {
		got, err := tx.Get(key)
		if err != nil {
			return err
		}
		if !cmp.Equal(got, want[key]) {
			return fmt.Errorf("it reads %v of %v and should read %v", got, key, want[key])
		}
	}
	return nil
}

// look takes a view, and learns from it whether the pending change has been made.
func (w *world) look() {
	snapshot, err := w.other.View(w.ctx)
	if err != nil {
		w.Fatalf("View: %v", err)
	}
	if cmp.Equal(snapshot.Objects, w.now()) {
		return
	}
	if w.pending != nil {
		w.becomes(w.pending)
		w.pending = nil
	}
	if diff := cmp.Diff(w.now(), snapshot.Objects); diff != "" {
		w.Fatalf("what is seen differs (-want +got):\n%s", diff)
	}
}

// settle ends the world: everything is cleared up, and every reader has been shown what was to be seen.
func (w *world) settle() {
	if err := w.other.Settle(w.ctx); err != nil {
		w.Fatalf("Settle: %v", err)
	}
	if _, err := w.other.Update(w.ctx, func(tx nsdb.Tx) error { tx.Put(end); return nil }); err != nil {
		w.Fatalf("Update: %v", err)
	}
	w.becomes(objects{end.Key(): end})
	w.look()
	raw, err := w.engine.View(w.ctx)
	if err != nil {
		w.Fatalf("View: %v", err)
	}
	delete(raw.Objects, topology.StagedKey(topology.StagedMade)) // names nothing
	if diff := cmp.Diff(w.now(), raw.Objects); diff != "" {
		w.Fatalf("the engine holds something else than what is seen (-seen +held):\n%s", diff)
	}
	for _, r := range w.readers {
		r.check(w)
	}
}

// end is the last object that is put.
var end = &topology.Bridge{ID: topology.BridgeID{255}}

// reader follows the other process's store from a view on.
type reader struct {
	since  int // the length of the history when it began
	done   sync.WaitGroup
	states []objects
	err    error
}

func (w *world) follow() {
	if len(w.readers) > 4 {
		return
	}
	r := &reader{since: len(w.history) - 1}
	w.readers = append(w.readers, r)
	store := w.other
	snapshot, err := store.View(w.ctx)
	if err != nil {
		w.Fatalf("View: %v", err)
	}
	r.done.Go(func() { r.run(w.ctx, store, snapshot) })
}

func (r *reader) run(ctx context.Context, store *Store, snapshot *nsdb.Snapshot) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for {
		seen := snapshot.Objects
		if r.states = append(r.states, maps.Clone(seen)); seen[end.Key()] != nil {
			return
		}
		steps, failure := store.Watch(ctx, snapshot.Revision)
		for step := range steps {
			for _, o := range step.Puts {
				seen[o.Key()] = o
			}
			for _, key := range step.Deletes {
				delete(seen, key)
			}
			if len(step.Puts)+len(step.Deletes) == 0 {
				continue
			}
			if cmp.Equal(seen, r.states[len(r.states)-1]) {
				r.err = fmt.Errorf("step %+v changes nothing", step)
				return
			}
			r.states = append(r.states, maps.Clone(seen))
			if seen[end.Key()] != nil {
				return
			}
		}
		if r.err = failure(); r.err != nsdb.ErrCompacted {
			return
		}
		if snapshot, r.err = store.View(ctx); r.err != nil {
			return
		}
	}
}

// check compares what the reader saw with the history.
func (r *reader) check(w *world) {
	if r.done.Wait(); r.err != nil {
		w.Fatalf("a watch ended: %v", r.err)
	}
	at := r.since
	for n, state := range r.states {
		for at < len(w.history) && !cmp.Equal(state, w.history[at]) {
			at++
		}
		if at == len(w.history) {
			w.Fatalf("state %d of a watch was never to be seen, or not in this order: %v", n, state)
		}
	}
	if at != len(w.history)-1 {
		w.Fatalf("a watch ended at state %d of %d", at, len(w.history)-1)
	}
}

func drawKey(t *rapid.T) topology.Key {
	return topology.Key{Kind: topology.KindBridge, ID: topology.BridgeID{byte(rapid.IntRange(1, 15).Draw(t, "key"))}}
}

// versions makes each put another.
var versions atomic.Int64

// drawWrites returns a generator of up to so many puts and deletes.
func drawWrites(most int) func(*rapid.T) objects {
	return func(t *rapid.T) objects {
		writes := objects{}
		for range rapid.IntRange(0, most).Draw(t, "writes") {
			key := drawKey(t)
			writes[key] = nil
			if rapid.IntRange(0, 2).Draw(t, "delete") > 0 {
				writes[key] = &topology.Bridge{ID: key.ID, MTU: int(versions.Add(1))}
			}
		}
		return writes
	}
}
