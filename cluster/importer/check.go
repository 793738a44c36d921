package importer

import (
	"context"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/topology"
)

// Report is the outcome of a full comparison.
type Report struct {
	Revision    nsdb.Revision
	Sources     int      // Neutron objects stored
	Objects     int      // topology objects that they should render to, or that are stored in their place
	Differences []string // in words, in order of key, and then what no store takes; empty when all is well
}

// Check renders everything, but for what is pending, and compares it with the stored topology: incremental equals full. It writes
// nothing and may be called while an importer runs; it needs no importer to have run.
func (i *Importer) Check(ctx context.Context) (Report, error) {
	snapshot, s, repairs, err := i.moment(ctx)
	if err != nil {
		return Report{}, err
	}
	r := Report{Revision: snapshot.Revision, Differences: append(describe(snapshot.Objects, repairs), s.problems()...)}
	for key, o := range snapshot.Objects {
		if owned(o) {
			r.Objects++
		} else if key.Kind == topology.KindSource {
			r.Sources++
		}
	}
	return r, nil
}

// moment compares the store and Neutron as they are at one time, when nothing was applied between the two readings. What was committed
// to Neutron's database between them is pending.
func (i *Importer) moment(ctx context.Context) (*nsdb.Snapshot, *state, delta, error) {
	before, err := i.store.View(ctx)
	for err == nil {
		s, repairs, failed := i.compare(ctx, before.Objects)
		if failed != nil {
			return before, nil, nil, failed
		}
		after, failed := i.store.View(ctx)
		if failed == nil && sameProgress(before.Objects, after.Objects) {
			return before, s, repairs, nil
		}
		before, err = after, failed
	}
	return before, nil, nil, err
}

// sameProgress reports whether no task was applied between the two.
func sameProgress(a, b map[topology.Key]topology.Object) bool {
	for key, o := range a {
		if key.Kind == topology.KindProgress {
			return b[key] != nil && same(o, b[key])
		}
	}
	for key := range b {
		if key.Kind == topology.KindProgress {
			return false
		}
	}
	return true
}
