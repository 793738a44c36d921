package translate

import (
	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/topology"
)

func linksOfForwarding(f *model.PortForwarding) []link {
	return []link{{how: forwardingOf, to: f.FloatingIPID}, {how: forwardingTo, to: f.InternalPortID}}
}

func needsOfForwarding(f *model.PortForwarding) []Owner {
	return []Owner{{FloatingIP, f.FloatingIPID}, {Port, f.InternalPortID}}
}

// renderForwarding renders a forwarding while the router answers for the floating address and the port behind it exists.
func renderForwarding(v View, f *model.PortForwarding) []topology.Object {
	floating := find(v, f.FloatingIPID)
	proto, known := protocolNumber(f.Protocol)
	if floating == nil || !known || find(v, f.InternalPortID) == nil || !sameFamily(floating.FloatingIPAddress, f.InternalIPAddress) {
		return nil
	}
	_, port, ok := floatingPort(v, floating)
	if !ok {
		return nil
	}
	outer, inner := ranges(f)
	return []topology.Object{&topology.PortForwarding{
		ID:        id.As[topology.PortForwarding](f.ID),
		Router:    id.As[topology.Router](floating.RouterID),
		Port:      port,
		Addr:      floating.FloatingIPAddress,
		Proto:     proto,
		Ports:     topology.PortRange{First: uint16(outer.First), Last: uint16(outer.Last), Set: true},
		Fixed:     f.InternalIPAddress,
		FixedPort: uint16(inner.First),
	}}
}

// ranges returns the ports of the floating address and of the fixed one; a forwarding of one port has no range.
func ranges(f *model.PortForwarding) (outer, inner model.PortRange) {
	outer, inner = f.ExternalPortRange, f.InternalPortRange
	if outer.IsZero() {
		outer = model.OnePort(f.ExternalPort)
	}
	if inner.IsZero() {
		inner = model.OnePort(f.InternalPort)
	}
	return outer, inner
}
