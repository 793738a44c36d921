package rest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"midonet.org/midonet/backend"
	"midonet.org/midonet/neutron/journal"
)

const (
	// window is how many pending tasks are read at once.
	window = 128
	// poll is how often the journal is asked for tasks of other servers, and for what has become of tasks that they apply.
	poll = 50 * time.Millisecond
	// shortestPause and longestPause are between attempts while MidoNet is away.
	shortestPause, longestPause = 100 * time.Millisecond, time.Second
	// taskAttempts is how often a task is sent that fails while MidoNet answers others.
	taskAttempts = 3
	// unheardAge is when a fault is taken to be one that no server waits for.
	unheardAge = 2 * time.Minute
	// unheardInterval is how often those are looked for.
	unheardInterval = 10 * time.Second
)

// Config says which MidoNet is driven, and how long it is waited for.
type Config struct {
	URI                           string // of the MidoNet API
	Username, Password, ProjectID string // an empty username: no one logs in
	RequestTimeout                time.Duration
	RetryTime                     time.Duration
	Journal                       *journal.Journal
	// TakeBack undoes what requests have changed whose servers are gone, and forgets the faults.
	TakeBack func(context.Context, []journal.Fault) error
	Log      *slog.Logger
}

// Backend drives a MidoNet. Every server of a database has one; the one that is run applies the journal.
type Backend struct {
	Config
	client *client

	mu       sync.Mutex
	status   backend.Status
	away     error         // why the journal is not being applied here; nil while it is, and where it is another server's work
	since    time.Time     // since when
	waiting  int           // requests in Confirm
	progress chan struct{} // closed, and replaced, when a task is no longer pending

	// Of Run alone.
	attempts  map[int64]int            // of tasks that have failed
	failed    map[string]journal.Fault // the first fault of a request, by transaction id, while tasks of it are pending
	lookedFor time.Time                // when faults that no one heard of were looked for
}

var (
	_ backend.Backend = (*Backend)(nil)
	_ journal.Backend = (*Backend)(nil)
)

// New returns the backend. It does not need MidoNet to be there yet.
func New(c Config) *Backend {
	return &Backend{Config: c, client: newClient(c), status: backend.Status{Name: "rest"}, progress: make(chan struct{}),
		attempts: map[int64]int{}, failed: map[string]journal.Fault{}}
}

// Status implements backend.Backend.
func (b *Backend) Status() backend.Status {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.status
	if b.away != nil {
		s.LastError = b.away.Error()
	}
	return s
}

