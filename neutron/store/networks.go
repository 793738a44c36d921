package store

import (
	"database/sql"
	"errors"

	"github.com/huandu/go-sqlbuilder"

	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
)

var networks = table[model.Network]{
	from: "networks t",
	columns: append(standardColumns[:len(standardColumns):len(standardColumns)], "t.name", "t.admin_state_up", "t.status",
		"t.external", "t.mtu", "t.network_type", "t.physical_network", "t.segmentation_id", "t.port_security_enabled",
		"t.availability_zone_hints", "t.dns_domain", "t.default_external IS NOT NULL", everyZone),
	attrs: withStandard(map[string]column{
		"admin_state_up":            {"t.admin_state_up", boolean},
		"status":                    {"t.status", text},
		"is_default":                {"(t.default_external IS NOT NULL)", boolean},
		"mtu":                       {"t.mtu", integer},
		"provider:network_type":     {"t.network_type", text},
		"provider:physical_network": {"t.physical_network", optional},
		"provider:segmentation_id":  {"t.segmentation_id", integer},
		"availability_zone_hints":   {"t.availability_zone_hints", text},
	}),
	// Networks that are shared with a project, or external for it, are its to see (neutron/db/external_net_db.py).
	visible: func(b *sqlbuilder.SelectBuilder, project string) string {
		return b.Or(b.Equal("t.project_id", project),
			"t.id IN (SELECT object_id FROM rbacpolicies WHERE "+b.In("target_project", model.Everyone, project)+")")
	},
	filter: func(b *sqlbuilder.SelectBuilder, _ Scope, f plugin.Filter) (string, bool, error) {
		if f.Attr != "router:external" {
			return "", false, nil
		}
		// The first of several counts (neutron/db/external_net_db.py, _network_result_filter_hook).
		return b.Equal("t.external", f.Values[0] == "True"), true, nil
	},
	shared:  func(n *model.Network) *bool { return &n.Shared },
	scan:    scanNetwork,
	version: "t.stamp + " + zoneStamp,
	parts: []part[model.Network]{
		tagsOf(func(n *model.Network) *[]string { return &n.Tags }),
		networkSubnets,
		silences,
	},
}

func scanNetwork(rows row) (*model.Network, error) {
	n := &model.Network{Subnets: []model.SubnetID{}}
	var isDefault bool
	err := rows.Scan(append(standardTargets(&n.ID, &n.Standard), &n.Name, &n.AdminStateUp, &n.Status,
		&n.External, &n.MTU, &n.NetworkType, &n.PhysicalNetwork, &n.SegmentationID, &n.PortSecurityEnabled,
		scanZones{&n.AvailabilityZoneHints}, &n.DNSDomain, &isDefault,
		scanZones{&n.AvailabilityZones})...)
	if n.External {
		n.IsDefault = &isDefault
	}
	return n, err
}

// defaultExternal is the column of the default external network, which has 1 there; all others have NULL, so that there is one.
func defaultExternal(n *model.Network) any {
	if n.External && n.IsDefault != nil && *n.IsDefault {
		return 1
	}
	return nil
}

// networkSubnets are the subnets of a network, in the order of their making, and the address scopes that follow from the subnets' pools
// (_extend_network_dict_address_scope).
var networkSubnets = part[model.Network]{
	order:   []string{"s.created_at"},
	columns: []string{"s.id", "s.ip_version", "p.address_scope_id"},
	from:    "subnets s LEFT JOIN subnetpools p ON p.id = s.subnetpool_id WHERE s.network_id = t.id",
	add: func(n *model.Network, r row) error {
		var sub model.SubnetID
		var version int
		var scope model.AddressScopeID
		if err := r.Scan(textual(&sub), &version, textual(&scope)); err != nil {
			return err
		}
		n.Subnets = append(n.Subnets, sub)
		switch {
		case scope.IsZero():
		case version == 4:
			n.IPv4AddressScope = scope
		default:
			n.IPv6AddressScope = scope
		}
		return nil
	},
}

// index returns the items by their identifiers, and the identifiers as query parameters.
func index[T, O any](items []*T, idOf func(*T) id.ID[O]) (map[id.ID[O]]*T, []any) {
	byID, owners := make(map[id.ID[O]]*T, len(items)), make([]any, 0, len(items))
	for _, item := range items {
		byID[idOf(item)] = item
		owners = append(owners, idOf(item).String())
	}
	return byID, owners
}

// Network returns a network, or ErrNotFound where there is none that scope sees.
func Network(q Querier, networkID string, scope Scope) (*model.Network, error) {
	return networks.get(q, networkID, scope)
}

// ListNetworks answers a list request.
func ListNetworks(q Querier, scope Scope, want plugin.Query) ([]*model.Network, error) {
	return networks.list(q, scope, want)
}

