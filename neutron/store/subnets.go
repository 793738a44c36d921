package store

import (
	"database/sql"
	"net/netip"
	"slices"

	"github.com/huandu/go-sqlbuilder"

	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
)

var subnets = table[model.Subnet]{
	from: "subnets t",
	columns: append(standardColumns[:len(standardColumns):len(standardColumns)], "t.name", "t.network_id", "t.ip_version", "t.cidr",
		"t.gateway_ip", "t.enable_dhcp", "t.ipv6_ra_mode", "t.ipv6_address_mode", "t.subnetpool_id"),
	attrs: withStandard(map[string]column{
		"network_id":        {"t.network_id", text},
		"ip_version":        {"t.ip_version", integer},
		"cidr":              {"t.cidr", text},
		"gateway_ip":        {"t.gateway_ip", optional},
		"enable_dhcp":       {"t.enable_dhcp", boolean},
		"ipv6_ra_mode":      {"t.ipv6_ra_mode", optional},
		"ipv6_address_mode": {"t.ipv6_address_mode", optional},
		"subnetpool_id":     {"t.subnetpool_id", optional},
	}),
	visible: func(b *sqlbuilder.SelectBuilder, project string) string {
		return b.Or(b.Equal("t.project_id", project), sharedWith(b, "t.network_id", project))
	},
	sharedBy: "t.network_id",
	shared:   func(s *model.Subnet) *bool { return &s.Shared },
	scan:     scanSubnet,
	parts: []part[model.Subnet]{
		tagsOf(func(s *model.Subnet) *[]string { return &s.Tags }),
		{order: byPosition, columns: []string{"first_ip", "last_ip"}, from: "ipallocationpools WHERE subnet_id = t.id", add: addAllocationPool},
		{order: byPosition, columns: []string{"address"}, from: "dnsnameservers WHERE subnet_id = t.id", add: addNameserver},
		{order: byPosition, columns: []string{"service_type"}, longest: shortRow + 255*mostEscaped,
			from: "subnetservicetypes WHERE subnet_id = t.id", add: addServiceType},
		{order: byPosition, columns: []string{"destination", "nexthop"}, from: "subnetroutes WHERE subnet_id = t.id", add: addHostRoute},
	},
}

func scanSubnet(rows row) (*model.Subnet, error) {
	s := &model.Subnet{
		AllocationPools: []model.AllocationPool{}, DNSNameservers: []netip.Addr{}, HostRoutes: []model.HostRoute{},
		ServiceTypes: []string{},
	}
	return s, rows.Scan(append(standardTargets(&s.ID, &s.Standard), &s.Name, textual(&s.NetworkID), &s.IPVersion, textual(&s.CIDR),
		textual(&s.GatewayIP), &s.EnableDHCP, &s.IPv6RAMode, &s.IPv6AddressMode, textual(&s.SubnetPoolID))...)
}

func addAllocationPool(s *model.Subnet, r row) error {
	var p model.AllocationPool
	err := r.Scan(textual(&p.Start), textual(&p.End))
	s.AllocationPools = append(s.AllocationPools, p)
	return err
}

func addNameserver(s *model.Subnet, r row) error {
	var a netip.Addr
	err := r.Scan(textual(&a))
	s.DNSNameservers = append(s.DNSNameservers, a)
	return err
}

func addServiceType(s *model.Subnet, r row) error {
	var kind string
	err := r.Scan(&kind)
	s.ServiceTypes = append(s.ServiceTypes, kind)
	return err
}

func addHostRoute(s *model.Subnet, r row) error {
	var route model.HostRoute
	err := r.Scan(textual(&route.Destination), textual(&route.NextHop))
	s.HostRoutes = append(s.HostRoutes, route)
	return err
}

// Subnet returns a subnet, or ErrNotFound where there is none that scope sees.
func Subnet(q Querier, subnetID string, scope Scope) (*model.Subnet, error) {
	return subnets.get(q, subnetID, scope)
}

