package staging

import (
	"context"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/topology"
)

// overlay is what was left of an incomplete change at some time: the last word on its keys, nil for those that it deletes. What has
// been completed since is in the store the same.
type overlay struct {
	change  topology.StagedID
	objects map[topology.Key]topology.Object
}

// overlayOf returns the overlay of a change that is made.
func (s *Store) overlayOf(ctx context.Context, made *topology.StagedChange) (*overlay, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.overlay != nil && s.overlay.change == made.Change {
		return s.overlay, nil
	}
	o := &overlay{change: made.Change, objects: map[topology.Key]topology.Object{}}
	var numbers []uint32
	for n := range parts(made) {
		numbers = append(numbers, n)
	}
	left, err := s.read(ctx, made.Change, numbers)
	if err != nil {
		return nil, err
	}
	for _, p := range left {
		for _, put := range p.Puts {
			o.objects[put.Key()] = put
		}
		for _, key := range p.Deletes {
			o.objects[key] = nil
		}
	}
	s.overlay = o
	return o, nil
}

// forget lets go of the overlay of a change that is complete. Another would be read again.
func (s *Store) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.overlay = nil
}

// read returns those of the numbered parts that are stored.
func (s *Store) read(ctx context.Context, change topology.StagedID, numbers []uint32) ([]*topology.StagedPart, error) {
	var found []*topology.StagedPart
	for len(numbers) > 0 {
		some := numbers[:min(len(numbers), nsdb.MaxObjects)]
		numbers = numbers[len(some):]
		before := len(found)
		_, err := s.engine.Update(ctx, func(tx nsdb.Tx) error {
			found = found[:before]
			for _, n := range some {
				o, err := tx.Get(topology.StagedPartKey(change, n))
				if err != nil {
					return err
				}
				if p, ok := o.(*topology.StagedPart); ok {
					found = append(found, p)
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// run runs fn with reads of staged keys from the overlay. It fails with errStaged where fn writes one.
func (o *overlay) run(tx nsdb.Tx, fn func(nsdb.Tx) error) error {
	t := &overlaid{Tx: tx, overlay: o, written: map[topology.Key]bool{}}
	if err := fn(t); err != nil {
		return err
	}
	if t.staged {
		return errStaged
	}
	return nil
}

// overlaid is a transaction on top of an overlay.
type overlaid struct {
	nsdb.Tx
	overlay *overlay
	written map[topology.Key]bool
	staged  bool // a staged key has been written
}

func (t *overlaid) Get(key topology.Key) (topology.Object, error) {
	if o, ok := t.overlay.objects[key]; ok && !t.written[key] {
		return o, nil
	}
	return t.Tx.Get(key)
}

func (t *overlaid) Put(o topology.Object) {
	t.writes(o.Key())
	t.Tx.Put(o)
}

func (t *overlaid) PutLeased(o topology.Object, l nsdb.Lease) {
	t.writes(o.Key())
	t.Tx.PutLeased(o, l)
}

func (t *overlaid) Delete(key topology.Key) {
	t.writes(key)
	t.Tx.Delete(key)
}

func (t *overlaid) writes(key topology.Key) {
	_, staged := t.overlay.objects[key]
	t.staged = t.staged || staged
	t.written[key] = true
}
