package store

import (
	"math/rand/v2"

	"midonet.org/midonet/neutron/model"
)

// The resources with the standard attributes have a stamp, a number at random in the column of that name, by which a server knows again what it
// has read before (see shared.go). Whoever changes anything that a resource's own row shows, be it in another table, gives it a new one in
// the same transaction, nearly always in the UPDATE that counts its revision up. Stamps are drawn and not counted: what was rolled back, or
// restored from a backup, cannot show the stamp of something else.
//
// What a resource shows of rows that have stamps of their own is in its table's version (see table), so that their writers need not know of it.

// stampBits is the size of stamps: so many that none comes twice, and a sum of several has room in a column.
const stampBits = 60

// newStamp draws a stamp.
func newStamp() int64 { return rand.Int64N(1 << stampBits) }

// stamp gives a row a new stamp, where what it shows has changed and its revision stays.
func (tx *Tx) stamp(table, id string) error {
	_, err := tx.Exec(`UPDATE `+table+` SET stamp = ? WHERE id = ?`, newStamp(), id)
	return err
}

// stampNetworksOf stamps the networks of the subnets that are from a pool, which show its address scope. The pool is locked, so that none comes
// meanwhile.
func stampNetworksOf(tx *Tx, pool model.SubnetPoolID) error {
	networks, err := texts(tx, `SELECT DISTINCT network_id FROM subnets WHERE subnetpool_id = ?`, pool.String())
	for i := 0; err == nil && i < len(networks); i++ {
		err = tx.stamp("networks", networks[i])
	}
	return err
}

// setZones says which zones there are, which every network and every router shows.
func setZones(tx *Tx, zones []string) error {
	_, err := tx.Exec(`UPDATE midonet_zones SET zones = ?, stamp = ? WHERE id = 1`, zoneList(zones), newStamp())
	return err
}

// zoneStamp is the stamp of the zones, as an expression that an engine works out once for a statement.
const zoneStamp = "(SELECT z.stamp FROM midonet_zones z WHERE z.id = 1)"

// stampOfPort is the stamp of the port whose identifier is in a column that may be NULL.
func stampOfPort(column string) string {
	return "COALESCE((SELECT p.stamp FROM ports p WHERE p.id = " + column + "), 0)"
}
