package importer

import (
	"context"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/topology"
)

const (
	// maxObjects is what an Update may touch beside the Progress.
	maxObjects = nsdb.MaxObjects - 1
	// maxBytes bounds the Neutron objects in a batch, and so the size of a transaction: engines take at least a megabyte.
	maxBytes = 512 << 10
)

// batch collects deltas until they fill one Update. A delta that is larger by itself is a batch of its own.
type batch struct {
	importer *Importer
	state    *state
	writes   delta
	bytes    int            // of the tasks' data
	tasks    []journal.Task // applied by writes
	done     []int64        // tasks committed by this batch and those before it
}

func newBatch(i *Importer, s *state) *batch {
	return &batch{importer: i, state: s, writes: delta{}}
}

// add puts the delta, which comes of the tasks, into the batch, and commits what was there before if it does not fit beside it.
func (b *batch) add(ctx context.Context, d delta, tasks []journal.Task) error {
	size := 0
	for _, t := range tasks {
		size += len(t.Data)
	}
	if b.count(d) > maxObjects || b.bytes+size > maxBytes {
		if err := b.commit(ctx); err != nil {
			return err
		}
	}
	for key, o := range d {
		b.writes[key] = o
	}
	b.bytes += size
	b.tasks = append(b.tasks, tasks...)
	return nil
}

// count returns how many objects the batch would touch with the delta.
func (b *batch) count(d delta) int {
	n := len(b.writes)
	for key := range d {
		if _, ok := b.writes[key]; !ok {
			n++
		}
	}
	return n
}

// commit writes the batch and empties it.
func (b *batch) commit(ctx context.Context) error {
	if len(b.tasks) == 0 {
		return nil
	}
	s := b.state
	s.note(b.writes.takeUnfit(s.largest), b.writes)
	if err := b.importer.commit(ctx, s, b.writes, s.after(b.tasks), nil); err != nil {
		return err
	}
	s.freeKeys(b.writes)
	for _, t := range b.tasks {
		b.done = append(b.done, t.ID)
	}
	b.writes, b.bytes, b.tasks = delta{}, 0, nil
	return nil
}

// freeKeys gives back the tunnel keys of the ports whose reservation has been deleted, unless a later change has brought the port back.
func (s *state) freeKeys(committed delta) {
	for key, o := range committed {
		if p, ok := s.keys.holder(key); ok && o == nil && !s.exterior(p) {
			s.keys.release(p)
		}
	}
}

// after returns the progress once the tasks are applied. Like all that an importer writes it differs from the present one, which is how
// other importers notice.
func (s *state) after(tasks []journal.Task) *topology.Progress {
	next := s.copyProgress()
	next.Applied += uint64(len(tasks))
	for _, t := range tasks {
		next.LastTaskID = max(next.LastTaskID, t.ID)
	}
	return next
}

// afterRepairs returns the progress once a full comparison is written.
func (s *state) afterRepairs() *topology.Progress {
	next := s.copyProgress()
	next.Repairs++
	return next
}

func (s *state) copyProgress() *topology.Progress {
	next := topology.Progress{Journal: s.journal}
	if s.progress != nil {
		next = *s.progress
	}
	if next.Store == "" {
		next.Store = id.New[topology.Progress]().String()
	}
	return &next
}

// mark says how far the store has the journal.
func (s *state) mark() journal.Mark {
	if s.progress == nil {
		return journal.Mark{}
	}
	return journal.Mark{Store: s.progress.Store, Applied: s.progress.Applied}
}
