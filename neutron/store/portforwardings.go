package store

import (
	"github.com/huandu/go-sqlbuilder"

	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
)

var portForwardings = table[model.PortForwarding]{
	from: "portforwardings t",
	columns: append(standardColumns[:len(standardColumns):len(standardColumns)], "t.floatingip_id", "t.external_port_start",
		"t.external_port_end", "t.internal_port_start", "t.internal_port_end", "t.internal_ip_address", "t.internal_port_id", "t.protocol"),
	attrs: withStandard(map[string]column{
		"floatingip_id":       {"t.floatingip_id", text},
		"external_port":       {"t.external_port_start", integer},
		"external_port_range": {"t.external_port_start", integer},
		"internal_port_id":    {"t.internal_port_id", text},
		"protocol":            {"t.protocol", text},
	}),
	visible: ownRows,
	filter:  forwardingFilter,
	scan: func(rows row) (*model.PortForwarding, error) {
		f := &model.PortForwarding{}
		err := rows.Scan(append(standardTargets(&f.ID, &f.Standard), textual(&f.FloatingIPID), &f.ExternalPortRange.First,
			&f.ExternalPortRange.Last, &f.InternalPortRange.First, &f.InternalPortRange.Last, textual(&f.InternalIPAddress),
			textual(&f.InternalPortID), &f.Protocol)...)
		f.ExternalPort, f.InternalPort = f.ExternalPortRange.First, f.InternalPortRange.First
		return f, err
	},
}

// forwardingFilter answers external_port and external_port_range, which are the ends of one range.
func forwardingFilter(b *sqlbuilder.SelectBuilder, _ Scope, f plugin.Filter) (string, bool, error) {
	if f.Attr != "external_port" && f.Attr != "external_port_range" {
		return "", false, nil
	}
	var either []string
	for _, v := range f.Values {
		var r model.PortRange
		if r.UnmarshalText([]byte(v)) == nil { // no forwarding has what is no range
			either = append(either, b.And(b.Equal("t.external_port_start", r.First), b.Equal("t.external_port_end", r.Last)))
		}
	}
	if len(either) == 0 {
		return "1 = 0", true, nil
	}
	return b.Or(either...), true, nil
}

// PortForwarding returns a forwarding, or ErrNotFound where there is none that scope sees.
func PortForwarding(q Querier, forwardingID string, scope Scope) (*model.PortForwarding, error) {
	return portForwardings.get(q, forwardingID, scope)
}

// ListPortForwardings answers a list request.
func ListPortForwardings(q Querier, scope Scope, want plugin.Query) ([]*model.PortForwarding, error) {
	return portForwardings.list(q, scope, want)
}

// PortForwardingsBy returns the forwardings whose attribute (floatingip_id, internal_port_id) has one of the values.
func PortForwardingsBy(q Querier, attr string, values ...string) ([]*model.PortForwarding, error) {
	return ListPortForwardings(q, Scope{}, plugin.Query{Filters: []plugin.Filter{{Attr: attr, Values: values}}})
}

// InsertPortForwarding stores a new forwarding. A floating address or port that has gone violates Reference.
func InsertPortForwarding(tx *Tx, f *model.PortForwarding) error {
	_, err := tx.Exec(`INSERT INTO portforwardings (id, project_id, description, created_at, updated_at, revision_number, stamp,
		floatingip_id, external_port_start, external_port_end, internal_port_start, internal_port_end, internal_ip_address,
		internal_port_id, protocol) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		append(standardValues(f.ID, &f.Standard), f.FloatingIPID.String(), f.ExternalPortRange.First, f.ExternalPortRange.Last,
			f.InternalPortRange.First, f.InternalPortRange.Last, f.InternalIPAddress.String(), f.InternalPortID.String(), f.Protocol)...)
	if err != nil {
		return err
	}
	return tx.stamp("floatingips", f.FloatingIPID.String())
}

// UpdatePortForwarding stores a forwarding that was read in this transaction and changed. It counts RevisionNumber up, in the value too.
func UpdatePortForwarding(tx *Tx, f *model.PortForwarding) error {
	err := bump(tx, &f.Standard, `UPDATE portforwardings SET revision_number = ?, updated_at = ?, stamp = ?, description = ?,
		external_port_start = ?, external_port_end = ?, internal_port_start = ?, internal_port_end = ?, internal_ip_address = ?,
		internal_port_id = ?, protocol = ? WHERE id = ? AND revision_number = ?`,
		f.Description, f.ExternalPortRange.First, f.ExternalPortRange.Last, f.InternalPortRange.First, f.InternalPortRange.Last,
		f.InternalIPAddress.String(), f.InternalPortID.String(), f.Protocol, f.ID.String())
	if err != nil {
		return err
	}
	return tx.stamp("floatingips", f.FloatingIPID.String())
}

// DeletePortForwarding removes a forwarding, or returns ErrNotFound.
func DeletePortForwarding(tx *Tx, f *model.PortForwarding) error {
	if err := tx.deleteOne(`DELETE FROM portforwardings WHERE id = ?`, f.ID.String()); err != nil {
		return err
	}
	return tx.stamp("floatingips", f.FloatingIPID.String())
}
