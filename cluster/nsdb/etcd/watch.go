package etcd

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"midonet.org/midonet/cluster/nsdb"
)

// rewatchPause is the wait before a watch that the engine broke off is begun again where it stopped.
const rewatchPause = 200 * time.Millisecond

// Watch delivers the steps after a revision. etcd sends the events of one revision together unless fragments are asked for, which
// they are not here, so a response holds whole steps.
func (s *Store) Watch(ctx context.Context, after nsdb.Revision) (<-chan nsdb.Step, func() error) {
	w := &watch{root: s.root, steps: make(chan nsdb.Step), last: int64(after), failed: make(chan error, 1)}
	ctx, cancel := context.WithCancel(ctx)
	unhook := context.AfterFunc(s.closed, cancel)
	go func() {
		defer cancel()
		defer unhook()
		err := w.run(ctx, s.client)
		if s.closed.Err() != nil && errors.Is(err, context.Canceled) {
			err = errors.New("the network state database has been closed")
		}
		w.failed <- err
		close(w.steps)
	}()
	return w.steps, w.err
}

type watch struct {
	root   root
	steps  chan nsdb.Step
	last   int64 // the revision of the last step delivered
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

// run watches until ctx ends or the watch cannot go on. A watch that the engine ends for a reason of its own (a member that went
// away, no leader) starts again after the last step delivered.
func (w *watch) run(ctx context.Context, client *clientv3.Client) error {
	for {
		err := w.follow(ctx, client)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return err
		}
		select {
		case <-time.After(rewatchPause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// follow delivers the steps of one etcd watch. It returns nil when the watch may be begun again.
func (w *watch) follow(ctx context.Context, client *clientv3.Client) error {
	ctx, cancel := context.WithCancel(clientv3.WithRequireLeader(ctx))
	defer cancel() // releases the watch in etcd
	for resp := range client.Watch(ctx, string(w.root), clientv3.WithPrefix(), clientv3.WithRev(w.last+1)) {
		if resp.CompactRevision != 0 || errors.Is(resp.Err(), rpctypes.ErrCompacted) {
			return nsdb.ErrCompacted
		}
		if resp.Err() != nil {
			return nil
		}
		steps, err := w.root.stepsOf(resp.Events)
		if err != nil {
			return err
		}
		if err := w.deliver(ctx, steps); err != nil {
			return err
		}
	}
	return nil
}

func (w *watch) deliver(ctx context.Context, steps []nsdb.Step) error {
	for _, step := range steps {
		select {
		case w.steps <- step:
			w.last = int64(step.Revision)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// stepsOf groups events, which come in order of revision, into steps.
func (r root) stepsOf(events []*clientv3.Event) ([]nsdb.Step, error) {
	var steps []nsdb.Step
	for _, e := range events {
		key, ok, err := r.parse(string(e.Kv.Key))
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		rev := nsdb.Revision(e.Kv.ModRevision)
		if len(steps) == 0 || steps[len(steps)-1].Revision != rev {
			steps = append(steps, nsdb.Step{Revision: rev})
		}
		step := &steps[len(steps)-1]
		if e.Type == clientv3.EventTypeDelete {
			step.Deletes = append(step.Deletes, key)
			continue
		}
		o, err := decode(key, e.Kv.Value)
		if err != nil {
			return nil, fmt.Errorf("revision %d: %w", rev, err)
		}
		step.Puts = append(step.Puts, o)
	}
	return steps, nil
}
