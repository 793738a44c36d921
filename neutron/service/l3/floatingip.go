package l3

import (
	"context"
	"errors"
	"slices"

	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/neutron/ml2"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/store"
)

// floatingIPs implements plugin.Resource.
type floatingIPs struct {
	*Plugin
	ml2.Reader[model.FloatingIP]
}

func (p floatingIPs) Create(ctx context.Context, c *auth.Caller, items []plugin.Body[model.FloatingIP]) ([]*model.FloatingIP, error) {
	return createAll(ctx, p.Plugin, c, items, (*request).createFloatingIP)
}

// createFloatingIP is _create_floatingip of networking-midonet's l3_db_midonet.py: the address is the first IPv4 one that its port on the
// external network gets, and where it gets none the first IPv6 one (fip64).
func (r *request) createFloatingIP(body plugin.Body[model.FloatingIP]) (*model.FloatingIP, error) {
	v := body.Value
	v.ID, v.Standard = id.New[model.FloatingIP](), r.Standard(v.Standard)
	v.RevisionNumber = 0            // as a subnet's, where a network's or port's begins at 1
	v.DNSName, v.DNSDomain = "", "" // there is no external DNS service (_process_dns_floatingip_create_precommit)
	if err := r.checkFloatingNetwork(v.FloatingNetworkID); err != nil {
		return nil, err
	}
	port, err := r.CreatePort(floatingPort(&v))
	if err != nil {
		return nil, err
	}
	if len(port.FixedIPs) == 0 {
		return nil, noExternalAddress(v.FloatingNetworkID)
	}
	first := max(0, slices.IndexFunc(port.FixedIPs, func(f model.FixedIP) bool { return f.IPAddress.Is4() }))
	v.FloatingIPAddress = port.FixedIPs[first].IPAddress
	asked := v
	v.PortID, v.SubnetID = model.PortID{}, model.SubnetID{}
	if err := r.associate(&v, association{port: asked.PortID, fixed: asked.FixedIPAddress}); err != nil {
		return nil, err
	}
	if err := store.InsertFloatingIP(r.Tx(), &v, port.ID); err != nil {
		return nil, err
	}
	if err := errors.Join(r.recordFloatingIP(journal.Create, &v), r.TellNova(v.PortID)); err != nil {
		return nil, err
	}
	return store.FloatingIP(r.Tx(), v.ID.String(), everyone)
}

// checkFloatingNetwork refuses networks that are not external, and those without addresses.
func (r *request) checkFloatingNetwork(networkID model.NetworkID) error {
	network, err := r.Network(networkID.String())
	if err != nil {
		return err
	}
	if !network.External {
		return badRequest("floatingip", "Network %s is not a valid external network", networkID)
	}
	has, err := store.HasSubnet(r.Tx(), networkID)
	if err == nil && !has {
		err = badRequest("floatingip", "Network %s does not contain any subnet", networkID)
	}
	return err
}

// floatingPort is the port that holds a floating address on the external network. It has no project, since it is hidden from the
// address's.
func floatingPort(f *model.FloatingIP) plugin.Body[model.Port] {
	body := plugin.Body[model.Port]{
		Value: model.Port{
			NetworkID: f.FloatingNetworkID, AdminStateUp: true, DeviceID: f.ID.String(), DeviceOwner: model.OwnerFloatingIP,
		},
		Given: map[string]bool{},
	}
	if f.FloatingIPAddress.IsValid() || !f.SubnetID.IsZero() {
		body.Value.FixedIPs = []model.FixedIP{{SubnetID: f.SubnetID, IPAddress: f.FloatingIPAddress}}
		body.Given["fixed_ips"] = true
	}
	return body
}

func (p floatingIPs) Update(ctx context.Context, c *auth.Caller, floatingIPID string,
	body plugin.Body[model.FloatingIP]) (*model.FloatingIP, error) {
	return changed(ctx, p.Plugin, c, func(r *request) (*model.FloatingIP, error) { return r.updateFloatingIP(floatingIPID, body) })
}

