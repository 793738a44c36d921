package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/store"
)

// SyncStatus is how the making of a version, or its activation, stands.
type SyncStatus string

// The statuses of the original (midonet/neutron/db/data_version_db.py).
const (
	SyncStarted   SyncStatus = "STARTED"
	SyncCompleted SyncStatus = "COMPLETED"
	SyncError     SyncStatus = "ERROR"
	SyncAborted   SyncStatus = "ABORTED"
)

// Version is a row of midonet_data_versions: the whole topology, rendered from what Neutron had at one time beside the live one.
type Version struct {
	ID       int64
	Sync     SyncStatus // of the rendering
	Tasks    SyncStatus // of the switch to it; empty: not asked for
	Stale    bool       // clients have written since
	Activate bool       // it is to be switched to when it is rendered

	Done, Total int    // objects rendered, and how many there are
	Differences int    // stored objects that are not as rendered
	Prepared    int    // how many of them are prepared for the switch
	Error       string // why it failed
}

// Busy reports whether the version waits for the server that applies the journal.
func (v Version) Busy() bool { return v.Sync == SyncStarted || v.Tasks == SyncStarted }

// Versions are the orders to render the topology anew, as the one who carries them out sees them.
type Versions interface {
	// Ordered returns the version that is to be made or activated, nil for none.
	Ordered(ctx context.Context) (*Version, error)
	// Progress says how many objects are rendered.
	Progress(ctx context.Context, version int64, done, total int) error
	// Rendered says that the version is made, and how many stored objects differ. It reports whether it is to be activated now.
	Rendered(ctx context.Context, version int64, differences int) (activate bool, err error)
	// Prepared says how many of the differences are prepared. It reports whether the version is still to be activated.
	Prepared(ctx context.Context, version int64, done int) (wanted bool, err error)
	// Activated says that what is stored is the version.
	Activated(ctx context.Context, version int64) error
	// Failed says that it could not be made, or not activated.
	Failed(ctx context.Context, version int64, reason string) error
}

var _ Versions = (*Journal)(nil)

// Versions returns all versions, oldest first.
func (j *Journal) Versions(ctx context.Context) ([]Version, error) {
	return store.ReadOne(ctx, j.db, readVersions)
}

func readVersions(q store.Querier) (versions []Version, err error) {
	rows, err := q.Query(`SELECT v.id, v.sync_status, v.sync_tasks_status, v.stale, p.activate, p.done, p.total, p.differences, p.prepared, p.error
		FROM midonet_data_versions v JOIN midonet_data_progress p ON p.version_id = v.id ORDER BY v.id`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var v Version
		var sync, tasks sql.NullString
		if err := rows.Scan(&v.ID, &sync, &tasks, &v.Stale, &v.Activate, &v.Done, &v.Total, &v.Differences, &v.Prepared, &v.Error); err != nil {
			return nil, err
		}
		v.Sync, v.Tasks = SyncStatus(sync.String), SyncStatus(tasks.String)
		versions = append(versions, v)
	}
	return versions, rows.Err()
}

// Version returns one version, or NotFound.
func (j *Journal) Version(ctx context.Context, version int64) (Version, error) {
	versions, err := j.Versions(ctx)
	if err != nil {
		return Version{}, err
	}
	return find(versions, version)
}

func find(versions []Version, version int64) (Version, error) {
	for _, v := range versions {
		if v.ID == version {
			return v, nil
		}
	}
	return Version{}, errs.New(errs.NotFound, "NoVersion", "there is no data version %d", version)
}

// Order asks for a new version, and for the switch to it, and returns its number. One order at a time: Conflict where there is another.
func (j *Journal) Order(ctx context.Context, activate bool) (version int64, err error) {
	err = j.db.Tx(ctx, func(tx *store.Tx) error {
		if _, err := unoccupied(tx); err != nil {
			return err
		}
		res, err := tx.Exec(`INSERT INTO midonet_data_versions (sync_started_at, sync_status, stale) VALUES (?, ?, ?)`,
			now(), SyncStarted, false)
		if err != nil {
			return err
		}
		if version, err = res.LastInsertId(); err != nil {
			return err
		}
		_, err = tx.Exec(`INSERT INTO midonet_data_progress (version_id, activate, done, total, differences, prepared, error)
			VALUES (?, ?, 0, 0, 0, 0, '')`, version, activate)
		tx.OnCommit(j.signal)
		return err
	})
	return version, err
}

// OrderActivation asks for the switch to a version that has been made. Invalid where it is stale or was not made.
func (j *Journal) OrderActivation(ctx context.Context, version int64) error {
	return j.db.Tx(ctx, func(tx *store.Tx) error {
		versions, err := unoccupied(tx)
		if err != nil {
			return err
		}
		v, err := find(versions, version)
		switch {
		case err != nil:
			return err
		case v.Stale:
			return errs.New(errs.Invalid, "StaleVersion", "data version %d is stale: clients could write since it was made; make a new one "+
				"with data-version-sync", version)
		case v.Sync != SyncCompleted:
			return errs.New(errs.Invalid, "IncompleteVersion", "data version %d was not completed: %s", version, v.Sync)
		}
		if _, err := tx.Exec(`UPDATE midonet_data_versions SET sync_tasks_status = ? WHERE id = ?`, SyncStarted, version); err != nil {
			return err
		}
		tx.OnCommit(j.signal)
		_, err = tx.Exec(`UPDATE midonet_data_progress SET activate = ?, done = 0, prepared = 0, error = '' WHERE version_id = ?`, true, version)
		return err
	})
}

