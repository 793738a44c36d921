package l3

import (
	"fmt"
	"slices"
	"strings"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/store"
)

func badForwarding(format string, args ...any) error {
	return badRequest("port_forwarding", format, args...)
}

// settleRanges gives a new forwarding its ranges: a single port counts before a range that is given too, and the range before it for whether
// the two sides fit each other, as in the original.
func settleRanges(f *model.PortForwarding, body plugin.Body[model.PortForwarding]) error {
	changeRanges(f, body)
	inside, outside := f.InternalPortRange, f.ExternalPortRange
	set(!body.Value.InternalPortRange.IsZero(), &inside, body.Value.InternalPortRange)
	set(!body.Value.ExternalPortRange.IsZero(), &outside, body.Value.ExternalPortRange)
	switch {
	case f.ExternalPortRange.IsZero():
		return badForwarding("One of external_port and external_port_range must be specified")
	case f.InternalPortRange.IsZero():
		return badForwarding("One of internal_port and internal_port_range must be specified")
	}
	return checkRelation(inside, outside)
}

// checkRelation is _validate_ranges: as many ports inside as outside, or one.
func checkRelation(inside, outside model.PortRange) error {
	if n := inside.Size(); n > 1 && n != outside.Size() {
		return badForwarding("Invalid ranges of internal and/or external ports. The relation between internal and external ports must be " +
			"N-N or 1-N")
	}
	return nil
}

// changeRanges applies the ports and ranges that a request gives; null is none given.
func changeRanges(f *model.PortForwarding, body plugin.Body[model.PortForwarding]) {
	v := body.Value
	set(!v.ExternalPortRange.IsZero(), &f.ExternalPortRange, v.ExternalPortRange)
	set(v.ExternalPort > 0 && body.Has("external_port"), &f.ExternalPortRange, model.OnePort(v.ExternalPort))
	set(!v.InternalPortRange.IsZero(), &f.InternalPortRange, v.InternalPortRange)
	set(v.InternalPort > 0 && body.Has("internal_port"), &f.InternalPortRange, model.OnePort(v.InternalPort))
	f.ExternalPort, f.InternalPort = f.ExternalPortRange.First, f.InternalPortRange.First
}

// checkForwarding checks a new forwarding and returns the router that is to do it (create_floatingip_port_forwarding).
func (r *request) checkForwarding(of *model.FloatingIP, f *model.PortForwarding) (model.RouterID, error) {
	if of.FloatingIPAddress.Is6() { // which Neutron does not have
		return model.RouterID{}, badForwarding("Floating IP %s is an IPv6 address, of which no ports are forwarded", of.ID)
	}
	if err := r.checkCollisions(f); err != nil {
		return model.RouterID{}, err
	}
	port, err := r.Port(f.InternalPortID.String())
	if err != nil {
		return model.RouterID{}, err
	}
	if err := r.checkNoFloatingIP(port, f); err != nil {
		return model.RouterID{}, err
	}
	if !of.PortID.IsZero() {
		return model.RouterID{}, alreadyAssociated(of, f.InternalPortID, f.InternalIPAddress)
	}
	return r.forwardingRouter(of, port, f)
}

// checkForwardingChange checks a forwarding as it would be (update_floatingip_port_forwarding).
func (r *request) checkForwardingChange(of *model.FloatingIP, f *model.PortForwarding, body plugin.Body[model.PortForwarding]) error {
	port, err := r.Port(f.InternalPortID.String())
	if err != nil {
		return err
	}
	if body.Has("internal_port_id") {
		if err := r.checkNoFloatingIP(port, f); err != nil {
			return err
		}
		if _, err := r.forwardingRouter(of, port, f); err != nil {
			return err
		}
	}
	if !slices.ContainsFunc(port.FixedIPs, func(a model.FixedIP) bool { return a.IPAddress == f.InternalIPAddress }) {
		return badForwarding("The internal IP does not correspond to an address on the internal port, which has fixed_ips %s",
			fixedIPsText(port.FixedIPs))
	}
	if err := r.checkDuplicates(of, f); err != nil {
		return err
	}
	return r.checkCollisions(f)
}

// checkNoFloatingIP refuses a forwarding to a port that has a floating address of its own.
func (r *request) checkNoFloatingIP(port *model.Port, f *model.PortForwarding) error {
	own, err := store.FloatingIPsBy(r.Tx(), "port_id", port.ID.String())
	if err != nil || len(own) == 0 {
		return err
	}
	return portHasFloatingIP(own[0], port.ID, f.InternalIPAddress)
}

