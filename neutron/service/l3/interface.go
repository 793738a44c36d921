package l3

import (
	"context"
	"encoding/json"
	"slices"

	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/apidef"
	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/store"
)

// Interface is what the actions on a router's interfaces answer (_make_router_interface_info).
type Interface struct {
	ID        model.RouterID   `json:"id"`
	TenantID  string           `json:"tenant_id"` // the port's
	PortID    model.PortID     `json:"port_id"`
	NetworkID model.NetworkID  `json:"network_id"`
	SubnetID  model.SubnetID   `json:"subnet_id"`
	SubnetIDs []model.SubnetID `json:"subnet_ids"`
}

// interfaceRequest names a router's interface.
type interfaceRequest struct {
	port   string // "": by subnet
	subnet string
}

// readInterface is _validate_interface_info.
func readInterface(body json.RawMessage, forRemoval bool) (interfaceRequest, error) {
	var given struct {
		PortID   json.RawMessage `json:"port_id"`
		SubnetID json.RawMessage `json:"subnet_id"`
	}
	if len(body) > 0 {
		if err := json.Unmarshal(body, &given); err != nil {
			return interfaceRequest{}, err
		}
	}
	if given.PortID == nil && given.SubnetID == nil {
		return interfaceRequest{}, badRequest("router", "Either subnet_id or port_id must be specified")
	}
	port, err := readUUID(given.PortID)
	if err != nil {
		return interfaceRequest{}, err
	}
	subnet, err := readUUID(given.SubnetID)
	if err != nil {
		return interfaceRequest{}, err
	}
	if port != "" && subnet != "" && !forRemoval {
		return interfaceRequest{}, badRequest("router", "Cannot specify both subnet-id and port-id")
	}
	return interfaceRequest{port: port, subnet: subnet}, nil
}

// readUUID reads a JSON string that is an identifier; "" where there is none.
func readUUID(raw json.RawMessage) (string, error) {
	if raw == nil {
		return "", nil
	}
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		return "", err
	}
	s, _ := v.(string)
	u, err := id.Parse[struct{}](s)
	if err != nil || u.IsZero() {
		return "", badRequest("router", "'%s' is not a valid UUID", apidef.Text(v))
	}
	return u.String(), nil
}

// AddInterface is the action add_router_interface.
func (p *Plugin) AddInterface(ctx context.Context, c *auth.Caller, routerID string, body json.RawMessage) (any, error) {
	return changed(ctx, p, c, func(r *request) (any, error) {
		router, err := r.touchedRouter(routerID)
		if err != nil {
			return nil, err
		}
		want, err := readInterface(body, false)
		if err != nil {
			return nil, err
		}
		if want.port != "" {
			return r.addByPort(router, want.port)
		}
		return r.addBySubnet(router, want.subnet)
	})
}

// addByPort makes a port an interface of the router (_add_interface_by_port).
func (r *request) addByPort(router *model.Router, portID string) (*Interface, error) {
	port, err := r.Port(portID)
	if err != nil {
		return nil, err
	}
	subnets, err := r.checkNewInterface(router, port)
	if err != nil {
		return nil, err
	}
	changed, err := r.UpdatePort(port.ID, plugin.Body[model.Port]{
		Value: model.Port{DeviceID: router.ID.String(), DeviceOwner: model.OwnerRouterInterface},
		Given: map[string]bool{"device_id": true, "device_owner": true},
	})
	if err != nil {
		return nil, err
	}
	return r.told(journal.Create, added(router, changed, subnets), nil)
}

