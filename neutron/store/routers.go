package store

import (
	"database/sql"
	"errors"
	"net/netip"
	"slices"

	"github.com/huandu/go-sqlbuilder"

	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
)

var routers = table[model.Router]{
	from: "routers t",
	columns: append(standardColumns[:len(standardColumns):len(standardColumns)], "t.name", "t.admin_state_up", "t.status",
		"t.availability_zone_hints", "t.distributed", "t.ha", everyZone),
	attrs: withStandard(map[string]column{
		"admin_state_up": {"t.admin_state_up", boolean},
		"status":         {"t.status", text},
	}),
	visible: ownRows,
	scan:    scanRouter,
	version: "t.stamp + " + stampOfPort("t.gw_port_id") + " + " + zoneStamp,
	parts: []part[model.Router]{
		tagsOf(func(r *model.Router) *[]string { return &r.Tags }),
		{columns: []string{"p.network_id", "t.enable_snat"}, from: "ports p WHERE p.id = t.gw_port_id", add: addGateway},
		{order: byPosition, columns: []string{"subnet_id", "HEX(ip_address)"}, from: "ipallocations WHERE port_id = t.gw_port_id", add: addGatewayAddress},
		{order: byPosition, columns: []string{"destination", "nexthop"}, from: "routerroutes WHERE router_id = t.id", add: addRoute},
	},
}

// ownRows shows a project its own rows alone.
func ownRows(b *sqlbuilder.SelectBuilder, project string) string {
	return b.Equal("t.project_id", project)
}

func scanRouter(rows row) (*model.Router, error) {
	r := &model.Router{Routes: []model.HostRoute{}, Distributed: new(bool), HA: new(bool)}
	return r, rows.Scan(append(standardTargets(&r.ID, &r.Standard), &r.Name, &r.AdminStateUp, &r.Status,
		scanZones{&r.AvailabilityZoneHints}, r.Distributed, r.HA, scanZones{&r.AvailabilityZones})...)
}

func addGateway(router *model.Router, r row) error {
	router.Gateway = &model.GatewayInfo{FixedIPs: []model.FixedIP{}}
	return r.Scan(textual(&router.Gateway.NetworkID), &router.Gateway.EnableSNAT)
}

// addGatewayAddress comes after addGateway.
func addGatewayAddress(router *model.Router, r row) error {
	var f model.FixedIP
	err := r.Scan(textual(&f.SubnetID), address{&f.IPAddress})
	router.Gateway.FixedIPs = append(router.Gateway.FixedIPs, f)
	return err
}

func addRoute(router *model.Router, r row) error {
	var route model.HostRoute
	err := r.Scan(textual(&route.Destination), textual(&route.NextHop))
	router.Routes = append(router.Routes, route)
	return err
}

// Router returns a router, or ErrNotFound where there is none that scope sees.
func Router(q Querier, routerID string, scope Scope) (*model.Router, error) {
	return routers.get(q, routerID, scope)
}

// ListRouters answers a list request.
func ListRouters(q Querier, scope Scope, want plugin.Query) ([]*model.Router, error) {
	return routers.list(q, scope, want)
}

// InsertRouter stores a new router without gateway and routes.
func InsertRouter(tx *Tx, r *model.Router) error {
	_, err := tx.Exec(`INSERT INTO routers (id, project_id, description, created_at, updated_at, revision_number, stamp,
		name, admin_state_up, status, gw_port_id, enable_snat, availability_zone_hints, distributed, ha)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, ?, ?, ?, ?)`,
		append(standardValues(r.ID, &r.Standard), r.Name, r.AdminStateUp, r.Status, true, zoneList(r.AvailabilityZoneHints), r.Distributed, r.HA)...)
	return err
}

// UpdateRouter stores a router that was read in this transaction and changed, but for where its gateway is (SetGatewayPort). It counts
// RevisionNumber up, in the value too.
func UpdateRouter(tx *Tx, r *model.Router) error {
	snat := r.Gateway == nil || r.Gateway.EnableSNAT
	err := bump(tx, &r.Standard, `UPDATE routers SET revision_number = ?, updated_at = ?, stamp = ?, description = ?, name = ?,
		admin_state_up = ?, status = ?, enable_snat = ?, distributed = ?, ha = ? WHERE id = ? AND revision_number = ?`,
		r.Description, r.Name, r.AdminStateUp, r.Status, snat, r.Distributed, r.HA, r.ID.String())
	if err != nil {
		return err
	}
	if _, err := tx.Exec("DELETE FROM routerroutes WHERE router_id = ?", r.ID.String()); err != nil {
		return err
	}
	for i, route := range r.Routes {
		if _, err := tx.Exec(`INSERT INTO routerroutes (router_id, position, destination, nexthop) VALUES (?, ?, ?, ?)`,
			r.ID.String(), i, route.Destination.String(), route.NextHop.String()); err != nil {
			return err
		}
	}
	return nil
}

// SetGatewayPort says which port is the router's gateway; the zero identifier: none.
func SetGatewayPort(tx *Tx, router model.RouterID, port model.PortID) error {
	_, err := tx.Exec(`UPDATE routers SET gw_port_id = ?, stamp = ? WHERE id = ?`, idText(port), newStamp(), router.String())
	return err
}

