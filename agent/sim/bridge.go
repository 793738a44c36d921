package sim

import (
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/topology"
)

// enterBridge lets the packet into the bridge from the ingress port. VLAN tags are carried and not looked at: a bridge has one
// table of stations.
func (w *walk) enterBridge(id topology.BridgeID) {
	w.tag(flow.TagBridge, id)
	b := w.view.Bridge(id)
	if b == nil {
		w.stop(Error, device{kind: "bridge", id: id}, "is not known here")
		return
	}
	if !w.pass(bridgeDevice(b)) {
		return
	}
	if !b.AdminUp {
		w.stop(Drop, bridgeDevice(b), "drops the packet: it is administratively down")
		return
	}
	w.learn(b)
	dst := w.packet.DstMAC
	switch {
	case packet.IsBridgeReserved(dst):
		w.stop(Drop, bridgeDevice(b), "drops the packet: %s never leaves its link (IEEE 802.1Q table 8-1)", dst)
	case w.answerNeighbour(b):
	case dst.IsMulticast():
		w.flood(b, "is a group address")
	default:
		w.unicast(b)
	}
}

// learn notes the sender where nothing says yet that it is behind the ingress port. What Neutron says holds against what is seen.
func (w *walk) learn(b *topology.Bridge) {
	src := w.packet.SrcMAC
	w.tagStation(b.ID, src)
	at, known := w.view.Station(b.ID, src)
	if src.IsZero() || known && (!at.Learned || at.Port == w.in.InPort) {
		return
	}
	w.result.Learn = append(w.result.Learn, Learned{Bridge: b.ID, MAC: src, Port: w.in.InPort})
	w.step(bridgeDevice(b), "learns that %s is behind %s", src, w.portDevice(w.in.InPort))
}

func (w *walk) unicast(b *topology.Bridge) {
	dst := w.packet.DstMAC
	w.tagStation(b.ID, dst)
	at, known := w.view.Station(b.ID, dst)
	switch {
	case known && at.Port == w.in.InPort:
		w.stop(Drop, bridgeDevice(b), "drops the packet: %s is behind the port it came from", dst)
	case known:
		if w.in.Trace {
			w.step(bridgeDevice(b), "sends it to %s: %s is there, %s", w.portDevice(at.Port), dst, knowledge(at))
		}
		w.leaveBridge(b, at.Port)
	case dst == view.DHCPServerMAC && w.view.ServesDHCP(b.ID):
		w.stop(Drop, bridgeDevice(b), "drops the packet: %s is the DHCP server, which answers DHCP and nothing else", dst)
	default:
		w.flood(b, "is not known")
	}
}

func knowledge(at view.Station) string {
	if at.Learned {
		return "as its host has seen"
	}
	return "as Neutron says"
}

// leaveBridge sends the packet out of one port of the bridge.
func (w *walk) leaveBridge(b *topology.Bridge, id topology.PortID) {
	w.tag(flow.TagPort, id)
	p := w.view.Port(id)
	at, bound := w.view.Location(id)
	switch {
	case p == nil:
		w.stop(Error, w.portDevice(id), "is not known here")
	case p.Bridge != b.ID:
		w.stop(Error, w.portDevice(id), "is not a port of %s", bridgeDevice(b))
	case !p.AdminUp:
		w.stop(Drop, w.portDevice(id), "drops the packet: it is administratively down")
	case !bound:
		w.stop(Drop, w.portDevice(id), "drops the packet: no interface is plugged into it")
	case at.Local:
		if w.in.Trace {
			w.step(w.portDevice(id), "lets it out to interface %s of %s", at.Interface, w.here())
		}
		w.forward([]flow.Output{{Port: id}})
	default:
		w.leaveByTunnel(p, at)
	}
}

func (w *walk) leaveByTunnel(p *topology.Port, at view.Location) {
	w.tag(flow.TagTunnel, [16]byte{})
	w.tag(flow.TagHost, at.Host)
	out, problem := w.tunnel(p, at)
	if problem != "" {
		w.stop(Error, w.portDevice(p.ID), "cannot be reached on %s: %s", w.hostName(at.Host), problem)
		return
	}
	if w.in.Trace {
		w.step(w.portDevice(p.ID), "is on %s, interface %s: through the tunnel to %s with key %d",
			w.hostName(at.Host), at.Interface, out.Peer, out.TunnelKey)
	}
	w.forward([]flow.Output{out})
}

// flood sends the packet to every port of the bridge but the one it came from.
func (w *walk) flood(b *topology.Bridge, why string) {
	w.tag(flow.TagFlood, b.ID)
	if w.in.Hush {
		w.result.Hushed, w.result.Cache = true, false
		w.stop(Drop, bridgeDevice(b), "drops the packet: %s %s, and its port has sent too much to all", w.packet.DstMAC, why)
		return
	}
	var hosts map[topology.HostID]bool // those tagged already
	ports := w.view.Flood(b.ID)
	outputs := make([]flow.Output, 0, len(ports))
	for _, id := range ports {
		if id == w.in.InPort {
			continue
		}
		at, _ := w.view.Location(id)
		if at.Local {
			outputs = append(outputs, flow.Output{Port: id})
			continue
		}
		if hosts == nil {
			hosts = make(map[topology.HostID]bool)
			w.tag(flow.TagTunnel, [16]byte{})
		}
		if !hosts[at.Host] {
			hosts[at.Host] = true
			w.tag(flow.TagHost, at.Host)
		}
		out, problem := w.tunnel(w.view.Port(id), at)
		if problem != "" {
			w.step(w.portDevice(id), "cannot be reached on %s: %s", w.hostName(at.Host), problem)
			continue
		}
		outputs = append(outputs, out)
	}
	if len(outputs) == 0 {
		w.stop(Drop, bridgeDevice(b), "drops the packet: %s %s, and no other port can be reached", w.packet.DstMAC, why)
		return
	}
	if w.in.Trace {
		w.step(bridgeDevice(b), "sends it to all other ports, %d of them: %s %s", len(outputs), w.packet.DstMAC, why)
	}
	w.forward(outputs)
}

// tunnel returns the output that reaches a port of another host, or what stands in the way.
func (w *walk) tunnel(p *topology.Port, at view.Location) (out flow.Output, problem string) {
	self := w.view.Host(w.view.Self())
	switch {
	case p.TunnelKey == 0:
		return out, "it has no tunnel key yet"
	case self == nil || len(self.Endpoints) == 0:
		return out, "this host has no tunnel endpoint"
	case len(at.Endpoints) == 0:
		return out, "that host has no tunnel endpoint"
	}
	// The family of our first endpoint is preferred, so that an operator chooses it by the order of the addresses.
	for _, own := range self.Endpoints {
		for _, peer := range at.Endpoints {
			if own.Is4() == peer.Is4() {
				return flow.Output{Port: p.ID, Peer: peer, TunnelKey: p.TunnelKey}, ""
			}
		}
	}
	return out, "the two hosts have no tunnel endpoints of one address family"
}
