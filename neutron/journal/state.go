package journal

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"midonet.org/midonet/neutron/store"
)

// State is the row of midonet_data_state.
type State struct {
	LastTask  int64     // the highest number of a task that has been applied; 0: none yet. Lower ones may still be pending
	UpdatedAt time.Time // when LastTask was written, UTC
	Active    int64     // the version that was activated last, 0: none yet
	ReadOnly  bool      // clients' writes are refused
}

// State returns how far the data is applied, and whether clients may write.
func (j *Journal) State(ctx context.Context) (State, error) {
	s, err := store.ReadOne(ctx, j.db, readState)
	if err != nil {
		return State{}, fmt.Errorf("read the state of the data: %w", err)
	}
	return s, nil
}

func readState(q store.Querier) (State, error) {
	var s State
	var last, active sql.NullInt64
	var updated string
	err := q.QueryRow(`SELECT last_processed_task_id, updated_at, active_version, readonly FROM midonet_data_state WHERE id = 1`).
		Scan(&last, &updated, &active, &s.ReadOnly)
	if err != nil {
		return s, err
	}
	s.LastTask, s.Active = last.Int64, active.Int64
	s.UpdatedAt, err = time.Parse(timeLayout, updated)
	return s, err
}

// processed records that tasks up to a number have been applied.
func processed(tx *store.Tx, last int64) error {
	_, err := tx.Exec(`UPDATE midonet_data_state SET last_processed_task_id = ?, updated_at = ?
		WHERE id = 1 AND (last_processed_task_id IS NULL OR last_processed_task_id < ?)`, last, now(), last)
	return err
}

// SetReadOnly refuses clients' writes from the moment it returns, on every server of the database, or lets them in again. Then versions
// other than the active one are stale.
func (j *Journal) SetReadOnly(ctx context.Context, readOnly bool) error {
	return j.db.Tx(ctx, func(tx *store.Tx) error {
		if err := store.SetReadOnly(tx, readOnly); err != nil || readOnly {
			return err
		}
		_, err := tx.Exec(`UPDATE midonet_data_versions SET stale = ?
			WHERE id <> COALESCE((SELECT active_version FROM midonet_data_state WHERE id = 1), 0)`, true)
		return err
	})
}

func now() string { return time.Now().UTC().Format(timeLayout) }
