package journal

import (
	"context"
	"fmt"

	"midonet.org/midonet/neutron/store"
)

// Mark names the network state database that has all tasks which are gone from the journal, and says how many were applied to it then. A
// database of that name to which fewer have been applied is an old copy. The zero Mark: none is known to have them all.
type Mark struct {
	Store   string
	Applied uint64
}

// Mark implements Reader.
func (j *Journal) Mark(ctx context.Context) (m Mark, err error) {
	m, err = store.ReadOne(ctx, j.db, func(q store.Querier) (m Mark, err error) {
		err = q.QueryRow("SELECT store, applied FROM midonet_journal_mark WHERE id = 1").Scan(&m.Store, &m.Applied)
		return m, err
	})
	if err != nil {
		return Mark{}, fmt.Errorf("read which store has the journal's tasks: %w", err)
	}
	return m, nil
}

// SetMark implements Reader.
func (j *Journal) SetMark(ctx context.Context, m Mark) error {
	err := j.db.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec("UPDATE midonet_journal_mark SET store = ?, applied = ? WHERE id = 1", m.Store, m.Applied)
		return err
	})
	if err != nil {
		return fmt.Errorf("note which store has the journal's tasks: %w", err)
	}
	return nil
}

// advance notes that tasks which go from the journal are in the marked store. Where they are in another, neither has them all.
func advance(tx *store.Tx, m Mark) error {
	_, err := tx.Exec(`UPDATE midonet_journal_mark SET applied = CASE WHEN store = ? THEN ? ELSE 0 END, store = CASE WHEN store = ? THEN store ELSE '' END
		WHERE id = 1`, m.Store, m.Applied, m.Store)
	return err
}
