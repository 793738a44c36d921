// Package importer applies the journal to the network state database: it drains tasks, renders the owners that each touches, and
// writes the difference.
//
// One step of the store holds the Neutron objects (topology.Source), what they render to, and how far the importer has come, however
// much that is (nsdb.Large). A crash at any point therefore leaves a consistent state; tasks that were applied and not yet removed from
// the journal are applied once more, which changes nothing, because a task carries the whole resource.
//
// For the same reason only the newest of several pending tasks of one resource is applied, and a task that cannot be applied is
// passed over: it stays in the journal, is logged, shown by Status and tried again every minute, other resources go on, and a newer
// task of its resource supersedes it.
//
// At the start, and after any failure, everything is rendered again and compared with what is stored, and the difference is written.
// Everything is what Neutron has, where the importer was told (CompareWith): the journal cannot bring back what was applied to a store
// that has been lost, or to another server's. Otherwise it is the stored Neutron objects. The same comparison is Check, which `midonet
// db check` prints.
//
// An importer without a journal is fed by requests (Apply), which are answered when they are stored. A store belongs to the one journal,
// or to requests, whose progress it has; any other importer refuses it.
package importer

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/cluster/translate"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/journal"
)

const (
	// window is how many pending tasks are read at once.
	window = 512
	// retryPause is the wait after the store or the journal has failed.
	retryPause = time.Second
	// retryFailed is how long a task that could not be applied is left alone.
	retryFailed = time.Minute
)

// errOvertaken says that another importer of the same journal has written meanwhile.
var errOvertaken = errors.New("another importer of this journal is at work")

// Importer drains one journal, or makes what requests ask for, in one store.
type Importer struct {
	store    nsdb.Large
	reader   journal.Reader // nil: fed by requests
	requests chan request
	neutron  journal.Inventory // nil: the stored Neutron objects are all that is known
	versions journal.Versions  // nil: none are ordered
	settings translate.Settings
	log      *slog.Logger
	largest  int // the most octets of an object

	first    sync.Once
	loaded   chan struct{} // closed when the store is complete for the first time
	loadedAt nsdb.Revision // valid when loaded is closed

	askedVersions time.Time // when versions was looked at last

	standby     standby
	verifyAfter time.Duration
	verifying   sync.WaitGroup

	mu     sync.Mutex
	status Status
}

// Status is what an operator asks of an importer.
type Status struct {
	Applied    uint64    // tasks applied since the journal began
	LastTaskID int64     // of the last one
	Failed     []Failure // tasks that cannot be applied, in order of number
	Problems   []string  // what is not stored as it should be, since no store takes it, in words
	Repaired   int       // differences found and repaired by the last full comparison
	LastError  string    // why the importer is not draining at present; empty while it is
}

// Failure is a task that cannot be applied.
type Failure struct {
	TaskID   int64
	Resource string // for people: what the task is about
	Reason   string
	Tried    time.Time
}

// New returns an importer of the journal, or with a nil reader one that is fed by Apply. It does nothing until Run.
func New(store nsdb.Large, reader journal.Reader, settings translate.Settings, log *slog.Logger) *Importer {
	return &Importer{store: store, reader: reader, requests: make(chan request), settings: settings, log: log, largest: nsdb.MaxObjectBytes,
		loaded: make(chan struct{}), verifyAfter: verifyAfter}
}

// CompareWith makes the importer compare the store with what Neutron has, at each start and in Check. Call it before Run.
func (i *Importer) CompareWith(neutron journal.Inventory) { i.neutron = neutron }

// Loaded waits until the store has everything that was known when Run began, and returns from which revision on. It returns ctx's
// error when ctx ends first.
func (i *Importer) Loaded(ctx context.Context) (nsdb.Revision, error) {
	select {
	case <-i.loaded:
		return i.loadedAt, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// Status returns the present status.
func (i *Importer) Status() Status {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.status
}

// Run drains the journal, or answers requests, until ctx ends, and returns ctx's error. It waits out failures of the store and the
// journal. The one error that it gives up on is a store whose topology comes from elsewhere: going on would mix two clouds.
func (i *Importer) Run(ctx context.Context) error {
	waiting := i.begin()
	defer i.end()
	for {
		err := i.work(ctx, waiting)
		waiting = nil
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errs.Is(err, errs.Conflict) {
			return err
		}
		i.report(func(s *Status) { s.LastError = err.Error() })
		i.log.Error("importing has stopped; trying again", "error", err)
		select {
		case <-time.After(retryPause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// work takes over what was kept for its turn, or loads what is stored and repairs it, and drains until something fails. What it has in memory
// may then be ahead of the store, so it is forgotten.
func (i *Importer) work(ctx context.Context, waiting *follower) error {
	ctx, cancel := context.WithCancel(ctx)
	defer i.verifying.Wait()
	defer cancel()
	if i.reader == nil {
		return i.serve(ctx)
	}
	s, verdicts, err := i.start(ctx, waiting)
	if err != nil {
		return err
	}
	for {
		n, err := i.drain(ctx, s)
		if err != nil {
			return err
		}
		if s, err = i.rebuild(ctx, s); err != nil {
			return err
		}
		if s, err = i.heed(ctx, s, verdicts); err != nil {
			return err
		}
		if n > 0 {
			continue
		}
		if err := i.reader.Wait(ctx); err != nil {
			return err
		}
	}
}

// start returns the state to begin with, and where it was taken over what is yet to be found out about it.
func (i *Importer) start(ctx context.Context, waiting *follower) (*state, <-chan verdict, error) {
	defer waiting.close()
	if waiting != nil {
		s, err := i.takeOver(ctx, waiting)
		if err == nil {
			i.begun(s, s.revision)
			return s, i.verify(ctx), nil
		}
		if ctx.Err() != nil {
			return nil, nil, err
		}
		i.log.Info("comparing everything before the first task", "reason", err)
	}
	s, err := i.load(ctx)
	return s, nil, err
}

// begun says that the store has, from the revision on, everything that was known when the turn began. It is that of a step, which every mirror
// comes to see.
func (i *Importer) begun(s *state, from nsdb.Revision) {
	var before string
	i.report(func(status *Status) { before, status.LastError = status.LastError, "" })
	if before != "" {
		i.log.Info("importing goes on")
	}
	i.reportProgress(s)
	i.first.Do(func() {
		i.loadedAt = from
		close(i.loaded)
	})
}

// heed returns the state to go on with once a verdict is there.
func (i *Importer) heed(ctx context.Context, s *state, verdicts <-chan verdict) (*state, error) {
	select {
	case v := <-verdicts:
		if !v.sound {
			return i.load(ctx)
		}
		s.unfit = v.unfit
		i.reportProgress(s)
	default:
	}
	return s, nil
}

func (i *Importer) report(change func(*Status)) {
	i.mu.Lock()
	defer i.mu.Unlock()
	change(&i.status)
}