// unoccupied returns the versions, or Conflict where one is being made. Two who ask at the same time follow each other.
func unoccupied(tx *store.Tx) ([]Version, error) {
	if _, err := tx.Exec(`UPDATE midonet_data_state SET id = 1 WHERE id = 1`); err != nil {
		return nil, err
	}
	versions, err := readVersions(tx)
	for _, v := range versions {
		if v.Busy() {
			return nil, errs.New(errs.Conflict, "SyncRunning", "data version %d is being made or activated; see data-version-list", v.ID)
		}
	}
	return versions, err
}

// Ordered implements Versions.
func (j *Journal) Ordered(ctx context.Context) (*Version, error) {
	versions, err := j.Versions(ctx)
	for _, v := range versions {
		if v.Busy() {
			return &v, err
		}
	}
	return nil, err
}

// Progress implements Versions.
func (j *Journal) Progress(ctx context.Context, version int64, done, total int) error {
	return j.db.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(`UPDATE midonet_data_progress SET done = ?, total = ? WHERE version_id = ?`, done, total, version)
		return err
	})
}

// Rendered implements Versions.
func (j *Journal) Rendered(ctx context.Context, version int64, differences int) (activate bool, err error) {
	err = j.db.Tx(ctx, func(tx *store.Tx) error {
		versions, err := readVersions(tx)
		if err != nil {
			return err
		}
		v, err := find(versions, version)
		if activate = v.Busy() && v.Activate; err != nil || !v.Busy() { // aborted meanwhile
			return err
		}
		if _, err := tx.Exec(`UPDATE midonet_data_progress SET differences = ? WHERE version_id = ?`, differences, version); err != nil {
			return err
		}
		if _, err = tx.Exec(`UPDATE midonet_data_versions SET sync_status = ?, sync_finished_at = ? WHERE id = ? AND sync_status = ?`,
			SyncCompleted, now(), version, SyncStarted); err != nil || !activate {
			return err
		}
		_, err = tx.Exec(`UPDATE midonet_data_versions SET sync_tasks_status = ? WHERE id = ?`, SyncStarted, version)
		return err
	})
	return activate, err
}

// Prepared implements Versions.
func (j *Journal) Prepared(ctx context.Context, version int64, done int) (wanted bool, err error) {
	err = j.db.Tx(ctx, func(tx *store.Tx) error {
		versions, err := readVersions(tx)
		if err != nil {
			return err
		}
		v, err := find(versions, version)
		if wanted = v.Tasks == SyncStarted; err != nil || !wanted {
			return err
		}
		_, err = tx.Exec(`UPDATE midonet_data_progress SET prepared = ? WHERE version_id = ?`, done, version)
		return err
	})
	return wanted, err
}

// Activated implements Versions.
func (j *Journal) Activated(ctx context.Context, version int64) error {
	return j.db.Tx(ctx, func(tx *store.Tx) error {
		_, active := tx.Exec(`UPDATE midonet_data_state SET active_version = ? WHERE id = 1`, version)
		_, tasks := tx.Exec(`UPDATE midonet_data_versions SET sync_tasks_status = ? WHERE id = ?`, SyncCompleted, version)
		return errors.Join(active, tasks)
	})
}

// Failed implements Versions.
func (j *Journal) Failed(ctx context.Context, version int64, reason string) error {
	return j.end(ctx, version, SyncError, reason)
}

// Abort withdraws an order. One that is carried out already stays so.
func (j *Journal) Abort(ctx context.Context, version int64) error {
	return j.end(ctx, version, SyncAborted, "withdrawn")
}

// end gives what is under way of a version a status that is final.
func (j *Journal) end(ctx context.Context, version int64, status SyncStatus, reason string) error {
	err := j.db.Tx(ctx, func(tx *store.Tx) error {
		_, tasks := tx.Exec(`UPDATE midonet_data_versions SET sync_tasks_status = ? WHERE id = ? AND sync_tasks_status = ?`,
			status, version, SyncStarted)
		_, sync := tx.Exec(`UPDATE midonet_data_versions SET sync_status = ?, sync_finished_at = ? WHERE id = ? AND sync_status = ?`,
			status, now(), version, SyncStarted)
		_, why := tx.Exec(`UPDATE midonet_data_progress SET error = ? WHERE version_id = ?`, reason, version)
		return errors.Join(tasks, sync, why)
	})
	if err != nil {
		return fmt.Errorf("end data version %d: %w", version, err)
	}
	return nil
}
