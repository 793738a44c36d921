package sim

import (
	"net/netip"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// Announce returns what is said to all hosts behind an exterior port of this host of an address that a router has come to have on the port's bridge,
// its own or a floating one: gratuitous ARP, or an unsolicited neighbour advertisement (RFC 4861 section 7.2.6). Hosts that have sent to another
// station under that address would go on doing so until they ask again, which takes Linux up to a minute.
func Announce(v *view.View, addr netip.Addr, exterior topology.PortID) []Emit {
	if !hears(v, exterior) {
		return nil
	}
	n, known := v.Neighbour(v.Port(exterior).Bridge, addr)
	if !known || !LeadsToRouter(v, n.Port) {
		return nil
	}
	frame := packet.Announcement(n.MAC, addr, true)
	if addr.Is4() {
		frame = packet.ARP{Operation: packet.ARPRequest, SenderMAC: n.MAC, SenderIP: addr, TargetIP: addr}.Frame(n.MAC, mac.Broadcast)
	}
	return []Emit{{Outputs: []flow.Output{{Port: exterior}}, Frame: frame}}
}

// LeadsToRouter reports whether the bridge's port is wired to a router's. An end that is not known is of a router that this host has not been sent.
func LeadsToRouter(v *view.View, id topology.PortID) bool {
	p := v.Port(id)
	if p == nil || !p.Interior() {
		return false
	}
	peer := v.Port(p.Peer)
	return peer == nil || !peer.Router.IsZero()
}
