package store

import (
	"fmt"
	"testing"

	"midonet.org/midonet/neutron/store/storetest"
)

// TestAStatementWithinItself: the rows of a statement stay what they are while the same statement is run again, and others after it, more
// of them than a connection remembers.
func TestAStatementWithinItself(t *testing.T) {
	storetest.OnSQLite(t) // elsewhere one connection has one statement at a time
	db := openNew(t)
	const numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT i FROM n"
	err := db.Read(ctx, func(q Querier) error {
		rows, err := q.Query(numbers, maxStatements+3)
		if err != nil {
			return err
		}
		defer rows.Close()
		for want := 1; rows.Next(); want++ {
			var got, inner, other int
			if err := rows.Scan(&got); err != nil {
				return err
			}
			if err := q.QueryRow("SELECT MAX(i) FROM ("+numbers+")", got).Scan(&inner); err != nil {
				return err
			}
			within, err := q.Query(numbers, 2)
			if err != nil {
				return err
			}
			within.Next()
			within.Close()
			if err := q.QueryRow(fmt.Sprint("SELECT ", got)).Scan(&other); err != nil {
				return err
			}
			if got != want || inner != got || other != got {
				t.Fatalf("row %d is %d, %d, %d", want, got, inner, other)
			}
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
}
