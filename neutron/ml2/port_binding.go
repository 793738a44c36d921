package ml2

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/store"
)

// A workload that moves to another host while it runs is bound to both for a time: the compute service asks for a binding to the new host,
// which waits, activates it when the workload runs there, and removes the old one (neutron/plugins/ml2/plugin.py, create_port_binding to
// delete_port_binding). The active binding is the port's own, with its host, profile and kinds of interface; a port that no host has is
// actively bound to none.

// PortBindings returns the collection of the bindings of a port.
func (p *Plugin) PortBindings(portID string) plugin.Resource[model.PortBinding] {
	return portBindings{p, portID}
}

// portBindings implements plugin.Resource for the bindings of one port.
type portBindings struct {
	*Plugin
	portID string
}

func (b portBindings) Create(ctx context.Context, c *auth.Caller, items []plugin.Body[model.PortBinding]) ([]*model.PortBinding, error) {
	return changed(ctx, b.Plugin, c, func(r *request) ([]*model.PortBinding, error) {
		var made []*model.PortBinding
		for _, body := range items {
			one, err := r.createBinding(b.portID, body.Value)
			if err != nil {
				return nil, err
			}
			made = append(made, one)
		}
		return made, nil
	})
}

func (r *request) createBinding(portID string, v model.PortBinding) (*model.PortBinding, error) {
	p, all, err := r.changeableBindings(portID)
	if err != nil {
		return nil, err
	}
	if indexOfHost(all, v.Host) >= 0 {
		return nil, bindingExists(portID, v.Host)
	}
	v.Status = model.BindingInactive
	return r.keepBinding(p, &v)
}

// changeableBindings returns a port, locked, and its bindings.
func (r *request) changeableBindings(portID string) (*model.Port, []*model.PortBinding, error) {
	p, err := r.changeablePort(portID)
	if err != nil {
		return nil, nil, err
	}
	all, err := bindingsOf(r.tx, p)
	return p, all, err
}

// bindingsOf returns the bindings of a port that is a workload's, by host.
func bindingsOf(q store.Querier, p *model.Port) ([]*model.PortBinding, error) {
	if !strings.HasPrefix(p.DeviceOwner, "compute:") {
		return nil, badRequest("port", "Invalid port %s. Operation only valid on compute ports", p.ID)
	}
	all, err := store.InactiveBindings(q, p.ID.String())
	if err != nil {
		return nil, err
	}
	all = append(all, activeBinding(p))
	slices.SortFunc(all, func(a, b *model.PortBinding) int { return strings.Compare(a.Host, b.Host) })
	for _, b := range all {
		b.VIFDetails = detailsOf(b.VIFType)
	}
	return all, nil
}

func activeBinding(p *model.Port) *model.PortBinding {
	return &model.PortBinding{Host: p.HostID, VIFType: p.VIFType, VNICType: p.VNICType, Profile: p.Profile, Status: model.BindingActive}
}

// take makes a binding the port's own.
func take(p *model.Port, b *model.PortBinding) {
	p.HostID, p.VNICType, p.Profile = b.Host, b.VNICType, b.Profile
	bind(p)
}

func indexOfHost(all []*model.PortBinding, host string) int {
	return slices.IndexFunc(all, func(b *model.PortBinding) bool { return b.Host == host })
}

// keepBinding works out what the host makes of a binding that is not active, and stores it.
func (r *request) keepBinding(p *model.Port, b *model.PortBinding) (*model.PortBinding, error) {
	if err := settleBinding(p, b); err != nil {
		return nil, err
	}
	return b, store.PutInactiveBinding(r.tx, p.ID, b)
}

// settleBinding works out what the host makes of a binding of the port's. Kinds of interface that MidoNet does not plug are refused.
func settleBinding(p *model.Port, b *model.PortBinding) error {
	there := *p
	take(&there, b)
	if there.VIFType == vifFailed {
		return bindingRefused(p.ID, b.Host)
	}
	b.VIFType, b.VIFDetails, b.Profile = there.VIFType, detailsOf(there.VIFType), there.Profile
	return checkProfile(b.Profile)
}

func (b portBindings) Get(ctx context.Context, c *auth.Caller, host string) (*model.PortBinding, error) {
	all, err := b.all(ctx, c)
	if err != nil {
		return nil, err
	}
	i := indexOfHost(all, host)
	if i < 0 {
		return nil, bindingNotFound(b.portID, host)
	}
	return all[i], nil
}

func (b portBindings) List(ctx context.Context, c *auth.Caller, want plugin.Query) ([]*model.PortBinding, error) {
	all, err := b.all(ctx, c)
	if err != nil {
		return nil, err
	}
	page, err := plugin.Select(all, want, "host")
	if err != nil {
		err = bindingNotFound(b.portID, want.Marker)
	}
	return page, err
}

