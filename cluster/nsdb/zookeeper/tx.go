package zookeeper

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/topology"
	"midonet.org/midonet/topology/topologypb"
)

// maxCatchUp is how many steps of others a transaction reads to find out whether they concern it. Beyond that it starts again.
const maxCatchUp = 64

// errOvertaken says that a transaction's reads no longer hold.
var errOvertaken = errors.New("network state database: another step came first")

// tx collects what one run of an Update's function reads and writes. All reads are of the state after the step at.
type tx struct {
	ctx    context.Context
	store  *Store
	at     head // the zero head before the first read
	fixed  bool // any other step makes the reads invalid, whatever it changed
	reads  map[string]cell
	writes map[topology.Key]write
	err    error // of the first read that failed
}

// write is what to leave behind: nil deletes.
type write struct {
	object topology.Object
	lease  int64
}

func (s *Store) begin(ctx context.Context) *tx {
	return &tx{ctx: ctx, store: s, reads: map[string]cell{}, writes: map[topology.Key]write{}}
}

func (t *tx) Get(key topology.Key) (topology.Object, error) {
	if w, ok := t.writes[key]; ok {
		return w.object, nil
	}
	if err := t.load([]string{key.String()}); err != nil {
		return nil, err
	}
	return t.reads[key.String()].object, nil
}

func (t *tx) Put(o topology.Object) { t.writes[o.Key()] = write{object: o} }

func (t *tx) PutLeased(o topology.Object, l nsdb.Lease) {
	t.writes[o.Key()] = write{object: o, lease: l.ID()}
}

func (t *tx) Delete(key topology.Key) { t.writes[key] = write{} }

// load reads the keys that have not been read, all as of one state: where a cell is newer than the earlier reads, the transaction
// advances to the newest state if what it has read is unchanged there. It fails with errOvertaken where it is not.
func (t *tx) load(keys []string) error {
	pending := slices.DeleteFunc(keys, func(key string) bool { _, ok := t.reads[key]; return ok })
	for t.err == nil && len(pending) > 0 {
		pending, t.err = t.loadSome(pending)
	}
	return t.err
}

// loadSome returns the keys that changed while it read them.
func (t *tx) loadSome(keys []string) (again []string, err error) {
	if err := t.start(); err != nil {
		return nil, err
	}
	cells, err := t.store.cells(t.ctx, keys)
	if err != nil {
		return nil, err
	}
	var changed map[string]bool
	if slices.ContainsFunc(cells, t.isNewOrGone) {
		if changed, err = t.advance(); err != nil {
			return nil, err
		}
	}
	for i, key := range keys {
		if changed[key] || cells[i].revision > t.at.revision {
			again = append(again, key)
		} else {
			t.reads[key] = cells[i]
		}
	}
	return again, nil
}

// isNewOrGone reports whether the cell alone does not prove that it is of the transaction's state. What is not there may have been
// deleted since.
func (t *tx) isNewOrGone(c cell) bool { return !c.exists() || c.revision > t.at.revision }

// start fixes the state that is read, which is the newest of all servers'.
func (t *tx) start() error {
	if t.at != (head{}) {
		return nil
	}
	if err := t.store.sync(t.ctx); err != nil {
		return err
	}
	var err error
	t.at, err = t.store.head(t.ctx)
	return err
}

// advance moves the transaction to the newest state and returns the keys that the steps on the way changed. It fails with
// errOvertaken if the transaction has read one of them.
func (t *tx) advance() (changed map[string]bool, err error) {
	newest, err := t.store.head(t.ctx)
	if err != nil || newest.revision <= t.at.revision {
		return nil, err
	}
	if t.fixed || newest.revision-t.at.revision > maxCatchUp {
		return nil, errOvertaken
	}
	changed = map[string]bool{}
	for rev := t.at.revision + 1; rev <= newest.revision; rev++ {
		e, found, err := t.store.entry(t.ctx, rev)
		if err != nil {
			return nil, err
		}
		if !found {
			return nil, errOvertaken
		}
		e.keys(func(key string) { changed[key] = true })
	}
	for key := range t.reads {
		if changed[key] {
			return nil, errOvertaken
		}
	}
	t.at = newest
	return changed, nil
}

// change is what a step does to one key.
type change struct {
	key   string
	value []byte // nil deletes
	lease int64  // that holds it afterwards, 0 for none
	was   cell
}

// changes returns the writes that have an effect, in order of key. It refuses what is too large, and an object that names nothing.
func (t *tx) changes() ([]change, error) {
	if t.touched() > nsdb.EngineObjects {
		return nil, nsdb.ErrTooLarge
	}
	all, size := make([]change, 0, len(t.writes)), 0
	for key, w := range t.writes {
		c := change{key: key.String(), lease: w.lease}
		if w.object != nil && key.ID == ([16]byte{}) {
			return nil, fmt.Errorf("network state database: a %v without an identifier cannot be stored", key.Kind)
		}
		if w.object != nil {
			c.value = topologypb.Marshal(w.object)
		}
		size += len(c.value)
		all = append(all, c)
	}
	if size > nsdb.MaxBytes {
		return nil, nsdb.ErrTooLarge
	}
	slices.SortFunc(all, func(a, b change) int { return strings.Compare(a.key, b.key) })
	return t.effective(all)
}

// effective returns the changes, with what was there before, less the deletions of what was not.
func (t *tx) effective(all []change) ([]change, error) {
	keys := make([]string, len(all))
	for i, c := range all {
		keys[i] = c.key
	}
	if err := t.load(keys); err != nil {
		return nil, err
	}
	var changes []change
	for _, c := range all {
		c.was = t.reads[c.key]
		if c.value != nil || c.was.exists() {
			changes = append(changes, c)
		}
	}
	return changes, nil
}

// touched is how many objects are read or written.
func (t *tx) touched() int {
	n := len(t.reads)
	for key := range t.writes {
		if _, ok := t.reads[key.String()]; !ok {
			n++
		}
	}
	return n
}