func (r *request) updateFloatingIP(floatingIPID string, body plugin.Body[model.FloatingIP]) (*model.FloatingIP, error) {
	f, err := r.changeableFloatingIP(floatingIPID)
	if err != nil {
		return nil, err
	}
	v, was := body.Value, f.PortID
	switch {
	case body.Has("port_id") && !v.PortID.IsZero() && len(f.PortForwardings) > 0:
		return nil, floatingIPForwards(f.ID)
	case body.Has("port_id") || v.FixedIPAddress.IsValid() || len(body.Given) == 0: // nothing at all means no port, as in the original
		if err := r.associate(f, association{port: v.PortID, fixed: v.FixedIPAddress}); err != nil {
			return nil, err
		}
	case !f.PortID.IsZero():
		if err := r.followPort(f); err != nil {
			return nil, err
		}
	}
	set(body.Has("description"), &f.Description, v.Description)
	if err := r.saveFloatingIP(f); err != nil {
		return nil, err
	}
	if was != f.PortID {
		if err := r.TellNova(was); err != nil {
			return nil, err
		}
	}
	if err := r.TellNova(f.PortID); err != nil {
		return nil, err
	}
	return store.FloatingIP(r.Tx(), floatingIPID, everyone)
}

// changeableFloatingIP returns a floating address that the caller sees, and locks it. Whether the caller may change it was asked before.
func (r *request) changeableFloatingIP(floatingIPID string) (*model.FloatingIP, error) {
	if err := store.LockFloatingIP(r.Tx(), floatingIPID); err != nil {
		return nil, err
	}
	f, err := store.FloatingIP(r.Tx(), floatingIPID, r.Scope())
	return f, store.NotFoundAs(err, floatingIPNotFound(floatingIPID))
}

// saveFloatingIP stores a floating address that has changed and tells the backend.
func (r *request) saveFloatingIP(f *model.FloatingIP) error {
	f.UpdatedAt, f.Status = r.Now(), statusOf(f)
	if err := store.UpdateFloatingIP(r.Tx(), f); err != nil {
		return err
	}
	return r.recordFloatingIP(journal.Update, f)
}

// statusOf is ACTIVE where a router translates the address.
func statusOf(f *model.FloatingIP) model.Status {
	if f.RouterID.IsZero() {
		return model.StatusDown
	}
	return model.StatusActive
}

func (r *request) recordFloatingIP(what journal.Type, f *model.FloatingIP) error {
	return r.Record(what, journal.FloatingIP, f.ID.String(), f.ProjectID, recorded(f))
}

// recorded is the floating address as the backend learns of it: without what it shows of other resources, which have tasks of their own.
func recorded(f *model.FloatingIP) *model.FloatingIP {
	own := *f
	own.PortDetails, own.PortForwardings = nil, nil
	return &own
}

func (p floatingIPs) Delete(ctx context.Context, c *auth.Caller, floatingIPID string) error {
	return p.change(ctx, c, func(r *request) error {
		f, err := r.changeableFloatingIP(floatingIPID)
		if err != nil {
			return err
		}
		return r.deleteFloatingIP(f)
	})
}

// deleteFloatingIP removes a floating address and the port that holds it on the external network.
func (r *request) deleteFloatingIP(f *model.FloatingIP) error {
	if len(f.PortForwardings) > 0 {
		return floatingIPForwards(f.ID)
	}
	port, err := store.FloatingPort(r.Tx(), f.ID)
	if err != nil {
		return store.NotFoundAs(err, floatingIPNotFound(f.ID.String()))
	}
	if err := store.DeleteFloatingIP(r.Tx(), f.ID); err != nil {
		return store.NotFoundAs(err, floatingIPNotFound(f.ID.String()))
	}
	if err := r.DeletePort(port); err != nil {
		return err
	}
	if err := r.TellNova(f.PortID); err != nil {
		return err
	}
	return r.Record(journal.Delete, journal.FloatingIP, f.ID.String(), f.ProjectID, nil)
}
