package journal

import (
	"context"

	"midonet.org/midonet/neutron/store"
)

// Contents is what Neutron holds at one moment. The journal alone cannot tell a backend that: applied tasks are gone from it, and so a
// backend whose own store is new, lost, brought back from an old copy, or was left out while another server drained, starts from this.
type Contents struct {
	Resources []Task          // one Create task, without a number, for each resource
	Pending   map[string]bool // by ResourceID: these have tasks that may not be applied yet
}

// Inventory tells the contents, the resources and what is pending in one snapshot.
type Inventory interface {
	Contents(ctx context.Context) (Contents, error)
}

// PendingResources returns the identifiers of the resources that have tasks in the journal, as q sees it.
func PendingResources(q store.Querier) (map[string]bool, error) {
	rows, err := q.Query("SELECT DISTINCT resource_id FROM midonet_tasks")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	pending := map[string]bool{}
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		pending[id] = true
	}
	return pending, rows.Err()
}