func (b portBindings) all(ctx context.Context, c *auth.Caller) ([]*model.PortBinding, error) {
	return store.Read(ctx, b.db, func(q store.Querier) ([]*model.PortBinding, error) {
		p, err := store.Port(q, b.portID, ScopeOf(c))
		if err != nil {
			return nil, store.NotFoundAs(err, portNotFound(b.portID))
		}
		return bindingsOf(q, p)
	})
}

func (b portBindings) Update(ctx context.Context, c *auth.Caller, host string, body plugin.Body[model.PortBinding]) (*model.PortBinding, error) {
	return changed(ctx, b.Plugin, c, func(r *request) (*model.PortBinding, error) {
		p, all, err := r.changeableBindings(b.portID)
		if err != nil {
			return nil, err
		}
		i := indexOfHost(all, host)
		if i < 0 {
			return nil, bindingNotFound(b.portID, host)
		}
		is, v := all[i], body.Value
		set(body.Has("vnic_type"), &is.VNICType, v.VNICType)
		set(body.Has("profile"), &is.Profile, v.Profile)
		if is.Status == model.BindingInactive {
			return r.keepBinding(p, is)
		}
		if err := settleBinding(p, is); err != nil {
			return nil, err
		}
		return is, r.rebindTo(p, is)
	})
}

// rebindTo stores the port with another binding of its own, and tells the backend and Nova.
func (r *request) rebindTo(p *model.Port, b *model.PortBinding) error {
	was := *p
	take(p, b)
	if err := r.savePort(p); err != nil {
		return err
	}
	if err := r.tellNovaChange(p, networkChanged); err != nil {
		return err
	}
	return r.portChanged(&was, p)
}

// ActivateBinding returns the action that makes a binding of a port the one that holds.
func (p *Plugin) ActivateBinding(portID string) plugin.Action {
	return func(ctx context.Context, c *auth.Caller, host string, _ json.RawMessage) (any, error) {
		return changed(ctx, p, c, func(r *request) (model.PortBinding, error) { return r.activateBinding(portID, host) })
	}
}

// activateBinding leaves the binding that held so far for the compute service to remove. The status of the port is for the hosts to say.
func (r *request) activateBinding(portID, host string) (model.PortBinding, error) {
	p, all, err := r.changeableBindings(portID)
	if err != nil {
		return model.PortBinding{}, err
	}
	if p.HostID == host {
		return model.PortBinding{}, errs.New(errs.Conflict, "PortBindingAlreadyActive", "Binding for port %s on host %s is already active.",
			portID, host)
	}
	i := indexOfHost(all, host)
	if i < 0 {
		return model.PortBinding{}, bindingNotFound(portID, host)
	}
	old, next := activeBinding(p), all[i]
	old.VIFType = vifUnbound
	if err := store.DeleteInactiveBinding(r.tx, p.ID, host); err != nil {
		return model.PortBinding{}, err
	}
	if old.Host != "" {
		if err := store.PutInactiveBinding(r.tx, p.ID, old); err != nil {
			return model.PortBinding{}, err
		}
	}
	next.Status = model.BindingActive
	if err := settleBinding(p, next); err != nil {
		return model.PortBinding{}, err
	}
	return *next, r.rebindTo(p, next)
}

// Delete removes a binding. A port whose active one goes is on no host.
func (b portBindings) Delete(ctx context.Context, c *auth.Caller, host string) error {
	return b.change(ctx, c, func(r *request) error {
		p, all, err := r.changeableBindings(b.portID)
		if err != nil {
			return err
		}
		switch i := indexOfHost(all, host); {
		case i < 0:
			return bindingNotFound(b.portID, host)
		case all[i].Status == model.BindingInactive:
			return store.DeleteInactiveBinding(r.tx, p.ID, host)
		}
		return r.rebindTo(p, &model.PortBinding{VNICType: p.VNICType})
	})
}

// rebound forgets the binding that waited for the host that the port is on now by another way.
func (r *request) rebound(was, p *model.Port) error {
	if was.HostID == p.HostID {
		return nil
	}
	return store.DeleteInactiveBinding(r.tx, p.ID, p.HostID)
}

func bindingNotFound(portID, host string) error {
	return errs.New(errs.NotFound, "PortBindingNotFound", "Binding for port %s for host %s could not be found.", portID, host)
}

func bindingExists(portID, host string) error {
	return errs.New(errs.Conflict, "PortBindingAlreadyExists", "Binding for port %s on host %s already exists.", portID, host)
}

func bindingRefused(port model.PortID, host string) error {
	return errs.New(errs.Conflict, "PortBindingError", "Binding for port %s on host %s could not be created or updated.", port, host)
}
