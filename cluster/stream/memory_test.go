package stream

import (
	"context"
	"maps"
	"sync"
	"time"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/topology"
)

// memory is a store for tests that make many: it has the steps since it was made, and leases that end when the test says so.
type memory struct {
	mu      sync.Mutex
	objects map[topology.Key]topology.Object
	holder  map[topology.Key]*memoryLease // of what a lease holds
	leases  []*memoryLease                // that have not ended
	steps   []nsdb.Step                   // with the revisions from 1 on
	moved   chan struct{}                 // closed when there are more, and replaced
}

func newMemory() *memory {
	return &memory{objects: map[topology.Key]topology.Object{}, holder: map[topology.Key]*memoryLease{}, moved: make(chan struct{})}
}

func (m *memory) revision() nsdb.Revision { return nsdb.Revision(len(m.steps)) }

func (m *memory) View(context.Context) (*nsdb.Snapshot, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return &nsdb.Snapshot{Revision: m.revision(), Objects: maps.Clone(m.objects)}, nil
}

func (m *memory) Update(_ context.Context, fn func(nsdb.Tx) error) (nsdb.Revision, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	tx := &memoryTx{memory: m, writes: map[topology.Key]topology.Object{}, leased: map[topology.Key]*memoryLease{}}
	if err := fn(tx); err != nil {
		return 0, err
	}
	for _, l := range tx.leased {
		if l.ended {
			return 0, nsdb.ErrLeaseLost
		}
	}
	m.step(tx.writes)
	maps.Copy(m.holder, tx.leased)
	return m.revision(), nil
}

// step makes the writes, of which nil ones delete. The caller holds mu.
func (m *memory) step(writes map[topology.Key]topology.Object) {
	step := nsdb.Step{Revision: m.revision() + 1}
	for k, o := range writes {
		delete(m.holder, k)
		if o == nil {
			step.Deletes = append(step.Deletes, k)
			delete(m.objects, k)
		} else {
			step.Puts = append(step.Puts, o)
			m.objects[k] = o
		}
	}
	if len(writes) > 0 {
		m.steps = append(m.steps, step)
		close(m.moved)
		m.moved = make(chan struct{})
	}
}

func (m *memory) Watch(ctx context.Context, after nsdb.Revision) (<-chan nsdb.Step, func() error) {
	out := make(chan nsdb.Step)
	go func() {
		defer close(out)
		for {
			m.mu.Lock()
			more, moved := m.steps[after:], m.moved
			m.mu.Unlock()
			for _, s := range more {
				select {
				case out <- s:
					after = s.Revision
				case <-ctx.Done():
					return
				}
			}
			select {
			case <-moved:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out, func() error { return nil }
}

func (m *memory) Grant(context.Context, time.Duration) (nsdb.Lease, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := &memoryLease{memory: m, renewed: true}
	m.leases = append(m.leases, l)
	return l, nil
}

// age ends the leases that nobody has renewed since it was called last.
func (m *memory) age() {
	m.mu.Lock()
	defer m.mu.Unlock()
	var live []*memoryLease
	for _, l := range m.leases {
		switch {
		case l.ended:
		case l.renewed:
			l.renewed = false
			live = append(live, l)
		default:
			l.end()
		}
	}
	m.leases = live
}

func (m *memory) Close() error { return nil }

type memoryTx struct {
	*memory
	writes map[topology.Key]topology.Object
	leased map[topology.Key]*memoryLease
}

func (tx *memoryTx) Get(k topology.Key) (topology.Object, error) {
	if o, written := tx.writes[k]; written {
		return o, nil
	}
	return tx.objects[k], nil
}

func (tx *memoryTx) Put(o topology.Object) {
	tx.writes[o.Key()] = o
	delete(tx.leased, o.Key())
}

func (tx *memoryTx) PutLeased(o topology.Object, l nsdb.Lease) {
	tx.writes[o.Key()], tx.leased[o.Key()] = o, l.(*memoryLease)
}

func (tx *memoryTx) Delete(k topology.Key) {
	if o, _ := tx.Get(k); o != nil {
		tx.writes[k] = nil
	}
	delete(tx.leased, k)
}

type memoryLease struct {
	memory         *memory
	renewed, ended bool
}

func (l *memoryLease) ID() int64 { return 0 }

func (l *memoryLease) Renew(context.Context) error {
	l.memory.mu.Lock()
	defer l.memory.mu.Unlock()
	if l.ended {
		return nsdb.ErrLeaseLost
	}
	l.renewed = true
	return nil
}

func (l *memoryLease) Revoke(context.Context) error {
	l.memory.mu.Lock()
	defer l.memory.mu.Unlock()
	l.end()
	return nil
}

// end deletes what the lease holds. The caller holds mu.
func (l *memoryLease) end() {
	l.ended = true
	gone := map[topology.Key]topology.Object{}
	for k, holder := range l.memory.holder {
		if holder == l {
			gone[k] = nil
		}
	}
	l.memory.step(gone)
}
