package translate

import (
	"strconv"

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
	whole := topology.PortForwarding{
		ID:     id.As[topology.PortForwarding](f.ID),
		Router: id.As[topology.Router](floating.RouterID),
		Port:   port,
		Addr:   floating.FloatingIPAddress,
		Proto:  proto,
		Fixed:  f.InternalIPAddress,
	}
	return inPorts(whole, f)
}

// inPorts gives the forwarding its ports. A range that goes to a range is one object. A range that goes to a single port, which Neutron
// allows too, is one for each port of the range, since the ports of an object go to as many.
func inPorts(whole topology.PortForwarding, f *model.PortForwarding) []topology.Object {
	outer, inner := ranges(f)
	if outer.Size() == inner.Size() {
		return []topology.Object{withPorts(whole, whole.ID, outer, inner.First)}
	}
	var objects []topology.Object
	for p := int(outer.First); p <= int(outer.Last); p++ {
		one := id.Derive[topology.PortForwarding](f.ID, "port "+strconv.Itoa(p))
		objects = append(objects, withPorts(whole, one, model.OnePort(model.PortNumber(p)), inner.First))
	}
	return objects
}

func withPorts(f topology.PortForwarding, own topology.PortForwardingID, outer model.PortRange, inner model.PortNumber) topology.Object {
	f.ID = own
	f.Ports = topology.PortRange{First: uint16(outer.First), Last: uint16(outer.Last), Set: true}
	f.FixedPort = uint16(inner)
	return &f
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
