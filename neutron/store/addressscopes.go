package store

import (
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
)

var addressScopes = table[model.AddressScope]{
	from:    "addressscopes t",
	columns: []string{"t.id", "t.project_id", "t.name", "t.ip_version"},
	attrs: map[string]column{
		"id":         {"t.id", text},
		"project_id": {"t.project_id", text},
		"tenant_id":  {"t.project_id", text},
		"name":       {"t.name", text},
		"ip_version": {"t.ip_version", integer},
	},
	visible: ownOrShared,
	shared:  func(s *model.AddressScope) *bool { return &s.Shared },
	scan: func(rows row) (*model.AddressScope, error) {
		s := &model.AddressScope{}
		return s, rows.Scan(textual(&s.ID), &s.ProjectID, &s.Name, &s.IPVersion)
	},
}

// AddressScope returns a scope, or ErrNotFound where there is none that who looks sees.
func AddressScope(q Querier, scopeID string, who Scope) (*model.AddressScope, error) {
	return addressScopes.get(q, scopeID, who)
}

// ListAddressScopes answers a list request.
func ListAddressScopes(q Querier, who Scope, want plugin.Query) ([]*model.AddressScope, error) {
	return addressScopes.list(q, who, want)
}

// LockAddressScope waits until no one else adds a pool to a scope or changes it, and keeps others off it. One that is not there is no
// error.
func LockAddressScope(tx *Tx, scopeID string) error {
	return tx.lock(`SELECT id FROM addressscopes WHERE id = ?`, scopeID)
}

// InsertAddressScope stores a new scope.
func InsertAddressScope(tx *Tx, s *model.AddressScope) error {
	_, err := tx.Exec(`INSERT INTO addressscopes (id, project_id, name, ip_version) VALUES (?, ?, ?, ?)`,
		s.ID.String(), s.ProjectID, s.Name, s.IPVersion)
	return err
}

// UpdateAddressScope stores a scope's name.
func UpdateAddressScope(tx *Tx, s *model.AddressScope) error {
	_, err := tx.Exec(`UPDATE addressscopes SET name = ? WHERE id = ?`, s.Name, s.ID.String())
	return err
}

// DeleteAddressScope removes a scope, or returns ErrNotFound. Pools that are in it violate Reference.
func DeleteAddressScope(tx *Tx, scope model.AddressScopeID) error {
	if err := deleteRBACPoliciesOf(tx, scope.String()); err != nil {
		return err
	}
	return tx.deleteOne(`DELETE FROM addressscopes WHERE id = ?`, scope.String())
}

// ProjectsWithPoolsIn returns the projects whose subnet pools are in an address scope.
func ProjectsWithPoolsIn(q Querier, scopeID string) ([]string, error) {
	return texts(q, `SELECT DISTINCT project_id FROM subnetpools WHERE address_scope_id = ?`, scopeID)
}
