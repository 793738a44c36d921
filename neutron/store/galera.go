package store

import (
	"context"
	"database/sql"
	"errors"
	"hash/fnv"
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

// turn makes other transactions that lock the row of that identifier wait for this one or be run again, on every node.
func (tx *Tx) turn(id string) error {
	if !tx.d.Turns() {
		return nil
	}
	h := fnv.New32a()
	h.Write([]byte(id))
	_, err := tx.Exec(`INSERT INTO midonet_turns (id, turn) VALUES (?, 1) ON DUPLICATE KEY UPDATE turn = turn + 1`, h.Sum32()%turns)
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
