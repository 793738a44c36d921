// Package autoallocate gives a project a network by itself (extension auto-allocated-topology, "get me a network"): subnets of the default
// subnet pools, and a router from them to the default external network. The rules and the faults are those of
// neutron/services/auto_allocate/db.py in the original.
//
// A topology is made in one transaction of the core plugin's, as it is taken away: there is never a part of one.
package autoallocate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/ml2"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/service/l3"
	"midonet.org/midonet/neutron/store"
)

// Plugin makes and removes topologies. It is safe for use by many goroutines, and by several processes on one database.
type Plugin struct {
	core    *ml2.Plugin
	routers *l3.Plugin
	db      *store.DB
	log     *slog.Logger
}

var _ plugin.Topologies = (*Plugin)(nil)

// New returns the plugin beside the core plugin and the routers', on the same database.
func New(core *ml2.Plugin, routers *l3.Plugin, db *store.DB, log *slog.Logger) *Plugin {
	return &Plugin{core, routers, db, log}
}

// Get returns a project's topology, and makes it first where there is none.
func (p *Plugin) Get(ctx context.Context, c *auth.Caller, project string) (*model.AutoAllocatedTopology, error) {
	found, err := store.Read(ctx, p.db, func(q store.Querier) (*model.AutoAllocatedTopology, error) {
		return store.AutoAllocatedTopology(q, project)
	})
	if !errors.Is(err, store.ErrNotFound) {
		return found, err
	}
	err = p.core.Change(ctx, c, func(s *ml2.Session) error {
		// Another request of the project may have been ahead.
		if found, err = store.AutoAllocatedTopology(s.Tx(), project); !errors.Is(err, store.ErrNotFound) {
			return err
		}
		found, err = p.build(s, project)
		return err
	})
	return found, err
}

// build makes a topology. Where another transaction makes one for the project at the same time, this one is run again and finds it.
func (p *Plugin) build(s *ml2.Session, project string) (*model.AutoAllocatedTopology, error) {
	external, err := defaultExternal(s.Tx())
	if err != nil {
		return nil, err
	}
	network, subnets, err := makeNetwork(s, project)
	if err != nil {
		return nil, p.failure(project, "Unable to provide tenant private network", err, isUnmet)
	}
	router, err := p.makeRouter(s, project, external, subnets)
	if err != nil {
		return nil, p.failure(project, "Unable to provide external connectivity", err, isBad)
	}
	t := &model.AutoAllocatedTopology{NetworkID: network.ID, ProjectID: project, RouterID: router.ID}
	err = store.InsertAutoAllocatedTopology(s.Tx(), t)
	if store.Violates(err, store.UniqueID) {
		err = store.ErrStale
	}
	return t, err
}

// failure is what a client learns of an error that is the deployment's; any other is its own.
func (p *Plugin) failure(project, reason string, err error, deployments func(error) bool) error {
	if !deployments(err) {
		return err
	}
	p.log.Error("no topology can be allocated", "project", project, "reason", err)
	return allocationFailure(reason)
}

// isUnmet reports whether an error says that there are no pools, or nothing left in them.
func isUnmet(err error) bool {
	var e *errs.Error
	return errors.Is(err, store.ErrNotFound) ||
		errors.As(err, &e) && (e.Kind == errs.Invalid || e.Kind == errs.NotFound || e.Type == "SubnetAllocationError")
}

func isBad(err error) bool { return errs.Is(err, errs.Invalid) }

func allocationFailure(reason string) error {
	return errs.New(errs.Conflict, "AutoAllocationFailure", "Deployment error: %s.", reason)
}

func defaultExternal(q store.Querier) (model.NetworkID, error) {
	network, err := store.DefaultExternalNetwork(q)
	return network, store.NotFoundAs(err, allocationFailure("No default router:external network"))
}

