package ml2

import (
	"fmt"
	"net/netip"
	"strings"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/neutron/model"
)

// The faults of neutron_lib/exceptions/__init__.py and neutron/ipam/exceptions.py, with their types and texts.

func networkNotFound(id string) error {
	return errs.New(errs.NotFound, "NetworkNotFound", "Network %s could not be found.", id)
}

func subnetNotFound(id string) error {
	return errs.New(errs.NotFound, "SubnetNotFound", "Subnet %s could not be found.", id)
}

func portNotFound(id string) error {
	return errs.New(errs.NotFound, "PortNotFound", "Port %s could not be found.", id)
}

func subnetPoolNotFound(id string) error {
	return errs.New(errs.NotFound, "SubnetPoolNotFound", "Subnet pool %s could not be found.", id)
}

func invalidInput(format string, args ...any) error {
	return errs.New(errs.Invalid, "InvalidInput", "Invalid input for operation: %s.", fmt.Sprintf(format, args...))
}

func badRequest(resource, format string, args ...any) error {
	return errs.New(errs.Invalid, "BadRequest", "Bad %s request: %s.", resource, fmt.Sprintf(format, args...))
}

func networkInUse(id model.NetworkID, ports []string) error {
	reason := "There are one or more ports still in use on the network"
	if len(ports) > 0 {
		reason += ", id for these ports is: " + strings.Join(ports, ",")
	}
	return errs.New(errs.Conflict, "NetworkInUse", "Unable to complete operation on network %s. %s.", id, reason)
}

func invalidSharedSetting(network string) error {
	return errs.New(errs.Conflict, "InvalidSharedSetting",
		"Unable to reconfigure sharing settings for network %s. Multiple tenants are using it.", network)
}

func externalInUse(id model.NetworkID) error {
	return errs.New(errs.Conflict, "ExternalNetworkInUse", "External network %s cannot be updated to be made non-external, since it "+
		"has existing gateway ports.", id)
}

func mtuSubnetConflict(id model.NetworkID, minimum int) error {
	return errs.New(errs.Conflict, "NetworkMTUSubnetConflict",
		"MTU of %s is not valid, subnet requires a minimum of %d", id, minimum)
}

func subnetInUse(id model.SubnetID) error {
	return errs.New(errs.Conflict, "SubnetInUse", "Unable to complete operation on subnet %s: "+
		"One or more ports have an IP allocation from this subnet.", id)
}

// invalidPool shows the pool as the original does: as a Python dictionary what is no range, as a range what is one of the other family.
func invalidPool(p model.AllocationPool) error {
	text := poolText(p)
	if p.Start.Is4() != p.End.Is4() || p.End.Less(p.Start) {
		text = fmt.Sprintf("{'start': '%s', 'end': '%s'}", p.Start, p.End)
	}
	return errs.New(errs.Invalid, "InvalidAllocationPool", "The allocation pool %s is not valid.", text)
}

func poolOutOfBounds(p model.AllocationPool, cidr netip.Prefix) error {
	return errs.New(errs.Invalid, "OutOfBoundsAllocationPool",
		"The allocation pool %s spans beyond the subnet cidr %s.", poolText(p), cidr)
}

func poolsOverlap(a, b model.AllocationPool, cidr netip.Prefix) error {
	return errs.New(errs.Conflict, "OverlappingAllocationPools",
		"Found overlapping allocation pools: %s %s for subnet %s.", poolText(a), poolText(b), cidr)
}

func gatewayInPool(gateway netip.Addr, p model.AllocationPool) error {
	return errs.New(errs.Conflict, "GatewayConflictWithAllocationPools",
		"Gateway ip %s conflicts with allocation pool %s.", gateway, poolText(p))
}

func gatewayInUse(gateway netip.Addr, port model.PortID) error {
	return errs.New(errs.Conflict, "GatewayIpInUse",
		"Current gateway ip %s already in use by port %s. Unable to update.", gateway, port)
}

