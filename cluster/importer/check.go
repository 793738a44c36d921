package importer

import (
	"context"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/cluster/translate"
	"midonet.org/midonet/topology"
)

// Report is the outcome of a full comparison.
type Report struct {
	Revision    nsdb.Revision
	Sources     int      // Neutron objects stored
	Objects     int      // topology objects that they should render to, or that are stored in their place
	Differences []string // in words, in order of key; empty when all is well
}

// Check renders everything from the stored Neutron objects and compares it with the stored topology: incremental equals full. It
// writes nothing and may be called while an importer runs; it needs no importer to have run.
func (i *Importer) Check(ctx context.Context) (Report, error) {
	return Check(ctx, i.store, i.settings)
}

// Check is Importer.Check for a store alone.
func Check(ctx context.Context, store nsdb.Store, settings translate.Settings) (Report, error) {
	snapshot, err := store.View(ctx)
	if err != nil {
		return Report{}, err
	}
	_, repairs, err := restore(snapshot.Objects, settings)
	if err != nil {
		return Report{}, err
	}
	r := Report{Revision: snapshot.Revision, Differences: describe(snapshot.Objects, repairs)}
	for key := range snapshot.Objects {
		if rendered[key.Kind] {
			r.Objects++
		} else if key.Kind == topology.KindSource {
			r.Sources++
		}
	}
	return r, nil
}
