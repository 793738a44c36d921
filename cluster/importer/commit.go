package importer

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/topology"
)

// commit writes the changes and the progress in one step of the store. prepared is told how many changes of a large one are prepared, and
// may end it; nil: nobody wants to know.
func (i *Importer) commit(ctx context.Context, s *state, writes delta, progress *topology.Progress, prepared func(int) error) error {
	revision, err := i.step(ctx, s, writes, progress, prepared)
	if err != nil {
		return fmt.Errorf("writing to the network state database: %w", err)
	}
	s.revision, s.progress = revision, progress
	if s.own != nil {
		s.own[revision] = true
	}
	clear(s.mistaken)
	return nil
}

func (i *Importer) step(ctx context.Context, s *state, writes delta, progress *topology.Progress, prepared func(int) error) (nsdb.Revision, error) {
	if len(writes) <= maxObjects {
		revision, err := i.store.Update(ctx, func(tx nsdb.Tx) error { return s.write(tx, writes, progress) })
		if !errors.Is(err, nsdb.ErrTooLarge) { // it has many octets
			return revision, err
		}
	}
	if err := i.reserve(ctx, s, writes); err != nil {
		return 0, err
	}
	revision, err := i.store.UpdateLarge(ctx, nsdb.LargeChange{Writes: writes, Prepared: prepared, Guard: func(tx nsdb.Tx) error {
		if err := s.stillOurs(tx); err != nil {
			return err
		}
		tx.Put(progress)
		return nil
	}})
	if errors.Is(err, nsdb.ErrSuperseded) {
		return 0, errOvertaken
	}
	return revision, err
}

// reserve writes, ahead of a large change, the reservations among its writes that an operator could take meanwhile: those of others are
// only written with the progress, which is compared when the change is made. What is reserved in vain goes at the next start.
func (i *Importer) reserve(ctx context.Context, s *state, writes delta) error {
	var reservations []topology.Object
	for _, o := range writes {
		if r, ok := o.(*topology.TunnelKey); ok && r.Number >= topology.FirstOperatorTunnelKey {
			reservations = append(reservations, r)
		}
	}
	for some := range slices.Chunk(reservations, maxObjects) {
		_, err := i.store.Update(ctx, func(tx nsdb.Tx) error { return s.put(tx, some) })
		if err != nil {
			return err
		}
	}
	return nil
}

// write is the body of an Update. It fails with errOvertaken if the progress is not what this importer wrote last, or a tunnel key
// that was free is not.
func (s *state) write(tx nsdb.Tx, writes delta, next *topology.Progress) error {
	puts := []topology.Object{next}
	for key, o := range writes {
		if o == nil {
			tx.Delete(key)
		} else {
			puts = append(puts, o)
		}
	}
	return s.put(tx, puts)
}

// put puts the objects, and fails as write does.
func (s *state) put(tx nsdb.Tx, objects []topology.Object) error {
	if err := s.stillOurs(tx); err != nil {
		return err
	}
	for _, o := range objects {
		if err := s.stillFree(tx, o); err != nil {
			return err
		}
		tx.Put(o)
	}
	return nil
}

func (s *state) stillOurs(tx nsdb.Tx) error {
	stored, err := tx.Get((&topology.Progress{Journal: s.journal}).Key())
	if err != nil {
		return err
	}
	if (stored == nil) != (s.progress == nil) || stored != nil && !same(stored, s.progress) {
		return errOvertaken
	}
	return nil
}

// stillFree makes sure that a tunnel key which is to be reserved is reserved by nobody else, but for a reservation that was found to be wrong.
func (s *state) stillFree(tx nsdb.Tx, o topology.Object) error {
	reservation, ok := o.(*topology.TunnelKey)
	if !ok {
		return nil
	}
	stored, err := tx.Get(reservation.Key())
	if err != nil {
		return err
	}
	wrong := s.mistaken[reservation.Key()]
	if stored == nil || same(stored, reservation) || wrong != nil && same(stored, wrong) {
		return nil
	}
	return errOvertaken
}
