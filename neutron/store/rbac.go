package store

import (
	"database/sql"
	"errors"

	"github.com/huandu/go-sqlbuilder"

	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
)

var rbacPolicies = table[model.RBACPolicy]{
	from:    "rbacpolicies t",
	columns: []string{"t.id", "t.project_id", "t.object_type", "t.object_id", "t.action", "t.target_project"},
	attrs: map[string]column{
		"id":            {"t.id", text},
		"project_id":    {"t.project_id", text},
		"tenant_id":     {"t.project_id", text},
		"object_type":   {"t.object_type", text},
		"object_id":     {"t.object_id", text},
		"action":        {"t.action", text},
		"target_tenant": {"t.target_project", text},
	},
	// A policy is its owner's to see, not that of the project that it is for.
	visible: func(b *sqlbuilder.SelectBuilder, project string) string { return b.Equal("t.project_id", project) },
	scan: func(rows row) (*model.RBACPolicy, error) {
		p := &model.RBACPolicy{}
		return p, rows.Scan(textual(&p.ID), &p.ProjectID, &p.ObjectType, &p.ObjectID, &p.Action, &p.TargetProject)
	},
}

// RBACPolicy returns a policy, or ErrNotFound where there is none that scope sees.
func RBACPolicy(q Querier, id string, scope Scope) (*model.RBACPolicy, error) {
	return rbacPolicies.get(q, id, scope)
}

// ListRBACPolicies answers a list request.
func ListRBACPolicies(q Querier, scope Scope, want plugin.Query) ([]*model.RBACPolicy, error) {
	return rbacPolicies.list(q, scope, want)
}

// RBACTargets returns the projects, or Everyone, that policies of an action on an object are for.
func RBACTargets(q Querier, objectID string, action model.RBACAction) ([]string, error) {
	return texts(q, `SELECT target_project FROM rbacpolicies WHERE object_id = ? AND action = ?`, objectID, action)
}

// rbacTables are where the objects of each type are.
var rbacTables = map[string]string{
	model.RBACNetwork:       "networks",
	model.RBACSubnetPool:    "subnetpools",
	model.RBACAddressScope:  "addressscopes",
	model.RBACSecurityGroup: "securitygroups",
	model.RBACAddressGroup:  "address_groups",
}

// LockRBACObject returns which project owns the object of a policy, or ErrNotFound, and keeps others off it until the transaction ends.
func LockRBACObject(tx *Tx, objectType, objectID string) (owner string, err error) {
	locking, err := tx.locking(Change, objectID)
	if err != nil {
		return "", err
	}
	err = tx.QueryRow(`SELECT project_id FROM `+rbacTables[objectType]+` WHERE id = ?`+locking, objectID).Scan(&owner)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	return owner, err
}

// ProjectsWithPorts returns the projects that own ports on a network.
func ProjectsWithPorts(q Querier, networkID string) ([]string, error) {
	return texts(q, `SELECT DISTINCT project_id FROM ports WHERE network_id = ?`, networkID)
}

// ProjectsWithGateways returns the projects whose routers have their gateway on a network.
func ProjectsWithGateways(q Querier, networkID string) ([]string, error) {
	return texts(q, `SELECT DISTINCT r.project_id FROM routers r JOIN ports p ON p.id = r.gw_port_id WHERE p.network_id = ?`, networkID)
}

// HasGatewayPorts reports whether routers have their gateway on a network.
func HasGatewayPorts(q Querier, network model.NetworkID) (bool, error) {
	found, err := texts(q, `SELECT id FROM ports WHERE network_id = ? AND device_owner = ? LIMIT 1`, network.String(), model.OwnerRouterGateway)
	return len(found) > 0, err
}

// InsertRBACPolicy stores a new policy. One that exists with these values violates UniqueRBACPolicy.
func InsertRBACPolicy(tx *Tx, p *model.RBACPolicy) error {
	_, err := tx.Exec(`INSERT INTO rbacpolicies (id, project_id, object_type, object_id, action, target_project) VALUES (?, ?, ?, ?, ?, ?)`,
		p.ID.String(), p.ProjectID, p.ObjectType, p.ObjectID, p.Action, p.TargetProject)
	return err
}

// UpdateRBACPolicy stores a policy's target. One that exists with these values violates UniqueRBACPolicy.
func UpdateRBACPolicy(tx *Tx, p *model.RBACPolicy) error {
	_, err := tx.Exec(`UPDATE rbacpolicies SET target_project = ? WHERE id = ?`, p.TargetProject, p.ID.String())
	return err
}

// DeleteRBACPolicy removes a policy, or returns ErrNotFound.
func DeleteRBACPolicy(tx *Tx, policy model.RBACPolicyID) error {
	return tx.deleteOne(`DELETE FROM rbacpolicies WHERE id = ?`, policy.String())
}

// DeleteRBACPolicies removes an object's policies of an action that are for any of the targets, or for anyone where none is named.
func DeleteRBACPolicies(tx *Tx, objectID string, action model.RBACAction, targets ...string) error {
	query, args := `DELETE FROM rbacpolicies WHERE object_id = ? AND action = ?`, []any{objectID, action}
	if len(targets) > 0 {
		query += ` AND target_project IN (` + placeholders(len(targets)) + `)`
		for _, t := range targets {
			args = append(args, t)
		}
	}
	_, err := tx.Exec(query, args...)
	return err
}

// deleteRBACPoliciesOf removes the policies of an object that is removed.
func deleteRBACPoliciesOf(tx *Tx, objectID string) error {
	_, err := tx.Exec(`DELETE FROM rbacpolicies WHERE object_id = ?`, objectID)
	return err
}

// sharedWith is the condition that the object whose identifier is in the column id is shared with a project.
func sharedWith(b *sqlbuilder.SelectBuilder, id, project string) string {
	return id + " IN (SELECT object_id FROM rbacpolicies WHERE " + b.Equal("action", model.AccessAsShared) +
		" AND " + b.In("target_project", model.Everyone, project) + ")"
}

// sharedFilter answers a filter by shared, which is True or False.
func sharedFilter(b *sqlbuilder.SelectBuilder, id, project string, f plugin.Filter) string {
	cond := sharedWith(b, id, project)
	if f.Values[0] == "True" { // the first of several counts (neutron/db/rbac_db_models.py and neutron_lib/db/model_query.py)
		return cond
	}
	return "NOT " + cond
}

// policiesSharing is the condition of sharedWith for one row, as a column: how many policies say so. MariaDB packs the answer of EXISTS as a
// text.
func policiesSharing(b *sqlbuilder.SelectBuilder, id, project string) string {
	return "(SELECT COUNT(*) FROM rbacpolicies WHERE object_id = " + id + " AND " + b.Equal("action", model.AccessAsShared) +
		" AND " + b.In("target_project", model.Everyone, project) + ")"
}

// texts runs a query for one column of text.
func texts(q Querier, query string, args ...any) ([]string, error) {
	rows, err := q.Query(query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found := []string{}
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		found = append(found, s)
	}
	return found, rows.Err()
}
