package stream

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/cluster/nsdb/mirror"
	"midonet.org/midonet/topology"
)

// changesPerStep is how many changes of a report go into one step of the store: each may read a binding beside its own object,
// and nsdb.MaxObjects bounds both together.
const changesPerStep = nsdb.MaxObjects / 3

// session is what the server remembers of a host between its reports. It is lost with the server, which costs one write of
// everything and nothing else.
type session struct {
	mu       sync.Mutex                       // held while a report, a binding or a block of the host is written
	heard    time.Time                        // when the host last reported
	lease    nsdb.Lease                       // nil: none yet, or lost
	held     map[topology.Key]struct{}        // what this lease holds in the store
	granted  map[topology.Key]time.Time       // blocks, when they were leased: a report made before says nothing of them
	reported map[topology.Key]topology.Object // stations and neighbours in the last report; nil before the first
	returned atomic.Bool                      // the host has begun to watch since: it may have been at another server
}

func (s *Server) session(host topology.HostID) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sessions[host] == nil {
		s.sessions[host] = &session{}
	}
	return s.sessions[host]
}

// write brings the store to what the report says, but for what another host has: that it returns.
func (s *Server) write(ctx context.Context, session *session, r *report) (elsewhere []topology.Key, err error) {
	if err := s.keepLease(ctx, session); err != nil {
		return nil, err
	}
	r.host = placed(s.Mirror.State(), r)
	r.found = slices.DeleteFunc(r.found, func(n *topology.RouterNeighbour) bool {
		reaches, watches := s.feed.reaches(r.host.ID, n)
		_, held := session.held[n.Key()]
		return !reaches && (watches || !held) // a host that does not watch just now says it again
	})
	changes, elsewhere := session.compare(s.Mirror.State(), r)
	for batch := range slices.Chunk(changes, changesPerStep) {
		if err := s.commit(ctx, session, r.host.ID, batch); err != nil {
			if errors.Is(err, nsdb.ErrLeaseLost) {
				session.lease = nil
			}
			return nil, err
		}
	}
	session.reported = map[topology.Key]topology.Object{}
	for _, l := range r.learned {
		session.reported[l.Key()] = l
	}
	for _, n := range r.found {
		session.reported[n.Key()] = n
	}
	return elsewhere, nil
}

// keepLease renews the host's lease, or grants one that holds nothing yet. After a silence, and where the host watches anew, the old lease
// is left to run out: the host may have reported to another server meanwhile, whose lease then holds what this one held.
func (s *Server) keepLease(ctx context.Context, session *session) error {
	silence := time.Since(session.heard)
	session.heard = time.Now()
	if returned := session.returned.Swap(false); session.lease != nil && silence < s.LeaseTTL/2 && !returned {
		err := session.lease.Renew(ctx)
		if !errors.Is(err, nsdb.ErrLeaseLost) {
			return err
		}
	}
	session.lease = nil // also where there is no other yet
	lease, err := s.Store.Grant(ctx, s.LeaseTTL)
	if err != nil {
		return err
	}
	session.lease, session.held = lease, map[topology.Key]struct{}{}
	return nil
}

// change is one object that a report adds, alters or (put is nil) takes away.
type change struct {
	key topology.Key
	put topology.Object
}

// compare returns the changes that lead from the state of the store to the report, and what the report has that is another host's.
func (session *session) compare(state *mirror.State, r *report) (changes []change, elsewhere []topology.Key) {
	if stored := state.Get(r.host.Key()); !reflect.DeepEqual(stored, topology.Object(r.host)) {
		changes = append(changes, change{r.host.Key(), r.host})
	}
	said := map[topology.Key]struct{}{}
	leased := func(o topology.Object) {
		said[o.Key()] = struct{}{}
		if _, held := session.held[o.Key()]; !held || !reflect.DeepEqual(state.Get(o.Key()), o) {
			changes = append(changes, change{o.Key(), o})
		}
	}
	leased(r.state)
	for _, p := range r.ports {
		if b := mirror.Lookup[*topology.Binding](state, topology.KindBinding, p.Port); b != nil && b.Host == p.Host {
			leased(p)
		}
	}
	claim := func(o topology.Object, free bool) {
		if free || session.isNew(o) {
			leased(o)
		} else {
			elsewhere = append(elsewhere, o.Key())
		}
	}
	for _, l := range r.learned {
		if isBehind(state, l) {
			stored := mirror.Lookup[*topology.LearnedMAC](state, topology.KindLearnedMAC, l.ID)
			claim(l, stored == nil || stored.Host == l.Host)
		}
	}
	for _, n := range r.found {
		stored := mirror.Lookup[*topology.RouterNeighbour](state, topology.KindRouterNeighbour, n.ID)
		if stored == nil || stored.Host == n.Host || *stored != *withHost(n, stored.Host) { // else another host says the same
			claim(n, stored == nil || stored.Host == n.Host)
		}
	}
	for _, b := range r.blocks {
		if stored := mirror.Lookup[*topology.NATBlock](state, topology.KindNATBlock, b.ID); stored == nil || stored.Host == b.Host {
			leased(b)
		}
	}
	return append(changes, session.unsaid(state, r.host.ID, said)...), elsewhere
}