// ListSubnets answers a list request.
func ListSubnets(q Querier, scope Scope, want plugin.Query) ([]*model.Subnet, error) {
	return subnets.list(q, scope, want)
}

// SubnetsOf returns the subnets of a network in the order of their making.
func SubnetsOf(q Querier, network model.NetworkID) ([]*model.Subnet, error) {
	page, err := subnets.list(q, Scope{}, plugin.Query{
		Filters: []plugin.Filter{{Attr: "network_id", Values: []string{network.String()}}},
		Sort:    []plugin.SortKey{{Attr: "created_at"}},
	})
	return page, err
}

// HasSubnet reports whether a network has a subnet.
func HasSubnet(q Querier, network model.NetworkID) (has bool, err error) {
	err = q.QueryRow(`SELECT EXISTS (SELECT 1 FROM subnets WHERE network_id = ?)`, network.String()).Scan(&has)
	return has, err
}

// AddressPlan is what the allocation of addresses needs to know of a network's subnets, with one query, or two where a subnet has service
// types: identifier, network, version, CIDR, modes, subnet pool, DHCP, service types and allocation pools. The other attributes are zero.
func AddressPlan(q Querier, network model.NetworkID) ([]*model.Subnet, error) {
	plan := addressPlan{network: network}
	err := plan.read(q, `SELECT `+planColumns("")+` FROM subnets s `+planPools+` WHERE s.network_id = ? `+planOrder, []any{network.String()})
	return plan.subnets, err
}

// addressPlan is a plan that is being read, a row for each allocation pool of each subnet.
type addressPlan struct {
	network  model.NetworkID
	subnets  []*model.Subnet
	anyTypes bool // a subnet has service types
}

// planColumns are what read reads of subnets s and pools p; locking as for the rows. A row may be of no subnet.
func planColumns(locking string) string {
	return `s.id, COALESCE(s.ip_version, 0), s.cidr, s.ipv6_ra_mode, s.ipv6_address_mode, s.subnetpool_id, COALESCE(s.enable_dhcp, FALSE),
		EXISTS (SELECT 1 FROM subnetservicetypes t WHERE t.subnet_id = s.id` + locking + `), p.first_ip, p.last_ip`
}

const (
	planPools = "LEFT JOIN ipallocationpools p ON p.subnet_id = s.id"
	planOrder = "ORDER BY s.created_at, s.id, p.position"
)

// read runs a query whose columns are planColumns, and others before them.
func (a *addressPlan) read(q Querier, query string, args []any, others ...any) error {
	rows, err := q.Query(query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := a.add(rows, others); err != nil {
			return err
		}
	}
	if err := rows.Close(); err != nil {
		return err
	}
	if err := rows.Err(); err != nil || !a.anyTypes {
		return err
	}
	return planServiceTypes(q, a.network, a.subnets)
}

func (a *addressPlan) add(rows *sql.Rows, others []any) error {
	s := &model.Subnet{NetworkID: a.network}
	var p model.AllocationPool
	var hasTypes bool
	if err := rows.Scan(append(slices.Clip(others), textual(&s.ID), &s.IPVersion, textual(&s.CIDR), &s.IPv6RAMode, &s.IPv6AddressMode,
		textual(&s.SubnetPoolID), &s.EnableDHCP, &hasTypes, textual(&p.Start), textual(&p.End))...); err != nil {
		return err
	}
	if s.ID.IsZero() {
		return nil
	}
	if n := len(a.subnets); n == 0 || a.subnets[n-1].ID != s.ID {
		a.subnets = append(a.subnets, s)
	}
	a.anyTypes = a.anyTypes || hasTypes
	if last := a.subnets[len(a.subnets)-1]; p.Start.IsValid() {
		last.AllocationPools = append(last.AllocationPools, p)
	}
	return nil
}

