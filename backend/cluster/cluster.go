// Package cluster is the backend that is the default: the MidoNet cluster in the same process, which takes tasks from the journal
// straight to the network state database.
package cluster

import (
	"context"

	"midonet.org/midonet/backend"
	"midonet.org/midonet/cluster/importer"
)

// Backend drains the journal with an importer.
type Backend struct {
	importer *importer.Importer
}

var _ backend.Backend = (*Backend)(nil)

// New returns a backend around the importer, which nobody else may run.
func New(i *importer.Importer) *Backend { return &Backend{importer: i} }

// Run drains the journal until ctx ends.
func (b *Backend) Run(ctx context.Context) error { return b.importer.Run(ctx) }

// Status says how far the importer has come.
func (b *Backend) Status() backend.Status {
	s := b.importer.Status()
	status := backend.Status{Name: "cluster", Applied: s.Applied, LastTaskID: s.LastTaskID, Problems: s.Problems, LastError: s.LastError}
	for _, f := range s.Failed {
		status.Failed = append(status.Failed, backend.Failure(f))
	}
	return status
}
