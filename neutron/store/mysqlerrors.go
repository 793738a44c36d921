package store

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/go-sql-driver/mysql"

	"midonet.org/midonet/errs"
)

// The numbers of MySQL's and MariaDB's errors that mean something here
// (https://dev.mysql.com/doc/mysql-errors/8.0/en/server-error-reference.html, https://mariadb.com/kb/en/mariadb-error-codes/).
const (
	erDupEntry               = 1062
	erNoReferencedRow        = 1216
	erRowIsReferenced        = 1217
	erRowIsReferenced2       = 1451
	erNoReferencedRow2       = 1452
	erBadNull                = 1048
	erWrongValue             = 1292
	erDataTooLong            = 1406
	erOutOfRange             = 1264
	erTruncatedWrongValue    = 1366
	erCheckConstraint        = 3819 // MySQL
	erConstraintFailed       = 4025 // MariaDB
	erRecordChanged          = 1020 // MariaDB, innodb_snapshot_isolation
	erConnectionCount        = 1040
	erUserConnections        = 1203
	erWSREPNotReady          = 1047 // "WSREP has not yet prepared node for application use"
	erServerShutdown         = 1053
	erLockWaitTimeout        = 1205
	erDeadlock               = 1213 // also a transaction that Galera did not certify
	erQueryInterrupted       = 1317
	erConnectionKilled       = 1927 // MariaDB
	erUnsupportedPrepared    = 1295 // a statement of a kind that is not compiled
	erMaxPreparedStatements  = 1461 // max_prepared_stmt_count
	erDatabaseAccessDenied   = 1044
	erAccessDenied           = 1045
	erUnknownDatabase        = 1049
	erHostNotPrivileged      = 1130
	erTableAccessDenied      = 1142
	erSpecificAccessDenied   = 1227
	erAccessDeniedNoPassword = 1698
	erDiskFull               = 1021
	erTableFull              = 1114
	erReadOnlyOption         = 1290 // read_only, super_read_only
	erReadOnlyMode           = 1836
)

// number returns the number of an error that the server reported, 0 where it is none.
func number(err error) uint16 {
	var e *mysql.MySQLError
	if errors.As(err, &e) {
		return e.Number
	}
	return 0
}

// isInterruption reports whether the statement's end is not known: the connection or the statement was broken off from outside.
func isInterruption(err error) bool {
	switch number(err) {
	case erServerShutdown, erQueryInterrupted, erConnectionKilled:
		return true
	}
	var network *net.OpError
	return errors.Is(err, mysql.ErrInvalidConn) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.EOF) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &network)
}

// Transient: the transaction was undone for the sake of another, or together with its connection, before it was to be committed.
func (d *mysqlDialect) Transient(err error) bool {
	switch number(err) {
	case erDeadlock, erLockWaitTimeout, erRecordChanged, erConnectionCount, erUserConnections:
		return true
	}
	return isInterruption(err)
}

// Explain reads the server's error numbers, and the driver's errors for a server that cannot be reached.
func (d *mysqlDialect) Explain(err error) error {
	var known *errs.Error
	if errors.As(err, &known) || errors.Is(err, sql.ErrNoRows) {
		return err
	}
	switch n := number(err); n {
	case erDupEntry:
		return &ConstraintError{Constraint: uniqueConstraint(err.Error()), Err: err}
	case erNoReferencedRow, erNoReferencedRow2, erRowIsReferenced, erRowIsReferenced2:
		return &ConstraintError{Constraint: Reference, Err: err}
	case erBadNull, erWrongValue, erDataTooLong, erOutOfRange, erTruncatedWrongValue, erCheckConstraint, erConstraintFailed:
		return &ConstraintError{Constraint: OtherConstraint, Err: err}
	case 0:
		if isInterruption(err) {
			return d.unavailable(err, "cannot be reached")
		}
	default:
		if reason, ok := refusals[n]; ok {
			return d.unavailable(err, reason)
		}
	}
	return err
}

// refusals are the errors that an operator must deal with.
var refusals = map[uint16]string{
	erConnectionCount:        "has no connection left (max_connections)",
	erUserConnections:        "allows this user no more connections (max_user_connections)",
	erWSREPNotReady:          "is a Galera node that is not in the cluster at present",
	erServerShutdown:         "is shutting down",
	erConnectionKilled:       "has ended the connection",
	erDatabaseAccessDenied:   "does not let this user use it; grant the user all privileges on it",
	erAccessDenied:           "does not accept the user and password of [database] connection",
	erAccessDeniedNoPassword: "does not accept the user and password of [database] connection",
	erUnknownDatabase:        "does not exist; CREATE DATABASE it and grant this user all privileges on it",
	erHostNotPrivileged:      "lets no one in from this host",
	erTableAccessDenied:      "does not let this user do what it must; grant the user all privileges on it",
	erSpecificAccessDenied:   "does not let this user do what it must; grant the user all privileges on it",
	erDiskFull:               "has a full disk",
	erTableFull:              "has a full disk",
	erReadOnlyOption:         "is read-only; it may be a replica",
	erReadOnlyMode:           "is read-only",
}

func (d *mysqlDialect) unavailable(err error, reason string) error {
	return errs.New(errs.Unavailable, "", "the mysql database %s %s", d.Location(), reason).Wrap(err)
}

// uniqueConstraint reads which index failed from the last quoted word, in whatever language the text is: 'ports_mac_address', with MySQL 8
// 'ports.ports_mac_address'. What precedes it was chosen by a client.
func uniqueConstraint(text string) Constraint {
	text = strings.TrimSuffix(text, "'")
	key := text[strings.LastIndex(text, "'")+1:]
	switch key[strings.LastIndex(key, ".")+1:] {
	case "PRIMARY":
		return UniqueID
	case "ports_mac_address":
		return UniqueMAC
	case "ipallocations_ip_address":
		return UniqueAddress
	case "default_security_group_project":
		return UniqueDefaultGroup
	case "rbacpolicies_values":
		return UniqueRBACPolicy
	case "subnetpools_default_for":
		return UniqueDefaultPool
	case "networks_default_external":
		return UniqueDefaultNetwork
	}
	return OtherConstraint
}