// forwardingRouter is _find_a_router_for_fip_port_forwarding and _check_router_match: all the forwardings of an address are one router's.
func (r *request) forwardingRouter(of *model.FloatingIP, port *model.Port, f *model.PortForwarding) (model.RouterID, error) {
	own := ipv4Of(port)
	if len(own) == 0 {
		return model.RouterID{}, badForwarding("Requested internal port %s must allocate an IPv4 address at least.", port.ID)
	}
	i := slices.IndexFunc(own, func(a model.FixedIP) bool { return a.IPAddress == f.InternalIPAddress })
	if i < 0 {
		return model.RouterID{}, badForwarding("Requested internal IP address %s is not suitable for internal neutron port %s, as its "+
			"fixed_ips are %s", f.InternalIPAddress, port.ID, fixedIPsText(own))
	}
	router, err := r.routerBetween(port, own[i], of.FloatingNetworkID)
	switch {
	case errs.Is(err, errs.NotFound):
		return router, badForwarding("External network %s is not reachable from subnet %s. Cannot set Port forwarding for port %s with "+
			"Floating IP %s", of.FloatingNetworkID, own[i].SubnetID, port.ID, of.ID)
	case err != nil:
		return router, err
	case !of.RouterID.IsZero() && of.RouterID != router:
		return router, badForwarding("The Floating IP %s had been set on router %s, the internal Neutron port %s can not reach it",
			of.ID, of.RouterID, port.ID)
	}
	return router, nil
}

// checkCollisions is _check_port_collisions: ranges that fit each other, and no port that another forwarding has.
func (r *request) checkCollisions(f *model.PortForwarding) error {
	if err := checkRelation(f.InternalPortRange, f.ExternalPortRange); err != nil {
		return err
	}
	inside, err := store.PortForwardingsBy(r.Tx(), "internal_port_id", f.InternalPortID.String())
	if err != nil {
		return err
	}
	for _, o := range inside {
		if o.ID != f.ID && o.Protocol == f.Protocol && o.InternalIPAddress == f.InternalIPAddress &&
			o.InternalPortRange.Overlaps(f.InternalPortRange) {
			return collision("internal_port_range", o.InternalPortRange, f.InternalPortRange)
		}
	}
	outside, err := store.PortForwardingsBy(r.Tx(), "floatingip_id", f.FloatingIPID.String())
	if err != nil {
		return err
	}
	for _, o := range outside {
		if o.ID != f.ID && o.Protocol == f.Protocol && o.ExternalPortRange.Overlaps(f.ExternalPortRange) {
			return collision("external_port_range", o.ExternalPortRange, f.ExternalPortRange)
		}
	}
	return nil
}

func collision(attr string, has, wants model.PortRange) error {
	return badForwarding("There is a port collision with the %s. The following ranges collides: %s and %s", attr, has, wants)
}

// checkDuplicates is _check_port_forwarding_update: single ports that another forwarding of the address has.
func (r *request) checkDuplicates(of *model.FloatingIP, f *model.PortForwarding) error {
	others, err := store.PortForwardingsBy(r.Tx(), "floatingip_id", of.ID.String())
	if err != nil {
		return err
	}
	for _, o := range others {
		if o.ID == f.ID || o.Protocol != f.Protocol {
			continue
		}
		if o.ExternalPortRange == f.ExternalPortRange && f.ExternalPortRange.Size() == 1 {
			return duplicate("'floating_ip_address': '%s', 'external_port': %d", of.FloatingIPAddress, f.ExternalPort)
		}
		if o.InternalPortID == f.InternalPortID && o.InternalIPAddress == f.InternalIPAddress &&
			o.InternalPortRange == f.InternalPortRange && f.InternalPortRange.Size() == 1 {
			return duplicate("'internal_port_id': '%s', 'internal_ip_address': '%s', 'internal_port': %d",
				f.InternalPortID, f.InternalIPAddress, f.InternalPort)
		}
	}
	return nil
}

func duplicate(format string, args ...any) error {
	return badForwarding("Another port forwarding entry with the same attributes already exists, conflicting values are {%s}",
		fmt.Sprintf(format, args...))
}

// fixedIPsText writes addresses as the original's messages do.
func fixedIPsText(ips []model.FixedIP) string {
	texts := make([]string, len(ips))
	for i, f := range ips {
		texts[i] = fmt.Sprintf("{'subnet_id': '%s', 'ip_address': '%s'}", f.SubnetID, f.IPAddress)
	}
	return "[" + strings.Join(texts, ", ") + "]"
}