// checkNewInterface is _check_router_port and _validate_router_port_info: whether the port can be an interface of the router.
func (r *request) checkNewInterface(router *model.Router, port *model.Port) ([]*model.Subnet, error) {
	if port.DeviceID != "" {
		return nil, portInUse(port)
	}
	if len(port.FixedIPs) == 0 {
		return nil, badRequest("router", "Router port must have at least one fixed IP")
	}
	subnets, err := r.subnetsOf(port)
	if err != nil {
		return nil, err
	}
	for _, s := range subnets {
		if err := checkAddressMode(s); err != nil {
			return nil, err
		}
	}
	if err := r.checkOnlyIPv6(router, port); err != nil {
		return nil, err
	}
	if err := r.checkNewSubnets(router, subnets); err != nil {
		return nil, err
	}
	if len(slices.DeleteFunc(slices.Clone(subnets), func(s *model.Subnet) bool { return s.IPVersion == 6 })) > 1 {
		return nil, badRequest("router", "Cannot have multiple IPv4 subnets on router port")
	}
	return subnets, r.checkInPools(port, subnets)
}

// checkAddressMode is _validate_subnet_address_mode.
func checkAddressMode(s *model.Subnet) error {
	if s.IPVersion == 6 && s.IPv6RAMode == nil && s.IPv6AddressMode != nil {
		return badRequest("router", "IPv6 subnet %s configured to receive RAs from an external router cannot be added to Neutron Router.", s.ID)
	}
	return nil
}

// checkOnlyIPv6 allows one interface with IPv6 subnets on each network.
func (r *request) checkOnlyIPv6(router *model.Router, port *model.Port) error {
	if !hasIPv6(port) {
		return nil
	}
	existing, err := r.ipv6Interface(router, port.NetworkID)
	if err != nil || existing == nil {
		return err
	}
	return badRequest("router", "Cannot have multiple router ports with the same network id if both contain IPv6 subnets. "+
		"Existing port %s has IPv6 subnet(s) and network id %s", existing.ID, existing.NetworkID)
}

// ipv6Interface returns the router's interface on the network that has IPv6 addresses, nil where there is none
// (_find_ipv6_router_port_by_network).
func (r *request) ipv6Interface(router *model.Router, network model.NetworkID) (*model.Port, error) {
	interfaces, err := store.PortsOfDevice(r.Tx(), router.ID.String(), model.OwnerRouterInterface)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(interfaces, func(p *model.Port) bool { return p.NetworkID == network && hasIPv6(p) })
	if i < 0 {
		return nil, nil
	}
	return interfaces[i], nil
}

func hasIPv6(p *model.Port) bool {
	return slices.ContainsFunc(p.FixedIPs, func(f model.FixedIP) bool { return f.IPAddress.Is6() })
}

// checkNewSubnets is _check_for_dup_router_subnets: the router is not on the subnets yet, nor on others that share addresses with them.
func (r *request) checkNewSubnets(router *model.Router, subnets []*model.Subnet) error {
	reached, err := store.SubnetsReached(r.Tx(), router.ID)
	if err != nil || !slices.ContainsFunc(reached, func(old *store.ReachedSubnet) bool { return overlapsAny(old, subnets) }) {
		return err
	}
	if reached, err = store.SubnetsReachedInOrder(r.Tx(), router.ID); err != nil {
		return err
	}
	for _, old := range reached {
		if old.Attached && slices.ContainsFunc(subnets, func(s *model.Subnet) bool { return s.ID == old.ID }) {
			return badRequest("router", "Router already has a port on subnet %s", old.ID)
		}
	}
	for _, old := range reached {
		for _, s := range subnets {
			if old.CIDR.Overlaps(s.CIDR) {
				return badRequest("router", "Cidr %s of subnet %s overlaps with cidr %s of subnet %s", s.CIDR, s.ID, old.CIDR, old.ID)
			}
		}
	}
	return nil
}

func overlapsAny(old *store.ReachedSubnet, subnets []*model.Subnet) bool {
	return slices.ContainsFunc(subnets, func(s *model.Subnet) bool { return old.CIDR.Overlaps(s.CIDR) })
}

