package session

import (
	"context"
	"maps"
	"math/rand/v2"
	"time"

	"google.golang.org/grpc"

	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/topology"
	"midonet.org/midonet/topology/topologypb"
)

const (
	// writeInterval is how often the cache is written at most, but for bindings; a cache that takes long is written less often, so that
	// writing it never takes more than a twentieth of the time.
	writeInterval = time.Second
	writeShare    = 20
	// keepTimeout is how long a binding that the cluster has confirmed may take to come by the stream.
	keepTimeout = 5 * time.Second
)

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
		handle(d)
	}
}

// keepWatching follows the topology until ctx ends, or the host has joined again.
func (s *Session) keepWatching(ctx context.Context, client topologypb.StreamClient, handle func(view.Delta)) {
	pause := newPauses()
	for ctx.Err() == nil {
		err := s.watch(ctx, client, func(d view.Delta) {
			pause.reset()
			handle(d)
		})
		if ctx.Err() != nil {
			return
		}
		s.status.failed(s.Log, "lost the cluster; forwarding goes on with what is known", err)
		if errs.Is(err, errs.Unauthorized) && s.joinAgain(ctx) {
			return
		}
		pause.wait(ctx)
	}
}

// watch follows the topology over one call.
func (s *Session) watch(ctx context.Context, client topologypb.StreamClient, handle func(view.Delta)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := client.Watch(ctx, &topologypb.WatchRequest{Version: s.Version, Routers: s.wantedNow()})
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

// receive takes one update and hands on the difference that it makes: none is news as well, when it is the first that is heard.
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
		if s.wantedNow() != nil {
			signal(s.wanting) // the cluster heard nothing of what was said since this was asked for: nobody watched
		}
	}
	handle(d)
	s.tellOfUpdate()
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
		case <-ctx.Done():
			s.writeCache()
			return
		}
		start := time.Now()
		s.writeCache()
		select {
		case <-time.After(max(writeInterval, writeShare*time.Since(start))):
		case <-ctx.Done():
		}
	}
}

// writeCache brings the cache up to what is known when it is called, if it is not.
func (s *Session) writeCache() {
	s.writing.Lock()
	defer s.writing.Unlock()
	updates, revision, objects := s.known()
	if updates == s.written {
		return
	}
	if err := writeCache(s.file(topologyFile), revision, objects); err != nil {
		s.Log.Warn("what is known of the topology could not be written down", "error", err)
		return
	}
	s.written = updates
}

// tellOfUpdate wakes those who wait for what they know to change.
func (s *Session) tellOfUpdate() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.updated)
	s.updated = make(chan struct{})
}

// keepBinding waits for the port's binding to come from the cluster as the cluster has confirmed it, and writes it down, so that an
// agent that starts while the cluster is away still has what mm-ctl was told. A cluster that confirms and then is silent is waited
// for no longer than keepTimeout: the binding holds all the same, and is written down when it comes.
func (s *Session) keepBinding(ctx context.Context, port topology.PortID, confirmed func(*topology.Binding) bool) {
	ctx, cancel := context.WithTimeout(ctx, keepTimeout)
	defer cancel()
	for {
		b, updated := s.binding(port)
		if confirmed(b) {
			s.writeCache()
			return
		}
		select {
		case <-updated:
		case <-ctx.Done():
			return
		}
	}
}

// binding returns what is known of the port's binding, nil for none, and a channel that is closed when more is known.
func (s *Session) binding(port topology.PortID) (*topology.Binding, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, _ := s.replica.objects[topology.Key{Kind: topology.KindBinding, ID: port}].(*topology.Binding)
	return b, s.updated
}

// known returns how many updates there were and what they add up to; the objects themselves never change.
func (s *Session) known() (updates int, revision uint64, objects map[topology.Key]topology.Object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.replica.updates, s.replica.revision, maps.Clone(s.replica.objects)
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
