package importer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/cluster/nsdb/mirror"
	"midonet.org/midonet/cluster/translate"
	"midonet.org/midonet/topology"
)

// reachTimeout is how long a mirror may take to show what is stored.
const reachTimeout = 5 * time.Second

// reachPoll is how often it is looked at meanwhile.
const reachPoll = 10 * time.Millisecond

// follower keeps a state as the steps of other importers make it. It reads the mirror, so that neither the store nor Neutron's database is
// asked for everything.
type follower struct {
	state   *state
	changes *mirror.Subscription
	after   nsdb.Revision // the steps up to it are in the state
}

// newFollower returns a follower that has in the state, which is empty, what is stored. The mirror has had its first view.
func newFollower(m *mirror.Mirror, s *state) (*follower, error) {
	now, changes := m.Subscribe()
	for _, kind := range []topology.Kind{topology.KindSource, topology.KindTunnelKey, topology.KindProgress} {
		for o := range now.ByKind(kind) {
			if err := s.learn(o); err != nil {
				changes.Close()
				return nil, err
			}
		}
	}
	s.revision = now.Revision
	return &follower{state: s, changes: changes, after: now.Revision}, nil
}

// close ends the following; nil is none.
func (f *follower) close() {
	if f != nil {
		f.changes.Close()
	}
}

// take takes over what has changed, but for what the state has made itself.
func (f *follower) take() error {
	for _, c := range f.changes.Pending() {
		if c.Step.Revision <= f.after || f.state.own[c.Step.Revision] {
			delete(f.state.own, c.Step.Revision)
			continue
		}
		if err := f.state.see(c.Step); err != nil {
			return err
		}
	}
	return nil
}

// until takes over what changes until the state satisfies the condition.
func (f *follower) until(ctx context.Context, reached func() bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, reachTimeout, errors.New("the mirror does not show what is stored"))
	defer cancel()
	for {
		if err := f.take(); err != nil || reached() {
			return err
		}
		select {
		case <-f.changes.Arrived():
		case <-time.After(reachPoll): // the token may have gone to the goroutine that has followed until now
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// hasSeen reports whether the progress is the state's, or came before it. None of its numbers ever shrinks.
func (s *state) hasSeen(p *topology.Progress) bool {
	return s.progress != nil && s.progress.Applied >= p.Applied && s.progress.Turns >= p.Turns && s.progress.Repairs >= p.Repairs
}

// see takes over a step of another importer.
func (s *state) see(step nsdb.Step) error {
	for _, key := range step.Deletes {
		switch key.Kind {
		case topology.KindSource:
			if r := s.set.ResourceOf(key.ID); r != "" {
				s.set.Apply(translate.Deletion(translate.Owner{Resource: r, ID: key.ID}))
			}
		case topology.KindTunnelKey:
			if p, ok := s.keys.holder(key); ok {
				s.keys.release(p)
			}
		}
	}
	for _, o := range step.Puts {
		if err := s.learn(o); err != nil {
			return err
		}
	}
	s.revision = step.Revision
	return nil
}

// learn takes over an object that is stored.
func (s *state) learn(o topology.Object) error {
	switch o := o.(type) {
	case *topology.Source:
		c, err := translate.Decode(translate.Owner{Resource: translate.Resource(o.Resource), ID: o.ID}, o.JSON)
		if err != nil {
			return fmt.Errorf("the stored Neutron object is damaged: %w", err)
		}
		s.set.Apply(c)
	case *topology.TunnelKey:
		s.keys.learn(o)
	case *topology.Progress:
		s.progress = o
	}
	return nil
}
