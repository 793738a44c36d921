package sim

import (
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// enterBridge lets the packet into the bridge from the port that it is at. VLAN tags are carried and not looked at: a bridge has one
// table of stations.
func (w *walk) enterBridge(id topology.BridgeID) {
	w.tag(flow.TagBridge, id)
	b := w.view.Bridge(id)
	if b == nil {
		w.stop(Error, device{kind: "bridge", id: id}, "is not known here")
		return
	}
	if !w.pass(id) {
		w.circles(bridgeDevice(b))
		return
	}
	if !b.AdminUp {
		w.stop(Drop, bridgeDevice(b), "drops the packet: it is administratively down")
		return
	}
	if !w.passes(b, b.Overlay.InChain, topology.PortID{}) {
		return
	}
	w.learn(b)
	dst := w.packet.DstMAC
	switch {
	case packet.IsBridgeReserved(dst):
		w.stop(Drop, bridgeDevice(b), "drops the packet: %s never leaves its link (IEEE 802.1Q table 8-1)", dst)
	case w.answerNeighbour(b):
	case dst.IsMulticast():
		w.tellRouters(b)
		w.flood(b, "is a group address")
	default:
		w.unicast(b)
	}
}

// passes runs one of the chains that operators may have put on the bridge, for a packet that leaves by the port out, and reports whether
// it goes on.
func (w *walk) passes(b *view.Bridge, id topology.ChainID, out topology.PortID) bool {
	return id.IsZero() || w.bridgeChain(b, id, out)
}

func (w *walk) bridgeChain(b *view.Bridge, id topology.ChainID, out topology.PortID) bool {
	switch w.filter(w.view.Named(id), &place{device: b.ID, in: w.at.ID, out: out}) {
	case dropped, rejected:
		w.stop(Drop, bridgeDevice(b), "drops the packet, as its rules say")
		return false
	case waiting:
		return false
	}
	return true
}

// learn notes the sender where nothing says yet that it is behind the ingress port. What Neutron says holds against what is seen. What
// comes over a wire is from a router, whose address is known.
func (w *walk) learn(b *view.Bridge) {
	if w.at.Interior() {
		return
	}
	src := w.packet.SrcMAC
	w.tagStation(b.ID, src)
	at, known := b.Station(src)
	if src.IsZero() || known && (!at.Learned || at.Port == w.at.ID) {
		return
	}
	w.result.Learn = append(w.result.Learn, Learned{Bridge: b.ID, MAC: src, Port: w.at.ID})
	w.step(bridgeDevice(b), "learns that %s is behind %s", src, w.portDevice(w.at.ID))
}

func (w *walk) unicast(b *view.Bridge) {
	dst := w.packet.DstMAC
	w.tagStation(b.ID, dst)
	at, known := b.Station(dst)
	switch {
	case known && at.Port == w.at.ID:
		w.stop(Drop, bridgeDevice(b), "drops the packet: %s is behind the port it came from", dst)
	case known:
		if w.in.Trace {
			w.tellStation(b, dst, at)
		}
		w.leaveBridge(b, at.Port)
	case dst == view.DHCPServerMAC && w.view.ServesDHCP(b.ID):
		w.stop(Drop, bridgeDevice(b), "drops the packet: %s is the DHCP server, which answers DHCP and nothing else", dst)
	case dst == view.MetadataMAC && w.servesMetadata():
		w.stop(Drop, bridgeDevice(b), "drops the packet: %s is the metadata service, which answers HTTP and nothing else", dst)
	default:
		w.flood(b, "is not known")
	}
}

func (w *walk) tellStation(b *view.Bridge, hw mac.Addr, at view.Station) {
	w.step(bridgeDevice(b), "sends it to %s: %s is there, %s", w.portDevice(at.Port), hw, knowledge(at))
}

func knowledge(at view.Station) string {
	if at.Learned {
		return "as its host has seen"
	}
	return "as Neutron says"
}

// leaveBridge sends the packet out of one port of the bridge.
func (w *walk) leaveBridge(b *view.Bridge, id topology.PortID) {
	w.tag(flow.TagPort, id)
	p := w.view.Port(id)
	switch {
	case p == nil:
		w.stop(Error, w.portDevice(id), "is not known here")
	case p.Bridge != b.ID:
		w.stop(Error, w.portDevice(id), "is not a port of %s", bridgeDevice(b))
	case w.passes(b, b.Overlay.OutChain, id):
		w.leave(p)
	}
}

// flood sends the packet to every exterior port of the bridge but the one it came from, and that lets it through.
func (w *walk) flood(b *view.Bridge, why string) {
	w.notes.open = false // Input.Hush decides
	w.tag(flow.TagFlood, b.ID)
	if w.in.Hush {
		w.result.Hushed, w.result.Cache = true, false
		w.stop(Drop, bridgeDevice(b), "drops the packet: %s %s, and its port has sent too much to all", w.packet.DstMAC, why)
		return
	}
	ports := w.view.Flood(b.ID)
	outputs := make([]flow.Output, 0, len(ports))
	for _, id := range ports {
		if id == w.at.ID {
			continue
		}
		if out, ok := w.floodTo(b, w.view.Port(id)); ok {
			outputs = append(outputs, out)
		}
	}
	if w.result.Verdict == Wait {
		return
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

// floodTo returns the output for one port of a flood; false where the port does not let the packet through or cannot be reached. What
// the port's filters say of the packet stays with the port.
func (w *walk) floodTo(b *view.Bridge, p *topology.Port) (out flow.Output, ok bool) {
	before := w.packet.Header
	defer func() { w.packet.Header = before }()
	if !w.passes(b, b.Overlay.OutChain, p.ID) || !w.allowed(p, p.OutChain) || !w.receivedBy(p) {
		return out, false
	}
	at, _ := w.view.Location(p.ID)
	if at.Local {
		out = flow.Output{Port: p.ID}
	} else {
		w.tag(flow.TagTunnel, [16]byte{})
		w.tag(flow.TagHost, at.Host)
		var problem string
		if out, problem = w.tunnel(p, at); problem != "" {
			w.step(w.portDevice(p.ID), "cannot be reached on %s: %s", w.hostName(at.Host), problem)
			return out, false
		}
	}
	w.remember(p, out)
	return out, true
}