// planServiceTypes fills in which device owners the subnets are for.
func planServiceTypes(q Querier, network model.NetworkID, plan []*model.Subnet) error {
	byID, _ := index(plan, func(s *model.Subnet) model.SubnetID { return s.ID })
	rows, err := q.Query(`SELECT t.subnet_id, t.service_type FROM subnetservicetypes t JOIN subnets s ON s.id = t.subnet_id
		WHERE s.network_id = ? ORDER BY t.subnet_id, t.position`, network.String())
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var owner model.SubnetID
		var kind string
		if err := rows.Scan(textual(&owner), &kind); err != nil {
			return err
		}
		if s := byID[owner]; s != nil { // one that came since is none of the plan's
			s.ServiceTypes = append(s.ServiceTypes, kind)
		}
	}
	return rows.Err()
}

// InsertSubnet stores a new subnet. As with what changes or deletes one, TouchNetwork tells its network in the same transaction.
func InsertSubnet(tx *Tx, s *model.Subnet) error {
	_, err := tx.Exec(`INSERT INTO subnets (id, project_id, description, created_at, updated_at, revision_number, stamp,
		name, network_id, ip_version, cidr, gateway_ip, enable_dhcp, ipv6_ra_mode, ipv6_address_mode, subnetpool_id)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		append(standardValues(s.ID, &s.Standard), s.Name, s.NetworkID.String(), s.IPVersion, s.CIDR.String(), addrText(s.GatewayIP),
			s.EnableDHCP, s.IPv6RAMode, s.IPv6AddressMode, idText(s.SubnetPoolID))...)
	if err != nil {
		return err
	}
	return insertSubnetChildren(tx, s)
}

// UpdateSubnet stores a subnet that was read in this transaction and changed. It counts RevisionNumber up, in the value too.
func UpdateSubnet(tx *Tx, s *model.Subnet) error {
	err := bump(tx, &s.Standard, `UPDATE subnets SET revision_number = ?, updated_at = ?, stamp = ?, description = ?, name = ?, gateway_ip = ?,
		enable_dhcp = ?, subnetpool_id = ? WHERE id = ? AND revision_number = ?`,
		s.Description, s.Name, addrText(s.GatewayIP), s.EnableDHCP, idText(s.SubnetPoolID), s.ID.String())
	if err != nil {
		return err
	}
	for _, table := range []string{"ipallocationpools", "dnsnameservers", "subnetroutes", "subnetservicetypes"} {
		if _, err := tx.Exec("DELETE FROM "+table+" WHERE subnet_id = ?", s.ID.String()); err != nil {
			return err
		}
	}
	return insertSubnetChildren(tx, s)
}

func insertSubnetChildren(tx *Tx, s *model.Subnet) error {
	for i, p := range s.AllocationPools {
		if _, err := tx.Exec(`INSERT INTO ipallocationpools (subnet_id, position, first_ip, last_ip) VALUES (?, ?, ?, ?)`,
			s.ID.String(), i, p.Start.String(), p.End.String()); err != nil {
			return err
		}
	}
	for i, a := range s.DNSNameservers {
		if _, err := tx.Exec(`INSERT INTO dnsnameservers (subnet_id, position, address) VALUES (?, ?, ?)`,
			s.ID.String(), i, a.String()); err != nil {
			return err
		}
	}
	for i, kind := range s.ServiceTypes {
		if _, err := tx.Exec(`INSERT INTO subnetservicetypes (subnet_id, position, service_type) VALUES (?, ?, ?)`,
			s.ID.String(), i, kind); err != nil {
			return err
		}
	}
	for i, r := range s.HostRoutes {
		if _, err := tx.Exec(`INSERT INTO subnetroutes (subnet_id, position, destination, nexthop) VALUES (?, ?, ?, ?)`,
			s.ID.String(), i, r.Destination.String(), r.NextHop.String()); err != nil {
			return err
		}
	}
	return nil
}

// DeleteSubnet removes a subnet, or returns ErrNotFound. Addresses that are still allocated from it violate Reference.
func DeleteSubnet(tx *Tx, subnet model.SubnetID) error {
	return tx.deleteTagged(`DELETE FROM subnets WHERE id = ?`, subnet.String())
}
