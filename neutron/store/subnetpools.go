package store

import (
	"database/sql"
	"errors"
	"net/netip"

	"github.com/huandu/go-sqlbuilder"

	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
)

var subnetPools = table[model.SubnetPool]{
	from: "subnetpools t",
	columns: append(standardColumns[:len(standardColumns):len(standardColumns)], "t.name", "t.ip_version", "t.default_prefixlen",
		"t.min_prefixlen", "t.max_prefixlen", "t.default_quota", "t.default_for IS NOT NULL", "t.address_scope_id"),
	attrs: withStandard(map[string]column{
		"ip_version":        {"t.ip_version", integer},
		"default_prefixlen": {"t.default_prefixlen", integer},
		"min_prefixlen":     {"t.min_prefixlen", integer},
		"max_prefixlen":     {"t.max_prefixlen", integer},
		"default_quota":     {"t.default_quota", optionalInteger},
		"is_default":        {"(t.default_for IS NOT NULL)", boolean},
		"address_scope_id":  {"t.address_scope_id", optional},
	}),
	visible: ownOrShared,
	shared:  func(p *model.SubnetPool) *bool { return &p.Shared },
	scan:    scanSubnetPool,
	parts: []part[model.SubnetPool]{
		tagsOf(func(p *model.SubnetPool) *[]string { return &p.Tags }),
		{order: byPosition, columns: []string{"cidr"}, from: "subnetpoolprefixes WHERE subnetpool_id = t.id", add: addPrefix},
	},
}

// ownOrShared is the condition that a project owns an object or has it shared.
func ownOrShared(b *sqlbuilder.SelectBuilder, project string) string {
	return b.Or(b.Equal("t.project_id", project), sharedWith(b, "t.id", project))
}

func scanSubnetPool(rows row) (*model.SubnetPool, error) {
	p := &model.SubnetPool{Prefixes: []netip.Prefix{}}
	return p, rows.Scan(append(standardTargets(&p.ID, &p.Standard), &p.Name, &p.IPVersion, &p.DefaultPrefixLen, &p.MinPrefixLen,
		&p.MaxPrefixLen, &p.DefaultQuota, &p.IsDefault, textual(&p.AddressScopeID))...)
}

func addPrefix(p *model.SubnetPool, r row) error {
	var prefix netip.Prefix
	err := r.Scan(textual(&prefix))
	p.Prefixes = append(p.Prefixes, prefix)
	return err
}

// SubnetPool returns a pool, or ErrNotFound where there is none that scope sees.
func SubnetPool(q Querier, poolID string, scope Scope) (*model.SubnetPool, error) {
	return subnetPools.get(q, poolID, scope)
}

// ListSubnetPools answers a list request.
func ListSubnetPools(q Querier, scope Scope, want plugin.Query) ([]*model.SubnetPool, error) {
	return subnetPools.list(q, scope, want)
}

