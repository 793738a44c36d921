package sim

import (
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// What a workload sends to the metadata service is taken where it enters, whichever station on its link it is sent to, and meets no
// device, rule or security group, as in the original (MetadataServiceWorkflow.scala): a workload that is let nothing else still learns
// who it is. It must come from an address that the workload may use. The answer comes in at the service's own port and leaves by the
// workload's the same way.
//
// The client's address is not translated, so that the service knows it; the service's is, to one that stands for the client's port.

// servesMetadata reports whether this host's agent has the service.
func (w *walk) servesMetadata() bool {
	w.tag(flow.TagHost, w.view.Self())
	return w.view.ServesMetadata()
}

// isMetadataHTTP reports whether the packet is of a connection with the service, of which one end has the port.
func isMetadataHTTP(p *packet.Packet, port uint16) bool {
	return p.Proto == packet.ProtoTCP && p.Fragment == packet.Unfragmented && !p.Tagged() && port == topology.MetadataTCPPort
}

// asksMetadata reports whether a workload sends the packet to the metadata service.
func (w *walk) asksMetadata(p *topology.Port) bool {
	if p.Bridge.IsZero() || !view.IsMetadata(w.packet.DstIP) {
		return false
	}
	w.looksAt(flow.DstPort)
	return isMetadataHTTP(&w.packet, w.packet.DstPort) && w.servesMetadata()
}

// toMetadata sends a workload's packet to the service. Each connection is to have a flow of its own, since the agent counts them.
func (w *walk) toMetadata(p *topology.Port) {
	w.looksAt(flow.BothPorts)
	if p.Security != nil {
		if rule, why := ownSource(p.Security, &w.packet); rule == refused {
			w.stop(Drop, w.portDevice(p.ID), "drops the packet: %s", why)
			return
		}
	}
	if p.TunnelKey == 0 {
		w.stop(Error, w.portDevice(p.ID), "has no tunnel key yet, by which the metadata service would know it")
		return
	}
	if w.in.Trace {
		w.step(metadataDevice, "takes it for device %s of project %s", orNone(p.Device), orNone(p.ProjectID))
	}
	w.packet.DstMAC, w.packet.DstIP = view.MetadataMAC, view.MetadataAddr(p.TunnelKey, w.packet.DstIP)
	w.forwardTo(flow.Output{Port: view.MetadataPort})
}

// fromMetadata sends an answer of the service to its client.
func (w *walk) fromMetadata() {
	w.looksAt(flow.SrcPort)
	client := w.view.MetadataClient(w.packet.SrcIP)
	if client == nil || !isMetadataHTTP(&w.packet, w.packet.SrcPort) {
		w.stop(Error, metadataDevice, "sends to no workload of this host")
		w.result.Cache = false
		return
	}
	w.tag(flow.TagPort, client.ID)
	hw, known := w.clientMAC(client)
	switch {
	case !client.AdminUp:
		w.stop(Drop, w.portDevice(client.ID), "drops the packet: it is administratively down")
	case !known:
		w.stop(Error, w.portDevice(client.ID), "has no MAC that is known")
	default:
		w.step(metadataDevice, "answers the workload of %s", w.portDevice(client.ID))
		service := topology.MetadataIPv4
		if w.packet.SrcIP.Is6() {
			service = topology.MetadataIPv6
		}
		w.packet.DstMAC, w.packet.SrcIP = hw, service
		w.forwardTo(flow.Output{Port: client.ID})
	}
}

// clientMAC returns the MAC that the client's address is at: of a secured port the one that the address may be used with, else the
// port's own. Addresses behind a workload that passes on what others send, which only one without security does, are at the port's.
func (w *walk) clientMAC(client *topology.Port) (mac.Addr, bool) {
	if s := client.Security; s != nil {
		for i := range s.Sources {
			if ownsOnLink(s, s.Sources[i].MAC, w.packet.DstIP) {
				return s.Sources[i].MAC, true
			}
		}
	}
	return w.view.MACOf(client.ID)
}

func orNone(s string) string {
	if s == "" {
		return "(none)"
	}
	return topology.Shown(s)
}
