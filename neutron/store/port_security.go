package store

import (
	"database/sql"

	"midonet.org/midonet/neutron/model"
)

// portSecurityGroups fills in which groups the ports are in, by identifier.
func portSecurityGroups(q Querier, byID map[model.PortID]*model.Port, owners []any) error {
	return eachChild(q, "SELECT port_id, security_group_id FROM securitygroupportbindings WHERE port_id IN (%s) "+
		"ORDER BY port_id, security_group_id",
		owners, func(rows *sql.Rows) error {
			var owner model.PortID
			var group model.SecurityGroupID
			err := rows.Scan(textual(&owner), textual(&group))
			byID[owner].SecurityGroups = append(byID[owner].SecurityGroups, group)
			return err
		})
}

func portAddressPairs(q Querier, byID map[model.PortID]*model.Port, owners []any) error {
	return eachChild(q, "SELECT port_id, mac_address, ip_address FROM allowedaddresspairs WHERE port_id IN (%s) "+
		"ORDER BY port_id, position",
		owners, func(rows *sql.Rows) error {
			var owner model.PortID
			var pair model.AddressPair
			var address string
			if err := rows.Scan(textual(&owner), scanMAC{&pair.MACAddress}, &address); err != nil {
				return err
			}
			err := pair.SetAddress(address)
			byID[owner].AllowedAddressPairs = append(byID[owner].AllowedAddressPairs, pair)
			return err
		})
}

// SetSecurityGroups makes a port a member of the groups that p has, and of no others. A group that has gone violates Reference.
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
