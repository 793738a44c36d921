package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
)

// The nodes of a Galera cluster can all be written to, but a lock on a row holds on its own node alone. What all nodes agree on is the
// order of commits, and that of two transactions which wrote the same row at the same time the second is undone
// (https://galeracluster.com/library/documentation/certification-based-replication.html). A transaction that locks a row without
// writing it therefore writes another in its place, its turn: so the rules that hang on locks hold whichever nodes the servers use.

// turns is how many rows stand for all that can be locked. Two rows that share one make transactions wait, or run again, that need not.
const turns = 4096

// createTurns makes the table, where the database is part of a cluster.
const createTurns = `CREATE TABLE IF NOT EXISTS midonet_turns (
	id   INT    NOT NULL PRIMARY KEY,
	turn BIGINT NOT NULL
) ENGINE = InnoDB`

// seeEverything has a transaction begin with what any node has committed before: a client asks one server for what another has just
// answered.
const seeEverything = "SET SESSION wsrep_sync_wait = 1"

// turn makes other transactions that lock the row of that identifier wait for this one or be run again, on every node. A second time in one
// transaction it does nothing: a request for fifty ports locks one network.
func (tx *Tx) turn(id string) error {
	if !tx.d.Turns() {
		return nil
	}
	h := fnv.New32a()
	h.Write([]byte(id))
	turn := h.Sum32() % turns
	if slices.Contains(tx.turns, turn) {
		return nil
	}
	_, err := tx.Exec(`INSERT INTO midonet_turns (id, turn) VALUES (?, 1) ON DUPLICATE KEY UPDATE turn = turn + 1`, turn)
	if err == nil {
		tx.turns = append(tx.turns, turn)
	}
	return err
}

// undone returns err, or ErrStale where the node has undone the transaction for the sake of one from another node. It says so behind the last
// row of an answer, whose rows then mean nothing (what a subquery counts is NULL), so that err may be about those.
func (d *mysqlDialect) undone(tx *Tx, err error) error {
	if !d.galera {
		return err
	}
	var going bool
	if tx.conn.queryRow(`SELECT @@in_transaction`, nil).Scan(&going) == nil && !going {
		return fmt.Errorf("%w: %v", ErrStale, err) // a fault for the client that it holds is none
	}
	return err
}

// joinGalera finds out whether the server is a node of a cluster, and makes the table of turns there.
func (d *mysqlDialect) joinGalera(ctx context.Context, db *sql.DB) error {
	var name, value string
	err := db.QueryRowContext(ctx, `SHOW GLOBAL VARIABLES LIKE 'wsrep_on'`).Scan(&name, &value)
	switch {
	case errors.Is(err, sql.ErrNoRows) || err == nil && value != "ON":
		return nil
	case err != nil:
		return err
	}
	d.galera = true
	_, err = db.ExecContext(ctx, createTurns)
	return err
}
