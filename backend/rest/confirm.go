package rest

import (
	"context"
	"net/http"
	"slices"
	"time"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/journal"
)

// maxWaiting is how many requests may wait for MidoNet at once.
const maxWaiting = 512

// Ready implements journal.Backend. It asks MidoNet whether it is there, now and then. While MidoNet is away, but not for long, the request
// waits.
func (b *Backend) Ready(ctx context.Context) error {
	if err := b.enter(); err != nil {
		return err
	}
	defer b.waits(-1)
	for {
		since, away := b.absence()
		if away == nil {
			break
		}
		if time.Since(since) > b.RetryTime {
			return unavailable("MidoNet does not take changes at present.").Wrap(away)
		}
		sleep(ctx, poll)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	if _, err := b.client.documents(ctx); err != nil {
		return unavailable("MidoNet does not answer at present.").Wrap(err)
	}
	return nil
}

// enter counts a request that may have to wait, unless there are too many.
func (b *Backend) enter() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.waiting >= maxWaiting {
		return unavailable("%d requests wait for MidoNet already.", maxWaiting)
	}
	b.waiting++
	return nil
}

// absence returns since when MidoNet is away and why, nil where it is not known to be.
func (b *Backend) absence() (since time.Time, away error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.since, b.away
}

// unavailable is webob's name for it, as everything that MidoNet says.
func unavailable(format string, args ...any) *errs.Error {
	return errs.New(errs.Unavailable, "HTTPServiceUnavailable", format, args...)
}

// Admit implements journal.Backend.
func (b *Backend) Admit(t journal.Task) error {
	release, known := b.client.lastRelease()
	if !known { // what follows from what clients ask is admitted after Ready; this is the server's own
		return nil
	}
	return admit(release, t)
}

// Needs implements journal.Backend.
func (b *Backend) Needs(extension string) error {
	release, known := b.client.lastRelease()
	if !known {
		return nil
	}
	return lacking(release, extension)
}

// Confirm implements journal.Backend.
func (b *Backend) Confirm(ctx context.Context, tasks []journal.Task) ([]journal.Fault, error) {
	b.waits(1)
	defer b.waits(-1)
	began := time.Now()
	for {
		next := b.next()
		since, away := b.absence()
		waiting, faults, err := b.Journal.Outcome(ctx, tasks)
		late := time.Since(began) > b.RetryTime+b.RequestTimeout || away != nil && time.Since(since) > b.RetryTime
		switch {
		case err == nil && len(waiting) == 0:
			return faults, nil
		case err == nil && late:
			return b.giveUp(ctx, waiting, tasks)
		case late:
			return nil, unavailable("The change is stored; whether MidoNet has it is not known.").Wrap(err)
		}
		select {
		case <-next:
		case <-time.After(poll):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (b *Backend) waits(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting += n
}

// next returns what is closed when another task is no longer pending.
func (b *Backend) next() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.progress
}

// giveUp withdraws the tasks that still wait, all but the deletions, and reports all of them as refused. What was answered meanwhile
// counts as it was answered.
func (b *Backend) giveUp(ctx context.Context, waiting, tasks []journal.Task) ([]journal.Fault, error) {
	withdrawn, err := b.Journal.Withdraw(ctx, slices.DeleteFunc(slices.Clone(waiting), isDeletion))
	if err != nil {
		return nil, unavailable("The change is stored, and MidoNet does not have it yet.").Wrap(err)
	}
	left, faults, err := b.Journal.Outcome(ctx, tasks)
	if err != nil {
		return nil, unavailable("Whether MidoNet has the change is not known.").Wrap(err)
	}
	for _, t := range append(withdrawn, left...) {
		faults = append(faults, journal.Fault{Task: t, Status: http.StatusServiceUnavailable, Message: givenUp(t)})
	}
	slices.SortFunc(faults, func(a, b journal.Fault) int { return int(a.Task.ID - b.Task.ID) })
	return faults, nil
}

func isDeletion(t journal.Task) bool { return t.Type == journal.Delete }

func givenUp(t journal.Task) string {
	if isDeletion(t) {
		return "MidoNet does not answer. What was to be deleted is gone from Neutron, and MidoNet will be told when it answers."
	}
	return "MidoNet does not answer."
}
