package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/huandu/go-sqlbuilder"
	"github.com/pressly/goose/v3/database"
)

// mysqlDialect keeps the database on a MySQL or MariaDB server, alone or in a Galera cluster. Any number of servers may share it.
//
// Transactions run side by side, each on a connection of its own, at the isolation level READ COMMITTED. The rules of a resource are
// checked by locking the row that they hang on, most often the network's, and then looking: at this level every statement sees what
// others have committed until then, so whoever got the lock after another sees the other's work. At REPEATABLE READ it would go on to see
// the state of its first read, which may be older than the lock, and hand out what is taken. READ COMMITTED also locks rows and no gaps
// between them, which spares most deadlocks; the others are run again, and so is what a Galera cluster refuses to certify.
//
// Snapshots have REPEATABLE READ: a list and the children of its rows belong together.
//
// In a Galera cluster, whose nodes may all be written to, transactions take turns beside their locks (see galera.go).
type mysqlDialect struct {
	config *mysql.Config
	galera bool // known when the schema has been locked
}

// The sizes of the pools of connections of one server. MySQL takes 151 connections unless told otherwise, and there may be several of us.
const (
	mysqlWriters = 16
	mysqlReaders = 16
	idleTime     = 5 * time.Minute // proxies in front of a database close what has been idle for longer
)

// packedSize is how many octets the rows of another table that belong to one may have together (see packed.go). The default of MySQL is 1,024,
// and what is longer is cut.
const packedSize = 16 << 20

// lockPatience is how long one statement waits for a row before its transaction is begun again, in seconds.
const lockPatience = 5

func newMySQL(rest string) (Dialect, error) {
	c, err := parseMySQL(rest)
	if err != nil {
		return nil, err
	}
	return &mysqlDialect{config: c}, nil
}

func (d *mysqlDialect) Name() string              { return "mysql" }
func (d *mysqlDialect) Location() string          { return d.config.Addr + "/" + d.config.DBName }
func (d *mysqlDialect) Flavor() sqlbuilder.Flavor { return sqlbuilder.MySQL }
func (d *mysqlDialect) Goose() database.Dialect   { return database.DialectMySQL }

// Locking is in the form that every version of MySQL and MariaDB knows.
func (d *mysqlDialect) Locking(l Lock) string {
	if l == Change {
		return " FOR UPDATE"
	}
	return " LOCK IN SHARE MODE"
}

// DeleteFrom names the key. MySQL would else carry out a list of numbers by reading the whole table where that is short, which locks every row on
// the way: it would wait for each that others are just inserting, and with many of them for ever.
func (d *mysqlDialect) DeleteFrom(table string) string {
	return "DELETE " + table + " FROM " + table + " FORCE INDEX (PRIMARY)"
}

// Concat gives GROUP_CONCAT a long text in pieces. For an argument that may have more characters than a piece MariaDB makes a table on the disk,
// for each such expression of a statement and also where there are no rows, which takes longer than all the rest of a small statement. The
// text is made anew for each piece, which costs more than the table where there are dozens of rows.
func (d *mysqlDialect) Concat(text string, longest int) string {
	const piece = shortRow // CONVERT_IF_BIGGER_TO_BLOB in sql/sql_const.h
	if longest <= piece {
		return "GROUP_CONCAT(" + text + ")"
	}
	var pieces []string
	for at := 1; at <= longest; at += piece {
		pieces = append(pieces, fmt.Sprintf("SUBSTR(%s, %d, %d)", text, at, piece))
	}
	return "GROUP_CONCAT(" + strings.Join(pieces, ", ") + ")"
}

// Turns is so in a Galera cluster.
func (d *mysqlDialect) Turns() bool { return d.galera }

// Connect makes the pools; LockSchema has tried whether the server lets us in.
func (d *mysqlDialect) Connect(context.Context) (h handles, err error) {
	// A node of Galera has BEGIN wait for what others have committed (seeEverything), and not every first statement.
	if h.write, err = d.open(d.config, "READ COMMITTED", mysqlWriters, !d.galera); err != nil {
		return h, err
	}
	if h.read, err = d.open(d.config, "REPEATABLE READ", mysqlReaders, false); err != nil {
		return h, err
	}
	h.schema, err = d.openSchema()
	return h, err
}

// Look opens the server's database, which it finds out to be there when it is asked something.
func (d *mysqlDialect) Look() (*sql.DB, error) { return d.openSchema() }

func (d *mysqlDialect) Tables() string {
	return "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() ORDER BY table_name"
}

// openSchema opens a handle whose statements may take as long as they need.
func (d *mysqlDialect) openSchema() (*sql.DB, error) {
	patient := d.config.Clone()
	patient.ReadTimeout, patient.WriteTimeout = 0, 0
	return d.open(patient, "READ COMMITTED", 2, false)
}

// open opens a handle. With implicit its statements are all those of transactions, which begin with the first.
func (d *mysqlDialect) open(c *mysql.Config, isolation string, connections int, implicit bool) (*sql.DB, error) {
	inner, err := mysql.NewConnector(c)
	if err != nil {
		return nil, badConnection("%v", err)
	}
	statements := []string{
		// Strict as oslo.db makes it (mysql_sql_mode): a value that does not fit is refused, not cut.
		fmt.Sprintf("SET SESSION sql_mode = 'TRADITIONAL', innodb_lock_wait_timeout = %d, group_concat_max_len = %d", lockPatience, packedSize),
		"SET SESSION TRANSACTION ISOLATION LEVEL " + isolation,
	}
	if d.galera {
		statements = append(statements, seeEverything)
	}
	if implicit {
		statements = append(statements, "SET SESSION autocommit = 0")
	}
	db := sql.OpenDB(&sessionConnector{inner, statements, implicit})
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	db.SetConnMaxIdleTime(idleTime)
	return db, nil
}

// sessionConnector prepares each new connection, which remembers its statements.
type sessionConnector struct {
	driver.Connector
	statements []string
	implicit   bool // see remembering
}

func (c *sessionConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range c.statements {
		if _, err := conn.(driver.ExecerContext).ExecContext(ctx, s, nil); err != nil {
			conn.Close()
			return nil, err
		}
	}
	session := remember(conn)
	session.implicit = c.implicit
	return session, nil
}

// Transactions has each on its own connection.
func (d *mysqlDialect) Transactions(write *sql.DB, patience time.Duration) transactions {
	return &pool{dialect: d, db: write, patience: patience}
}
