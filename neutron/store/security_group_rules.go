package store

import (
	"database/sql"
	"net/netip"
	"strings"

	"github.com/huandu/go-sqlbuilder"

	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
)

var ruleColumnList = append(standardColumns[:len(standardColumns):len(standardColumns)], "t.security_group_id", "t.direction",
	"t.ethertype", "t.protocol", "t.port_range_min", "t.port_range_max", "t.remote_ip_prefix", "t.normalized_cidr",
	"t.remote_group_id", "t.remote_address_group_id")

var ruleColumns = strings.Join(ruleColumnList, ", ")

var securityGroupRules = table[model.SecurityGroupRule]{
	from:    "securitygrouprules t",
	columns: ruleColumnList,
	attrs: withoutName(withStandard(map[string]column{
		"security_group_id":       {"t.security_group_id", text},
		"direction":               {"t.direction", text},
		"ethertype":               {"t.ethertype", text},
		"protocol":                {"t.protocol", optional},
		"port_range_min":          {"t.port_range_min", optionalInteger},
		"port_range_max":          {"t.port_range_max", optionalInteger},
		"remote_ip_prefix":        {"t.remote_ip_prefix", optional},
		"normalized_cidr":         {"t.normalized_cidr", optional},
		"remote_group_id":         {"t.remote_group_id", optional},
		"remote_address_group_id": {"t.remote_address_group_id", optional},
	})),
	// A rule is its owner's to see and that of its group's owner, not of those whom the group is shared with (get_security_group_rule_ids
	// in neutron/objects/securitygroup.py).
	visible: func(b *sqlbuilder.SelectBuilder, project string) string {
		return b.Or(b.Equal("t.project_id", project),
			"t.security_group_id IN (SELECT id FROM securitygroups WHERE "+b.Equal("project_id", project)+")")
	},
	scan: scanRule,
}

func withoutName(attrs map[string]column) map[string]column {
	delete(attrs, "name")
	return attrs
}

func scanRule(rows row) (*model.SecurityGroupRule, error) {
	r := &model.SecurityGroupRule{}
	var cidr, group, addressGroup sql.NullString
	err := rows.Scan(append(standardTargets(&r.ID, &r.Standard), textual(&r.SecurityGroupID), &r.Direction, &r.EtherType, &r.Protocol,
		&r.PortRangeMin, &r.PortRangeMax, &r.RemoteIPPrefix, &cidr, &group, &addressGroup)...)
	if err != nil {
		return nil, err
	}
	if cidr.Valid {
		if r.NormalizedCIDR, err = netip.ParsePrefix(cidr.String); err != nil {
			return nil, err
		}
	}
	if group.Valid {
		r.RemoteGroupID = new(model.SecurityGroupID)
		if err := r.RemoteGroupID.UnmarshalText([]byte(group.String)); err != nil {
			return nil, err
		}
	}
	if addressGroup.Valid {
		r.RemoteAddressGroupID = new(model.AddressGroupID)
		err = r.RemoteAddressGroupID.UnmarshalText([]byte(addressGroup.String))
	}
	return r, err
}

// SecurityGroupRule returns a rule, or ErrNotFound where there is none that scope sees.
func SecurityGroupRule(q Querier, ruleID string, scope Scope) (*model.SecurityGroupRule, error) {
	return securityGroupRules.get(q, ruleID, scope)
}

// ListSecurityGroupRules answers a list request.
func ListSecurityGroupRules(q Querier, scope Scope, want plugin.Query) ([]*model.SecurityGroupRule, error) {
	return securityGroupRules.list(q, scope, want)
}

// RulesOfGroup returns the rules of a group, in the order of their making.
func RulesOfGroup(q Querier, groupID model.SecurityGroupID) ([]*model.SecurityGroupRule, error) {
	return collect(q, scanRule, "SELECT "+ruleColumns+" FROM securitygrouprules t WHERE t.security_group_id = ? ORDER BY t.created_at, t.id",
		groupID.String())
}

// RulesNamingGroup returns the rules of other groups that name a group as their remote one.
func RulesNamingGroup(q Querier, groupID model.SecurityGroupID) ([]*model.SecurityGroupRule, error) {
	return collect(q, scanRule, "SELECT "+ruleColumns+` FROM securitygrouprules t WHERE t.remote_group_id = ?
		AND t.security_group_id <> ? ORDER BY t.id`, groupID.String(), groupID.String())
}

// InsertSecurityGroupRule stores a new rule; TouchSecurityGroup tells its group in the same transaction, as it does when one is deleted. A group
// or address group that has gone violates Reference.
func InsertSecurityGroupRule(tx *Tx, r *model.SecurityGroupRule) error {
	var cidr, group, addressGroup sql.NullString
	if r.NormalizedCIDR.IsValid() {
		cidr = sql.NullString{String: r.NormalizedCIDR.String(), Valid: true}
	}
	if r.RemoteGroupID != nil {
		group = sql.NullString{String: r.RemoteGroupID.String(), Valid: true}
	}
	if r.RemoteAddressGroupID != nil {
		addressGroup = sql.NullString{String: r.RemoteAddressGroupID.String(), Valid: true}
	}
	_, err := tx.Exec(`INSERT INTO securitygrouprules (id, project_id, description, created_at, updated_at, revision_number, stamp,
		security_group_id, direction, ethertype, protocol, port_range_min, port_range_max, remote_ip_prefix, normalized_cidr,
		remote_group_id, remote_address_group_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		append(standardValues(r.ID, &r.Standard), r.SecurityGroupID.String(), r.Direction, r.EtherType, r.Protocol,
			r.PortRangeMin, r.PortRangeMax, r.RemoteIPPrefix, cidr, group, addressGroup)...)
	return err
}

// DeleteSecurityGroupRule removes a rule, or returns ErrNotFound.
func DeleteSecurityGroupRule(tx *Tx, rule model.SecurityGroupRuleID) error {
	return tx.deleteOne(`DELETE FROM securitygrouprules WHERE id = ?`, rule.String())
}
