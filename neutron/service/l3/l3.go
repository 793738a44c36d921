// Package l3 is the router service, midonet_l3 in the original: routers, floating addresses and the forwardings below them.
//
// Each request is one SQL transaction of the core plugin's (ml2.Session): the rows here, the ports that routers and floating addresses
// have on networks, and the journal's tasks. Which ports are a router's interfaces, the ports themselves say, by device and owner, which
// is what the topology is rendered from too. The rules and the faults are those of neutron/db/l3_db.py, l3_gwmode_db.py,
// extraroute_db.py and neutron/services/portforwarding/pf_plugin.py in the original, with what networking-midonet changes in
// midonet/neutron/db/l3_db_midonet.py and services/l3/l3_midonet.py; comments name the function where a reader would look for the reason.
//
// Files: router.go, floatingip.go and forwarding.go hold each resource's requests; gateway.go, interface.go, routes.go, association.go
// and forwarding_rules.go the rules that are long; follow.go what follows from changes of ports and networks; faults.go the errors with
// Neutron's names and texts.
package l3

import (
	"context"
	"encoding/json"

	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/neutron/ml2"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/quota"
	"midonet.org/midonet/neutron/store"
)

// Config has the options of neutron.conf that the service obeys, by their names there.
type Config struct {
	// MaxRoutes is max_routes, of one router.
	MaxRoutes int
	// SNATByDefault is enable_snat_by_default: what a gateway does whose request does not say.
	SNATByDefault bool
	// Distributed and HA are router_distributed and l3_ha: what a router says of itself whose request does not.
	Distributed, HA bool
	// Quotas are the limits of projects that no one gave others.
	Quotas quota.Limits
}

// DefaultConfig returns Neutron's defaults, without quotas.
func DefaultConfig() Config { return Config{MaxRoutes: 30, SNATByDefault: true} }

// Plugin is the router service. It is safe for use by many goroutines, and by several processes on one database.
type Plugin struct {
	core *ml2.Plugin
	db   *store.DB
	cfg  Config
}

// New returns the service beside the core plugin, whose changes it follows from now on, on the same database.
func New(core *ml2.Plugin, db *store.DB, cfg Config) *Plugin {
	p := &Plugin{core: core, db: db, cfg: cfg}
	core.Attach(p)
	return p
}

// Routers returns the routers collection.
func (p *Plugin) Routers() plugin.Resource[model.Router] {
	return routers{p, ml2.NewReader(p.db, store.Routers, routerNotFound)}
}

// FloatingIPs returns the floatingips collection.
func (p *Plugin) FloatingIPs() plugin.Resource[model.FloatingIP] {
	return floatingIPs{p, ml2.NewReader(p.db, store.FloatingIPs, floatingIPNotFound)}
}

// PortForwardings returns the forwardings of one floating address.
func (p *Plugin) PortForwardings(floatingIPID string) plugin.Resource[model.PortForwarding] {
	return portForwardings{p, floatingIPID}
}

// request is one call on its way through a transaction.
type request struct {
	*ml2.Session
	cfg Config
}

func (p *Plugin) change(ctx context.Context, c *auth.Caller, fn func(*request) error) error {
	return p.core.Change(ctx, c, func(s *ml2.Session) error { return fn(&request{s, p.cfg}) })
}

// changed runs fn in a transaction and returns what it made.
func changed[R any](ctx context.Context, p *Plugin, c *auth.Caller, fn func(*request) (R, error)) (R, error) {
	var out R
	err := p.change(ctx, c, func(r *request) (err error) {
		out, err = fn(r)
		return err
	})
	return out, err
}

// createAll makes all the items in one transaction, or none.
func createAll[T any](ctx context.Context, p *Plugin, c *auth.Caller, items []plugin.Body[T],
	create func(*request, plugin.Body[T]) (*T, error)) ([]*T, error) {
	return changed(quota.Making(ctx, c, items), p, c, func(r *request) ([]*T, error) {
		return quota.Create(p.cfg.Quotas, r.Tx(), c, items, func(b plugin.Body[T]) (*T, error) { return create(r, b) })
	})
}

// everyone is whose eyes the service itself looks with.
var everyone = store.Scope{}

// set is an assignment that is made where the request gives the attribute.
func set[T any](given bool, to *T, value T) {
	if given {
		*to = value
	}
}

// newTask returns the task that makes a resource what it is.
func newTask(of journal.DataType, resourceID, projectID string, value any) (journal.Task, error) {
	data, err := json.Marshal(value)
	return journal.Task{Type: journal.Create, DataType: of, ResourceID: resourceID, ProjectID: projectID, Data: data}, err
}
