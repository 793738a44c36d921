package store

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// Requests that look at single resources of one kind at the same time, or ask for the same list, ask the database together: while one statement is
// under way, those that come share the next one. It begins after each of them has come, so that what they learn is as new as if each had asked
// alone; who comes when nobody asks does not wait. Most of what a small statement costs is the way to an engine and back, and is the same for eight
// identifiers as for one.

// maxRound is how many identifiers one statement asks for.
const maxRound = 64

// rounds are those that are under way or waiting.
type rounds struct {
	mu    sync.Mutex
	lanes map[laneKey]any // a *lane for what is found there
}

// laneKey names what can be asked for together: resources of one kind, for the same eyes.
type laneKey struct {
	kind  cacheKey // without an identifier
	scope Scope
	list  string // what the list is asked for with; empty for single resources
}

// lane has one statement under way at a time.
type lane[V any] struct {
	users int // who goes through it; the last one takes it away
	next  *round[V]
	turn  sync.Mutex // of who asks for a round
}

// round is what one statement asks for.
type round[V any] struct {
	since  time.Time // when the first has come
	askers int
	ids    []string
	done   chan struct{}
	found  V // set before done is closed, as is err
	err    error
}

// asking finds what one statement asks for. since is when the first has come of those who wait for it.
type asking[V any] func(ctx context.Context, since time.Time, ids []string) (V, error)

var errRoundLost = errors.New("the request that asked the database for several has failed")

// askTogether returns what ask finds for a round with that identifier. The first of a round asks for all of it, also where its own client goes away
// and others wait.
func askTogether[V any](ctx context.Context, all *rounds, key laneKey, id string, ask asking[V]) (found V, err error) {
	l, r, first := enter[V](all, key, id)
	defer leave(all, key, l)
	if first {
		l.run(ctx, all, r, ask)
	} else {
		select {
		case <-r.done:
		case <-ctx.Done():
			return found, ctx.Err()
		}
	}
	return r.found, r.err
}

// enter joins the next round of a lane, or begins it.
func enter[V any](all *rounds, key laneKey, id string) (l *lane[V], r *round[V], first bool) {
	all.mu.Lock()
	defer all.mu.Unlock()
	l, ok := all.lanes[key].(*lane[V])
	if !ok {
		if all.lanes == nil {
			all.lanes = map[laneKey]any{}
		}
		l = &lane[V]{}
		all.lanes[key] = l
	}
	l.users++
	if l.next == nil || len(l.next.ids) == maxRound {
		l.next, first = &round[V]{since: time.Now(), done: make(chan struct{}), err: errRoundLost}, true
	}
	r = l.next
	if r.askers++; !slices.Contains(r.ids, id) {
		r.ids = append(r.ids, id)
	}
	return l, r, first
}

func leave[V any](all *rounds, key laneKey, l *lane[V]) {
	all.mu.Lock()
	defer all.mu.Unlock()
	if l.users--; l.users == 0 {
		delete(all.lanes, key)
	}
}

// run asks for a round when it is its turn. Nobody joins it any more from then on.
func (l *lane[V]) run(ctx context.Context, all *rounds, r *round[V], ask asking[V]) {
	l.turn.Lock()
	defer l.turn.Unlock()
	defer close(r.done)
	all.mu.Lock()
	if l.next == r {
		l.next = nil
	}
	if r.askers > 1 {
		ctx = context.WithoutCancel(ctx)
	}
	ids := r.ids
	all.mu.Unlock()
	r.found, r.err = ask(ctx, r.since, ids)
}
