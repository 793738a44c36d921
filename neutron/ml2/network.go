package ml2

import (
	"context"
	"slices"

	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/store"
)

// The network types (midonet/neutron/plugins/ml2 and common/constants.py in the original).
const (
	typeMidonet = "midonet" // a bridge; what tenants get
	typeUplink  = "uplink"  // no bridge: a place for a router's ports towards the physical network
)

// Octets that the overlay adds to a packet (neutron_lib/constants.py): the headers of UDP, VXLAN and the inner Ethernet frame, and
// the outer IP header.
const (
	vxlanOverhead = 30
	ipv4Overhead  = 20
	ipv6Overhead  = 40
)

// The smallest packets that each IP version may ask a link to carry (RFC 791, RFC 8200).
const (
	ipv4MinMTU = 68
	ipv6MinMTU = 1280
)

// autoDeleteOwners are the device owners of ports that go with their network or subnet (AUTO_DELETE_PORT_OWNERS).
var autoDeleteOwners = []string{"network:dhcp", "network:distributed"}

// networks implements plugin.Resource.
type networks struct {
	*Plugin
	Reader[model.Network]
}

func (n networks) Create(ctx context.Context, c *auth.Caller, items []plugin.Body[model.Network]) ([]*model.Network, error) {
	return createAll(ctx, n.Plugin, c, items, (*request).createNetwork)
}

func (r *request) createNetwork(body plugin.Body[model.Network]) (*model.Network, error) {
	v := body.Value
	if err := settleProvider(&v); err != nil {
		return nil, err
	}
	v.ID, v.Standard = id.New[model.Network](), r.standard(v.Standard)
	v.Status, v.Subnets = model.StatusActive, []model.SubnetID{}
	if err := r.settleMTU(&v); err != nil {
		return nil, err
	}
	var err error
	if v.AvailabilityZoneHints, v.AvailabilityZones, err = r.askForZones(v.AvailabilityZoneHints); err != nil {
		return nil, err
	}
	if _, err := r.ensureDefaultGroup(v.ProjectID); err != nil {
		return nil, err
	}
	if err := r.checkDefault(&v); err != nil {
		return nil, err
	}
	if err := r.onlyDefault(store.InsertNetwork(r.tx, &v)); err != nil {
		return nil, err
	}
	if err := r.shareNewNetwork(&v); err != nil {
		return nil, err
	}
	return &v, r.record(journal.Create, journal.Network, v.ID.String(), v.ProjectID, recordedNetwork(&v))
}

// checkProvider allows the types of the MidoNet type drivers, which take no other attribute, and makes midonet the default.
func checkProvider(n *model.Network) error {
	if n.NetworkType == "" {
		if n.PhysicalNetwork != nil || n.SegmentationID != nil {
			return invalidInput("network_type required")
		}
		n.NetworkType = typeMidonet
	}
	if n.NetworkType != typeMidonet && n.NetworkType != typeUplink {
		return invalidInput("network_type value '%s' not supported", n.NetworkType)
	}
	switch {
	case n.PhysicalNetwork != nil:
		return invalidInput("physical_network prohibited for %s provider network", n.NetworkType)
	case n.SegmentationID != nil:
		return invalidInput("segmentation_id prohibited for %s provider network", n.NetworkType)
	}
	return nil
}

// settleMTU gives a network the largest MTU that the underlay carries, or checks the one that was asked for (_get_network_mtu).
func (p *Plugin) settleMTU(n *model.Network) error {
	limit := p.maxMTU(n.NetworkType)
	if n.MTU == 0 {
		n.MTU = limit
	}
	if n.MTU > limit {
		return invalidInput("Requested MTU is too big, maximum is %d", limit)
	}
	return nil
}

// maxMTU returns the largest packet that a network carries without fragments. midonet networks travel in VXLAN, and so lose its
// headers; an uplink network has no tunnel.
func (p *Plugin) maxMTU(networkType string) int {
	mtu := p.cfg.GlobalPhysnetMTU
	if networkType == typeUplink {
		return mtu
	}
	if p.cfg.PathMTU > 0 {
		mtu = min(mtu, p.cfg.PathMTU)
	}
	if p.cfg.OverlayIPVersion == 6 {
		return mtu - vxlanOverhead - ipv6Overhead
	}
	return mtu - vxlanOverhead - ipv4Overhead
}

func (n networks) Update(ctx context.Context, c *auth.Caller, networkID string,
	body plugin.Body[model.Network]) (*model.Network, error) {
	return changed(ctx, n.Plugin, c, func(r *request) (*model.Network, error) { return r.updateNetwork(networkID, body) })
}

func (r *request) updateNetwork(networkID string, body plugin.Body[model.Network]) (*model.Network, error) {
	n, err := r.changeableNetwork(networkID)
	if err != nil {
		return nil, err
	}
	if err := checkProviderUpdate(n, body); err != nil {
		return nil, err
	}
	was := *n
	shared, err := r.shareNetwork(n, body)
	if err != nil {
		return nil, err
	}
	if err := r.applyNetwork(n, body); err != nil {
		return nil, err
	}
	if !shared && !countsForNetwork(&was, n, body) {
		return n, nil
	}
	n.UpdatedAt = r.now
	if err := r.onlyDefault(store.UpdateNetwork(r.tx, n)); err != nil {
		return nil, err
	}
	return n, r.recordNetwork(n)
}

// besideNetworks are the attributes of networks that are not in their rows.
var besideNetworks = []string{"shared", "router:external", "is_default", "provider:network_type", "provider:physical_network",
	"provider:segmentation_id", "segments", "dns_domain", "port_security_enabled"}

