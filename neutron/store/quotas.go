package store

// QuotaLimit is how much of a resource a project may have, where that is not what the configuration says. Below 0 is no limit.
type QuotaLimit struct {
	Project, Resource string
	Limit             int
}

// QuotaLimits returns the limits of one project.
func QuotaLimits(q Querier, project string) ([]*QuotaLimit, error) {
	if o := opened(q, project); o != nil {
		return o.limits, nil
	}
	return collect(q, scanQuotaLimit, `SELECT project_id, resource, hard_limit FROM quotas WHERE project_id = ?`, project)
}

// AllQuotaLimits returns the limits of all projects, project by project.
func AllQuotaLimits(q Querier) ([]*QuotaLimit, error) {
	return collect(q, scanQuotaLimit, `SELECT project_id, resource, hard_limit FROM quotas ORDER BY project_id, resource`)
}

func scanQuotaLimit(rows row) (*QuotaLimit, error) {
	var l QuotaLimit
	return &l, rows.Scan(&l.Project, &l.Resource, &l.Limit)
}

// SetQuotaLimit stores a limit in place of the one before.
func SetQuotaLimit(tx *Tx, l QuotaLimit) error {
	_, err := tx.Exec(`REPLACE INTO quotas (project_id, resource, hard_limit) VALUES (?, ?, ?)`, l.Project, l.Resource, l.Limit)
	return err
}

// DeleteQuotaLimits removes the limits of a project, or returns ErrNotFound where there are none.
func DeleteQuotaLimits(tx *Tx, project string) error {
	return tx.deleteOne(`DELETE FROM quotas WHERE project_id = ?`, project)
}

// TakeQuotaTurn waits until no other transaction is between counting a project's resources of that kind and its end.
func TakeQuotaTurn(tx *Tx, project, resource string) error {
	if tx.d.Locking(Change) == "" {
		return nil
	}
	_, err := tx.Exec(`INSERT INTO quota_turns (project_id, resource, turn) VALUES (?, ?, 1) ON DUPLICATE KEY UPDATE turn = turn + 1`,
		project, resource)
	return err
}

// CountOf returns how many rows of a table a project owns. The table's name is one of this program's, never a client's.
func CountOf(q Querier, table, project string) (count int, err error) {
	err = q.QueryRow(`SELECT COUNT(*) FROM `+table+` WHERE project_id = ?`, project).Scan(&count)
	return count, err
}