// isBehind reports whether a station can be where a host has seen it: behind a port of the bridge that is bound there.
func isBehind(state *mirror.State, l *topology.LearnedMAC) bool {
	binding := mirror.Lookup[*topology.Binding](state, topology.KindBinding, l.Port)
	port := mirror.Lookup[*topology.Port](state, topology.KindPort, l.Port)
	return binding != nil && binding.Host == l.Host && port != nil && port.Bridge == l.Bridge
}

// isNew reports whether the host did not say the same in its last report: a station or neighbour that another host has is to be stored then, since it
// has come here. A host that still believes in its old record does not fight for it. Of the first report that cannot be known.
func (session *session) isNew(o topology.Object) bool {
	return session.reported != nil && !reflect.DeepEqual(session.reported[o.Key()], o)
}

// withHost returns the record as another host would have it.
func withHost(n *topology.RouterNeighbour, host topology.HostID) *topology.RouterNeighbour {
	other := *n
	other.Host = host
	return &other
}

// unsaid returns deletions of what is stored under the host's name and the report leaves out.
func (session *session) unsaid(state *mirror.State, host topology.HostID, said map[topology.Key]struct{}) []change {
	var changes []change
	for p := range state.PortStates(host) {
		if _, ok := said[p.Key()]; !ok {
			changes = append(changes, change{key: p.Key()})
		}
	}
	for k := range session.held {
		if _, ok := said[k]; !ok && session.leavesOut(k) {
			changes = append(changes, change{key: k})
		}
	}
	return changes
}

// leavesOut reports whether the absence of what the lease holds from a report means that it is to go.
func (session *session) leavesOut(k topology.Key) bool {
	switch k.Kind {
	case topology.KindLearnedMAC, topology.KindRouterNeighbour:
		return true
	case topology.KindNATBlock:
		return time.Since(session.granted[k]) > blockGrace
	}
	return false
}

// commit writes a batch of changes as one step and waits until the server itself has seen it, so that the next comparison is with
// what was written.
func (s *Server) commit(ctx context.Context, session *session, host topology.HostID, batch []change) error {
	var written []change
	rev, err := s.Store.Update(ctx, func(tx nsdb.Tx) error {
		written = written[:0]
		for _, c := range batch {
			ok, err := c.apply(tx, session.lease, host)
			if err != nil {
				return err
			}
			if ok {
				written = append(written, c)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	session.note(batch, written)
	if len(written) == 0 {
		return nil
	}
	_, err = s.Mirror.WaitFor(ctx, rev)
	return err
}

// apply makes the change in the transaction unless the binding or the object has passed to another host meanwhile.
func (c change) apply(tx nsdb.Tx, lease nsdb.Lease, host topology.HostID) (bool, error) {
	switch o := c.put.(type) {
	case nil:
		return deleteOwn(tx, c.key, host)
	case *topology.Host:
		tx.Put(o)
		return true, nil
	case *topology.PortState:
		return putIfBound(tx, o, lease, o.Port, host)
	case *topology.LearnedMAC:
		return putIfBound(tx, o, lease, o.Port, host)
	case *topology.NATBlock:
		return putIfFree(tx, o, lease)
	default:
		tx.PutLeased(o, lease)
		return true, nil
	}
}

func putIfBound(tx nsdb.Tx, o topology.Object, lease nsdb.Lease, port topology.PortID, host topology.HostID) (bool, error) {
	b, err := binding(tx, port)
	if err != nil || b == nil || b.Host != host {
		return false, err
	}
	tx.PutLeased(o, lease)
	return true, nil
}

func deleteOwn(tx nsdb.Tx, k topology.Key, host topology.HostID) (bool, error) {
	o, err := tx.Get(k)
	if err != nil {
		return false, err
	}
	if of, ok := stateOwner(o); !ok || of != host {
		return false, nil
	}
	tx.Delete(k)
	return true, nil
}

// stateOwner returns the host whose lease holds the object.
func stateOwner(o topology.Object) (topology.HostID, bool) {
	switch o := o.(type) {
	case *topology.PortState:
		return o.Host, true
	case *topology.LearnedMAC:
		return o.Host, true
	case *topology.RouterNeighbour:
		return o.Host, true
	case *topology.NATBlock:
		return o.Host, true
	}
	return topology.HostID{}, false
}

// note remembers what the lease holds after a batch of which only some changes were written.
func (session *session) note(batch, written []change) {
	for _, c := range batch {
		delete(session.held, c.key)
		if c.put == nil {
			delete(session.granted, c.key)
		}
	}
	for _, c := range written {
		if c.put != nil && c.key.Kind != topology.KindHost {
			session.held[c.key] = struct{}{}
		}
	}
}
