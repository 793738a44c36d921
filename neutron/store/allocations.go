package store

import (
	"database/sql"
	"math"
	"net/netip"

	"midonet.org/midonet/neutron/model"
)

// InsertAllocation gives an address to a port. An address that is taken violates UniqueAddress. position is the address's place
// among the port's, from 0 without gaps. UpdatePort stores in the same transaction that the port has changed, where it is not new.
func InsertAllocation(tx *Tx, port model.PortID, f model.FixedIP, position int) error {
	_, err := tx.Exec(`INSERT INTO ipallocations (subnet_id, ip_address, port_id, position) VALUES (?, ?, ?, ?)`,
		f.SubnetID.String(), f.IPAddress.AsSlice(), port.String(), position)
	return err
}

// DeleteAllocations takes a port's addresses away.
func DeleteAllocations(tx *Tx, port model.PortID) error {
	_, err := tx.Exec(`DELETE FROM ipallocations WHERE port_id = ?`, port.String())
	return err
}

// FreeAddress returns the lowest address from first to last that is not allocated, looking at no more than limit allocations (0: at
// all of them). ok is false where it found none.
func FreeAddress(q Querier, subnet model.SubnetID, first, last netip.Addr, limit int) (free netip.Addr, ok bool, err error) {
	if limit == 0 {
		limit = math.MaxInt32
	}
	rows, err := q.Query(`SELECT ip_address FROM ipallocations WHERE subnet_id = ? AND ip_address BETWEEN ? AND ?
		ORDER BY ip_address LIMIT ?`, subnet.String(), first.AsSlice(), last.AsSlice(), limit)
	if err != nil {
		return netip.Addr{}, false, err
	}
	defer rows.Close()
	free, seen := first, 0
	for ; rows.Next(); seen++ {
		var taken netip.Addr
		if err := rows.Scan(scanAddr{&taken}); err != nil {
			return netip.Addr{}, false, err
		}
		if taken != free {
			return free, true, rows.Close() // a transaction that has been undone meanwhile is told so behind the last row
		}
		free = free.Next()
	}
	if err := rows.Err(); err != nil {
		return netip.Addr{}, false, err
	}
	inRange := free.IsValid() && !last.Less(free)
	return free, inRange && seen != limit, nil
}

// AddressHolder returns the port that holds an address and its device owner, or ErrNotFound.
func AddressHolder(q Querier, subnet model.SubnetID, a netip.Addr) (port model.PortID, deviceOwner string, err error) {
	err = q.QueryRow(`SELECT p.id, p.device_owner FROM ipallocations a JOIN ports p ON p.id = a.port_id
		WHERE a.subnet_id = ? AND a.ip_address = ?`, subnet.String(), a.AsSlice()).Scan(textual(&port), &deviceOwner)
	if err == sql.ErrNoRows {
		err = ErrNotFound
	}
	return port, deviceOwner, err
}