func tooManyNameservers(subnet string, limit int) error {
	return errs.New(errs.Invalid, "DNSNameServersExhausted",
		"Unable to complete operation for %s. The number of DNS nameservers exceeds the limit %d.", subnet, limit)
}

func tooManyRoutes(subnet string, limit int) error {
	return errs.New(errs.Invalid, "HostRoutesExhausted",
		"Unable to complete operation for %s. The number of host routes exceeds the limit %d.", subnet, limit)
}

func macInUse(network model.NetworkID, a mac.Addr) error {
	return errs.New(errs.Conflict, "MacAddressInUse",
		"Unable to complete operation for network %s. The mac address %s is in use.", network, a)
}

func noMACLeft(network model.NetworkID) error {
	return errs.New(errs.Unavailable, "NetworkMacAddressGenerationFailure",
		"Unable to generate unique mac on network %s.", network)
}

func portBound(p *model.Port, wanted mac.Addr) error {
	return errs.New(errs.Conflict, "PortBound", "Unable to complete operation on port %s, port is already bound, port type: %s, "+
		"old_mac %s, new_mac %s.", p.ID, p.VIFType, p.MACAddress, wanted)
}

func portInUse(p *model.Port) error {
	return errs.New(errs.Conflict, "PortInUse", "Unable to complete operation on port %s for network %s. "+
		"Port already has an attached device %s.", p.ID, p.NetworkID, p.DeviceID)
}

func unsupportedOwner(op string, p *model.Port) error {
	return errs.New(errs.Conflict, "UnsupportedPortDeviceOwner",
		"Operation %s is not supported for device_owner %s on port %s.", op, p.DeviceOwner, p.ID)
}

func pairsNeedSecurity() error {
	return errs.New(errs.Conflict, "AddressPairAndPortSecurityRequired",
		"Port Security must be enabled in order to have allowed address pairs on a port.")
}

func tooManyPairs(limit int) error {
	return errs.New(errs.Invalid, "AllowedAddressPairExhausted", "The number of allowed address pair exceeds the maximum %d.", limit)
}

func groupsNeedSecurity() error {
	return errs.New(errs.Invalid, "PortSecurityAndIPRequiredForSecurityGroups",
		"Port security must be enabled and port must have an IP address in order to use security groups.")
}

func portHasGroups() error {
	return errs.New(errs.Conflict, "PortSecurityPortHasSecurityGroup", "Port has security group associated. Cannot disable port "+
		"security or IP address until security group is removed.")
}

func addressTaken(a netip.Addr, subnet model.SubnetID) error {
	return errs.New(errs.Conflict, "IpAddressAlreadyAllocated", "IP address %s already allocated in subnet %s", a, subnet)
}

func noAddressLeft(network model.NetworkID) error {
	return errs.New(errs.Conflict, "IpAddressGenerationFailure", "No more IP addresses available on network %s.", network)
}

func noServiceSubnet(p *model.Port) error {
	return errs.New(errs.Conflict, "IpAddressGenerationFailureNoMatchingSubnet",
		"No valid service subnet for the given device owner, network %s, service type %s.", p.NetworkID, p.DeviceOwner)
}

func invalidForNetwork(a netip.Addr) error {
	return errs.New(errs.Invalid, "InvalidIpForNetwork",
		"IP address %s is not a valid IP for any of the subnets on the specified network.", a)
}

func invalidForSubnet(a netip.Addr) error {
	return errs.New(errs.Invalid, "InvalidIpForSubnet", "IP address %s is not a valid IP for the specified subnet.", a)
}

func autoAddressSubnet(a netip.Addr, subnet model.SubnetID) error {
	return errs.New(errs.Invalid, "AllocationOnAutoAddressSubnet", "IPv6 address %s cannot be directly assigned to a port on "+
		"subnet %s as the subnet is configured for automatic addresses", a, subnet)
}

// poolText is netaddr's form of a range.
func poolText(p model.AllocationPool) string { return p.Start.String() + "-" + p.End.String() }
