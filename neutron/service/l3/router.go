package l3

import (
	"context"

	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/neutron/ml2"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/store"
)

// routers implements plugin.Resource.
type routers struct {
	*Plugin
	ml2.Reader[model.Router]
}

func (p routers) Create(ctx context.Context, c *auth.Caller, items []plugin.Body[model.Router]) ([]*model.Router, error) {
	return createAll(ctx, p.Plugin, c, items, (*request).createRouter)
}

func (r *request) createRouter(body plugin.Body[model.Router]) (*model.Router, error) {
	v := body.Value
	gateway := v.Gateway
	v.ID, v.Standard = id.New[model.Router](), r.Standard(v.Standard)
	v.Status, v.Gateway, v.Routes = model.StatusActive, nil, []model.HostRoute{}
	v.Distributed, v.HA = stated(v.Distributed, r.cfg.Distributed), stated(v.HA, r.cfg.HA)
	var err error
	if v.AvailabilityZoneHints, v.AvailabilityZones, err = r.AskForZones(v.AvailabilityZoneHints); err != nil {
		return nil, err
	}
	if err := store.InsertRouter(r.Tx(), &v); err != nil {
		return nil, err
	}
	if gateway != nil {
		if err := r.setGateway(&v, gateway); err != nil {
			return nil, err
		}
		if err := store.UpdateRouter(r.Tx(), &v); err != nil {
			return nil, err
		}
	}
	return &v, r.recordRouter(journal.Create, &v)
}

func (p routers) Update(ctx context.Context, c *auth.Caller, routerID string, body plugin.Body[model.Router]) (*model.Router, error) {
	return changed(ctx, p.Plugin, c, func(r *request) (*model.Router, error) { return r.updateRouter(routerID, body) })
}

// updateRouter changes the routes before the gateway, as the original, so that the new routes must be right with the old gateway and
// with the new one.
func (r *request) updateRouter(routerID string, body plugin.Body[model.Router]) (*model.Router, error) {
	router, err := r.changeableRouter(routerID)
	if err != nil {
		return nil, err
	}
	v := body.Value
	if body.Has("routes") {
		if err := r.setRoutes(router, v.Routes); err != nil {
			return nil, err
		}
	}
	if body.Has("external_gateway_info") {
		if err := r.setGateway(router, v.Gateway); err != nil {
			return nil, err
		}
	}
	set(body.Has("name"), &router.Name, v.Name)
	set(body.Has("description"), &router.Description, v.Description)
	wasUp := router.AdminStateUp
	set(body.Has("admin_state_up"), &router.AdminStateUp, v.AdminStateUp)
	if err := place(router, v, wasUp); err != nil {
		return nil, err
	}
	return router, r.saveRouter(router)
}

// place changes what a router says of where it is. It must be down: to be distributed or not, before the request too
// (_validate_router_migration, with router-admin-state-down-before-update, and _validate_migration of l3_hamode_db.py).
func place(router *model.Router, asked model.Router, wasUp bool) error {
	distributed, ha := stated(asked.Distributed, *router.Distributed), stated(asked.HA, *router.HA)
	switch {
	case *distributed != *router.Distributed && (wasUp || router.AdminStateUp):
		return badRequest("router", "Cannot change the 'distributed' attribute of active routers. "+
			"Please set router admin_state_up to False prior to upgrade")
	case *ha != *router.HA && router.AdminStateUp:
		return badRequest("router", "Cannot change HA attribute of active routers. Please set router admin_state_up to False prior to upgrade")
	}
	router.Distributed, router.HA = distributed, ha
	return nil
}

// stated is what a request says, else the other.
func stated(asked *bool, otherwise bool) *bool {
	if asked == nil {
		return &otherwise
	}
	return asked
}

// saveRouter stores a router that has changed and tells the backend. A router whose last change the backend refused has a new chance.
func (r *request) saveRouter(router *model.Router) error {
	router.UpdatedAt, router.Status = r.Now(), model.StatusActive
	if err := store.UpdateRouter(r.Tx(), router); err != nil {
		return err
	}
	return r.recordRouter(journal.Update, router)
}

// recordedRouter is the router as the backend learns of it: without what follows from the hosts, which the backend knows, and without what
// changes nothing there.
func recordedRouter(r *model.Router) *model.Router {
	own := *r
	own.AvailabilityZones, own.Distributed, own.HA = nil, nil, nil
	return &own
}

// changeableRouter returns a router that the caller sees, and locks it. Whether the caller may change it was asked before.
func (r *request) changeableRouter(routerID string) (*model.Router, error) {
	if err := store.LockRouter(r.Tx(), routerID); err != nil {
		return nil, err
	}
	router, err := store.Router(r.Tx(), routerID, r.Scope())
	return router, store.NotFoundAs(err, routerNotFound(routerID))
}

// touchedRouter is changeableRouter for a router one of whose interfaces changes, which counts its revision up: that locks it too.
func (r *request) touchedRouter(routerID string) (*model.Router, error) {
	if err := store.TouchRouter(r.Tx(), routerID, r.Now()); err != nil {
		return nil, err
	}
	router, err := store.Router(r.Tx(), routerID, r.Scope())
	return router, store.NotFoundAs(err, routerNotFound(routerID))
}

func (p routers) Delete(ctx context.Context, c *auth.Caller, routerID string) error {
	return p.change(ctx, c, func(r *request) error { return r.deleteRouter(routerID) })
}

func (r *request) deleteRouter(routerID string) error {
	router, err := r.changeableRouter(routerID)
	if err != nil {
		return err
	}
	interfaces, err := store.PortsOfDevice(r.Tx(), routerID, model.OwnerRouterInterface)
	if err != nil {
		return err
	}
	if len(interfaces) > 0 {
		return routerInUse(router.ID, interfaces)
	}
	if err := r.removeGateway(router); err != nil {
		return err
	}
	if err := store.DeleteRouter(r.Tx(), router.ID); err != nil {
		return store.NotFoundAs(err, routerNotFound(routerID))
	}
	return r.Record(journal.Delete, journal.Router, routerID, router.ProjectID, nil)
}
