// Package mirror keeps a copy of the network state database in memory, with the indexes that readers want, and tells subscribers of
// every change in order.
//
// A state is immutable: whoever holds a State reads it without locks for as long as wanted, while newer ones are made. Trees that are
// copied where they are written (google/btree) make a new state cost only what has changed.
package mirror

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"midonet.org/midonet/cluster/nsdb"
)

// retryPause is the wait before a store that failed is asked again.
const retryPause = time.Second

// Mirror follows a store.
type Mirror struct {
	store nsdb.Store
	log   *slog.Logger
	ready chan struct{} // closed when there is a first state

	mu          sync.Mutex
	state       *State
	moved       chan struct{} // closed when state changes, and replaced
	subscribers map[*Subscription]struct{}
}

// New returns a mirror of the store. It is empty until Run has taken its first view.
func New(store nsdb.Store, log *slog.Logger) *Mirror {
	return &Mirror{store: store, log: log, ready: make(chan struct{}), moved: make(chan struct{}),
		subscribers: map[*Subscription]struct{}{}, state: &State{tables: newTables()}}
}

// Run follows the store until ctx ends, and returns ctx's error. When the store cannot say what has changed (it was away for long),
// Run takes a new view and delivers the difference as one step, so that subscribers need not care.
func (m *Mirror) Run(ctx context.Context) error {
	for {
		err := m.follow(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !errors.Is(err, nsdb.ErrCompacted) {
			m.log.Error("lost the network state database; trying again", "error", err)
			select {
			case <-time.After(retryPause):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
}

func (m *Mirror) follow(ctx context.Context) error {
	snapshot, err := m.store.View(ctx)
	if err != nil {
		return err
	}
	m.apply(m.State().stepTo(snapshot))
	m.becomeReady()
	steps, failure := m.store.Watch(ctx, snapshot.Revision)
	for step := range steps {
		m.apply(step)
	}
	return failure()
}

func (m *Mirror) becomeReady() {
	select {
	case <-m.ready:
	default:
		close(m.ready)
	}
}

// Ready is closed when the first view has been taken.
func (m *Mirror) Ready() <-chan struct{} { return m.ready }

// State returns the newest state.
func (m *Mirror) State() *State {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state
}

// WaitFor returns the first state that has the revision, which an Update returned, or a later one.
func (m *Mirror) WaitFor(ctx context.Context, rev nsdb.Revision) (*State, error) {
	for {
		m.mu.Lock()
		state, moved := m.state, m.moved
		m.mu.Unlock()
		if state.Revision >= rev {
			return state, nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// apply makes the next state and hands it out. A step that changes nothing still moves the revision.
func (m *Mirror) apply(step nsdb.Step) {
	before := m.State() // only this goroutine replaces it
	w := before.tables.writer()
	for _, key := range step.Deletes {
		w.remove(key)
	}
	for _, o := range step.Puts {
		w.put(o)
	}

	m.mu.Lock()
	defer m.mu.Unlock()
	m.state = &State{Revision: step.Revision, tables: w.tables}
	close(m.moved)
	m.moved = make(chan struct{})
	for s := range m.subscribers {
		s.push(Change{Step: step, Before: before, After: m.state})
	}
}
