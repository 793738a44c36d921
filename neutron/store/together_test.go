package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/store/storetest"
)

// asked counts what rounds ask for, and holds each until it is let go.
type asked struct {
	mu     sync.Mutex
	rounds [][]string
	began  chan struct{}
	leave  chan struct{}
}

func (a *asked) ask(ctx context.Context, _ time.Time, ids []string) (map[string]string, error) {
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
	return found, ctx.Err()
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
			if !errors.Is(err, want) || err == nil && id != "none" && found[id] != "of "+id {
				t.Errorf("%s: %q, %v; want %v", id, found, err, want)
			}
		})
	}
	joined := func(n int) {
		t.Helper()
		awaitUsers[map[string]string](t, &all, laneKey{}, n)
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
	ask(ctx, "none", nil)
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
	ask(gone, "alone", context.Canceled) // nobody else is waiting for it
	<-a.began
	a.leave <- struct{}{}
	clients.Wait()
	if len(a.rounds) != 5 || !slices.Equal(a.rounds[0], []string{"first"}) || !slices.Equal(a.rounds[1], []string{"gone", "none", "second"}) ||
		len(a.rounds[2])+len(a.rounds[3]) != maxRound+1 {
		t.Errorf("asked %q", a.rounds)
	}
	if len(all.lanes) > 0 {
		t.Errorf("left: %v", all.lanes)
	}
}

// awaitUsers returns when so many go through a lane.
func awaitUsers[V any](t *testing.T, all *rounds, key laneKey, n int) {
	t.Helper()
	for deadline := time.Now().Add(storetest.Patience); ; time.Sleep(time.Millisecond) {
		all.mu.Lock()
		users := all.lanes[key].(*lane[V]).users
		all.mu.Unlock()
		if users == n {
			return
		} else if time.Now().After(deadline) {
			t.Fatalf("%d have come, not %d", users, n)
		}
	}
}

// TestTheSameListIsReadOnce for all who have asked for it while another statement was under way, and is as it was after they had come. Another list,
// and the same for other eyes, do not wait.
func TestTheSameListIsReadOnce(t *testing.T) {
	db := openNew(t)
	insertNetwork(t, db, newNetwork("p"))
	const clients = 4
	want, scope := plugin.Query{Filters: []plugin.Filter{{Attr: "project_id", Values: []string{"p"}}}}, Scope{Project: "p", Restricted: true}
	same, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	key := Networks.lane(scope, string(same))
	began, leave := make(chan struct{}), make(chan struct{})
	var asking sync.WaitGroup
	asking.Go(func() {
		_, err := askTogether(ctx, &db.rounds, key, "", func(context.Context, time.Time, []string) ([]*model.Sealed[model.Network], error) {
			close(began)
			<-leave
			return nil, nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-began
	lists := make([][]*model.Sealed[model.Network], clients)
	for i := range lists {
		asking.Go(func() {
			var err error
			if lists[i], err = Networks.List(ctx, db, scope, want); err != nil {
				t.Error(err)
			}
		})
	}
	awaitUsers[[]*model.Sealed[model.Network]](t, &db.rounds, key, 1+clients)
	insertNetwork(t, db, newNetwork("p"))
	other := plugin.Query{Filters: want.Filters, Limit: 1}
	for _, apart := range []func() ([]*model.Sealed[model.Network], error){
		func() ([]*model.Sealed[model.Network], error) { return Networks.List(ctx, db, scope, other) },
		func() ([]*model.Sealed[model.Network], error) { return Networks.List(ctx, db, Scope{}, want) },
	} {
		if items, err := apart(); err != nil || len(items) == 0 {
			t.Errorf("%d networks, %v", len(items), err)
		}
	}
	close(leave)
	asking.Wait()
	for _, items := range lists {
		if len(items) != 2 || &items[0] != &lists[0][0] {
			t.Errorf("%d networks, or read once more", len(items))
		}
	}
}

// TestWhoWaitsForItsTurnHasWaited: the time that a round has waited for the one before it is told, and is not to be waited once more.
func TestWhoWaitsForItsTurnHasWaited(t *testing.T) {
	var all rounds
	began, leave := make(chan struct{}), make(chan struct{})
	var clients sync.WaitGroup
	var since time.Time
	clients.Go(func() {
		askTogether(ctx, &all, laneKey{}, "a", func(context.Context, time.Time, []string) (any, error) {
			close(began)
			<-leave
			return nil, nil
		})
	})
	<-began
	clients.Go(func() {
		askTogether(ctx, &all, laneKey{}, "a", func(_ context.Context, s time.Time, _ []string) (any, error) {
			since = s
			return nil, nil
		})
	})
	awaitUsers[any](t, &all, laneKey{}, 2)
	came := time.Now()
	close(leave)
	clients.Wait()
	if since.IsZero() || since.After(came) {
		t.Errorf("the round has waited since %v, after %v", since, came)
	}
}

// TestOneThatFailsLeavesNobodyWaiting, nor the next one.
func TestOneThatFailsLeavesNobodyWaiting(t *testing.T) {
	var all rounds
	began, other := make(chan struct{}), make(chan error)
	func() {
		defer func() { recover() }()
		askTogether(ctx, &all, laneKey{}, "a", func(context.Context, time.Time, []string) (any, error) {
			go func() {
				_, err := askTogether(ctx, &all, laneKey{}, "a", func(context.Context, time.Time, []string) (any, error) { return nil, nil })
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
