package reference

import (
	"encoding/json"
	"fmt"

	"pgregory.net/rapid"

	"midonet.org/midonet/cluster/translate"
	"midonet.org/midonet/id"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/neutron/model"
)

// networkMTU is every network's.
const networkMTU = 1450

// neutron returns the cloud's Neutron objects.
func (w *world) neutron(t *rapid.T) *translate.Set {
	set := translate.NewSet(translate.DefaultSettings())
	put := func(resource translate.Resource, i [16]byte, object any) {
		text, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		change, err := translate.Decode(translate.Owner{Resource: resource, ID: i}, text)
		if err != nil {
			t.Fatal(err)
		}
		set.Apply(change)
	}
	for k := range w.networks {
		put(translate.Network, networkID(k), model.Network{ID: networkID(k), AdminStateUp: !w.networks[k].off, MTU: networkMTU, NetworkType: "midonet",
			External: k == 0})
		for _, six := range w.families(k) {
			put(translate.Subnet, subnetID(k, six), w.neutronSubnet(k, six))
		}
	}
	for u := range w.uplinks {
		k := uplinkNetwork(u)
		put(translate.Network, networkID(k), model.Network{ID: networkID(k), AdminStateUp: true, MTU: networkMTU, NetworkType: "uplink"})
		for _, six := range []bool{false, true} {
			put(translate.Subnet, subnetID(k, six), w.neutronSubnet(k, six))
		}
	}
	for i, set := range w.sets {
		put(translate.AddressGroup, setID(i), model.AddressGroup{ID: setID(i), Addresses: set})
	}
	for g, group := range w.groups {
		put(translate.SecurityGroup, groupID(g), model.SecurityGroup{ID: groupID(g), Stateful: group.stateful})
		for i, r := range group.rules {
			rule := r.neutron(g, i)
			put(translate.SecurityGroupRule, rule.ID, rule)
		}
	}
	for r := range w.routers {
		put(translate.Router, routerID(r), w.neutronRouter(r))
		for _, p := range w.routerPorts(r) {
			put(translate.Port, p.ID, p)
		}
	}
	for m := range w.machines {
		put(translate.Port, machineID(m), w.neutronPort(m))
	}
	if w.virtual.kept {
		put(translate.Port, virtualID(), w.virtualPort())
	}
	for _, f := range w.floating {
		port := machineID(f.machine)
		if f.virtual {
			port = virtualID()
		}
		put(translate.FloatingIP, floatingID(f.n), model.FloatingIP{ID: floatingID(f.n), FloatingNetworkID: networkID(0),
			FloatingIPAddress: f.address(), RouterID: routerID(f.router), PortID: port, FixedIPAddress: w.fixed(f)})
	}
	for _, f := range w.forwardings {
		put(translate.FloatingIP, floatingID(f.n), model.FloatingIP{ID: floatingID(f.n), FloatingNetworkID: networkID(0),
			FloatingIPAddress: f.address(), RouterID: routerID(f.router)})
		fixed, _ := w.address(f.machine, false)
		i := id.Derive[model.PortForwarding](model.PortForwardingID{}, fmt.Sprint("forwarding ", f.n))
		put(translate.PortForwarding, i, model.PortForwarding{ID: i, FloatingIPID: floatingID(f.n), InternalPortID: machineID(f.machine),
			InternalIPAddress: fixed, Protocol: f.proto, ExternalPort: model.PortNumber(f.port),
			ExternalPortRange: twoPorts(f.port), InternalPort: model.PortNumber(f.to), InternalPortRange: twoPorts(f.to)})
	}
	return set
}

func twoPorts(n int) model.PortRange {
	return model.PortRange{First: model.PortNumber(n), Last: model.PortNumber(n + 1)}
}

func (w *world) neutronSubnet(k int, six bool) model.Subnet {
	s := model.Subnet{ID: subnetID(k, six), NetworkID: networkID(k), IPVersion: 4, CIDR: prefix(k, six), GatewayIP: nth(k, six, 1)}
	if six {
		s.IPVersion = 6
	}
	if k < 0 {
		return s
	}
	n := w.networks[k]
	s.EnableDHCP = n.dhcp
	if six && n.mode != "" {
		s.IPv6RAMode, s.IPv6AddressMode = &n.mode, &n.mode
	}
	return s
}

// families are IPv4, and IPv6 where the network has it.
func (w *world) families(network int) []bool {
	if network < 0 || w.networks[network].dual {
		return []bool{false, true}
	}
	return []bool{false}
}

func networkID(k int) model.NetworkID {
	return id.Derive[model.Network](model.NetworkID{}, fmt.Sprint("network ", k))
}

func subnetID(k int, six bool) model.SubnetID {
	return id.Derive[model.Subnet](model.SubnetID{}, fmt.Sprint("subnet ", k, six))
}

