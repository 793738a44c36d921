package l3

import (
	"errors"
	"net/netip"
	"slices"

	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/neutron/ml2"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/store"
)

var _ ml2.Service = (*Plugin)(nil)

// ownPorts are the device owners of the ports that this service makes.
var ownPorts = []string{model.OwnerRouterInterface, model.OwnerRouterGateway, model.OwnerFloatingIP}

// MayGiveDevice implements ml2.Service: a client makes no port an interface of another project's router
// (_enforce_device_owner_not_router_intf_or_device_id), and none a router's gateway, which has rules of its own. A router is named in one
// form: in another, which a backend may take for the same, its ports would not be found here.
func (p *Plugin) MayGiveDevice(s *ml2.Session, port *model.Port) error {
	if port.DeviceID == "" || port.DeviceOwner != model.OwnerRouterInterface && port.DeviceOwner != model.OwnerRouterGateway {
		return nil
	}
	router, err := store.Router(s.Tx(), canonical(port.DeviceID), everyone)
	unknown := errors.Is(err, store.ErrNotFound)
	isGateway, trusted := port.DeviceOwner == model.OwnerRouterGateway, s.Caller().Admin || s.Caller().Advsvc
	switch {
	case unknown && (isGateway || trusted):
		return nil
	case unknown:
		return routerNotFound(port.DeviceID)
	case err != nil:
		return err
	case isGateway || !trusted && router.ProjectID != port.ProjectID || router.ID.String() != port.DeviceID:
		return deviceNotOwned(port.DeviceID)
	}
	return nil
}

// canonical returns an identifier in the form in which it is stored; what is none as it is.
func canonical(text string) string {
	if u, err := id.Parse[struct{}](text); err == nil {
		return u.String()
	}
	return text
}

// MayDeletePort implements ml2.Service: the ports of routers and floating addresses go with them (prevent_l3_port_deletion). One whose
// owner is gone, or that has no address, is of no use to anyone.
func (p *Plugin) MayDeletePort(s *ml2.Session, port *model.Port) error {
	if !slices.Contains(ownPorts, port.DeviceOwner) || len(port.FixedIPs) == 0 {
		return nil
	}
	var err error
	if port.DeviceOwner == model.OwnerFloatingIP {
		_, err = store.FloatingIP(s.Tx(), port.DeviceID, everyone)
	} else {
		_, err = store.Router(s.Tx(), port.DeviceID, everyone)
	}
	switch {
	case err == nil:
		return servicePortInUse(port)
	case errors.Is(err, store.ErrNotFound):
		return nil
	}
	return err
}

// PortGoes implements ml2.Service: the floating addresses of a port lose it, and its forwardings end (disassociate_floatingips,
// _process_port_request). A router whose gateway a backend elsewhere has refused loses it.
func (p *Plugin) PortGoes(s *ml2.Session, port *model.Port) error {
	r := &request{s, p.cfg}
	if err := r.gatewayGoes(port); err != nil {
		return err
	}
	if err := r.endForwardings(port.ID, func(netip.Addr) bool { return true }); err != nil {
		return err
	}
	associated, err := store.FloatingIPsBy(s.Tx(), "port_id", port.ID.String())
	if err != nil {
		return err
	}
	for _, f := range associated {
		if err := r.associate(f, association{}); err != nil {
			return err
		}
		if err := r.saveFloatingIP(f); err != nil {
			return err
		}
	}
	return nil
}

// PortChanged implements ml2.Service: forwardings to addresses that a port has lost end. A floating address stays where it was, as in
// Neutron.
func (p *Plugin) PortChanged(s *ml2.Session, was, is *model.Port) error {
	lost := func(a netip.Addr) bool {
		return !slices.ContainsFunc(is.FixedIPs, func(f model.FixedIP) bool { return f.IPAddress == a })
	}
	if !slices.ContainsFunc(was.FixedIPs, func(f model.FixedIP) bool { return lost(f.IPAddress) }) {
		return nil
	}
	return (&request{s, p.cfg}).endForwardings(is.ID, lost)
}

// endForwardings removes the forwardings to those of a port's addresses.
func (r *request) endForwardings(port model.PortID, to func(netip.Addr) bool) error {
	forwardings, err := store.PortForwardingsBy(r.Tx(), "internal_port_id", port.String())
	if err != nil {
		return err
	}
	for _, f := range forwardings {
		if !to(f.InternalIPAddress) {
			continue
		}
		if err := r.removeForwarding(f); err != nil {
			return err
		}
	}
	return nil
}

// NetworkGoes implements ml2.Service: floating addresses that stand for no port go with their network (delete_disassociated_floatingips).
func (p *Plugin) NetworkGoes(s *ml2.Session, network model.NetworkID) error {
	held, err := store.FloatingIPsBy(s.Tx(), "floating_network_id", network.String())
	if err != nil {
		return err
	}
	r := &request{s, p.cfg}
	for _, f := range held {
		if !f.PortID.IsZero() {
			continue
		}
		if err := r.deleteFloatingIP(f); err != nil {
			return err
		}
	}
	return nil
}

// Contents implements ml2.Service: each resource as its tasks have it.
func (p *Plugin) Contents(q store.Querier) ([]journal.Task, error) {
	var tasks []journal.Task
	err := errors.Join(
		addAll(&tasks, q, store.ListRouters, func(r *model.Router) (journal.Task, error) {
			return newTask(journal.Router, r.ID.String(), r.ProjectID, recordedRouter(r))
		}),
		addAll(&tasks, q, store.ListFloatingIPs, func(f *model.FloatingIP) (journal.Task, error) {
			return newTask(journal.FloatingIP, f.ID.String(), f.ProjectID, recorded(f))
		}),
		addAll(&tasks, q, store.ListPortForwardings, func(f *model.PortForwarding) (journal.Task, error) {
			return newTask(journal.PortForwarding, f.ID.String(), f.ProjectID, f)
		}))
	return tasks, err
}

// addAll adds every resource of one kind.
func addAll[T any](tasks *[]journal.Task, q store.Querier, list func(store.Querier, store.Scope, plugin.Query) ([]*T, error),
	task func(*T) (journal.Task, error)) error {
	all, err := list(q, everyone, plugin.Query{})
	if err != nil {
		return err
	}
	for _, item := range all {
		t, err := task(item)
		if err != nil {
			return err
		}
		*tasks = append(*tasks, t)
	}
	return nil
}
