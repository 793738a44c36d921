package importer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/cluster/nsdb/mirror"
	"midonet.org/midonet/topology"
)

// standbyPause is how often an importer that stands by looks whether its turn has ended.
const standbyPause = time.Second

// standby is what an importer keeps while others have their turn.
type standby struct {
	mirror *mirror.Mirror // nil: it keeps nothing

	mu      sync.Mutex
	working bool      // its turn has come
	waiting *follower // nil while it works, and before there is a first view
}

// Follow makes the importer learn from the mirror of its store, which the caller runs, what other importers write. Call it before StandBy
// and Run.
func (i *Importer) Follow(m *mirror.Mirror) { i.standby.mirror = m }

// StandBy keeps in memory what Run needs, as other importers of the store make it, while Run is not called, until ctx ends; it returns ctx's
// error. So it does not depend on the size of the cloud how long a turn takes to begin.
func (i *Importer) StandBy(ctx context.Context) error {
	defer func() {
		i.begin().close()
		i.end()
	}()
	select {
	case <-i.standby.mirror.Ready():
	case <-ctx.Done():
		return ctx.Err()
	}
	var arrived <-chan struct{} // not yet: who has its turn at once compares everything first
	for {
		select {
		case <-arrived:
		case <-time.After(standbyPause):
		case <-ctx.Done():
			return ctx.Err()
		}
		var err error
		if arrived, err = i.keepUp(); err != nil {
			i.log.Error("this server cannot prepare for its turn to apply the journal", "error", err)
		}
	}
}

// keepUp takes over what has changed, and returns what can be received from when more has.
func (i *Importer) keepUp() (<-chan struct{}, error) {
	b := &i.standby
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.working {
		return nil, nil
	}
	var err error
	if b.waiting == nil {
		if b.waiting, err = newFollower(b.mirror, newState(i.settings, i.largest)); err != nil {
			return nil, err
		}
	}
	if err = b.waiting.take(); err != nil {
		b.waiting.close()
		b.waiting = nil
		return nil, err
	}
	return b.waiting.changes.Arrived(), nil
}

// begin begins a turn, and returns what was kept for it; nil: nothing.
func (i *Importer) begin() *follower {
	b := &i.standby
	b.mu.Lock()
	defer b.mu.Unlock()
	f := b.waiting
	b.working, b.waiting = true, nil
	return f
}

func (i *Importer) end() {
	i.standby.mu.Lock()
	defer i.standby.mu.Unlock()
	i.standby.working = false
}

// errUnknown says that a state which was kept is not known to be that of the journal.
var errUnknown = errors.New("the network state database may lack tasks of the journal")

// takeOver returns the state that was kept, with everything that its predecessor has stored. It begins a turn in the store, so that whatever
// the predecessor may still write fails.
//
// It asks nothing that depends on the size of the cloud; that what is stored is right is found out later (verify).
func (i *Importer) takeOver(ctx context.Context, f *follower) (*state, error) {
	identity, err := i.identity(ctx)
	if err != nil {
		return nil, err
	}
	mark, err := i.reader.Mark(ctx)
	if err != nil {
		return nil, err
	}
	if err := i.store.Settle(ctx); err != nil {
		return nil, err
	}
	begun, _, err := i.beginTurn(ctx, identity, func(p *topology.Progress) error {
		if p.Store == "" || p.Store != mark.Store || p.Applied < mark.Applied {
			return errUnknown
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = f.until(ctx, func() bool { return f.state.hasSeen(begun) })
	if err != nil {
		return nil, fmt.Errorf("taking over: %w", err)
	}
	f.state.journal = identity
	return f.state, nil
}

// beginTurn writes that a turn begins, unless what is stored is refused, and returns the progress and its step.
func (i *Importer) beginTurn(ctx context.Context, identity string, refuse func(*topology.Progress) error) (*topology.Progress, nsdb.Revision, error) {
	begun := &topology.Progress{Journal: identity}
	revision, err := i.store.Update(ctx, func(tx nsdb.Tx) error {
		stored, err := tx.Get(begun.Key())
		if err != nil {
			return err
		}
		next := topology.Progress{Journal: identity}
		if p, ok := stored.(*topology.Progress); ok {
			next = *p
		}
		if err := refuse(&next); err != nil {
			return err
		}
		next.Turns++
		begun = &next
		tx.Put(begun)
		return nil
	})
	return begun, revision, err
}
