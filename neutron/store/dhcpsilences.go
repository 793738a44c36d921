package store

import "midonet.org/midonet/neutron/model"

// silences are the hosts that do not answer the DHCP requests of a network.
var silences = part[model.Network]{columns: []string{"host_id"}, from: "dhcpsilences WHERE network_id = t.id", add: func(n *model.Network, r row) error {
	var host model.AgentID
	err := r.Scan(textual(&host))
	n.DHCPSilences = append(n.DHCPSilences, host)
	return err
}}

// InsertDHCPSilence says that a host does not answer the DHCP requests of a network from now on.
func InsertDHCPSilence(tx *Tx, network model.NetworkID, host model.AgentID) error {
	if _, err := tx.Exec(`INSERT INTO dhcpsilences (network_id, host_id) VALUES (?, ?)`, network.String(), host.String()); err != nil {
		return err
	}
	return tx.stamp("networks", network.String())
}

// DeleteDHCPSilence says that it answers them again.
func DeleteDHCPSilence(tx *Tx, network model.NetworkID, host model.AgentID) error {
	if _, err := tx.Exec(`DELETE FROM dhcpsilences WHERE network_id = ? AND host_id = ?`, network.String(), host.String()); err != nil {
		return err
	}
	return tx.stamp("networks", network.String())
}
