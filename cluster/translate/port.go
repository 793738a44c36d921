package translate

import (
	"net/netip"
	"strings"

	"midonet.org/midonet/id"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/topology"
)

const (
	// ownerFloatingIP is the device_owner of the port that only reserves a floating address; no interface is ever plugged into it.
	ownerFloatingIP = "network:floatingip"
	// ownerNetwork begins the device_owner of every port that is the network's own and no workload's.
	ownerNetwork = "network:"
)

func renderPort(v View, p model.PortID) []topology.Object {
	port := v.Port(p)
	if port == nil || port.DeviceOwner == ownerFloatingIP || virtual(v, port.NetworkID) == nil {
		return nil
	}
	r := portRenderer{port: port, bridge: id.As[topology.Bridge](port.NetworkID), id: id.As[topology.Port](port.ID)}
	objects := []topology.Object{&topology.Port{
		ID:        r.id,
		Bridge:    r.bridge,
		Name:      port.Name,
		ProjectID: port.ProjectID,
		AdminUp:   port.AdminStateUp,
	}}
	objects = append(objects, r.stations()...)
	if !strings.HasPrefix(port.DeviceOwner, ownerNetwork) {
		objects = append(objects, r.reservations()...)
	}
	return objects
}

// touchedByPort returns the subnets that a DHCP port serves or has served: they announce its address.
func touchedByPort(before, after View, p model.PortID) []Owner {
	var owners []Owner
	for _, v := range []View{before, after} {
		if port := v.Port(p); port != nil && port.DeviceOwner == ownerDHCP {
			owners = append(owners, subnetOwners(v.SubnetsOf(port.NetworkID))...)
		}
	}
	return owners
}

// portRenderer renders one port.
type portRenderer struct {
	port   *model.Port
	bridge topology.BridgeID
	id     topology.PortID
}

// stations returns what is known without learning: where the MAC is, and which MAC has each address.
func (r portRenderer) stations() []topology.Object {
	if r.port.MACAddress.IsZero() {
		return nil
	}
	objects := []topology.Object{topology.NewMACEntry(r.bridge, r.port.MACAddress, r.id)}
	for _, addr := range r.addresses() {
		objects = append(objects, topology.NewNeighbour(r.bridge, addr, r.port.MACAddress, r.id))
	}
	return objects
}

// addresses returns the fixed addresses once each, and with any of IPv6 the link-local one that the interface gives itself, since
// neighbours and routers solicit that too.
func (r portRenderer) addresses() []netip.Addr {
	var addrs []netip.Addr
	seen := map[netip.Addr]bool{}
	add := func(a netip.Addr) {
		if a.IsValid() && !seen[a] {
			seen[a] = true
			addrs = append(addrs, a)
		}
	}
	for _, ip := range r.port.FixedIPs {
		add(ip.IPAddress)
		if ip.IPAddress.Is6() {
			add(linkLocal(r.port.MACAddress))
		}
	}
	return addrs
}

// reservations returns what DHCP gives to the holder of the port's MAC, one for each fixed address.
func (r portRenderer) reservations() []topology.Object {
	var objects []topology.Object
	for _, ip := range r.port.FixedIPs {
		objects = append(objects, &topology.DHCPHost{
			ID:       id.Derive[topology.DHCPHost](r.id, "dhcp "+ip.SubnetID.String()+" "+ip.IPAddress.String()),
			DHCP:     id.As[topology.DHCP](ip.SubnetID),
			Bridge:   r.bridge,
			Port:     r.id,
			MAC:      r.port.MACAddress,
			Addr:     ip.IPAddress,
			Hostname: hostname(ip.IPAddress),
			Options:  r.options(ip.IPAddress),
		})
	}
	return objects
}

// options returns the port's extra DHCP options for the family of the address.
func (r portRenderer) options(addr netip.Addr) []topology.DHCPOption {
	version := 4
	if addr.Is6() {
		version = 6
	}
	var options []topology.DHCPOption
	for _, o := range r.port.ExtraDHCP {
		if o.IPVersion == version || o.IPVersion == 0 && version == 4 {
			options = append(options, topology.DHCPOption{Name: o.Name, Value: o.Value})
		}
	}
	return options
}

// hostname returns the name that Neutron's DHCP agent gives to an address without a DNS name (neutron/agent/linux/dhcp.py).
func hostname(addr netip.Addr) string {
	return "host-" + strings.NewReplacer(".", "-", ":", "-").Replace(addr.String())
}

// linkLocal returns the IPv6 link-local address that an interface makes of its MAC (modified EUI-64, RFC 4291 appendix A).
func linkLocal(hw mac.Addr) netip.Addr {
	return netip.AddrFrom16([16]byte{0: 0xfe, 1: 0x80, 8: hw[0] ^ 2, 9: hw[1], 10: hw[2], 11: 0xff, 12: 0xfe, 13: hw[3], 14: hw[4], 15: hw[5]})
}
