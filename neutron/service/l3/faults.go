package l3

import (
	"fmt"
	"net/netip"
	"strings"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/model"
)

// The faults of neutron_lib/exceptions/l3.py, extraroute.py and __init__.py, of neutron/services/portforwarding/common/exceptions.py and of
// networking-midonet's router-interface-fip, with their types and texts.

func badRequest(resource, format string, args ...any) error {
	return errs.New(errs.Invalid, "BadRequest", "Bad %s request: %s.", resource, fmt.Sprintf(format, args...))
}

func routerNotFound(id string) error {
	return errs.New(errs.NotFound, "RouterNotFound", "Router %s could not be found", id)
}

func routerInUse(id model.RouterID, interfaces []*model.Port) error {
	ports := make([]string, len(interfaces))
	for i, p := range interfaces {
		ports[i] = p.ID.String()
	}
	return errs.New(errs.Conflict, "RouterInUse", "Router %s has ports still attached: %s", id, strings.Join(ports, ", "))
}

func gatewayInUse(router model.RouterID, network model.NetworkID) error {
	return errs.New(errs.Conflict, "RouterExternalGatewayInUseByFloatingIp", "Gateway cannot be updated for router %s, since a gateway "+
		"to external network %s is required by one or more floating IPs.", router, network)
}

func interfaceNotFound(router model.RouterID, port string) error {
	return errs.New(errs.NotFound, "RouterInterfaceNotFound", "Router %s does not have an interface with id %s", router, port)
}

func interfaceNotFoundForSubnet(router model.RouterID, subnet model.SubnetID) error {
	return errs.New(errs.NotFound, "RouterInterfaceNotFoundForSubnet", "Router %s has no interface on subnet %s", router, subnet)
}

func interfaceInUse(router model.RouterID, subnet model.SubnetID) error {
	return errs.New(errs.Conflict, "RouterInterfaceInUseByFloatingIP", "Router interface for subnet %s on router %s cannot be deleted, "+
		"as it is required by one or more floating IPs.", subnet, router)
}

func interfaceIsGateway(router model.RouterID, subnet model.SubnetID) error {
	return errs.New(errs.Conflict, "RouterInterfaceInUseAsGatewayByFloatingIP", "Router interface for subnet %s on router %s cannot be "+
		"deleted, as it is required by one or more floating IPs as a gateway.", subnet, router)
}

func interfaceInUseByRoute(router model.RouterID, subnet model.SubnetID) error {
	return errs.New(errs.Conflict, "RouterInterfaceInUseByRoute", "Router interface for subnet %s on router %s cannot be deleted, as it "+
		"is required by one or more routes.", subnet, router)
}

func subnetMismatch(port model.PortID, subnet string) error {
	return errs.New(errs.Invalid, "SubnetMismatchForPort", "Subnet on port %s does not match the requested subnet %s.", port, subnet)
}

func portInUse(p *model.Port) error {
	return errs.New(errs.Conflict, "PortInUse", "Unable to complete operation on port %s for network %s. "+
		"Port already has an attached device %s.", p.ID, p.NetworkID, p.DeviceID)
}

func servicePortInUse(p *model.Port) error {
	return errs.New(errs.Conflict, "ServicePortInUse", "Port %s cannot be deleted directly via the port API: has device owner %s.",
		p.ID, p.DeviceOwner)
}

func deviceNotOwned(device string) error {
	return errs.New(errs.Conflict, "DeviceIDNotOwnedByTenant", "The following device_id %s is not owned by your tenant or matches "+
		"another tenants router.", device)
}

func routesExhausted(router model.RouterID, limit int) error {
	return errs.New(errs.Invalid, "RoutesExhausted", "Unable to complete operation for %s. The number of routes exceeds the maximum %d.",
		router, limit)
}

func invalidRoutes(routes []model.HostRoute, reason string) error {
	texts := make([]string, len(routes))
	for i, r := range routes {
		texts[i] = fmt.Sprintf("{'destination': '%s', 'nexthop': '%s'}", r.Destination, r.NextHop)
	}
	return errs.New(errs.Invalid, "InvalidRoutes", "Invalid format for routes: [%s], %s", strings.Join(texts, ", "), reason)
}

func floatingIPNotFound(id string) error {
	return errs.New(errs.NotFound, "FloatingIPNotFound", "Floating IP %s could not be found", id)
}

func noExternalAddress(network model.NetworkID) error {
	return errs.New(errs.Invalid, "ExternalIpAddressExhausted", "Unable to find any IP address on external network %s.", network)
}

func notReachable(subnet model.SubnetID, network model.NetworkID, port model.PortID) error {
	return errs.New(errs.NotFound, "ExternalGatewayForFloatingIPNotFound", "External network %s is not reachable from subnet %s.  "+
		"Therefore, cannot associate Port %s with a Floating IP.", network, subnet, port)
}

func alreadyAssociated(f *model.FloatingIP, port model.PortID, fixed netip.Addr) error {
	return errs.New(errs.Conflict, "FloatingIPPortAlreadyAssociated", "Cannot associate floating IP %s (%s) with port %s using fixed IP "+
		"%s, as that fixed IP already has a floating IP on external network %s.",
		f.FloatingIPAddress, f.ID, port, fixed, f.FloatingNetworkID)
}

func forwardingNotFound(id string) error {
	return errs.New(errs.NotFound, "PortForwardingNotFound", "Port Forwarding %s could not be found.", id)
}

func floatingIPForwards(id model.FloatingIPID) error {
	return errs.New(errs.Conflict, "FipInUseByPortForwarding", "Floating IP %s in use by Port Forwarding resources.", id)
}

func portHasFloatingIP(f *model.FloatingIP, port model.PortID, fixed netip.Addr) error {
	return errs.New(errs.Conflict, "PortHasBindingFloatingIP", "Cannot create port forwarding to floating IP %s (%s) with port %s using "+
		"fixed IP %s, as that port already has a binding floating IP.", f.FloatingIPAddress, f.ID, port, fixed)
}
