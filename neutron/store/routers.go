package store

import (
	"database/sql"
	"errors"
	"net/netip"

	"github.com/huandu/go-sqlbuilder"

	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
)

var routers = table[model.Router]{
	from: "routers t",
	columns: append(standardColumns[:len(standardColumns):len(standardColumns)], "t.name", "t.admin_state_up", "t.status",
		"t.availability_zone_hints"),
	attrs: withStandard(map[string]column{
		"admin_state_up": {"t.admin_state_up", boolean},
		"status":         {"t.status", text},
	}),
	visible:  ownRows,
	scan:     scanRouter,
	children: routerChildren,
}

// ownRows shows a project its own rows alone.
func ownRows(b *sqlbuilder.SelectBuilder, project string) string {
	return b.Equal("t.project_id", project)
}

func scanRouter(rows *sql.Rows) (*model.Router, error) {
	r := &model.Router{Routes: []model.HostRoute{}}
	return r, rows.Scan(append(standardTargets(&r.ID, &r.Standard), &r.Name, &r.AdminStateUp, &r.Status,
		scanZones{&r.AvailabilityZoneHints})...)
}

// routerChildren fills in gateways, routes and availability zones.
func routerChildren(q Querier, items []*model.Router) error {
	byID, owners := index(items, func(r *model.Router) model.RouterID { return r.ID })
	return errors.Join(
		eachChild(q, "SELECT r.id, p.network_id, r.enable_snat FROM routers r JOIN ports p ON p.id = r.gw_port_id WHERE r.id IN (%s)",
			owners, func(rows *sql.Rows) error {
				var owner model.RouterID
				g := &model.GatewayInfo{FixedIPs: []model.FixedIP{}}
				err := rows.Scan(textual(&owner), textual(&g.NetworkID), &g.EnableSNAT)
				byID[owner].Gateway = g
				return err
			}),
		eachChild(q, "SELECT r.id, a.subnet_id, a.ip_address FROM routers r JOIN ipallocations a ON a.port_id = r.gw_port_id "+
			"WHERE r.id IN (%s) ORDER BY r.id, a.position",
			owners, func(rows *sql.Rows) error {
				var owner model.RouterID
				var f model.FixedIP
				err := rows.Scan(textual(&owner), textual(&f.SubnetID), scanAddr{&f.IPAddress})
				if g := byID[owner].Gateway; g != nil {
					g.FixedIPs = append(g.FixedIPs, f)
				}
				return err
			}),
		eachChild(q, "SELECT router_id, destination, nexthop FROM routerroutes WHERE router_id IN (%s) ORDER BY router_id, position",
			owners, func(rows *sql.Rows) error {
				var owner model.RouterID
				var route model.HostRoute
				err := rows.Scan(textual(&owner), textual(&route.Destination), textual(&route.NextHop))
				byID[owner].Routes = append(byID[owner].Routes, route)
				return err
			}),
		inZones(q, items, func(r *model.Router) *[]string { return &r.AvailabilityZones }))
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
	_, err := tx.Exec(`INSERT INTO routers (id, project_id, description, created_at, updated_at, revision_number,
		name, admin_state_up, status, gw_port_id, enable_snat, availability_zone_hints) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, ?, ?)`,
		append(standardValues(r.ID, &r.Standard), r.Name, r.AdminStateUp, r.Status, true, zoneList(r.AvailabilityZoneHints))...)
	return err
}

// UpdateRouter stores a router that was read in this transaction and changed, but for where its gateway is (SetGatewayPort). It counts
// RevisionNumber up, in the value too.
func UpdateRouter(tx *Tx, r *model.Router) error {
	snat := r.Gateway == nil || r.Gateway.EnableSNAT
	err := bump(tx, &r.Standard, `UPDATE routers SET revision_number = ?, updated_at = ?, description = ?, name = ?,
		admin_state_up = ?, status = ?, enable_snat = ? WHERE id = ? AND revision_number = ?`,
		r.Description, r.Name, r.AdminStateUp, r.Status, snat, r.ID.String())
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
	_, err := tx.Exec(`UPDATE routers SET gw_port_id = ? WHERE id = ?`, idText(port), router.String())
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

// TouchRouter counts a router's revision up because one of its interfaces changed (revises_on_change in the original's models).
func TouchRouter(tx *Tx, router model.RouterID, now model.Time) error {
	_, err := tx.Exec(`UPDATE routers SET revision_number = revision_number + 1, updated_at = ? WHERE id = ?`,
		timeText(now), router.String())
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

// RouterPath is a router that joins a subnet with a network, and its address on the subnet.
type RouterPath struct {
	Router  model.RouterID
	Address netip.Addr
}

// RouterPaths returns the routers that have an interface on the subnet and an interface or gateway on the network, the oldest first.
// It looks at the routers' ports alone (index ports_network_owner), however many others the subnet has.
func RouterPaths(q Querier, subnet *model.Subnet, network model.NetworkID) ([]*RouterPath, error) {
	return collect(q, func(rows *sql.Rows) (*RouterPath, error) {
		p := &RouterPath{}
		return p, rows.Scan(textual(&p.Router), scanAddr{&p.Address})
	}, `SELECT r.id, a.ip_address FROM ports i JOIN ipallocations a ON a.port_id = i.id JOIN routers r ON r.id = i.device_id
		WHERE i.network_id = ? AND i.device_owner = ? AND a.subnet_id = ? AND EXISTS (SELECT 1 FROM ports g
			WHERE g.device_id = r.id AND g.network_id = ? AND g.device_owner IN (?, ?))
		ORDER BY r.created_at, r.id`,
		subnet.NetworkID.String(), model.OwnerRouterInterface, subnet.ID.String(), network.String(), model.OwnerRouterInterface, model.OwnerRouterGateway)
}
