// Package ml2 is the core plugin: networks, subnets and ports with the rules of Neutron's ML2 plugin and its MidoNet mechanism driver.
//
// Each request is one SQL transaction that checks the rules, changes the rows and appends the journal's tasks. The rules and the
// faults are those of neutron/plugins/ml2/plugin.py, neutron/db/db_base_plugin_v2.py, neutron/db/ipam_backend_mixin.py and
// neutron/ipam in the original; comments name the function where a reader would look for the reason.
//
// Files: network.go, subnet.go, port.go, subnetpool.go, addressscope.go and rbac.go hold each resource's requests; subnet_rules.go,
// pools.go, subnetpool_allocation.go, addresses.go, sharing.go and binding.go the rules that are long; faults.go and subnetpool_faults.go
// the errors with Neutron's names and texts.
package ml2

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"midonet.org/midonet/mac"
	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/quota"
	"midonet.org/midonet/neutron/store"
)

// Config has the options of neutron.conf and ml2_conf.ini that the plugin obeys, by their names there.
type Config struct {
	// BaseMAC is base_mac: the first three octets of generated addresses, or the first four where the fourth is not zero.
	BaseMAC mac.Addr
	// GlobalPhysnetMTU is global_physnet_mtu: the largest packet of the underlay, in octets.
	GlobalPhysnetMTU int
	// PathMTU is [ml2] path_mtu: the largest packet of an overlay's path where it is smaller; 0 for none.
	PathMTU int
	// OverlayIPVersion is [ml2] overlay_ip_version, 4 or 6: how tunnel packets are addressed.
	OverlayIPVersion int
	// MaxDNSNameservers is max_dns_nameservers, of one subnet.
	MaxDNSNameservers int
	// MaxSubnetHostRoutes is max_subnet_host_routes, of one subnet.
	MaxSubnetHostRoutes int
	// MaxFixedIPsPerPort is max_fixed_ips_per_port; 0 for no limit, which is what Neutron has had since it dropped the option.
	MaxFixedIPsPerPort int
	// NotifyNovaStatus and NotifyNovaData are notify_nova_on_port_status_changes and notify_nova_on_port_data_changes, where there
	// is a Nova to tell.
	NotifyNovaStatus, NotifyNovaData bool
	// Quotas are the limits of how many resources a project may have; the zero value has none.
	Quotas quota.Limits
	// DNSDomain is dns_domain, the domain of ports' names.
	DNSDomain string
	// DefaultZones are default_availability_zones: the zones that networks and routers ask for whose request names none.
	DefaultZones []string
	// MaxAllowedAddressPair is max_allowed_address_pair, of one port.
	MaxAllowedAddressPair int
}

// DefaultConfig returns Neutron's defaults.
func DefaultConfig() Config {
	return Config{
		BaseMAC:               mac.Addr{0xfa, 0x16, 0x3e},
		GlobalPhysnetMTU:      1500,
		OverlayIPVersion:      4,
		MaxDNSNameservers:     5,
		MaxSubnetHostRoutes:   20,
		MaxAllowedAddressPair: 10,
		DNSDomain:             "openstacklocal",
	}
}

// Plugin is the core plugin. It is safe for use by many goroutines, and by several processes on one database.
type Plugin struct {
	db      *store.DB
	journal *journal.Journal
	cfg     Config
	log     *slog.Logger
	now     func() time.Time

	services []Service       // told of changes of ports and networks
	backend  journal.Backend // nil: changes are made in their own time
}

// New returns the plugin that keeps its resources in db and tells the backend through j.
func New(db *store.DB, j *journal.Journal, cfg Config, log *slog.Logger) *Plugin {
	return &Plugin{db: db, journal: j, cfg: cfg, log: log, now: time.Now}
}

// AnswerFor makes every change wait for the backend. It is called before the first request. Since no host reports to this server then, a
// port that is bound counts as ACTIVE, as in the original.
func (p *Plugin) AnswerFor(b journal.Backend) { p.backend = b }