// Run implements backend.Backend: it applies the journal until ctx ends.
func (b *Backend) Run(ctx context.Context) error {
	defer b.setAway(nil) // another server goes on
	pause := shortestPause
	for {
		applied, err := b.drain(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		b.setAway(err)
		if err != nil {
			sleep(ctx, pause)
			pause = min(2*pause, longestPause)
			continue
		}
		pause = shortestPause
		b.takeBackUnheard(ctx)
		if !applied {
			b.wait(ctx)
		}
	}
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// wait returns when tasks may be pending.
func (b *Backend) wait(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, poll)
	defer cancel()
	_ = b.Journal.Wait(ctx) // that the time is over is no failure
}

// setAway notes whether the journal is being applied, and logs it when that changes.
func (b *Backend) setAway(err error) {
	b.mu.Lock()
	was := b.away
	if b.away = err; was == nil {
		b.since = time.Now()
	}
	b.mu.Unlock()
	switch {
	case was == nil && err != nil:
		b.Log.Error("MidoNet does not take changes; trying again", "error", err)
	case was != nil && err == nil:
		b.Log.Info("MidoNet takes changes again")
	}
}

// drain applies the pending tasks, and reports whether there were any. It stops at one that MidoNet does not answer.
func (b *Backend) drain(ctx context.Context) (applied bool, err error) {
	tasks, err := b.Journal.Pending(ctx, window)
	if err != nil {
		return false, err
	}
	b.forgetAllBut(tasks)
	for _, t := range tasks {
		if err := b.apply(ctx, t); err != nil {
			return applied, err
		}
		applied = true
	}
	return applied, nil
}

// forgetAllBut drops what is remembered of tasks that are no longer pending.
func (b *Backend) forgetAllBut(pending []journal.Task) {
	tasks, requests := map[int64]int{}, map[string]journal.Fault{}
	for _, t := range pending {
		if n, ok := b.attempts[t.ID]; ok {
			tasks[t.ID] = n
		}
		if f, ok := b.failed[t.TransactionID]; ok {
			requests[t.TransactionID] = f
		}
	}
	b.attempts, b.failed = tasks, requests
}

// apply makes one task's change, or refuses it. An error means that it stays in the journal.
func (b *Backend) apply(ctx context.Context, t journal.Task) error {
	if f, ok := b.failed[t.TransactionID]; ok && t.Type != journal.Delete {
		return b.refuse(ctx, journal.Fault{Task: t, Status: f.Status, Message: f.Message})
	}
	fault, err := b.make(ctx, t)
	switch {
	case fault != nil:
		return b.refuse(ctx, *fault)
	case err != nil && ctx.Err() == nil && b.hopeless(ctx, t):
		return b.refuse(ctx, journal.Fault{Task: t, Status: http.StatusServiceUnavailable,
			Message: fmt.Sprintf("MidoNet did not make this change in %d attempts: %v", taskAttempts, err)})
	case err != nil:
		return err
	}
	if err := b.Journal.Done(ctx, []int64{t.ID}, journal.Mark{}); err != nil {
		return err
	}
	b.setAway(nil)
	b.progressed(func(s *backend.Status) { s.Applied, s.LastTaskID = s.Applied+1, max(s.LastTaskID, t.ID) })
	return nil
}

// hopeless reports whether a task fails by itself: MidoNet answers, and has failed it often enough.
func (b *Backend) hopeless(ctx context.Context, t journal.Task) bool {
	if _, err := b.client.freshDocuments(ctx); err != nil {
		return false
	}
	b.attempts[t.ID]++
	return b.attempts[t.ID] >= taskAttempts
}

// refuse keeps the fault for the request that waits.
func (b *Backend) refuse(ctx context.Context, f journal.Fault) error {
	if err := b.Journal.Refuse(ctx, f); err != nil {
		return err
	}
	b.Log.Error("MidoNet has refused a change", "task", f.Task.ID, "type", f.Task.Type, "of", f.Task.DataType, "resource", f.Task.ResourceID,
		"request", f.Task.TransactionID, "status", f.Status, "message", f.Message)
	if f.Task.TransactionID != "" {
		b.failed[f.Task.TransactionID] = f
	}
	b.progressed(func(*backend.Status) {})
	return nil
}

// progressed changes the status and wakes those who wait.
func (b *Backend) progressed(change func(*backend.Status)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change(&b.status)
	close(b.progress)
	b.progress = make(chan struct{})
}

// make tells MidoNet of a task. The fault says that MidoNet refuses it, the error that it did not answer.
func (b *Backend) make(ctx context.Context, t journal.Task) (*journal.Fault, error) {
	call, err := CallOf(t)
	if err != nil {
		return &journal.Fault{Task: t, Status: http.StatusNotImplemented, Message: err.Error()}, nil
	}
	a, err := b.send(ctx, call)
	if err != nil {
		return nil, err
	}
	refusal := &journal.Fault{Task: t, Status: a.status, Message: a.message()}
	switch judge(t, a) {
	case done:
		return nil, nil
	case again:
		return nil, fmt.Errorf("MidoNet answered %d: %s", a.status, a.message())
	case compare:
		isThere, err := b.hasAlready(ctx, t)
		if isThere || err != nil {
			return nil, err
		}
	}
	return refusal, nil
}

// send makes a call within the time that one may take.
func (b *Backend) send(ctx context.Context, call Call) (answer, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, b.RequestTimeout, errSlow)
	defer cancel()
	a, err := b.client.send(ctx, call)
	if err != nil && errors.Is(context.Cause(ctx), errSlow) {
		err = fmt.Errorf("%w of %v", errSlow, b.RequestTimeout)
	}
	return a, err
}

var errSlow = errors.New("MidoNet did not answer within request_timeout")

// hasAlready reports whether MidoNet has the resource that a task is to create: it was told before, and the answer was lost.
func (b *Backend) hasAlready(ctx context.Context, t journal.Task) (bool, error) {
	k := kinds[t.DataType]
	a, err := b.send(ctx, Call{Method: http.MethodGet, Link: k.one, ID: t.ResourceID, Media: k.media})
	if err != nil {
		return false, err
	}
	return a.status == http.StatusOK && isItself(t, a.body), nil
}

// takeBackUnheard undoes what servers have changed that are gone.
func (b *Backend) takeBackUnheard(ctx context.Context) {
	if time.Since(b.lookedFor) < unheardInterval {
		return
	}
	b.lookedFor = time.Now()
	faults, err := b.Journal.Unheard(ctx, time.Now().Add(-unheardAge))
	if err == nil && len(faults) > 0 {
		err = b.TakeBack(ctx, faults)
	}
	if err != nil && ctx.Err() == nil {
		b.Log.Error("what MidoNet refused could not be taken back yet", "error", err)
	}
}
