package staging

import (
	"context"
	"slices"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/topology"
)

// watch turns an engine's steps into those that readers see.
type watch struct {
	store *Store
	parts map[topology.Key]*topology.StagedPart // that were staged since the watch began
}

// Watch delivers the steps as readers are to see them. It ends with ErrCompacted, among other reasons, where a change was staged before
// the revision and its parts are gone when its making is met.
func (s *Store) Watch(ctx context.Context, after nsdb.Revision) (<-chan nsdb.Step, func() error) {
	ctx, cancel := context.WithCancel(ctx)
	steps, failure := s.engine.Watch(ctx, after)
	shown, broken := make(chan nsdb.Step), make(chan error, 1)
	w := &watch{store: s, parts: map[topology.Key]*topology.StagedPart{}}
	go func() {
		defer close(shown)
		defer cancel()
		for step := range steps {
			seen, err := w.shown(ctx, step)
			if err != nil {
				broken <- err
				return
			}
			select {
			case shown <- seen:
			case <-ctx.Done(): // the engine's watch ends with it
			}
		}
	}()
	return shown, func() error {
		select {
		case err := <-broken:
			broken <- err
			return err
		default:
			return failure()
		}
	}
}

// shown returns what readers see of a step.
func (w *watch) shown(ctx context.Context, step nsdb.Step) (nsdb.Step, error) {
	if !slices.ContainsFunc(step.Puts, func(o topology.Object) bool { return isOurs(o.Key()) }) && !slices.ContainsFunc(step.Deletes, isOurs) {
		return step, nil
	}
	var made *topology.StagedChange
	out := nsdb.Step{Revision: step.Revision}
	for _, o := range step.Puts {
		switch o := o.(type) {
		case *topology.StagedPart:
			w.parts[o.Key()] = o
		case *topology.StagedChange:
			if o.Role == topology.StagedMade && !o.Change.IsZero() {
				made = o
			}
		default:
			out.Puts = append(out.Puts, o)
		}
	}
	completes := false
	for _, key := range step.Deletes {
		switch key.Kind {
		case topology.KindStagedPart:
			delete(w.parts, key)
			completes = true
		case topology.KindStagedChange:
		default:
			out.Deletes = append(out.Deletes, key)
		}
	}
	if completes {
		return nsdb.Step{Revision: step.Revision}, nil
	}
	return out, w.add(ctx, &out, made)
}

func isOurs(key topology.Key) bool {
	return key.Kind == topology.KindStagedPart || key.Kind == topology.KindStagedChange
}

// add adds to the step what the change that it makes puts and deletes.
func (w *watch) add(ctx context.Context, step *nsdb.Step, made *topology.StagedChange) error {
	var missing []uint32
	var all []*topology.StagedPart
	for n := range parts(made) {
		key := topology.StagedPartKey(made.Change, n)
		if p := w.parts[key]; p != nil {
			all = append(all, p)
			delete(w.parts, key)
		} else {
			missing = append(missing, n)
		}
	}
	if len(missing) > 0 {
		found, err := w.store.read(ctx, made.Change, missing)
		if err != nil {
			return err
		}
		if len(found) < len(missing) {
			return nsdb.ErrCompacted
		}
		all = append(all, found...)
	}
	for _, p := range all {
		step.Puts = append(step.Puts, p.Puts...)
		step.Deletes = append(step.Deletes, p.Deletes...)
	}
	return nil
}
