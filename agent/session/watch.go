package session

import (
	"context"
	"math/rand/v2"
	"time"

	"google.golang.org/grpc"

	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/topology"
	"midonet.org/midonet/topology/topologypb"
)

// writeInterval is how often the cache is written at most.
const writeInterval = time.Second

// restore shows the handler what the host knew when the agent last ran. The cache is a convenience: a damaged one is passed over.
func (s *Session) restore(handle func(view.Delta)) {
	u, err := readCache(s.file(topologyFile))
	if err != nil {
		s.Log.Warn("what was known of the topology is lost; waiting for the cluster", "file", s.file(topologyFile), "error", err)
		return
	}
	if u == nil {
		return
	}
	s.mu.Lock()
	d, _, err := s.replica.receive(u)
	s.replica.disconnected()
	s.mu.Unlock()
	if err == nil {
		s.status.restored(len(d.Puts))
		deliver(handle, d)
	}
}

// keepWatching follows the topology until ctx ends.
func (s *Session) keepWatching(ctx context.Context, client topologypb.StreamClient, handle func(view.Delta)) {
	pause := newPauses()
	for ctx.Err() == nil {
		err := s.watch(ctx, client, func(d view.Delta) {
			pause.reset()
			deliver(handle, d)
		})
		if ctx.Err() != nil {
			return
		}
		s.status.failed(s.Log, "lost the cluster; forwarding goes on with what is known", err)
		pause.wait(ctx)
	}
}

// watch follows the topology over one call.
func (s *Session) watch(ctx context.Context, client topologypb.StreamClient, handle func(view.Delta)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := client.Watch(ctx, &topologypb.WatchRequest{Version: s.Version})
	if err != nil {
		return topologypb.FromStatus(err)
	}
	defer s.forget()
	for {
		u, err := stream.Recv()
		if err != nil {
			return topologypb.FromStatus(err)
		}
		if err := s.receive(stream, u, handle); err != nil {
			return err
		}
	}
}

// receive takes one update and hands on the difference that it makes.
func (s *Session) receive(stream grpc.ClientStream, u *topologypb.Update, handle func(view.Delta)) error {
	s.mu.Lock()
	first := !s.replica.current
	d, whole, err := s.replica.receive(u)
	skipped, known := s.replica.skipped, len(s.replica.objects)
	s.mu.Unlock()
	if err != nil || !whole {
		return err
	}
	if skipped > 0 {
		s.Log.Warn("the cluster is newer than this agent, which leaves out what it does not understand", "objects", skipped)
	}
	s.status.received(s.Log, stream, u.GetRevision(), known)
	s.syncOnce.Do(func() { close(s.synced) })
	if first {
		s.Changed() // report at once: the server may be a new one, and the lease is running
	}
	handle(d)
	signal(s.dirty)
	return nil
}

// forget says that the call has ended.
func (s *Session) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.replica.disconnected()
}

// keepWriting writes what is known to disk whenever it has changed, but not all the time, and once more at the end.
func (s *Session) keepWriting(ctx context.Context) {
	for {
		select {
		case <-s.dirty:
			s.writeCache()
		case <-ctx.Done():
			s.writeCache()
			return
		}
		select {
		case <-time.After(writeInterval):
		case <-ctx.Done():
		}
	}
}

func (s *Session) writeCache() {
	revision, objects := s.known()
	if revision == 0 {
		return // nothing has ever come
	}
	if err := writeCache(s.file(topologyFile), revision, objects); err != nil {
		s.Log.Warn("what is known of the topology could not be written down", "error", err)
	}
}

// known returns a copy of the table of what is known; the objects themselves never change.
func (s *Session) known() (uint64, map[topology.Key]topology.Object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	objects := make(map[topology.Key]topology.Object, len(s.replica.objects))
	for k, o := range s.replica.objects {
		objects[k] = o
	}
	return s.replica.revision, objects
}

func deliver(handle func(view.Delta), d view.Delta) {
	if len(d.Puts)+len(d.Deletes) > 0 {
		handle(d)
	}
}

// pauses are the waits between tries: longer each time, and never equal on two hosts, so that a server that comes back is not
// run over.
type pauses struct{ next time.Duration }

func newPauses() *pauses { return &pauses{next: firstPause} }

func (p *pauses) reset() { p.next = firstPause }

func (p *pauses) wait(ctx context.Context) {
	pause := p.next/2 + rand.N(p.next)
	p.next = min(2*p.next, longPause)
	select {
	case <-time.After(pause):
	case <-ctx.Done():
	}
}