// makeNetwork makes a network with a subnet of each default pool that the caller sees.
func makeNetwork(s *ml2.Session, project string) (*model.Network, []*model.Subnet, error) {
	owner := model.Standard{ProjectID: project}
	network, err := s.CreateNetwork(plugin.Body[model.Network]{Value: model.Network{
		Standard: owner, Name: "auto_allocated_network", AdminStateUp: true, PortSecurityEnabled: true,
	}})
	if err != nil {
		return nil, nil, err
	}
	pools, err := defaultPools(s.Tx(), s.Scope())
	if err != nil {
		return nil, nil, err
	}
	var subnets []*model.Subnet
	for _, pool := range pools {
		subnet, err := s.CreateSubnet(plugin.Body[model.Subnet]{Value: model.Subnet{
			Standard: owner, Name: fmt.Sprintf("auto_allocated_subnet_v%d", pool.IPVersion), NetworkID: network.ID,
			IPVersion: pool.IPVersion, SubnetPoolID: pool.ID, EnableDHCP: true,
		}, Given: map[string]bool{"subnetpool_id": true}})
		if err != nil {
			return nil, nil, err
		}
		subnets = append(subnets, subnet)
	}
	return network, subnets, nil
}

// defaultPools returns the default pools that scope sees: one of each IP version at most, and ErrNotFound where there is none.
func defaultPools(q store.Querier, scope store.Scope) ([]*model.SubnetPool, error) {
	var pools []*model.SubnetPool
	for _, version := range []int{4, 6} {
		pool, err := store.DefaultSubnetPool(q, version, scope)
		switch {
		case err == nil:
			pools = append(pools, pool)
		case !errors.Is(err, store.ErrNotFound):
			return nil, err
		}
	}
	if len(pools) == 0 {
		return nil, store.ErrNotFound
	}
	return pools, nil
}

// makeRouter makes a router from the subnets to the external network.
func (p *Plugin) makeRouter(s *ml2.Session, project string, external model.NetworkID, subnets []*model.Subnet) (*model.Router, error) {
	routers := p.routers.Within(s)
	router, err := routers.Create(plugin.Body[model.Router]{Value: model.Router{
		Standard: model.Standard{ProjectID: project}, Name: "auto_allocated_router", AdminStateUp: true,
		Gateway: &model.GatewayInfo{NetworkID: external, SNATByDefault: true},
	}, Given: map[string]bool{"external_gateway_info": true}})
	if err != nil {
		return nil, err
	}
	for _, subnet := range subnets {
		if err := routers.AddSubnet(router.ID, subnet.ID); err != nil {
			return nil, err
		}
	}
	return router, nil
}

// Check returns why a topology could not be made for the caller (_check_requirements).
func (p *Plugin) Check(ctx context.Context, c *auth.Caller) error {
	return p.db.Read(ctx, func(q store.Querier) error {
		if _, err := defaultExternal(q); err != nil {
			return err
		}
		_, err := defaultPools(q, ml2.ScopeOf(c))
		return store.NotFoundAs(err, allocationFailure("No default subnetpools defined"))
	})
}

// Delete removes a project's topology, if there is one. What the project has changed of it or added to it is met as it is: a router that
// has gone is no error, a port that is still on the network is.
func (p *Plugin) Delete(ctx context.Context, c *auth.Caller, project string) error {
	return p.core.Change(ctx, c, func(s *ml2.Session) error {
		t, err := store.AutoAllocatedTopology(s.Tx(), project)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := p.removeRouter(s, t); err != nil {
			return err
		}
		return s.DeleteNetwork(t.NetworkID)
	})
}

// removeRouter takes the router from the network's subnets, and away.
func (p *Plugin) removeRouter(s *ml2.Session, t *model.AutoAllocatedTopology) error {
	if t.RouterID.IsZero() {
		return nil
	}
	subnets, err := store.SubnetsOf(s.Tx(), t.NetworkID)
	if err != nil {
		return err
	}
	routers := p.routers.Within(s)
	for _, subnet := range subnets {
		if err := routers.RemoveSubnet(t.RouterID, subnet.ID); err != nil && !errs.Is(err, errs.NotFound) {
			return err
		}
	}
	return routers.Delete(t.RouterID)
}
