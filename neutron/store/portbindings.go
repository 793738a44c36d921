package store

import (
	"encoding/json"

	"midonet.org/midonet/neutron/model"
)

// InactiveBindings returns the bindings of a port to hosts that it is not on, by host.
func InactiveBindings(q Querier, portID string) ([]*model.PortBinding, error) {
	rows, err := q.Query(`SELECT host, profile, vif_type, vnic_type FROM portbindings WHERE port_id = ? ORDER BY host`, portID)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []*model.PortBinding
	for rows.Next() {
		b, profile := &model.PortBinding{Status: model.BindingInactive}, ""
		if err := rows.Scan(&b.Host, &profile, &b.VIFType, &b.VNICType); err != nil {
			return nil, err
		}
		b.Profile = json.RawMessage(profile)
		all = append(all, b)
	}
	return all, rows.Err()
}

// PutInactiveBinding stores a binding of a port to a host that it is not on, in the place of one that is there.
func PutInactiveBinding(tx *Tx, port model.PortID, b *model.PortBinding) error {
	if err := DeleteInactiveBinding(tx, port, b.Host); err != nil {
		return err
	}
	_, err := tx.Exec(`INSERT INTO portbindings (port_id, host, profile, vif_type, vnic_type) VALUES (?, ?, ?, ?, ?)`,
		port.String(), b.Host, string(b.Profile), b.VIFType, b.VNICType)
	return err
}

// DeleteInactiveBinding removes one, if it is there.
func DeleteInactiveBinding(tx *Tx, port model.PortID, host string) error {
	_, err := tx.Exec(`DELETE FROM portbindings WHERE port_id = ? AND host = ?`, port.String(), host)
	return err
}
