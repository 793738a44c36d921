package mirror

import (
	"context"
	"sync"

	"midonet.org/midonet/cluster/nsdb"
)

// Change is one step with the states around it.
type Change struct {
	Step   nsdb.Step
	Before *State // lets a reader see what a deleted object was
	After  *State
}

// Subscription is the queue of the changes that a subscriber has not taken yet. A subscriber that is slow holds nobody up; its queue
// grows.
type Subscription struct {
	mirror *Mirror

	mu      sync.Mutex
	queue   []Change
	arrived chan struct{} // has room for one token, there while the queue is not empty
}

// Subscribe returns the present state and a subscription to every change after it. Call Close when done.
func (m *Mirror) Subscribe() (*State, *Subscription) {
	s := &Subscription{mirror: m, arrived: make(chan struct{}, 1)}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.subscribers[s] = struct{}{}
	return m.state, s
}

// Close ends the subscription.
func (s *Subscription) Close() {
	s.mirror.mu.Lock()
	defer s.mirror.mu.Unlock()
	delete(s.mirror.subscribers, s)
}

// Next waits for changes and returns those that have come since the last call, in order, or ctx's error when ctx ends first. One
// goroutine may call it at a time.
func (s *Subscription) Next(ctx context.Context) ([]Change, error) {
	select {
	case <-s.arrived:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return s.Pending(), nil
}

// Arrived can be received from when Next would return at once; receiving from it takes the token, after which Pending gives the
// changes. It is for a goroutine that waits for other things as well.
func (s *Subscription) Arrived() <-chan struct{} { return s.arrived }

// Pending returns the changes that have come, without waiting; none after another reader has taken them.
func (s *Subscription) Pending() []Change {
	s.mu.Lock()
	defer s.mu.Unlock()
	changes := s.queue
	s.queue = nil
	return changes
}

func (s *Subscription) push(c Change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue = append(s.queue, c)
	select {
	case s.arrived <- struct{}{}:
	default:
	}
}
