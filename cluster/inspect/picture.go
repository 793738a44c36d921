package inspect

import (
	"cmp"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"text/tabwriter"

	"midonet.org/midonet/topology"
)

// Picture writes the topology as a tree of networks with their subnets and ports, and the hosts with what is plugged into them.
func Picture(w io.Writer, objects []topology.Object) error {
	m := gather(objects)
	out := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	m.drawHosts(out)
	for _, b := range m.bridges {
		m.drawBridge(out, b)
	}
	if len(m.bridges) == 0 {
		fmt.Fprintln(out, "no networks yet")
	}
	return out.Flush()
}

// model is the objects by what they belong to.
type model struct {
	hosts    []*topology.Host
	alive    map[topology.HostID]*topology.HostState
	hostName map[topology.HostID]string
	bridges  []*topology.Bridge
	ports    map[topology.BridgeID][]*topology.Port
	dhcp     map[topology.BridgeID][]*topology.DHCP
	macs     map[topology.PortID]string
	addrs    map[topology.PortID][]netip.Addr
	bindings map[topology.PortID]*topology.Binding
	active   map[topology.PortID]bool
}

func gather(objects []topology.Object) *model {
	m := &model{
		alive: map[topology.HostID]*topology.HostState{}, hostName: map[topology.HostID]string{},
		ports: map[topology.BridgeID][]*topology.Port{}, dhcp: map[topology.BridgeID][]*topology.DHCP{},
		macs: map[topology.PortID]string{}, addrs: map[topology.PortID][]netip.Addr{},
		bindings: map[topology.PortID]*topology.Binding{}, active: map[topology.PortID]bool{},
	}
	for _, o := range objects {
		m.add(o)
	}
	byName(m.hosts, func(h *topology.Host) string { return h.Name + h.ID.String() })
	byName(m.bridges, func(b *topology.Bridge) string { return b.Name + b.ID.String() })
	for _, ports := range m.ports {
		byName(ports, func(p *topology.Port) string { return p.Name + p.ID.String() })
	}
	for _, subnets := range m.dhcp {
		byName(subnets, func(d *topology.DHCP) string { return d.Prefix.String() })
	}
	return m
}

func (m *model) add(o topology.Object) {
	switch o := o.(type) {
	case *topology.Host:
		m.hosts = append(m.hosts, o)
		m.hostName[o.ID] = o.Name
	case *topology.HostState:
		m.alive[o.Host] = o
	case *topology.Bridge:
		m.bridges = append(m.bridges, o)
	case *topology.Port:
		m.ports[o.Bridge] = append(m.ports[o.Bridge], o)
	case *topology.DHCP:
		m.dhcp[o.Bridge] = append(m.dhcp[o.Bridge], o)
	case *topology.MACEntry:
		m.macs[o.Port] = o.MAC.String()
	case *topology.Neighbour:
		if !o.Addr.IsLinkLocalUnicast() {
			m.addrs[o.Port] = append(m.addrs[o.Port], o.Addr)
		}
	case *topology.Binding:
		m.bindings[o.Port] = o
	case *topology.PortState:
		m.active[o.Port] = o.Active
	}
}

func (m *model) drawHosts(w io.Writer) {
	if len(m.hosts) == 0 {
		fmt.Fprintln(w, "no hosts yet: `midonet join-token` prints the line that adds one")
	}
	for _, h := range m.hosts {
		state := "away"
		if s := m.alive[h.ID]; s != nil {
			state = "alive, agent " + s.Version
		}
		fmt.Fprintf(w, "host %s\t%s\t%s\n", h.Name, joinAddrs(h.Endpoints), state)
	}
	fmt.Fprintln(w)
}

func (m *model) drawBridge(w io.Writer, b *topology.Bridge) {
	fmt.Fprintf(w, "network %s (%s)  mtu %d%s\n", nameOr(b.Name, b.ID.Short()), b.ID, b.MTU, downNote(b.AdminUp))
	for _, d := range m.dhcp[b.ID] {
		fmt.Fprintf(w, "│  subnet %s  gateway %s%s\n", d.Prefix, addrOr(d.Router, "none"), dhcpNote(d))
	}
	ports := m.ports[b.ID]
	for i, p := range ports {
		branch := "├─"
		if i == len(ports)-1 {
			branch = "└─"
		}
		fmt.Fprintf(w, "%s port %s\t%s\t%s\t%s%s\n", branch, nameOr(p.Name, p.ID.Short()), m.macs[p.ID],
			joinAddrs(m.addrs[p.ID]), m.place(p.ID), downNote(p.AdminUp))
	}
	fmt.Fprintln(w)
}

// place says where a port is plugged in.
func (m *model) place(p topology.PortID) string {
	b := m.bindings[p]
	if b == nil {
		return "not plugged in"
	}
	state := "DOWN"
	if m.active[p] {
		state = "ACTIVE"
	}
	return nameOr(m.hostName[b.Host], b.Host.Short()) + ":" + b.Interface + " " + state
}

func byName[T any](s []T, name func(T) string) {
	slices.SortFunc(s, func(a, b T) int { return cmp.Compare(name(a), name(b)) })
}

func joinAddrs(addrs []netip.Addr) string {
	addrs = slices.SortedFunc(slices.Values(addrs), netip.Addr.Compare)
	words := make([]string, len(addrs))
	for i, a := range addrs {
		words[i] = a.String()
	}
	return strings.Join(words, " ")
}

func nameOr(name, otherwise string) string { return cmp.Or(name, otherwise) }

func addrOr(a netip.Addr, otherwise string) string {
	if !a.IsValid() {
		return otherwise
	}
	return a.String()
}

// dhcpNote says whether the agents answer DHCP; DHCPv6 they do not.
func dhcpNote(d *topology.DHCP) string {
	switch {
	case !d.Prefix.Addr().Is4():
		return ""
	case d.Enabled:
		return "  DHCP"
	}
	return "  no DHCP"
}

func downNote(up bool) string {
	if up {
		return ""
	}
	return "  (administratively down)"
}
