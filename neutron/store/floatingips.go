package store

import (
	"database/sql"
	"errors"

	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
)

var floatingIPs = table[model.FloatingIP]{
	from: "floatingips t",
	columns: append(standardColumns[:len(standardColumns):len(standardColumns)], "t.floating_ip_address", "t.floating_network_id",
		"t.router_id", "t.fixed_port_id", "t.fixed_ip_address", "t.status"),
	attrs: withStandard(map[string]column{
		"floating_ip_address": {"t.floating_ip_address", text},
		"floating_network_id": {"t.floating_network_id", text},
		"router_id":           {"t.router_id", optional},
		"port_id":             {"t.fixed_port_id", optional},
		"fixed_ip_address":    {"t.fixed_ip_address", optional},
		"status":              {"t.status", text},
	}),
	visible: ownRows,
	scan:    scanFloatingIP,
	version: "t.stamp + " + stampOfPort("t.fixed_port_id"),
	parts: []part[model.FloatingIP]{
		tagsOf(func(f *model.FloatingIP) *[]string { return &f.Tags }),
		{columns: []string{"p.name", "p.network_id", "p.mac_address", "p.admin_state_up", "p.status", "p.device_id", "p.device_owner"},
			longest: shortRow + 3*255*mostEscaped, from: "ports p WHERE p.id = t.fixed_port_id", add: addPortDetails},
		{order: byMaking("f"), columns: aliased("f", portForwardings.columns), longest: shortRow + 2*255*mostEscaped,
			from: "portforwardings f WHERE f.floatingip_id = t.id", add: addForwarding},
	},
}

func scanFloatingIP(rows row) (*model.FloatingIP, error) {
	f := &model.FloatingIP{PortForwardings: []model.ForwardingSummary{}}
	return f, rows.Scan(append(standardTargets(&f.ID, &f.Standard), textual(&f.FloatingIPAddress), textual(&f.FloatingNetworkID),
		textual(&f.RouterID), textual(&f.PortID), textual(&f.FixedIPAddress), &f.Status)...)
}

func addPortDetails(f *model.FloatingIP, r row) error {
	d := &model.PortDetails{}
	f.PortDetails = d
	return r.Scan(&d.Name, textual(&d.NetworkID), scanMAC{&d.MACAddress}, &d.AdminStateUp, &d.Status, &d.DeviceID, &d.DeviceOwner)
}

func addForwarding(f *model.FloatingIP, r row) error {
	forwarding, err := portForwardings.scan(r)
	if err == nil {
		f.PortForwardings = append(f.PortForwardings, forwarding.Summary())
	}
	return err
}

// FloatingIP returns a floating address, or ErrNotFound where there is none that scope sees.
func FloatingIP(q Querier, floatingIPID string, scope Scope) (*model.FloatingIP, error) {
	return floatingIPs.get(q, floatingIPID, scope)
}

// ListFloatingIPs answers a list request.
func ListFloatingIPs(q Querier, scope Scope, want plugin.Query) ([]*model.FloatingIP, error) {
	return floatingIPs.list(q, scope, want)
}

// FloatingIPsBy returns the floating addresses whose attribute (router_id, port_id, floating_network_id) has the value.
func FloatingIPsBy(q Querier, attr, value string) ([]*model.FloatingIP, error) {
	return ListFloatingIPs(q, Scope{}, plugin.Query{Filters: []plugin.Filter{{Attr: attr, Values: []string{value}}}})
}

// InsertFloatingIP stores a new floating address; port is the one that holds it on the external network. A router or port that has gone
// violates Reference.
func InsertFloatingIP(tx *Tx, f *model.FloatingIP, port model.PortID) error {
	_, err := tx.Exec(`INSERT INTO floatingips (id, project_id, description, created_at, updated_at, revision_number, stamp,
		floating_ip_address, floating_network_id, floating_port_id, router_id, fixed_port_id, fixed_ip_address, status)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		append(standardValues(f.ID, &f.Standard), f.FloatingIPAddress.String(), f.FloatingNetworkID.String(), port.String(),
			idText(f.RouterID), idText(f.PortID), addrText(f.FixedIPAddress), f.Status)...)
	return err
}

// UpdateFloatingIP stores a floating address that was read in this transaction and changed. It counts RevisionNumber up, in the value
// too.
func UpdateFloatingIP(tx *Tx, f *model.FloatingIP) error {
	return bump(tx, &f.Standard, `UPDATE floatingips SET revision_number = ?, updated_at = ?, stamp = ?, description = ?, router_id = ?,
		fixed_port_id = ?, fixed_ip_address = ?, status = ? WHERE id = ? AND revision_number = ?`,
		f.Description, idText(f.RouterID), idText(f.PortID), addrText(f.FixedIPAddress), f.Status, f.ID.String())
}

// FloatingPort returns the port that holds a floating address on the external network, or ErrNotFound.
func FloatingPort(q Querier, floatingIP model.FloatingIPID) (port model.PortID, err error) {
	err = q.QueryRow(`SELECT floating_port_id FROM floatingips WHERE id = ?`, floatingIP.String()).Scan(textual(&port))
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	return port, err
}

// DeleteFloatingIP removes a floating address, or returns ErrNotFound. The port that holds it stays.
func DeleteFloatingIP(tx *Tx, floatingIP model.FloatingIPID) error {
	return tx.deleteTagged(`DELETE FROM floatingips WHERE id = ?`, floatingIP.String())
}

// LockFloatingIP waits until no one else changes the floating address or its forwardings, and keeps others from them. One that is not
// there is no error.
func LockFloatingIP(tx *Tx, floatingIPID string) error {
	return tx.lock(`SELECT id FROM floatingips WHERE id = ?`, floatingIPID)
}
