package journal

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"midonet.org/midonet/neutron/store"
)

// poll is how long Wait waits for a task that another process may have appended.
const poll = time.Second

const timeLayout = "2006-01-02T15:04:05Z"

// Journal is the table midonet_tasks of a database. Append is the plugins' side, and Reader the drain's.
type Journal struct {
	db       *store.DB
	appended chan struct{} // holds one token when tasks were appended since the last Wait
	poll     time.Duration
}

var _ Reader = (*Journal)(nil)

// New returns the journal of db.
func New(db *store.DB) *Journal {
	return &Journal{db: db, appended: make(chan struct{}, 1), poll: poll}
}

// Append adds a task to the caller's transaction, with which it is committed or undone, and returns it with its number. The transaction
// must have written the resource's own row before (see the package comment). t.ID is ignored.
func (j *Journal) Append(tx *store.Tx, t Task) (Task, error) {
	res, err := tx.Exec(`INSERT INTO midonet_tasks (type, data_type, data, resource_id, project_id, transaction_id, created_at)
		VALUES (?, ?, ?, ?, ?, ?, ?)`,
		t.Type, t.DataType, string(t.Data), t.ResourceID, t.ProjectID, t.TransactionID, t.CreatedAt.UTC().Format(timeLayout))
	if err == nil {
		t.ID, err = res.LastInsertId()
	}
	if err != nil {
		return Task{}, fmt.Errorf("append a task to the journal: %w", err)
	}
	tx.OnCommit(j.signal)
	return t, nil
}

func (j *Journal) signal() {
	select {
	case j.appended <- struct{}{}:
	default: // the drain has not yet taken the last one
	}
}

// Identity implements Reader.
func (j *Journal) Identity(ctx context.Context) (identity string, err error) {
	identity, err = store.ReadOne(ctx, j.db, func(q store.Querier) (identity string, err error) {
		err = q.QueryRow("SELECT identity FROM midonet_journal").Scan(&identity)
		return identity, err
	})
	if err != nil {
		return "", fmt.Errorf("read the journal's identity: %w", err)
	}
	return identity, nil
}

// Pending implements Reader.
func (j *Journal) Pending(ctx context.Context, limit int) (tasks []Task, err error) {
	tasks, err = store.ReadOne(ctx, j.db, func(q store.Querier) ([]Task, error) { return readPending(q, limit) })
	if err != nil {
		return nil, fmt.Errorf("read the journal: %w", err)
	}
	return tasks, nil
}

func readPending(q store.Querier, limit int) (tasks []Task, err error) {
	rows, err := q.Query(`SELECT id, type, data_type, data, resource_id, project_id, transaction_id, created_at
		FROM midonet_tasks ORDER BY id LIMIT ?`, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		t, err := scanTask(rows)
		if err != nil {
			return nil, err
		}
		tasks = append(tasks, t)
	}
	return tasks, rows.Err()
}

func scanTask(rows *sql.Rows) (Task, error) {
	var t Task
	var data, created string
	err := rows.Scan(&t.ID, &t.Type, &t.DataType, &data, &t.ResourceID, &t.ProjectID, &t.TransactionID, &created)
	if err != nil {
		return Task{}, err
	}
	if data != "" {
		t.Data = json.RawMessage(data)
	}
	t.CreatedAt, err = time.Parse(timeLayout, created)
	return t, err
}

// Done implements Reader.
func (j *Journal) Done(ctx context.Context, ids []int64, at Mark) error {
	if len(ids) == 0 {
		return nil
	}
	err := j.db.Tx(ctx, func(tx *store.Tx) error {
		if err := store.DeleteTasks(tx, ids); err != nil {
			return err
		}
		if err := advance(tx, at); err != nil {
			return err
		}
		return processed(tx, slices.Max(ids))
	})
	if err != nil {
		return fmt.Errorf("remove tasks from the journal: %w", err)
	}
	return nil
}

// Wait implements Reader.
func (j *Journal) Wait(ctx context.Context) error {
	timer := time.NewTimer(j.poll)
	defer timer.Stop()
	select {
	case <-j.appended:
		return nil
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
