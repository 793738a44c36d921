package journal

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"midonet.org/midonet/neutron/store"
)

// Refuse removes a task that the backend has refused, and keeps the reason for whoever waits for it. A task that is gone was withdrawn:
// no one waits.
func (j *Journal) Refuse(ctx context.Context, f Fault) error {
	err := j.db.Tx(ctx, func(tx *store.Tx) error {
		gone, err := tx.Exec("DELETE FROM midonet_tasks WHERE id = ?", f.Task.ID)
		if err != nil {
			return err
		}
		if n, err := gone.RowsAffected(); err != nil || n == 0 {
			return err
		}
		_, err = tx.Exec(`INSERT INTO midonet_task_faults (task_id, type, data_type, resource_id, data, status, message, created_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?)`, f.Task.ID, f.Task.Type, f.Task.DataType, f.Task.ResourceID, string(f.Task.Data),
			f.Status, f.Message, now())
		return err
	})
	if err != nil {
		return fmt.Errorf("keep why a task was refused: %w", err)
	}
	return nil
}

// Outcome tells which of the tasks still wait, and the faults of those that were refused, in order of number. All others were applied.
func (j *Journal) Outcome(ctx context.Context, tasks []Task) (waiting []Task, faults []Fault, err error) {
	err = j.db.Read(ctx, func(q store.Querier) error {
		waiting, faults = nil, nil // the snapshot may be taken again
		ids, list := idList(tasks)
		pending, err := scanIDs(q.Query("SELECT id FROM midonet_tasks WHERE id IN ("+list+")", ids...))
		if err != nil {
			return err
		}
		for _, t := range tasks {
			if slices.Contains(pending, t.ID) {
				waiting = append(waiting, t)
			}
		}
		faults, err = scanFaults(q.Query(selectFaults+" WHERE task_id IN ("+list+") ORDER BY task_id", ids...))
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("read what has become of tasks: %w", err)
	}
	return waiting, faults, nil
}

// Withdraw takes tasks out of the journal that no one is to apply any more, and returns those that were still in it.
func (j *Journal) Withdraw(ctx context.Context, tasks []Task) (withdrawn []Task, err error) {
	err = j.db.Tx(ctx, func(tx *store.Tx) error {
		withdrawn = nil
		for _, t := range tasks {
			res, err := tx.Exec("DELETE FROM midonet_tasks WHERE id = ?", t.ID)
			if err != nil {
				return err
			}
			n, err := res.RowsAffected()
			if err != nil {
				return err
			}
			if n > 0 {
				withdrawn = append(withdrawn, t)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("withdraw tasks from the journal: %w", err)
	}
	return withdrawn, nil
}

// Forget removes the faults of tasks, whose changes have been taken back.
func (j *Journal) Forget(ctx context.Context, tasks []Task) error {
	ids, list := idList(tasks)
	err := j.db.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec("DELETE FROM midonet_task_faults WHERE task_id IN ("+list+")", ids...)
		return err
	})
	if err != nil {
		return fmt.Errorf("forget why tasks were refused: %w", err)
	}
	return nil
}

// Unheard returns faults of which no one has heard since the time: the server that made the change is gone.
func (j *Journal) Unheard(ctx context.Context, since time.Time) ([]Fault, error) {
	faults, err := store.ReadOne(ctx, j.db, func(q store.Querier) ([]Fault, error) {
		return scanFaults(q.Query(selectFaults+" WHERE created_at < ? ORDER BY task_id LIMIT ?", since.UTC().Format(timeLayout), unheardAtOnce))
	})
	if err != nil {
		return nil, fmt.Errorf("read why tasks were refused: %w", err)
	}
	return faults, nil
}

// unheardAtOnce is how many faults Unheard returns at most.
const unheardAtOnce = 100

const selectFaults = "SELECT task_id, type, data_type, resource_id, data, status, message FROM midonet_task_faults"

func scanFaults(rows *sql.Rows, err error) ([]Fault, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var faults []Fault
	for rows.Next() {
		var f Fault
		var data string
		err := rows.Scan(&f.Task.ID, &f.Task.Type, &f.Task.DataType, &f.Task.ResourceID, &data, &f.Status, &f.Message)
		if err != nil {
			return nil, err
		}
		f.Task.Data = []byte(data)
		faults = append(faults, f)
	}
	return faults, rows.Err()
}

func scanIDs(rows *sql.Rows, err error) ([]int64, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var ids []int64
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// idList returns the tasks' numbers as arguments, and as many marks. No list of IN may be empty.
func idList(tasks []Task) (args []any, marks string) {
	for _, t := range tasks {
		args = append(args, t.ID)
	}
	if len(args) == 0 {
		args = []any{0} // no task's
	}
	return args, strings.TrimSuffix(strings.Repeat("?,", len(args)), ",")
}
