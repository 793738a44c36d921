package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"midonet.org/midonet/neutron/store/storetest"
)

// asked counts what rounds ask for, and holds each until it is let go.
type asked struct {
	mu     sync.Mutex
	rounds [][]string
	began  chan struct{}
	leave  chan struct{}
}

func (a *asked) ask(ids []string) (map[string]string, error) {
	a.mu.Lock()
	a.rounds = append(a.rounds, slices.Sorted(slices.Values(ids)))
	a.mu.Unlock()
	a.began <- struct{}{}
	<-a.leave
	found := map[string]string{}
	for _, id := range ids {
		if id != "none" {
			found[id] = "of " + id
		}
	}
	return found, nil
}

// TestThoseWhoAskMeanwhileAskTogether: and learn what is asked after they have come. Who asks for more than a statement has room for begins
// another one, and nothing is left when all have gone.
func TestThoseWhoAskMeanwhileAskTogether(t *testing.T) {
	var all rounds
	a := &asked{began: make(chan struct{}), leave: make(chan struct{})}
	var clients sync.WaitGroup
	ask := func(ctx context.Context, id string, want error) {
		clients.Go(func() {
			found, err := askTogether(ctx, &all, laneKey{}, id, a.ask)
			if !errors.Is(err, want) || err == nil && found != "of "+id {
				t.Errorf("%s: %q, %v; want %v", id, found, err, want)
			}
		})
	}
	joined := func(n int) {
		for deadline := time.Now().Add(storetest.Patience); ; time.Sleep(time.Millisecond) {
			all.mu.Lock()
			l := all.lanes[laneKey{}].(*lane[string])
			users := l.users
			all.mu.Unlock()
			if users == n {
				return
			} else if time.Now().After(deadline) {
				t.Fatalf("%d have come, not %d", users, n)
			}
		}
	}
	ask(ctx, "first", nil)
	<-a.began
	gone, leave := context.WithCancel(ctx)
	ask(gone, "gone", nil) // it asks for the others all the same
	joined(2)
	ask(gone, "second", context.Canceled)
	joined(3)
	leave()
	joined(2)
	ask(ctx, "second", nil)
	ask(ctx, "none", ErrNotFound)
	joined(4)
	a.leave <- struct{}{}
	<-a.began
	for n := range maxRound + 1 {
		ask(ctx, fmt.Sprint(n), nil)
	}
	joined(3 + maxRound + 1)
	for range 2 {
		a.leave <- struct{}{}
		<-a.began
	}
	a.leave <- struct{}{}
	clients.Wait()
	if len(a.rounds) != 4 || !slices.Equal(a.rounds[0], []string{"first"}) || !slices.Equal(a.rounds[1], []string{"gone", "none", "second"}) ||
		len(a.rounds[2])+len(a.rounds[3]) != maxRound+1 {
		t.Errorf("asked %q", a.rounds)
	}
	if len(all.lanes) > 0 {
		t.Errorf("left: %v", all.lanes)
	}
}

// TestOneThatFailsLeavesNobodyWaiting, nor the next one.
func TestOneThatFailsLeavesNobodyWaiting(t *testing.T) {
	var all rounds
	began, other := make(chan struct{}), make(chan error)
	func() {
		defer func() { recover() }()
		askTogether(ctx, &all, laneKey{}, "a", func([]string) (map[string]string, error) {
			go func() {
				_, err := askTogether(ctx, &all, laneKey{}, "a", func([]string) (map[string]string, error) { return map[string]string{"a": ""}, nil })
				other <- err
			}()
			close(began)
			panic("a defect")
		})
	}()
	<-began
	if err := <-other; err != nil {
		t.Error(err)
	}
	if len(all.lanes) > 0 {
		t.Errorf("left: %v", all.lanes)
	}
}