// checkInPools keeps a project from taking another's address outside of the subnet's pools by way of a router
// (_validate_port_in_range_or_admin).
func (r *request) checkInPools(port *model.Port, subnets []*model.Subnet) error {
	for i, f := range port.FixedIPs {
		s := subnets[i]
		inPool := slices.ContainsFunc(s.AllocationPools, func(p model.AllocationPool) bool {
			return !f.IPAddress.Less(p.Start) && !p.End.Less(f.IPAddress)
		})
		if !inPool && !r.Caller().Admin && s.ProjectID != r.Caller().ProjectID {
			return badRequest("router", "Cannot add interface to router because specified port %s has an IP address out of the "+
				"allocation pool of subnet %s, which is not owned by the project making the request", port.ID, s.ID)
		}
	}
	return nil
}

// addBySubnet gives the router the subnet's gateway address, on an interface of its own, or for IPv6 on the one that the router has on
// the network (_add_interface_by_subnet).
func (r *request) addBySubnet(router *model.Router, subnetID string) (*Interface, error) {
	subnet, err := r.Subnet(subnetID)
	if err != nil {
		return nil, err
	}
	if err := r.mayRoute(subnet); err != nil {
		return nil, err
	}
	if err := r.checkNewSubnets(router, []*model.Subnet{subnet}); err != nil {
		return nil, err
	}
	port, err := r.portOn(router, subnet)
	if err != nil {
		return nil, err
	}
	return r.told(journal.Create, added(router, port, []*model.Subnet{subnet}), nil)
}

// mayRoute refuses subnets that have no place for a router, or that the project sees and may not change: those of networks that are
// everyone's, as opposed to those that are shared with the project by name.
func (r *request) mayRoute(s *model.Subnet) error {
	if !s.GatewayIP.IsValid() {
		return badRequest("router", "Subnet for router interface must have a gateway IP")
	}
	if !r.Caller().Admin && s.ProjectID != r.Caller().ProjectID {
		targets, err := store.RBACTargets(r.Tx(), s.NetworkID.String(), model.AccessAsShared)
		if err != nil {
			return err
		}
		if !slices.Contains(targets, r.Caller().ProjectID) {
			return badRequest("router", "Cannot add interface to router because subnet %s is not owned by project making the request", s.ID)
		}
	}
	return checkAddressMode(s)
}

// portOn returns the interface by which the router is on the subnet from now on.
func (r *request) portOn(router *model.Router, s *model.Subnet) (*model.Port, error) {
	fixed := model.FixedIP{SubnetID: s.ID, IPAddress: s.GatewayIP}
	if s.IPVersion == 6 {
		existing, err := r.ipv6Interface(router, s.NetworkID)
		if err != nil {
			return nil, err
		}
		if existing != nil {
			return r.readdress(existing, append(existing.FixedIPs, fixed))
		}
	}
	return r.CreatePort(plugin.Body[model.Port]{
		Value: model.Port{
			Standard: model.Standard{ProjectID: router.ProjectID}, NetworkID: s.NetworkID, AdminStateUp: true,
			FixedIPs: []model.FixedIP{fixed}, DeviceID: router.ID.String(), DeviceOwner: model.OwnerRouterInterface,
		},
		Given: map[string]bool{"fixed_ips": true},
	})
}

func (r *request) readdress(p *model.Port, fixed []model.FixedIP) (*model.Port, error) {
	return r.UpdatePort(p.ID, plugin.Body[model.Port]{
		Value: model.Port{FixedIPs: fixed}, Given: map[string]bool{"fixed_ips": true},
	})
}

// added is the answer to a new interface; the last of the subnets is the one that older clients know.
func added(router *model.Router, port *model.Port, subnets []*model.Subnet) *Interface {
	return answer(router, port, subnets, subnets[len(subnets)-1])
}

func answer(router *model.Router, port *model.Port, subnets []*model.Subnet, one *model.Subnet) *Interface {
	i := &Interface{ID: router.ID, TenantID: port.ProjectID, PortID: port.ID, NetworkID: port.NetworkID, SubnetID: one.ID}
	for _, s := range subnets {
		i.SubnetIDs = append(i.SubnetIDs, s.ID)
	}
	return i
}
