package store

// Transactions of several servers that run side by side are kept apart by locks on rows. SQLite, whose writers follow each other, has
// and needs none. Whoever
//
//   - adds or changes a port keeps its network as it is (NetworkWithPlan), and locks the port that it changes;
//   - adds, changes or deletes a subnet, or changes or deletes a network, locks the network (TouchNetwork, LockSubnet, LockNetwork).
//
// So the subnets of a network and who may use it stay the same while a port gets its addresses, ports come neither in nor out while
// a rule looks at all of them, and what is read of a row after its lock is the present state.

// LockNetwork waits until no one else is at work on the network, and keeps others off it. A network that is not there is no error.
func LockNetwork(tx *Tx, networkID string) error {
	return tx.lock(`SELECT id FROM networks WHERE id = ?`, networkID)
}

// LockSubnet is LockNetwork for the network of a subnet.
func LockSubnet(tx *Tx, subnetID string) error {
	if tx.d.Locking(Change) == "" {
		return nil
	}
	// Found first and then locked, in the order that ports lock network and subnet.
	rows, err := collect(tx, scanID, `SELECT network_id FROM subnets WHERE id = ?`, subnetID)
	if err != nil || len(rows) == 0 {
		return err
	}
	return LockNetwork(tx, *rows[0])
}

// LockPort waits until no one else changes the port, and keeps others from it. A port that is not there is no error.
func LockPort(tx *Tx, portID string) error {
	return tx.lock(`SELECT id FROM ports WHERE id = ?`, portID)
}

func scanID(rows row) (*string, error) {
	var s string
	return &s, rows.Scan(&s)
}

// lock locks the row that a query selects, where the engine has such locks.
func (tx *Tx) lock(query, id string) error {
	locking, err := tx.locking(Change, id)
	if err != nil || locking == "" {
		return err
	}
	_, err = collect(tx, scanID, query+locking, id)
	return err
}

// locking takes the turns of the rows with those identifiers, where locks alone do not keep others off them (see turn), and returns what a
// SELECT of them ends with.
func (tx *Tx) locking(l Lock, ids ...string) (suffix string, err error) {
	for _, id := range ids {
		if err := tx.turn(id); err != nil {
			return "", err
		}
	}
	return tx.d.Locking(l), nil
}
