package run

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"midonet.org/midonet/agent/flowstate"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/sim"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/cluster/inspect"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// traceStateSize is room for the states of the one connection that a walk makes.
const traceStateSize = 1 << 10

// TraceConfig says which packet to walk through which network.
type TraceConfig struct {
	StateDir string   // of the running server, where Dump is empty
	Dump     string   // a file that `midonet db dump` wrote
	Port     string   // where the packet enters: a port's UUID or the beginning of it, name or address
	Packet   []string // words of a packet description (packet.Syntax); "to" and "->" may stand for ">", and the source may be left out
}

// Trace writes the walk of a packet through the virtual network: the agent's own simulation, on the whole topology as the host
// of the ingress port would see it.
func Trace(ctx context.Context, c TraceConfig, w io.Writer) error {
	objects, err := traceObjects(ctx, c)
	if err != nil {
		return err
	}
	port, err := findPort(objects, c.Port)
	if err != nil {
		return err
	}
	host := hostOf(objects, port.ID)
	heeded := slices.DeleteFunc(slices.Clone(objects), func(o topology.Object) bool { return !topology.Heeded(o) })
	v, _ := view.New(host).Apply(view.Delta{Puts: heeded})
	d, err := packet.ParseDescription(describePacket(objects, port.ID, c.Packet))
	if err != nil {
		return errs.New(errs.Invalid, "BadPacket", "%v", err)
	}
	if err := fillIn(&d, v, port); err != nil {
		return err
	}
	states, err := traceStates(objects, host)
	if err != nil {
		return err
	}
	defer states.Close()
	result := sim.Simulate(v, sim.Input{InPort: port.ID, Frame: d.Frame(), Trace: true, State: states}, responders()...)
	return sim.Format(w, result, v)
}

// traceStates returns the connections of a walk: none yet, and for new ones the blocks of translation ports that the host holds.
func traceStates(objects []topology.Object, host topology.HostID) (*flowstate.Table, error) {
	now := time.Now()
	states, err := flowstate.Open(flowstate.Config{Host: host, Size: traceStateSize}, now)
	if err != nil {
		return nil, err
	}
	var held []*topology.NATBlock
	for _, o := range objects {
		if b, ok := o.(*topology.NATBlock); ok && b.Host == host {
			held = append(held, b)
		}
	}
	states.SetBlocks(held, now)
	return states, nil
}

func traceObjects(ctx context.Context, c TraceConfig) ([]topology.Object, error) {
	dump, err := openDump(ctx, c)
	if err != nil {
		return nil, err
	}
	defer dump.Close()
	return inspect.ReadDump(dump)
}

func openDump(ctx context.Context, c TraceConfig) (io.ReadCloser, error) {
	if c.Dump == "" {
		return NewAdminClient(c.StateDir).Dump(ctx)
	}
	return os.Open(c.Dump)
}

// findPort returns the one port with the given UUID, name or address, or else the one whose UUID begins so: the picture of midonet status calls a
// port without a name by the beginning.
func findPort(objects []topology.Object, wanted string) (*topology.Port, error) {
	if wanted == "" {
		return nil, errs.New(errs.Invalid, "BadPort", "no port is named: write its UUID, the beginning of it, its name or an address")
	}
	holders := map[topology.PortID]bool{}
	for _, o := range objects {
		if n, ok := o.(*topology.Neighbour); ok && n.Addr.String() == wanted {
			holders[n.Port] = true
		}
	}
	var found, begun []*topology.Port
	for _, o := range objects {
		p, ok := o.(*topology.Port)
		switch {
		case !ok:
		case p.ID.String() == wanted || p.Name == wanted || holders[p.ID]:
			found = append(found, p)
		case strings.HasPrefix(p.ID.String(), strings.ToLower(wanted)):
			begun = append(begun, p)
		}
	}
	if found == nil {
		found = begun
	}
	switch len(found) {
	case 0:
		return nil, errs.New(errs.NotFound, "PortNotFound", "no port has the UUID, name or address %q; `midonet status` lists them", wanted)
	case 1:
		return found[0], nil
	}
	return nil, errs.New(errs.Conflict, "PortAmbiguous", "%d ports are called %q; name one by its UUID: %s", len(found), wanted, listed(objects, found))
}

// maxListed bounds a list of ports in an error.
const maxListed = 10