func groupID(g int) model.SecurityGroupID {
	return id.Derive[model.SecurityGroup](model.SecurityGroupID{}, fmt.Sprint("group ", g))
}

func setID(i int) model.AddressGroupID {
	return id.Derive[model.AddressGroup](model.AddressGroupID{}, fmt.Sprint("address group ", i))
}

func routerID(r int) model.RouterID {
	return id.Derive[model.Router](model.RouterID{}, fmt.Sprint("router ", r))
}

func machineID(m int) model.PortID {
	return id.Derive[model.Port](model.PortID{}, fmt.Sprint("machine ", m))
}

func virtualID() model.PortID { return id.Derive[model.Port](model.PortID{}, "virtual") }

func floatingID(n int) model.FloatingIPID {
	return id.Derive[model.FloatingIP](model.FloatingIPID{}, fmt.Sprint("floating ", n))
}

func (r rule) neutron(g, i int) model.SecurityGroupRule {
	n := model.SecurityGroupRule{ID: id.Derive[model.SecurityGroupRule](model.SecurityGroupRuleID{}, fmt.Sprint("rule ", g, i)),
		SecurityGroupID: groupID(g), Direction: model.Egress, EtherType: model.IPv4}
	if r.ingress {
		n.Direction = model.Ingress
	}
	if r.six {
		n.EtherType = model.IPv6
	}
	if r.proto != "" {
		n.Protocol = &r.proto
	}
	if r.first != 0 {
		n.PortRangeMin, n.PortRangeMax = &r.first, &r.last
	}
	if r.remote.IsValid() {
		text := r.remote.String()
		n.RemoteIPPrefix, n.NormalizedCIDR = &text, r.remote
	}
	if r.remoteGroup >= 0 {
		other := groupID(r.remoteGroup)
		n.RemoteGroupID = &other
	}
	if r.remoteSet >= 0 {
		set := setID(r.remoteSet)
		n.RemoteAddressGroupID = &set
	}
	return n
}

func (w *world) neutronRouter(r int) model.Router {
	n := model.Router{ID: routerID(r), AdminStateUp: !w.routers[r].off}
	if w.routers[r].gateway {
		n.Gateway = &model.GatewayInfo{NetworkID: networkID(0), EnableSNAT: w.routers[r].snat}
	}
	for _, x := range w.routers[r].routes {
		n.Routes = append(n.Routes, model.HostRoute{Destination: x.to, NextHop: x.via})
	}
	return n
}

func routerPortID(r, network int) model.PortID {
	return id.Derive[model.Port](model.PortID{}, fmt.Sprint("router ", r, " on ", network))
}

func (w *world) routerPorts(r int) []model.Port {
	var ports []model.Port
	for _, k := range w.networksOf(r) {
		p := model.Port{ID: routerPortID(r, k), NetworkID: networkID(k), AdminStateUp: !w.routers[r].isOff(k), MACAddress: routerMAC(r, k),
			DeviceID: routerID(r).String(), DeviceOwner: model.OwnerRouterInterface}
		if k == 0 && w.routers[r].gateway {
			p.DeviceOwner = model.OwnerRouterGateway
		}
		for _, six := range w.families(k) {
			if a, ok := w.routerAddress(r, k, six); ok {
				p.FixedIPs = append(p.FixedIPs, model.FixedIP{SubnetID: subnetID(k, six), IPAddress: a})
			}
		}
		ports = append(ports, p)
	}
	return ports
}

func (w *world) virtualPort() model.Port {
	k := w.virtual.network
	p := model.Port{ID: virtualID(), NetworkID: networkID(k), AdminStateUp: true, MACAddress: mac.Addr{2, 0xdd, 0, 0, 0, 1}}
	for _, six := range w.families(k) {
		p.FixedIPs = append(p.FixedIPs, model.FixedIP{SubnetID: subnetID(k, six), IPAddress: w.virtual.address(six)})
	}
	return p
}

func (w *world) neutronPort(m int) model.Port {
	x := w.machines[m]
	p := model.Port{ID: machineID(m), NetworkID: networkID(x.network), AdminStateUp: !x.off, MACAddress: machineMAC(m), DeviceOwner: "compute:nova",
		DeviceID: fmt.Sprint("machine ", m), PortSecurityEnabled: x.secured}
	for _, six := range w.families(x.network) {
		for _, a := range w.addresses(m, six) {
			p.FixedIPs = append(p.FixedIPs, model.FixedIP{SubnetID: subnetID(x.network, six), IPAddress: a})
		}
	}
	if !x.secured {
		return p
	}
	for _, g := range x.groups {
		p.SecurityGroups = append(p.SecurityGroups, groupID(g))
	}
	for _, pair := range x.pairs {
		p.AllowedAddressPairs = append(p.AllowedAddressPairs, model.AddressPair{IPAddress: pair, MACAddress: machineMAC(m)})
	}
	return p
}