// DefaultSubnetPool returns the default pool of an IP version, or ErrNotFound where there is none that scope sees.
func DefaultSubnetPool(q Querier, version int, scope Scope) (*model.SubnetPool, error) {
	b := subnetPools.selection(q, scope)
	b.Where(b.Equal("t.default_for", version))
	found, err := subnetPools.fetch(q, b)
	if err == nil && len(found) == 0 {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

// PoolsInScope returns the pools of an address scope.
func PoolsInScope(q Querier, scope model.AddressScopeID) ([]*model.SubnetPool, error) {
	return ListSubnetPools(q, Scope{}, plugin.Query{Filters: []plugin.Filter{{Attr: "address_scope_id", Values: []string{scope.String()}}}})
}

// LockSubnetPool waits until no one else takes ranges from a pool or changes it, and keeps others off it. One that is not there is no
// error.
func LockSubnetPool(tx *Tx, poolID string) error {
	return tx.lock(`SELECT id FROM subnetpools WHERE id = ?`, poolID)
}

// InsertSubnetPool stores a new pool. A second default of the version violates UniqueDefaultPool, a scope that has gone Reference.
func InsertSubnetPool(tx *Tx, p *model.SubnetPool) error {
	_, err := tx.Exec(`INSERT INTO subnetpools (id, project_id, description, created_at, updated_at, revision_number, stamp,
		name, ip_version, default_prefixlen, min_prefixlen, max_prefixlen, default_quota, default_for, address_scope_id)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		append(standardValues(p.ID, &p.Standard), p.Name, p.IPVersion, p.DefaultPrefixLen, p.MinPrefixLen, p.MaxPrefixLen,
			p.DefaultQuota, defaultFor(p), idText(p.AddressScopeID))...)
	if err != nil {
		return err
	}
	return insertPrefixes(tx, p)
}

// UpdateSubnetPool stores a pool that was read in this transaction and changed. It counts RevisionNumber up, in the value too.
func UpdateSubnetPool(tx *Tx, p *model.SubnetPool) error {
	var scope model.AddressScopeID
	err := tx.QueryRow(`SELECT address_scope_id FROM subnetpools WHERE id = ?`, p.ID.String()).Scan(textual(&scope))
	if err != nil && !errors.Is(err, sql.ErrNoRows) { // where it has gone, bump finds out
		return tx.noted(err)
	}
	err = bump(tx, &p.Standard, `UPDATE subnetpools SET revision_number = ?, updated_at = ?, stamp = ?, description = ?, name = ?,
		default_prefixlen = ?, min_prefixlen = ?, max_prefixlen = ?, default_quota = ?, default_for = ?, address_scope_id = ?
		WHERE id = ? AND revision_number = ?`,
		p.Description, p.Name, p.DefaultPrefixLen, p.MinPrefixLen, p.MaxPrefixLen, p.DefaultQuota, defaultFor(p),
		idText(p.AddressScopeID), p.ID.String())
	if err != nil {
		return err
	}
	if scope != p.AddressScopeID {
		if err := stampNetworksOf(tx, p.ID); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(`DELETE FROM subnetpoolprefixes WHERE subnetpool_id = ?`, p.ID.String()); err != nil {
		return err
	}
	return insertPrefixes(tx, p)
}

func defaultFor(p *model.SubnetPool) sql.NullInt64 {
	return sql.NullInt64{Int64: int64(p.IPVersion), Valid: p.IsDefault}
}

func insertPrefixes(tx *Tx, p *model.SubnetPool) error {
	for i, prefix := range p.Prefixes {
		if _, err := tx.Exec(`INSERT INTO subnetpoolprefixes (subnetpool_id, position, cidr) VALUES (?, ?, ?)`,
			p.ID.String(), i, prefix.String()); err != nil {
			return err
		}
	}
	return nil
}

// DeleteSubnetPool removes a pool, or returns ErrNotFound. Whether subnets are from it the caller has to know.
func DeleteSubnetPool(tx *Tx, pool model.SubnetPoolID) error {
	if err := deleteRBACPoliciesOf(tx, pool.String()); err != nil {
		return err
	}
	return tx.deleteTagged(`DELETE FROM subnetpools WHERE id = ?`, pool.String())
}

// Allocation is a range that a subnet has.
type Allocation struct {
	Subnet  model.SubnetID
	Network model.NetworkID
	Project string
	CIDR    netip.Prefix
}

// AllocationsOf returns the ranges that were taken from a pool.
func AllocationsOf(q Querier, pool model.SubnetPoolID) ([]*Allocation, error) {
	return collect(q, scanAllocation, `SELECT id, network_id, project_id, cidr FROM subnets WHERE subnetpool_id = ?`, pool.String())
}

// NeighboursOf returns the ranges on the networks of a pool's subnets that are of the same IP version and not from the pool.
func NeighboursOf(q Querier, pool *model.SubnetPool) ([]*Allocation, error) {
	return collect(q, scanAllocation, `SELECT n.id, n.network_id, n.project_id, n.cidr FROM subnets n
		WHERE n.ip_version = ? AND (n.subnetpool_id IS NULL OR n.subnetpool_id <> ?)
		AND n.network_id IN (SELECT s.network_id FROM subnets s WHERE s.subnetpool_id = ?)`, pool.IPVersion, pool.ID.String(), pool.ID.String())
}

func scanAllocation(rows row) (*Allocation, error) {
	a := &Allocation{}
	return a, rows.Scan(textual(&a.Subnet), textual(&a.Network), &a.Project, textual(&a.CIDR))
}

// ProjectsWithSubnetsFrom returns the projects whose subnets are from a pool.
func ProjectsWithSubnetsFrom(q Querier, poolID string) ([]string, error) {
	return texts(q, `SELECT DISTINCT project_id FROM subnets WHERE subnetpool_id = ?`, poolID)
}
