package store

import (
	"database/sql"
	"errors"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/plugin"
)

// revised are the tables of the resources with the standard attributes, by the names of their collections: what a client may change on
// condition that it has a revision, and may give tags where it has some.
var revised = map[string]string{
	"networks":             "networks",
	"subnets":              "subnets",
	"ports":                "ports",
	"subnetpools":          "subnetpools",
	"routers":              "routers",
	"floatingips":          "floatingips",
	"port_forwardings":     "portforwardings",
	"security_groups":      "securitygroups",
	"security_group_rules": "securitygrouprules",
	"address_groups":       "address_groups",
}

// under returns fn for a transaction that is refused unless the resource has the revision of the condition. The resource stays as it is
// from there to the end of the transaction. Where it is not there at all, fn finds out.
func under(c *plugin.Condition, fn func(*Tx) error) func(*Tx) error {
	return func(tx *Tx) error {
		table, ok := revised[c.Collection]
		if !ok {
			return errs.New(errs.Invalid, "BadRequest", "Bad %s request: Revision matching not supported for this resource.", c.Collection)
		}
		var revision int64
		err := tx.QueryRow(`SELECT revision_number FROM `+table+` WHERE id = ?`+tx.d.Locking(Change), c.ID).Scan(&revision)
		switch {
		case errors.Is(err, sql.ErrNoRows):
		case err != nil:
			return tx.noted(err)
		case revision != c.Revision:
			return errs.New(errs.Precondition, "RevisionNumberConstraintFailed", "Constrained to %d, but current revision is %d",
				c.Revision, revision)
		}
		tx.OnCommit(c.Met)
		return fn(tx)
	}
}
