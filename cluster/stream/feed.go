package stream

import (
	"context"
	"log/slog"
	"slices"
	"sync"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/cluster/nsdb/mirror"
	"midonet.org/midonet/topology"
)

// maxQueued is how many deltas may wait for a host that reads slowly before it is cut off.
const maxQueued = 256

// feed follows the store and hands each watching host its deltas.
type feed struct {
	log *slog.Logger

	mu       sync.Mutex
	interest *interest
	revision nsdb.Revision
	moved    chan struct{} // closed when revision changes, and replaced
	watchers map[topology.HostID]*watcher
	freed    freed
}

// watcher is one host's Watch call.
type watcher struct {
	host  topology.HostID
	last  nsdb.Revision // of the newest step in the queue, or of the snapshot
	queue chan step
	gone  chan struct{} // closed when the watcher gets nothing more
	why   error         // that it does not, when gone is closed
}

// step is what leads a host from the revision base to the next.
type step struct {
	base, revision nsdb.Revision
	delta          delta
}

func newFeed(log *slog.Logger) *feed {
	return &feed{log: log, interest: newInterest(), moved: make(chan struct{}), watchers: map[topology.HostID]*watcher{},
		freed: freed{at: map[blockName]uint64{}}}
}

// run follows the mirror until ctx ends. It calls started when it knows the present state.
func (f *feed) run(ctx context.Context, m *mirror.Mirror, started func()) {
	state, changes := m.Subscribe()
	defer changes.Close()
	f.take(state.Revision, slices.Collect(state.All()), nil)
	started()
	for {
		next, err := changes.Next(ctx)
		if err != nil {
			return
		}
		for _, c := range next {
			f.take(c.Step.Revision, c.Step.Puts, c.Step.Deletes)
		}
	}
}

// take applies one step and queues what it means for each host.
func (f *feed) take(rev nsdb.Revision, puts []topology.Object, deletes []topology.Key) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.revision = rev
	close(f.moved)
	f.moved = make(chan struct{})
	f.freed.note(f.interest.objects, puts, deletes)
	for _, o := range puts {
		if r, ok := o.(*topology.Revocation); ok && f.watchers[r.Host] != nil {
			f.drop(f.watchers[r.Host], errRevoked(r))
		}
	}
	for _, part := range f.interest.apply(puts, deletes) {
		for host, d := range part {
			if w := f.watchers[host]; w != nil { // else the first part was one too many for it
				f.queue(w, step{base: w.last, revision: rev, delta: d})
			}
		}
	}
}

// await waits until the feed has taken the step of the revision: a snapshot has it from then on, and it is queued for those who watch.
func (f *feed) await(ctx context.Context, rev nsdb.Revision) error {
	for {
		f.mu.Lock()
		now, moved := f.revision, f.moved
		f.mu.Unlock()
		if now >= rev {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// queue hands the watcher a step, or cuts it off where it has too many waiting.
func (f *feed) queue(w *watcher, next step) {
	select {
	case w.queue <- next:
		w.last = next.revision
	default:
		f.log.Warn("host does not keep up; it will start again from a snapshot", "host", w.host)
		f.drop(w, errSlow)
	}
}

// freedAt returns the place of the block in the order in which blocks became free; 0 for one that nobody has had.
func (f *feed) freedAt(b blockName) uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.freed.at[b]
}

// watch returns what the host needs now and a watcher that gets every step after it. An older watcher of the host is dropped: the
// host came back before the server noticed that it was away.
func (f *feed) watch(host topology.HostID, routers []topology.RouterID) (snapshot []topology.Object, rev nsdb.Revision, w *watcher) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if old := f.watchers[host]; old != nil {
		f.drop(old, errReplaced)
	}
	w = &watcher{host: host, last: f.revision, queue: make(chan step, maxQueued), gone: make(chan struct{})}
	f.watchers[host] = w
	return f.interest.watch(host, routers), f.revision, w
}

// want replaces the routers that the host wants. A host that does not watch says so when it does.
func (f *feed) want(host topology.HostID, routers []topology.RouterID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	w := f.watchers[host]
	if w == nil {
		return
	}
	if d := f.interest.want(host, routers); len(d.puts)+len(d.deletes) > 0 {
		f.queue(w, step{base: w.last, revision: w.last, delta: d})
	}
}

// reaches reports whether the host is sent the router that the record is of, and so may have seen its neighbours, and whether it watches at all.
func (f *feed) reaches(host topology.HostID, n *topology.RouterNeighbour) (reaches, watches bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, reaches = f.interest.reached[host][node{Kind: topology.KindRouter, ID: n.Router}]
	return reaches, f.watchers[host] != nil
}

// leave ends a watcher that its call has no more use for.
func (f *feed) leave(w *watcher) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.watchers[w.host] == w {
		f.drop(w, nil)
	}
}

func (f *feed) drop(w *watcher, why error) {
	delete(f.watchers, w.host)
	f.interest.unwatch(w.host)
	w.why = why
	close(w.gone)
}