// InsertNetwork stores a new network. Whether it is shared is in its RBAC policies.
func InsertNetwork(tx *Tx, n *model.Network) error {
	_, err := tx.Exec(`INSERT INTO networks (id, project_id, description, created_at, updated_at, revision_number, stamp,
		name, admin_state_up, status, external, mtu, network_type, physical_network, segmentation_id,
		port_security_enabled, availability_zone_hints, dns_domain, default_external)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		append(standardValues(n.ID, &n.Standard), n.Name, n.AdminStateUp, n.Status, n.External, n.MTU,
			n.NetworkType, n.PhysicalNetwork, n.SegmentationID,
			n.PortSecurityEnabled, zoneList(n.AvailabilityZoneHints), n.DNSDomain, defaultExternal(n))...)
	return err
}

// UpdateNetwork stores a network that was read in this transaction and changed. It counts RevisionNumber up, in the value too.
func UpdateNetwork(tx *Tx, n *model.Network) error {
	return bump(tx, &n.Standard, `UPDATE networks SET revision_number = ?, updated_at = ?, stamp = ?, description = ?, name = ?,
		admin_state_up = ?, status = ?, external = ?, mtu = ?, port_security_enabled = ?, dns_domain = ?, default_external = ?
		WHERE id = ? AND revision_number = ?`,
		n.Description, n.Name, n.AdminStateUp, n.Status, n.External, n.MTU, n.PortSecurityEnabled, n.DNSDomain, defaultExternal(n),
		n.ID.String())
}

// bump runs an UPDATE whose first parameters are the next revision, the time and a new stamp, and whose last, after args, is the present
// revision.
// Where another transaction has changed the row since it was read, the whole transaction is run again.
func bump(tx *Tx, s *model.Standard, query string, args ...any) error {
	all := append([]any{s.RevisionNumber + 1, timeText(s.UpdatedAt), newStamp()}, args...)
	res, err := tx.Exec(query, append(all, s.RevisionNumber)...)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return errStaleOr(err)
	}
	s.RevisionNumber++
	return nil
}

func errStaleOr(err error) error {
	if err != nil {
		return err
	}
	return ErrStale
}

// TouchNetwork counts a network's revision up because one of its subnets changed (revises_on_change in the original's models). It
// locks the network's row, so that two transactions that change subnets of one network follow each other.
func TouchNetwork(tx *Tx, network model.NetworkID, now model.Time) error {
	if err := tx.turn(network.String()); err != nil {
		return err
	}
	res, err := tx.Exec(`UPDATE networks SET revision_number = revision_number + 1, updated_at = ?, stamp = ? WHERE id = ?`,
		timeText(now), newStamp(), network.String())
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return ErrNotFound
	}
	return nil
}

// DeleteNetwork removes a network, or returns ErrNotFound. Ports and subnets that are still there violate Reference.
func DeleteNetwork(tx *Tx, network model.NetworkID) error {
	if err := deleteRBACPoliciesOf(tx, network.String()); err != nil {
		return err
	}
	return tx.deleteTagged(`DELETE FROM networks WHERE id = ?`, network.String())
}

// deleteOne removes one row, or returns ErrNotFound where another transaction has.
func (tx *Tx) deleteOne(query string, args ...any) error {
	res, err := tx.Exec(query, args...)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, ErrNotFound)
	}
	return nil
}

// ProjectsOnNetwork returns the projects that own ports (other than the network's own services') or subnets of a network.
func ProjectsOnNetwork(q Querier, network model.NetworkID) ([]string, error) {
	return texts(q, `SELECT project_id FROM ports WHERE network_id = ? AND device_owner NOT LIKE 'network:%'
		UNION SELECT project_id FROM subnets WHERE network_id = ?`, network.String(), network.String())
}

// PlannedNetwork is what a new port or subnet needs to know of its network.
type PlannedNetwork struct {
	Project      string // that owns it
	MTU          int
	PortSecurity bool            // what a port gets that does not say
	Plan         []*model.Subnet // see AddressPlan
}

// NetworkWithPlan returns what a new port or subnet needs to know of its network, or ErrNotFound where there is none that scope sees. The network
// stays as it is until the transaction ends (see LockNetwork).
func NetworkWithPlan(tx *Tx, network model.NetworkID, scope Scope) (*PlannedNetwork, error) {
	visible, args := "", []any{network.String()}
	if scope.Restricted {
		visible = "AND (n.project_id = ? OR n.id IN (SELECT object_id FROM rbacpolicies WHERE target_project IN (?, ?))) "
		args = append(args, scope.Project, model.Everyone, scope.Project)
	}
	locking, err := tx.locking(Keep, network.String())
	if err != nil {
		return nil, err
	}
	var n PlannedNetwork
	var found sql.NullString
	plan := addressPlan{network: network}
	err = plan.read(tx, `SELECT n.id, n.project_id, n.mtu, n.port_security_enabled, `+planColumns(locking)+`
		FROM networks n LEFT JOIN subnets s ON s.network_id = n.id `+planPools+` WHERE n.id = ? `+visible+planOrder+locking, args,
		&found, &n.Project, &n.MTU, &n.PortSecurity)
	if err == nil && !found.Valid {
		err = ErrNotFound
	}
	n.Plan = plan.subnets
	return &n, err
}
