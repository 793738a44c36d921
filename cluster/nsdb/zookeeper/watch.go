package zookeeper

import (
	"context"

	"github.com/go-zookeeper/zk"

	"midonet.org/midonet/cluster/nsdb"
)

// Watch delivers the steps after a revision, one node of the log after the other. While no server answers it waits.
func (s *Store) Watch(ctx context.Context, after nsdb.Revision) (<-chan nsdb.Step, func() error) {
	w := &watch{store: s, steps: make(chan nsdb.Step), failed: make(chan error, 1)}
	ctx, cancel := context.WithCancel(ctx)
	unhook := context.AfterFunc(s.closed, cancel)
	go func() {
		defer cancel()
		defer unhook()
		err := w.run(ctx, max(after+1, genesis))
		if s.closed.Err() != nil {
			err = errClosed
		}
		w.failed <- err
		close(w.steps)
	}()
	return w.steps, w.err
}

type watch struct {
	store  *Store
	steps  chan nsdb.Step
	failed chan error
}

// err tells why the watch has ended, nil while it goes on.
func (w *watch) err() error {
	select {
	case err := <-w.failed:
		w.failed <- err
		return err
	default:
		return nil
	}
}

// run delivers steps from next on, until ctx ends or the log no longer has the next one.
func (w *watch) run(ctx context.Context, next nsdb.Revision) error {
	for {
		err := w.follow(ctx, &next)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !lost(err) {
			return err
		}
		if err := pause(ctx, retryPause); err != nil {
			return err
		}
	}
}

func (w *watch) follow(ctx context.Context, next *nsdb.Revision) error {
	for {
		e, found, err := w.store.entry(ctx, *next)
		if err == nil && !found {
			err = w.await(ctx, *next)
		} else if err == nil {
			err = w.deliver(ctx, e)
			*next++
		}
		if err != nil {
			return err
		}
	}
}

func (w *watch) deliver(ctx context.Context, e *entry) error {
	step, err := e.step()
	if err != nil || len(step.Puts)+len(step.Deletes) == 0 {
		return err
	}
	select {
	case w.steps <- step:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// await returns when a step that the log did not have may be there, or ErrCompacted if it never will be.
func (w *watch) await(ctx context.Context, rev nsdb.Revision) error {
	newest, err := w.store.head(ctx)
	if err != nil {
		return err
	}
	if newest.revision+1 != rev {
		return w.isLost(ctx, rev)
	}
	path := w.store.tree.entry(rev)
	created, err := do(ctx, w.store, func(c *zk.Conn) (<-chan zk.Event, error) {
		exists, _, events, err := c.ExistsW(path)
		if exists {
			return nil, err
		}
		return events, err
	})
	if err != nil || created == nil {
		return err
	}
	select {
	case <-created: // or the session has ended; the next read tells
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// isLost returns ErrCompacted if the log has been cut past the step, or does not reach it at all because it is another log than
// the watcher knew, restored from an older copy. A server that lags behind may make it look so; hence the sync.
func (w *watch) isLost(ctx context.Context, rev nsdb.Revision) error {
	if err := w.store.sync(ctx); err != nil {
		return err
	}
	newest, err := w.store.head(ctx)
	if err != nil {
		return err
	}
	_, found, err := w.store.entry(ctx, rev)
	if err == nil && !found && newest.revision+1 != rev {
		return nsdb.ErrCompacted
	}
	return err
}