// Networks returns the networks collection.
func (p *Plugin) Networks() plugin.Resource[model.Network] {
	return networks{p, NewReader(p.db, store.Networks, networkNotFound)}
}

// Subnets returns the subnets collection.
func (p *Plugin) Subnets() plugin.Resource[model.Subnet] {
	return subnets{p, NewReader(p.db, store.Subnets, subnetNotFound)}
}

// Ports returns the ports collection.
func (p *Plugin) Ports() plugin.Resource[model.Port] {
	return ports{p, NewReader(p.db, p.described(), portNotFound)}
}

// request is one call on its way through a transaction: the plugin, the transaction, who asks, and one time for all that changes.
type request struct {
	*Plugin
	tx     *store.Tx
	caller *auth.Caller
	now    model.Time

	byService bool // a service plugin asks, for its own ends

	tasks *[]journal.Task // what record has appended
}

// change runs fn in a transaction, and waits for the backend where there is one to wait for. What the database refused beyond the rules
// that fn knows is left as it is: an internal error.
func (p *Plugin) change(ctx context.Context, c *auth.Caller, fn func(*request) error) error {
	if p.backend == nil {
		_, err := p.commit(ctx, c, fn)
		return err
	}
	if err := p.backend.Ready(ctx); err != nil {
		return err
	}
	tasks, err := p.commit(ctx, c, fn)
	if err != nil || len(tasks) == 0 {
		return err
	}
	return p.confirm(ctx, tasks)
}

// commit runs fn in a transaction and returns the tasks that it has appended.
func (p *Plugin) commit(ctx context.Context, c *auth.Caller, fn func(*request) error) ([]journal.Task, error) {
	var tasks []journal.Task
	err := p.db.Tx(ctx, func(tx *store.Tx) error {
		tasks = nil // the transaction may run again
		return fn(&request{Plugin: p, tx: tx, caller: c, now: model.At(p.now()), tasks: &tasks})
	})
	return tasks, err
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
		return quota.Create(p.cfg.Quotas, r.tx, c, items, func(b plugin.Body[T]) (*T, error) { return create(r, b) })
	})
}

// ScopeOf returns whose eyes a caller looks with: a service that acts for others sees all, as an administrator does
// (neutron-lib db/utils.py, model_query_scope_is_project).
func ScopeOf(c *auth.Caller) store.Scope {
	return store.Scope{Project: c.ProjectID, Restricted: !c.Admin && !c.Advsvc}
}

// standard returns the attributes that every new resource has.
func (r *request) standard(given model.Standard) model.Standard {
	s := model.Standard{
		ProjectID: given.ProjectID, Description: given.Description, CreatedAt: r.now, UpdatedAt: r.now, RevisionNumber: 1,
	}
	if s.ProjectID == "" {
		s.ProjectID = r.caller.ProjectID
	}
	return s
}

// record appends the task that tells the backend of a change; value is the resource as it is now, nil where it was deleted.
func (r *request) record(what journal.Type, of journal.DataType, resourceID, projectID string, value any) error {
	t, err := newTask(what, of, resourceID, projectID, value)
	if err != nil {
		return err
	}
	t.TransactionID, t.CreatedAt = r.caller.RequestID, r.now.Time
	if r.backend != nil {
		if err := r.backend.Admit(t); err != nil {
			return err
		}
	}
	if t, err = r.journal.Append(r.tx, t); err != nil {
		return err
	}
	*r.tasks = append(*r.tasks, t)
	return nil
}

// newTask returns a task of no request.
func newTask(what journal.Type, of journal.DataType, resourceID, projectID string, value any) (journal.Task, error) {
	t := journal.Task{Type: what, DataType: of, ResourceID: resourceID, ProjectID: projectID}
	if value == nil {
		return t, nil
	}
	data, err := json.Marshal(value)
	t.Data = data
	return t, err
}
