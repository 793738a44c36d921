package store

import (
	"midonet.org/midonet/neutron/model"
)

// DefaultExternalNetwork returns the default external network, or ErrNotFound where there is none. Every project may use it.
func DefaultExternalNetwork(q Querier) (network model.NetworkID, err error) {
	found, err := collect(q, scanID, `SELECT id FROM networks WHERE default_external = 1`)
	if err == nil && len(found) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return network, err
	}
	return network, network.UnmarshalText([]byte(*found[0]))
}

// AutoAllocatedTopology returns the topology that was allocated for a project, or ErrNotFound.
func AutoAllocatedTopology(q Querier, project string) (*model.AutoAllocatedTopology, error) {
	found, err := collect(q, func(rows row) (*model.AutoAllocatedTopology, error) {
		t := &model.AutoAllocatedTopology{}
		return t, rows.Scan(&t.ProjectID, textual(&t.NetworkID), textual(&t.RouterID))
	}, `SELECT project_id, network_id, router_id FROM auto_allocated_topologies WHERE project_id = ?`, project)
	if err == nil && len(found) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

// InsertAutoAllocatedTopology stores the topology of a project. A second one violates UniqueID. It goes with its network.
func InsertAutoAllocatedTopology(tx *Tx, t *model.AutoAllocatedTopology) error {
	_, err := tx.Exec(`INSERT INTO auto_allocated_topologies (project_id, network_id, router_id) VALUES (?, ?, ?)`,
		t.ProjectID, t.NetworkID.String(), t.RouterID.String())
	return err
}
