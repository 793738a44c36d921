package l3

import (
	"context"
	"errors"

	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/neutron/ml2"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/store"
)

// portForwardings implements plugin.Resource for the forwardings of one floating address. They are seen by whoever sees the address.
type portForwardings struct {
	*Plugin
	floatingIPID string
}

func (p portForwardings) Create(ctx context.Context, c *auth.Caller,
	items []plugin.Body[model.PortForwarding]) ([]*model.PortForwarding, error) {
	return createAll(ctx, p.Plugin, c, items, func(r *request, body plugin.Body[model.PortForwarding]) (*model.PortForwarding, error) {
		return r.createForwarding(p.floatingIPID, body)
	})
}

func (r *request) createForwarding(floatingIPID string, body plugin.Body[model.PortForwarding]) (*model.PortForwarding, error) {
	v := body.Value
	if err := settleRanges(&v, body); err != nil {
		return nil, err
	}
	of, err := r.changeableFloatingIP(floatingIPID)
	if err != nil {
		return nil, err
	}
	v.ProjectID = of.ProjectID
	v.ID, v.Standard, v.FloatingIPID = id.New[model.PortForwarding](), r.Standard(v.Standard), of.ID
	router, err := r.checkForwarding(of, &v)
	if err != nil {
		return nil, err
	}
	if of.RouterID.IsZero() {
		of.RouterID = router
		if err := r.saveFloatingIP(of); err != nil {
			return nil, err
		}
	}
	if err := store.InsertPortForwarding(r.Tx(), &v); err != nil {
		return nil, err
	}
	return v.Shown(), r.Record(journal.Create, journal.PortForwarding, v.ID.String(), v.ProjectID, &v)
}

func (p portForwardings) Get(ctx context.Context, c *auth.Caller, forwardingID string) (*model.PortForwarding, error) {
	return store.Read(ctx, p.db, func(q store.Querier) (*model.PortForwarding, error) {
		if _, err := store.FloatingIP(q, p.floatingIPID, ml2.ScopeOf(c)); err != nil {
			return nil, store.NotFoundAs(err, floatingIPNotFound(p.floatingIPID))
		}
		f, err := findForwarding(q, p.floatingIPID, forwardingID)
		if err != nil {
			return nil, err
		}
		return f.Shown(), nil
	})
}

// findForwarding returns a forwarding if it is one of that floating address.
func findForwarding(q store.Querier, floatingIPID, forwardingID string) (*model.PortForwarding, error) {
	f, err := store.PortForwarding(q, forwardingID, everyone)
	if errors.Is(err, store.ErrNotFound) || err == nil && f.FloatingIPID.String() != floatingIPID {
		return nil, forwardingNotFound(forwardingID)
	}
	return f, err
}

func (p portForwardings) List(ctx context.Context, c *auth.Caller, want plugin.Query) ([]*model.PortForwarding, error) {
	want.Filters = append(want.Filters, plugin.Filter{Attr: "floatingip_id", Values: []string{p.floatingIPID}})
	return store.Read(ctx, p.db, func(q store.Querier) ([]*model.PortForwarding, error) {
		if _, err := store.FloatingIP(q, p.floatingIPID, ml2.ScopeOf(c)); err != nil {
			return nil, store.NotFoundAs(err, floatingIPNotFound(p.floatingIPID))
		}
		page, err := store.ListPortForwardings(q, everyone, want)
		if errors.Is(err, store.ErrNotFound) {
			err = forwardingNotFound(want.Marker)
		}
		for i, f := range page {
			page[i] = f.Shown()
		}
		return page, err
	})
}

func (p portForwardings) Update(ctx context.Context, c *auth.Caller, forwardingID string,
	body plugin.Body[model.PortForwarding]) (*model.PortForwarding, error) {
	return changed(ctx, p.Plugin, c, func(r *request) (*model.PortForwarding, error) {
		of, err := r.changeableFloatingIP(p.floatingIPID)
		if err != nil {
			return nil, err
		}
		f, err := findForwarding(r.Tx(), p.floatingIPID, forwardingID)
		if err != nil {
			return nil, err
		}
		return r.updateForwarding(of, f, body)
	})
}

func (r *request) updateForwarding(of *model.FloatingIP, f *model.PortForwarding,
	body plugin.Body[model.PortForwarding]) (*model.PortForwarding, error) {
	v := body.Value
	set(body.Has("description"), &f.Description, v.Description)
	set(body.Has("protocol"), &f.Protocol, v.Protocol)
	set(body.Has("internal_port_id"), &f.InternalPortID, v.InternalPortID)
	set(body.Has("internal_ip_address"), &f.InternalIPAddress, v.InternalIPAddress)
	changeRanges(f, body)
	if err := r.checkForwardingChange(of, f, body); err != nil {
		return nil, err
	}
	f.UpdatedAt = r.Now()
	if err := store.UpdatePortForwarding(r.Tx(), f); err != nil {
		return nil, err
	}
	return f.Shown(), r.Record(journal.Update, journal.PortForwarding, f.ID.String(), f.ProjectID, f)
}

func (p portForwardings) Delete(ctx context.Context, c *auth.Caller, forwardingID string) error {
	return p.change(ctx, c, func(r *request) error {
		if _, err := r.changeableFloatingIP(p.floatingIPID); err != nil {
			return err
		}
		f, err := findForwarding(r.Tx(), p.floatingIPID, forwardingID)
		if err != nil {
			return err
		}
		return r.removeForwarding(f)
	})
}

// removeForwarding ends a forwarding. A floating address without a port that has lost its last is no longer translated by a router.
func (r *request) removeForwarding(f *model.PortForwarding) error {
	if err := store.DeletePortForwarding(r.Tx(), f); err != nil {
		return store.NotFoundAs(err, forwardingNotFound(f.ID.String()))
	}
	if err := r.Record(journal.Delete, journal.PortForwarding, f.ID.String(), f.ProjectID, nil); err != nil {
		return err
	}
	of, err := store.FloatingIP(r.Tx(), f.FloatingIPID.String(), everyone)
	if err != nil || len(of.PortForwardings) > 0 || !of.PortID.IsZero() {
		return err
	}
	of.RouterID = model.RouterID{}
	return r.saveFloatingIP(of)
}