// listed names ports by their UUIDs and where they are.
func listed(objects []topology.Object, ports []*topology.Port) string {
	devices := map[topology.Key]string{}
	for _, o := range objects {
		switch o := o.(type) {
		case *topology.Bridge:
			devices[o.Key()] = "network " + cmp.Or(topology.Shown(o.Name), o.ID.Short())
		case *topology.Router:
			devices[o.Key()] = "router " + cmp.Or(topology.Shown(o.Name), o.ID.Short())
		}
	}
	var names []string
	for _, p := range ports[:min(len(ports), maxListed)] {
		on := (&topology.Bridge{ID: p.Bridge}).Key()
		if !p.Router.IsZero() {
			on = (&topology.Router{ID: p.Router}).Key()
		}
		names = append(names, fmt.Sprintf("%s (%s)", p.ID, devices[on]))
	}
	if len(ports) > maxListed {
		names = append(names, "…")
	}
	return strings.Join(names, ", ")
}

// hostOf returns the host that the port is plugged into, the zero id where it is not.
func hostOf(objects []topology.Object, port topology.PortID) topology.HostID {
	for _, o := range objects {
		if b, ok := o.(*topology.Binding); ok && b.Port == port {
			return b.Host
		}
	}
	return topology.HostID{}
}

// describePacket returns the words in the form of packet.Syntax. A source that is left out is the port's own address.
func describePacket(objects []topology.Object, port topology.PortID, words []string) string {
	text := make([]string, len(words))
	for i, word := range words {
		if word == "to" || word == "->" {
			word = ">"
		}
		text[i] = word
	}
	if len(text) > 2 && text[1] == ">" {
		if source, ok := addressOf(objects, port, text[2]); ok {
			text = slices.Insert(text, 1, source.String())
		}
	}
	return strings.Join(text, " ")
}

// addressOf returns the address that a workload would speak to a destination from, written with or without a port.
func addressOf(objects []topology.Object, port topology.PortID, destination string) (found netip.Addr, ok bool) {
	to, err := netip.ParseAddr(destination)
	if ends, e := netip.ParseAddrPort(destination); e == nil {
		to, err = ends.Addr(), nil
	}
	if err != nil {
		return found, false
	}
	for _, o := range objects {
		n, is := o.(*topology.Neighbour)
		if is && n.Port == port && n.Addr.Is4() == to.Is4() && n.Addr.IsLinkLocalUnicast() == to.IsLinkLocalUnicast() && (!ok || n.Addr.Less(found)) {
			found, ok = n.Addr, true
		}
	}
	return found, ok
}

// fillIn sets the MACs that the description leaves out to those that the workload would use: its own, and its neighbour's or its
// gateway's. What comes in by an uplink is for the router.
func fillIn(d *packet.Description, v *view.View, port *topology.Port) error {
	if d.SrcMAC.IsZero() {
		d.SrcMAC, _ = v.MACOf(port.ID)
	}
	if !d.DstMAC.IsZero() || !d.Dst.IsValid() || d.Dst.IsMulticast() || d.Proto == "arp" || d.Proto == "nd" {
		return nil
	}
	if !port.Router.IsZero() {
		d.DstMAC = port.MAC
		return nil
	}
	if isBroadcast(v, port.Bridge, d.Dst) {
		d.DstMAC = mac.Broadcast
		return nil
	}
	next := nextHop(v, port.Bridge, d.Dst)
	if n, ok := v.Neighbour(port.Bridge, next); ok {
		d.DstMAC = n.MAC
		return nil
	}
	if n, ok := v.MetadataNeighbour(next); ok {
		d.DstMAC = n.MAC
		return nil
	}
	ask := "arp"
	if next.Is6() {
		ask = "nd"
	}
	who := next.String()
	if next != d.Dst {
		who = fmt.Sprintf("%s (the gateway, to reach %s)", next, d.Dst)
	}
	return errs.New(errs.NotFound, "NeighbourUnknown",
		"nothing that Neutron knows has %s on this network, so the workload would ask for it first: trace that with %q, "+
			"or give the destination MAC with dmac",
		who, fmt.Sprintf("%s %s to %s", ask, d.Src, next))
}

// isBroadcast tells the limited broadcast address and those of the bridge's IPv4 subnets (RFC 919, RFC 922).
func isBroadcast(v *view.View, bridge topology.BridgeID, dst netip.Addr) bool {
	if dst == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		return true
	}
	for _, d := range v.DHCP(bridge) {
		if d.Prefix.Addr().Is4() && d.Prefix.Bits() < 31 && d.Prefix.Contains(dst) && !d.Prefix.Contains(dst.Next()) {
			return true
		}
	}
	return false
}

// nextHop is the destination itself where a subnet of the bridge holds it, else the gateway of a subnet of its family.
func nextHop(v *view.View, bridge topology.BridgeID, dst netip.Addr) netip.Addr {
	hop := dst
	for _, d := range v.DHCP(bridge) {
		if d.Prefix.Contains(dst) || dst.IsLinkLocalUnicast() {
			return dst
		}
		if d.Router.IsValid() && d.Router.Is4() == dst.Is4() {
			hop = d.Router
		}
	}
	return hop
}
