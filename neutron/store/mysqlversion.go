package store

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"

	"midonet.org/midonet/errs"
)

// The least servers that know all that is asked of them: JSON_ARRAY came last, and indexes of 3,072 octets shortly before.
var (
	leastMariaDB = serverVersion{10, 2, 3}
	leastMySQL   = serverVersion{5, 7, 8}
)

// serverVersion is a version of MySQL or MariaDB: 10.2.3.
type serverVersion [3]int

func (v serverVersion) String() string { return fmt.Sprintf("%d.%d.%d", v[0], v[1], v[2]) }

func (v serverVersion) before(o serverVersion) bool {
	for i := range v {
		if v[i] != o[i] {
			return v[i] < o[i]
		}
	}
	return false
}

// parseServerVersion reads what VERSION() returns: 8.0.36-0ubuntu0.22.04.1, 10.11.14-MariaDB-0+deb12u2, or 5.5.5-10.2.44-MariaDB from behind a
// proxy that hides MariaDB's from old clients. Numbers that are not there are 0.
func parseServerVersion(text string) (v serverVersion, mariaDB bool) {
	mariaDB = strings.Contains(text, "MariaDB")
	if mariaDB {
		text = strings.TrimPrefix(text, "5.5.5-")
	}
	numbers, _, _ := strings.Cut(text, "-")
	for i, n := range strings.SplitN(numbers, ".", len(v)) {
		v[i], _ = strconv.Atoi(n)
	}
	return v, mariaDB
}

// RefuseOld refuses a server that does not know what it will be asked.
func (d *mysqlDialect) RefuseOld(ctx context.Context, db *sql.DB) error {
	var text string
	if err := db.QueryRowContext(ctx, "SELECT VERSION()").Scan(&text); err != nil {
		return err
	}
	return tooOld(d.Location(), text)
}

func tooOld(location, version string) error {
	v, mariaDB := parseServerVersion(version)
	name, least := "MySQL", leastMySQL
	if mariaDB {
		name, least = "MariaDB", leastMariaDB
	}
	if !v.before(least) {
		return nil
	}
	return errs.New(errs.Invalid, "", "the mysql database %s is on %s %s, which is too old: MariaDB %v or MySQL %v at least", location, name, v,
		leastMariaDB, leastMySQL)
}
