package importer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"midonet.org/midonet/neutron/journal"
)

// askVersions is how often an importer that is busy looks whether a version has been ordered.
const askVersions = time.Second

// progressStep is how many Neutron objects are rendered between two notes of how far a version has come.
const progressStep = 1000

// ObeyVersions makes the importer render the whole topology anew where an operator orders it. Call it before Run.
func (i *Importer) ObeyVersions(v journal.Versions) { i.versions = v }

// rebuild makes the version that was ordered, if one was, and returns the state to go on with.
//
// The topology is rendered in memory from Neutron's tables, beside the live one; the difference alone is prepared in the store, and then
// made in one step, however large it is. So agents see the old topology or the new one, and nothing of what is the same in both. Tasks
// that come meanwhile stay in the journal, and are applied to what is the topology then.
//
// Where the importer is ended or overtaken meanwhile, the order stays, and who drains next begins it anew. An order that is withdrawn before the
// step leaves the topology as it was.
func (i *Importer) rebuild(ctx context.Context, s *state) (*state, error) {
	if i.versions == nil || time.Since(i.askedVersions) < askVersions {
		return s, nil
	}
	i.askedVersions = time.Now()
	v, err := i.versions.Ordered(ctx)
	if err != nil || v == nil {
		return s, err
	}
	next, err := i.makeVersion(ctx, s, v.ID)
	if err != nil && ctx.Err() == nil && !errors.Is(err, errOvertaken) {
		if failed := i.versions.Failed(ctx, v.ID, err.Error()); failed != nil {
			i.log.Error("the failure of a data version cannot be recorded", "version", v.ID, "error", failed)
		}
		return nil, fmt.Errorf("making data version %d: %w", v.ID, err)
	}
	return next, err
}

func (i *Importer) makeVersion(ctx context.Context, s *state, version int64) (*state, error) {
	snapshot, err := i.store.View(ctx)
	if err != nil {
		return nil, err
	}
	next, repairs, err := i.compareShowing(ctx, snapshot.Objects, i.showing(ctx, version))
	if err != nil {
		return nil, err
	}
	activate, err := i.versions.Rendered(ctx, version, len(repairs))
	if err != nil || !activate {
		return s, err
	}
	next.journal, next.failed = s.journal, s.failed
	if len(repairs) > 0 {
		i.logRepairs(describe(snapshot.Objects, repairs))
		err := i.commit(ctx, next, repairs, next.afterRepairs(), i.preparing(ctx, version))
		if errors.Is(err, errWithdrawn) {
			i.log.Info("a data version was withdrawn", "version", version)
			return s, nil
		}
		if err != nil {
			return nil, err
		}
	}
	i.log.Info("the topology is that of a new data version", "version", version, "written", len(repairs))
	return next, i.versions.Activated(ctx, version)
}

// errWithdrawn says that a version is no longer wanted.
var errWithdrawn = errors.New("the data version is withdrawn")

// preparing returns a function that notes how many of the differences are prepared, and fails where the order is withdrawn.
func (i *Importer) preparing(ctx context.Context, version int64) func(done int) error {
	return func(done int) error {
		wanted, err := i.versions.Prepared(ctx, version, done)
		if err == nil && !wanted {
			err = errWithdrawn
		}
		return err
	}
}

// showing returns a function that notes how many objects of how many are rendered, now and then. That a note is lost does no harm.
func (i *Importer) showing(ctx context.Context, version int64) func(done, total int) error {
	return func(done, total int) error {
		if done%progressStep != 0 && done != total {
			return nil
		}
		if err := i.versions.Progress(ctx, version, done, total); err != nil {
			i.log.Warn("the progress of a data version cannot be noted", "version", version, "error", err)
		}
		return ctx.Err()
	}
}
