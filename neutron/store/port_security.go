package store

import "midonet.org/midonet/neutron/model"

// portSecurityGroups are the groups that a port is in, by identifier.
var portSecurityGroups = part[model.Port]{columns: []string{"security_group_id"}, from: "securitygroupportbindings WHERE port_id = t.id",
	add: func(p *model.Port, r row) error {
		var group model.SecurityGroupID
		err := r.Scan(textual(&group))
		p.SecurityGroups = append(p.SecurityGroups, group)
		return err
	}}

var portAddressPairs = part[model.Port]{order: byPosition, columns: []string{"mac_address", "ip_address"}, from: "allowedaddresspairs WHERE port_id = t.id",
	add: func(p *model.Port, r row) error {
		var pair model.AddressPair
		var address string
		if err := r.Scan(scanMAC{&pair.MACAddress}, &address); err != nil {
			return err
		}
		err := pair.SetAddress(address)
		p.AllowedAddressPairs = append(p.AllowedAddressPairs, pair)
		return err
	}}

// SetSecurityGroups makes a port a member of the groups that p has, and of no others; as with its address pairs, UpdatePort stores in the same
// transaction that it has changed. A group that has gone violates Reference.
func SetSecurityGroups(tx *Tx, p *model.Port) error {
	if _, err := tx.Exec(`DELETE FROM securitygroupportbindings WHERE port_id = ?`, p.ID.String()); err != nil {
		return err
	}
	return InsertSecurityGroupsOf(tx, p)
}

// InsertSecurityGroupsOf is SetSecurityGroups for a port that is in no group yet.
func InsertSecurityGroupsOf(tx *Tx, p *model.Port) error {
	for _, group := range p.SecurityGroups {
		if _, err := tx.Exec(`INSERT INTO securitygroupportbindings (port_id, security_group_id) VALUES (?, ?)`,
			p.ID.String(), group.String()); err != nil {
			return err
		}
	}
	return nil
}

// SetAddressPairs stores the address pairs that p has in place of those that it had.
func SetAddressPairs(tx *Tx, p *model.Port) error {
	if _, err := tx.Exec(`DELETE FROM allowedaddresspairs WHERE port_id = ?`, p.ID.String()); err != nil {
		return err
	}
	return InsertAddressPairs(tx, p)
}

// InsertAddressPairs is SetAddressPairs for a port that has none yet.
func InsertAddressPairs(tx *Tx, p *model.Port) error {
	for i, pair := range p.AllowedAddressPairs {
		if _, err := tx.Exec(`INSERT INTO allowedaddresspairs (port_id, position, mac_address, ip_address) VALUES (?, ?, ?, ?)`,
			p.ID.String(), i, pair.MACAddress.String(), pair.AddressText()); err != nil {
			return err
		}
	}
	return nil
}
