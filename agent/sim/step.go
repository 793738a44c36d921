package sim

import (
	"fmt"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/id"
	"midonet.org/midonet/topology"
)

// device is the name of a virtual device, put into words only when someone reads them.
type device struct {
	kind string
	id   topology.BridgeID // of whatever kind it is
	name string
}

// metadataDevice is the agent's metadata service.
var metadataDevice = device{kind: "metadata service"}

// String returns "kind name (first digits of the identifier)", without the name where there is none.
func (d device) String() string {
	if d == metadataDevice {
		return d.kind
	}
	if d.name == "" {
		return d.kind + " " + d.id.Short()
	}
	return fmt.Sprintf("%s %s (%s)", d.kind, topology.Shown(d.name), d.id.Short())
}

func (w *walk) portDevice(id topology.PortID) device {
	if id == view.MetadataPort {
		return metadataDevice
	}
	d := device{kind: "port", id: topology.BridgeID(id)}
	if p := w.view.Port(id); p != nil {
		d.name = p.Name
	}
	return d
}

func bridgeDevice(b *view.Bridge) device { return device{kind: "bridge", id: b.ID, name: b.Name} }

func routerDevice(r *view.Router) device {
	return device{kind: "router", id: topology.BridgeID(r.ID), name: r.Name}
}

// parseRouter reads the identifier of the router that a bridge's port belongs to: Neutron's device_id.
func parseRouter(s string) (topology.RouterID, error) { return id.Parse[topology.Router](s) }

func (w *walk) hostName(id topology.HostID) string {
	d := device{kind: "host", id: topology.BridgeID(id)}
	if h := w.view.Host(id); h != nil {
		d.name = h.Name
	}
	return d.String()
}

// here is the name of the host that simulates, which is the one that the packet enters at.
func (w *walk) here() string {
	if w.view.Host(w.view.Self()) == nil {
		return "this host"
	}
	return w.hostName(w.view.Self())
}

// step adds a line to the walk, where someone will read it.
func (w *walk) step(at device, format string, args ...any) {
	if w.in.Trace {
		w.result.Steps = append(w.result.Steps, Step{Device: at.String(), Text: fmt.Sprintf(format, args...)})
	}
}

// describe returns the packet as a person would write it.
func describe(p *packet.Packet) string {
	a := p.ARP
	switch {
	case a.Operation == packet.ARPRequest:
		return fmt.Sprintf("arp who has %s, tell %s at %s", a.TargetIP, a.SenderIP, a.SenderMAC)
	case a.Operation == packet.ARPReply:
		return fmt.Sprintf("arp %s is at %s", a.SenderIP, a.SenderMAC)
	case p.ND.Target.IsValid() && p.SrcPort == packet.NDNeighbourSolicitation:
		return fmt.Sprintf("nd who has %s, tell %s at %s", p.ND.Target, p.SrcIP, p.SrcMAC)
	}
	return flow.KeyOf(p, topology.PortID{}).Packet()
}
