package store

import (
	"database/sql"

	"midonet.org/midonet/neutron/model"
)

// silences fills in which hosts do not answer the DHCP requests of the networks.
func silences(q Querier, items []*model.Network) error {
	byID, owners := index(items, func(n *model.Network) model.NetworkID { return n.ID })
	return eachChild(q, "SELECT network_id, host_id FROM dhcpsilences WHERE network_id IN (%s) ORDER BY network_id, host_id", owners,
		func(rows *sql.Rows) error {
			var net model.NetworkID
			var host model.AgentID
			err := rows.Scan(textual(&net), textual(&host))
			byID[net].DHCPSilences = append(byID[net].DHCPSilences, host)
			return err
		})
}

// InsertDHCPSilence says that a host does not answer the DHCP requests of a network from now on.
func InsertDHCPSilence(tx *Tx, network model.NetworkID, host model.AgentID) error {
	_, err := tx.Exec(`INSERT INTO dhcpsilences (network_id, host_id) VALUES (?, ?)`, network.String(), host.String())
	return err
}

// DeleteDHCPSilence says that it answers them again.
func DeleteDHCPSilence(tx *Tx, network model.NetworkID, host model.AgentID) error {
	_, err := tx.Exec(`DELETE FROM dhcpsilences WHERE network_id = ? AND host_id = ?`, network.String(), host.String())
	return err
}