// countsForNetwork reports whether a request is a change. In the original it is one to write what is in a network's row already, but
// not to say again what is kept beside it (neutron/services/revisions/revision_plugin.py). Sharing is told apart.
func countsForNetwork(was, n *model.Network, body plugin.Body[model.Network]) bool {
	for attr := range body.Given {
		if !slices.Contains(besideNetworks, attr) {
			return true
		}
	}
	return n.External != was.External || isDefault(n) != isDefault(was) || n.DNSDomain != was.DNSDomain || n.PortSecurityEnabled != was.PortSecurityEnabled
}

func isDefault(n *model.Network) bool { return n.External && n.IsDefault != nil && *n.IsDefault }

// applyNetwork sets the attributes that a request gives, where the rules allow it.
func (r *request) applyNetwork(n *model.Network, body plugin.Body[model.Network]) error {
	v := body.Value
	if err := r.setExternal(n, body); err != nil {
		return err
	}
	if body.Has("is_default") {
		n.IsDefault = v.IsDefault
		if err := r.checkDefault(n); err != nil {
			return err
		}
	}
	if body.Has("mtu") {
		n.MTU = v.MTU
		if err := r.checkMTU(n); err != nil {
			return err
		}
	}
	set(body.Has("name"), &n.Name, v.Name)
	set(body.Has("description"), &n.Description, v.Description)
	set(body.Has("admin_state_up"), &n.AdminStateUp, v.AdminStateUp)
	set(body.Has("dns_domain"), &n.DNSDomain, v.DNSDomain)
	set(body.Has("port_security_enabled"), &n.PortSecurityEnabled, v.PortSecurityEnabled)
	return nil
}

// set is an assignment that is made where the request gives the attribute.
func set[T any](given bool, to *T, value T) {
	if given {
		*to = value
	}
}

// checkProviderUpdate allows to repeat the present values (_update_provider_network_attributes).
func checkProviderUpdate(n *model.Network, body plugin.Body[model.Network]) error {
	v := body.Value
	switch {
	case v.NetworkType != "" && v.NetworkType != n.NetworkType, v.PhysicalNetwork != nil, !sameSegments(n, body):
		return invalidInput("Plugin does not support updating the following provider network attributes: " +
			"provider:network_type, provider:physical_network")
	case v.SegmentationID != nil && *v.SegmentationID != 0:
		return invalidInput("Only VLAN type networks can be updated.")
	}
	return nil
}

// checkMTU is _get_network_mtu and _validate_change_network_mtu: the MTU must suit the underlay and the subnets' IP versions.
func (r *request) checkMTU(n *model.Network) error {
	if err := r.settleMTU(n); err != nil || n.MTU >= ipv6MinMTU || len(n.Subnets) == 0 {
		return err
	}
	if n.MTU < ipv4MinMTU {
		return mtuSubnetConflict(n.ID, ipv4MinMTU)
	}
	subnets, err := store.AddressPlan(r.tx, n.ID)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(subnets, func(s *model.Subnet) bool { return s.IPVersion == 6 }) {
		return mtuSubnetConflict(n.ID, ipv6MinMTU)
	}
	return nil
}

// changeableNetwork returns a network that the caller sees, and locks it. Whether the caller may change it was asked before.
func (r *request) changeableNetwork(networkID string) (*model.Network, error) {
	if err := store.LockNetwork(r.tx, networkID); err != nil {
		return nil, err
	}
	n, err := store.Network(r.tx, networkID, ScopeOf(r.caller))
	if err != nil {
		return nil, store.NotFoundAs(err, networkNotFound(networkID))
	}
	return n, nil
}

func (n networks) Delete(ctx context.Context, c *auth.Caller, networkID string) error {
	return n.change(ctx, c, func(r *request) error { return r.deleteNetwork(networkID) })
}

// deleteNetwork removes a network with its subnets and the ports of its own services; any other port keeps it.
func (r *request) deleteNetwork(networkID string) error {
	n, err := r.changeableNetwork(networkID)
	if err != nil {
		return err
	}
	if err := r.networkGoes(n.ID); err != nil {
		return err
	}
	ports, err := store.PortsOf(r.tx, n.ID)
	if err != nil {
		return err
	}
	var users []string
	for _, p := range ports {
		if !slices.Contains(autoDeleteOwners, p.DeviceOwner) {
			users = append(users, p.ID.String())
		}
	}
	if len(users) > 0 {
		return networkInUse(n.ID, users)
	}
	for _, p := range ports {
		locked, err := r.changeablePort(p.ID.String())
		if err == nil {
			err = r.removePort(locked)
		}
		if err != nil {
			return err
		}
	}
	if err := r.removeSubnetsOf(n.ID); err != nil {
		return err
	}
	err = store.DeleteNetwork(r.tx, n.ID)
	if store.Violates(err, store.Reference) {
		return networkInUse(n.ID, nil) // a port or subnet that came meanwhile
	}
	if err != nil {
		return store.NotFoundAs(err, networkNotFound(networkID))
	}
	return r.record(journal.Delete, journal.Network, n.ID.String(), n.ProjectID, nil)
}

func (r *request) removeSubnetsOf(network model.NetworkID) error {
	subnets, err := store.SubnetsOf(r.tx, network)
	if err != nil {
		return err
	}
	for _, s := range subnets {
		if err := r.removeSubnet(s); err != nil {
			return err
		}
	}
	return nil
}
