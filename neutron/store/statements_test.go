package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"testing"

	"github.com/go-sql-driver/mysql"

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

// doomed is a connection to a node that answers whatever is compiled with an error.
type doomed struct {
	connection
	err error
}

func (d doomed) PrepareContext(context.Context, string) (driver.Stmt, error) { return nil, d.err }

// TestWhatIsSaidWhenCompiling: a transaction that has been undone is told so when one of its statements is compiled, and must not go on.
func TestWhatIsSaidWhenCompiling(t *testing.T) {
	for number, harmless := range map[uint16]bool{erDeadlock: false, erServerShutdown: false, erMaxPreparedStatements: true, erUnsupportedPrepared: true} {
		said := &mysql.MySQLError{Number: number}
		c := &remembering{connection: doomed{err: said}, statements: map[string]*statement{"SELECT 1": nil}}
		if s, err := c.compiled(ctx, "SELECT 1"); s != nil || (err == nil) != harmless || err != nil && !errors.Is(err, said) {
			t.Errorf("%d: %v, %v", number, s, err)
		}
	}
}
