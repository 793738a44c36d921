package store

import (
	"net/netip"

	"github.com/huandu/go-sqlbuilder"

	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
)

var addressGroups = table[model.AddressGroup]{
	from:    "address_groups t",
	columns: append(standardColumns[:len(standardColumns):len(standardColumns)], "t.name"),
	attrs:   withStandard(map[string]column{}),
	visible: func(b *sqlbuilder.SelectBuilder, project string) string {
		return b.Or(b.Equal("t.project_id", project), sharedWith(b, "t.id", project))
	},
	shared: func(g *model.AddressGroup) *bool { return &g.Shared },
	scan: func(rows row) (*model.AddressGroup, error) {
		g := &model.AddressGroup{Addresses: []netip.Prefix{}}
		return g, rows.Scan(append(standardTargets(&g.ID, &g.Standard), &g.Name)...)
	},
	parts: []part[model.AddressGroup]{
		{columns: []string{"address"}, from: "address_associations WHERE address_group_id = t.id", add: addAddress},
	},
}

func addAddress(g *model.AddressGroup, r row) error {
	var address netip.Prefix
	err := r.Scan(textual(&address))
	g.Addresses = append(g.Addresses, address)
	return err
}

// AddressGroup returns an address group, or ErrNotFound where there is none that scope sees.
func AddressGroup(q Querier, groupID string, scope Scope) (*model.AddressGroup, error) {
	return addressGroups.get(q, groupID, scope)
}

// ListAddressGroups answers a list request.
func ListAddressGroups(q Querier, scope Scope, want plugin.Query) ([]*model.AddressGroup, error) {
	return addressGroups.list(q, scope, want)
}

// LockAddressGroup waits until no one else is at work on the address group, and keeps others off it. One that is not there is no error.
func LockAddressGroup(tx *Tx, groupID string) error {
	return tx.lock(`SELECT id FROM address_groups WHERE id = ?`, groupID)
}

// InsertAddressGroup stores a new address group with its addresses.
func InsertAddressGroup(tx *Tx, g *model.AddressGroup) error {
	_, err := tx.Exec(`INSERT INTO address_groups (id, project_id, description, created_at, updated_at, revision_number, stamp, name)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)`, append(standardValues(g.ID, &g.Standard), g.Name)...)
	if err != nil {
		return err
	}
	return AddAddresses(tx, g.ID, g.Addresses)
}

// UpdateAddressGroup stores an address group that was read in this transaction and changed, without its addresses. It counts
// RevisionNumber up, in the value too.
func UpdateAddressGroup(tx *Tx, g *model.AddressGroup) error {
	return bump(tx, &g.Standard, `UPDATE address_groups SET revision_number = ?, updated_at = ?, stamp = ?, description = ?, name = ?
		WHERE id = ? AND revision_number = ?`, g.Description, g.Name, g.ID.String())
}

// AddAddresses adds addresses that an address group does not have.
func AddAddresses(tx *Tx, group model.AddressGroupID, addresses []netip.Prefix) error {
	for _, a := range addresses {
		if _, err := tx.Exec(`INSERT INTO address_associations (address_group_id, address) VALUES (?, ?)`,
			group.String(), a.String()); err != nil {
			return err
		}
	}
	return nil
}

// RemoveAddresses takes addresses out of an address group.
func RemoveAddresses(tx *Tx, group model.AddressGroupID, addresses []netip.Prefix) error {
	for _, a := range addresses {
		if _, err := tx.Exec(`DELETE FROM address_associations WHERE address_group_id = ? AND address = ?`,
			group.String(), a.String()); err != nil {
			return err
		}
	}
	return nil
}

// DeleteAddressGroup removes an address group and the policies that share it, or returns ErrNotFound. Rules that name it violate
// Reference.
func DeleteAddressGroup(tx *Tx, group model.AddressGroupID) error {
	if err := deleteRBACPoliciesOf(tx, group.String()); err != nil {
		return err
	}
	return tx.deleteOne(`DELETE FROM address_groups WHERE id = ?`, group.String())
}

// ProjectsNamingAddressGroup returns the projects that own rules which name an address group.
func ProjectsNamingAddressGroup(q Querier, groupID string) ([]string, error) {
	return texts(q, `SELECT DISTINCT project_id FROM securitygrouprules WHERE remote_address_group_id = ?`, groupID)
}
