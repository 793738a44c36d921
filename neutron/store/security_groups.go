package store

import (
	"database/sql"
	"errors"

	"github.com/huandu/go-sqlbuilder"

	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
)

var securityGroups = table[model.SecurityGroup]{
	from:    "securitygroups t",
	columns: append(standardColumns[:len(standardColumns):len(standardColumns)], "t.name", "t.stateful"),
	attrs:   withStandard(map[string]column{"stateful": {"t.stateful", boolean}}),
	visible: func(b *sqlbuilder.SelectBuilder, project string) string {
		return b.Or(b.Equal("t.project_id", project), sharedWith(b, "t.id", project))
	},
	shared: func(g *model.SecurityGroup) *bool { return &g.Shared },
	scan: func(rows row) (*model.SecurityGroup, error) {
		g := &model.SecurityGroup{Rules: []model.SecurityGroupRule{}}
		return g, rows.Scan(append(standardTargets(&g.ID, &g.Standard), &g.Name, &g.Stateful)...)
	},
	parts: []part[model.SecurityGroup]{
		tagsOf(func(g *model.SecurityGroup) *[]string { return &g.Tags }),
		{order: byMaking("r"), columns: aliased("r", ruleColumnList), from: "securitygrouprules r WHERE r.security_group_id = t.id",
			add: addRule},
	},
}

func addRule(g *model.SecurityGroup, r row) error {
	rule, err := scanRule(r)
	if err == nil {
		g.Rules = append(g.Rules, *rule)
	}
	return err
}

// SecurityGroup returns a group with its rules, or ErrNotFound where there is none that scope sees.
func SecurityGroup(q Querier, groupID string, scope Scope) (*model.SecurityGroup, error) {
	return securityGroups.get(q, groupID, scope)
}

// ListSecurityGroups answers a list request; the groups come with their rules.
func ListSecurityGroups(q Querier, scope Scope, want plugin.Query) ([]*model.SecurityGroup, error) {
	return securityGroups.list(q, scope, want)
}

// InsertSecurityGroup stores a new group, without its rules.
func InsertSecurityGroup(tx *Tx, g *model.SecurityGroup) error {
	_, err := tx.Exec(`INSERT INTO securitygroups (id, project_id, description, created_at, updated_at, revision_number, stamp,
		name, stateful) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		append(standardValues(g.ID, &g.Standard), g.Name, g.Stateful)...)
	return err
}

// UpdateSecurityGroup stores a group that was read in this transaction and changed. It counts RevisionNumber up, in the value too.
func UpdateSecurityGroup(tx *Tx, g *model.SecurityGroup) error {
	return bump(tx, &g.Standard, `UPDATE securitygroups SET revision_number = ?, updated_at = ?, stamp = ?, description = ?, name = ?, stateful = ?
		WHERE id = ? AND revision_number = ?`, g.Description, g.Name, g.Stateful, g.ID.String())
}

// TouchSecurityGroup counts a group's revision up by the number of its rules that come or go (revises_on_change in the original's
// models). It locks the group's row, so that two transactions that add rules to one group follow each other. ErrNotFound where it has
// gone.
func TouchSecurityGroup(tx *Tx, groupID model.SecurityGroupID, rules int, now model.Time) error {
	res, err := tx.Exec(`UPDATE securitygroups SET revision_number = revision_number + ?, updated_at = ?, stamp = ? WHERE id = ?`,
		rules, timeText(now), newStamp(), groupID.String())
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, ErrNotFound)
	}
	return nil
}

// LockSecurityGroup waits until no one else is at work on the group or adds ports to it, and keeps others off it. A group that is not
// there is no error.
func LockSecurityGroup(tx *Tx, groupID string) error {
	return tx.lock(`SELECT id FROM securitygroups WHERE id = ?`, groupID)
}

// DeleteSecurityGroup removes a group, its tags, its rules, the rules that name it and the policies that share it, or returns ErrNotFound. Ports
// that are in it violate Reference.
func DeleteSecurityGroup(tx *Tx, groupID model.SecurityGroupID) error {
	if err := deleteRBACPoliciesOf(tx, groupID.String()); err != nil {
		return err
	}
	return tx.deleteTagged(`DELETE FROM securitygroups WHERE id = ?`, groupID.String())
}

// DefaultSecurityGroup returns the default group of a project, or ErrNotFound.
func DefaultSecurityGroup(q Querier, project string) (groupID model.SecurityGroupID, err error) {
	if o := opened(q, project); o != nil && !o.group.IsZero() {
		return o.group, nil
	}
	err = q.QueryRow(`SELECT security_group_id FROM default_security_group WHERE project_id = ?`, project).Scan(textual(&groupID))
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	return groupID, err
}

// InsertDefaultSecurityGroup makes a group the default one of its project. Another that is so already violates UniqueDefaultGroup.
func InsertDefaultSecurityGroup(tx *Tx, g *model.SecurityGroup) error {
	_, err := tx.Exec(`INSERT INTO default_security_group (project_id, security_group_id) VALUES (?, ?)`, g.ProjectID, g.ID.String())
	return err
}

// HasPorts reports whether ports are in a group.
func HasPorts(q Querier, groupID model.SecurityGroupID) (bool, error) {
	found, err := texts(q, `SELECT port_id FROM securitygroupportbindings WHERE security_group_id = ? LIMIT 1`, groupID.String())
	return len(found) > 0, err
}

// ProjectsWithMembers returns the projects that own ports of a group.
func ProjectsWithMembers(q Querier, groupID string) ([]string, error) {
	return texts(q, `SELECT DISTINCT p.project_id FROM securitygroupportbindings b JOIN ports p ON p.id = b.port_id
		WHERE b.security_group_id = ?`, groupID)
}

// Stateful returns which of the groups there are that scope sees, and whether each is stateful. They stay as they are until the
// transaction ends.
func Stateful(tx *Tx, groups []model.SecurityGroupID, scope Scope) (map[model.SecurityGroupID]bool, error) {
	ids := make([]string, len(groups))
	for i, g := range groups {
		ids[i] = g.String()
	}
	locking, err := tx.locking(Keep, ids...)
	if err != nil {
		return nil, err
	}
	b := tx.d.Flavor().NewSelectBuilder()
	b.Select("t.id", "t.stateful").From(securityGroups.from).Where(b.In("t.id", sqlbuilder.Flatten(ids)...))
	if scope.Restricted {
		b.Where(securityGroups.visible(b, scope.Project))
	}
	query, args := b.Build()
	rows, err := tx.Query(query+locking, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	stateful := map[model.SecurityGroupID]bool{}
	for rows.Next() {
		var g model.SecurityGroupID
		var is bool
		if err := rows.Scan(textual(&g), &is); err != nil {
			return nil, err
		}
		stateful[g] = is
	}
	return stateful, rows.Err()
}