// GatewayPort returns which port is the router's gateway, the zero identifier where it has none, or ErrNotFound where there is no such
// router.
func GatewayPort(q Querier, router model.RouterID) (port model.PortID, err error) {
	err = q.QueryRow(`SELECT gw_port_id FROM routers WHERE id = ?`, router.String()).Scan(textual(&port))
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	return port, err
}

// TouchRouter counts a router's revision up because one of its interfaces changes (revises_on_change in the original's models). It locks the
// router as LockRouter does. A router that is not there is no error.
func TouchRouter(tx *Tx, routerID string, now model.Time) error {
	if err := tx.turn(routerID); err != nil {
		return err
	}
	_, err := tx.Exec(`UPDATE routers SET revision_number = revision_number + 1, updated_at = ?, stamp = ? WHERE id = ?`,
		timeText(now), newStamp(), routerID)
	return err
}

// DeleteRouter removes a router and its routes, or returns ErrNotFound.
func DeleteRouter(tx *Tx, router model.RouterID) error {
	return tx.deleteTagged(`DELETE FROM routers WHERE id = ?`, router.String())
}

// LockRouter waits until no one else changes the router, its interfaces or what is reached through it, and keeps others from it. A
// router that is not there is no error. Routers are locked before networks and ports.
func LockRouter(tx *Tx, routerID string) error {
	return tx.lock(`SELECT id FROM routers WHERE id = ?`, routerID)
}

// PortsOfDevice returns the ports with one of the owners whose device that is, such as the interfaces of a router.
func PortsOfDevice(q Querier, device string, owners ...string) ([]*model.Port, error) {
	return ListPorts(q, Scope{}, plugin.Query{
		Filters: []plugin.Filter{{Attr: "device_id", Values: []string{device}}, {Attr: "device_owner", Values: owners}},
		Sort:    []plugin.SortKey{{Attr: "created_at"}},
	})
}

// ReachedSubnet is a subnet that a router reaches by one of its ports.
type ReachedSubnet struct {
	ID       model.SubnetID
	CIDR     netip.Prefix
	Attached bool // the port has an address of it
}

// reachedSubnets selects the subnets that a router's interfaces have addresses of, and all those of its gateway's network, in two parts, each of
// which an engine carries out beginning with the router's ports: with OR in one statement it may read all subnets, and where addresses are few,
// all of them, if the joins were not outer ones.
func reachedSubnets(order string) string {
	return `SELECT s.id AS id, s.cidr AS cidr, 1 AS attached` + order + `
			FROM ports p LEFT JOIN ipallocations a ON a.port_id = p.id LEFT JOIN subnets s ON s.id = a.subnet_id
			WHERE p.device_id = ? AND p.device_owner = ?
		UNION ALL SELECT s.id, s.cidr, EXISTS (SELECT 1 FROM ipallocations a WHERE a.port_id = p.id AND a.subnet_id = s.id)` + order + `
			FROM ports p JOIN subnets s ON s.network_id = p.network_id
			WHERE p.device_id = ? AND p.device_owner = ?`
}

// SubnetsReached returns the subnets that a router's interfaces have addresses of, and all those of its gateway's network, in any order.
func SubnetsReached(q Querier, router model.RouterID) ([]*ReachedSubnet, error) {
	return reached(q, router, reachedSubnets(""))
}

// SubnetsReachedInOrder returns them in the order in which the ports were made, for which an engine writes all of them to a table.
func SubnetsReachedInOrder(q Querier, router model.RouterID) ([]*ReachedSubnet, error) {
	return reached(q, router, `SELECT id, cidr, attached FROM (`+
		reachedSubnets(`, p.created_at AS port_made, p.id AS port, s.created_at AS made`)+`) AS reached ORDER BY port_made, port, made, id`)
}

func reached(q Querier, router model.RouterID, query string) ([]*ReachedSubnet, error) {
	all, err := collect(q, func(rows row) (*ReachedSubnet, error) {
		s := &ReachedSubnet{}
		return s, rows.Scan(textual(&s.ID), textual(&s.CIDR), &s.Attached)
	}, query, router.String(), model.OwnerRouterInterface, router.String(), model.OwnerRouterGateway)
	return slices.DeleteFunc(all, func(s *ReachedSubnet) bool { return s.ID.IsZero() }), err // a port without addresses
}

// RouterPath is a router that joins a subnet with a network, and its address on the subnet.
type RouterPath struct {
	Router  model.RouterID
	Address netip.Addr
}

// RouterPaths returns the routers that have an interface on the subnet and an interface or gateway on the network, the oldest first.
// It looks at the routers' ports alone (index ports_network_owner), however many others the subnet has.
func RouterPaths(q Querier, subnet *model.Subnet, network model.NetworkID) ([]*RouterPath, error) {
	return collect(q, func(rows row) (*RouterPath, error) {
		p := &RouterPath{}
		return p, rows.Scan(textual(&p.Router), scanAddr{&p.Address})
	}, `SELECT r.id, a.ip_address FROM ports i JOIN ipallocations a ON a.port_id = i.id JOIN routers r ON r.id = i.device_id
		WHERE i.network_id = ? AND i.device_owner = ? AND a.subnet_id = ? AND EXISTS (SELECT 1 FROM ports g
			WHERE g.device_id = r.id AND g.network_id = ? AND g.device_owner IN (?, ?))
		ORDER BY r.created_at, r.id`,
		subnet.NetworkID.String(), model.OwnerRouterInterface, subnet.ID.String(), network.String(), model.OwnerRouterInterface, model.OwnerRouterGateway)
}
