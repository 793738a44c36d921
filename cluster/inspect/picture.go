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

// Picture writes the topology as a tree: the hosts with what their agents have counted, networks with their subnets and ports, routers with
// their ports, routes and translations, and the chains of rules.
func Picture(w io.Writer, objects []topology.Object, counts map[topology.HostID]topology.Counts) error {
	m := gather(objects)
	out := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	m.drawHosts(out, counts)
	for _, b := range m.bridges {
		m.drawBridge(out, b)
	}
	if len(m.bridges) == 0 {
		fmt.Fprintln(out, "no networks yet")
	}
	for _, r := range m.routers {
		m.drawRouter(out, r)
	}
	for _, c := range m.chains {
		m.drawChain(out, c)
	}
	m.drawGroups(out)
	return out.Flush()
}

func (m *model) drawHosts(w io.Writer, counts map[topology.HostID]topology.Counts) {
	if len(m.hosts) == 0 {
		fmt.Fprintln(w, "no hosts yet: `midonet join-token` prints the line that adds one")
	}
	for _, h := range m.hosts {
		state := "away"
		if s := m.alive[h.ID]; s != nil {
			state = "alive, agent " + s.Version
			if h.Metadata {
				state += ", answers for metadata"
			}
		}
		fmt.Fprintf(w, "host %s\t%s\t%s\n", topology.Shown(h.Name), joinAddrs(h.Endpoints), state)
		if c, ok := counts[h.ID]; ok {
			fmt.Fprintf(w, "  %s\n", describeCounts(c))
		}
	}
	fmt.Fprintln(w)
}

// describeCounts says what an agent has counted; misses, connections begun and drops are since it started.
func describeCounts(c topology.Counts) string {
	text := fmt.Sprintf("flows %d, connection states %d, tunnel peers %d, misses %d", c.Flows, c.States, c.Peers, c.Misses)
	if c.MissesLost > 0 {
		text += fmt.Sprintf(" and %d lost", c.MissesLost)
	}
	if c.Begun+c.Opened > 0 {
		text += fmt.Sprintf(", connections begun by the flow cache %d, and %d by those of other hosts", c.Begun, c.Opened)
	}
	if c.Blocks > 0 {
		text += fmt.Sprintf(", blocks of translation ports %d, of which the flow cache gives %d ports by itself", c.Blocks, c.Lent)
	}
	separator := "; dropped: "
	for _, d := range c.Drops {
		text += fmt.Sprintf("%s%s %d", separator, dropWord(d.Reason), d.Packets)
		separator = ", "
	}
	return text
}

// dropWord is a reason as people read it; agents give them as their metrics have them.
func dropWord(reason string) string {
	if reason == "virtual" {
		return "by the virtual network"
	}
	return strings.ReplaceAll(reason, "_", " ")
}

func (m *model) drawBridge(w io.Writer, b *topology.Bridge) {
	fmt.Fprintf(w, "network %s (%s)  mtu %d%s%s\n", nameOr(b.Name, b.ID.Short()), b.ID, b.MTU, downNote(b.AdminUp),
		m.overlayNote(b.Key()))
	for _, d := range m.dhcp[b.ID] {
		fmt.Fprintf(w, "│  subnet %s  gateway %s%s\n", d.Prefix, addrOr(d.Router, "none"), dhcpNote(d))
	}
	ports := m.ports[b.ID]
	for i, p := range ports {
		fmt.Fprintf(w, "%s port %s\t%s\t%s\t%s%s%s\n", branch(i, len(ports)), nameOr(p.Name, p.ID.Short()), m.macs[p.ID],
			joinAddrs(m.addrs[p.ID]), m.place(p), downNote(p.AdminUp), m.overlayNote(p.Key()))
	}
	fmt.Fprintln(w)
}

// branch draws the stem of the i-th of n leaves.
func branch(i, n int) string {
	if i == n-1 {
		return "└─"
	}
	return "├─"
}

// place says what is at the other end of a port: a device, or an interface of a host.
func (m *model) place(p *topology.Port) string {
	if p.Interior() {
		return m.device(m.port[p.Peer])
	}
	b := m.bindings[p.ID]
	if b == nil {
		return "not plugged in"
	}
	state := "DOWN"
	if m.active[p.ID] {
		state = "ACTIVE"
	}
	return nameOr(m.hostName[b.Host], b.Host.Short()) + ":" + b.Interface + " " + state
}

// device names the bridge or router that a port, nil for none, is on.
func (m *model) device(p *topology.Port) string {
	switch {
	case p == nil:
		return "nothing"
	case !p.Router.IsZero():
		return "router " + nameOr(m.routerName[p.Router], p.Router.Short())
	}
	return "network " + nameOr(m.bridgeName[p.Bridge], p.Bridge.Short())
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

func nameOr(name, otherwise string) string { return cmp.Or(topology.Shown(name), otherwise) }

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

// overlayNote says what an operator has put on a bridge, router or port.
func (m *model) overlayNote(target topology.Key) string {
	o := m.overlays[target]
	if o == nil {
		return ""
	}
	var put []string
	if !o.InChain.IsZero() {
		put = append(put, "chain "+nameOr(m.chainName[o.InChain], o.InChain.Short())+" inward")
	}
	if !o.OutChain.IsZero() {
		put = append(put, "chain "+nameOr(m.chainName[o.OutChain], o.OutChain.Short())+" outward")
	}
	for _, g := range o.Groups {
		put = append(put, "in group "+nameOr(m.portGroup[g], g.Short()))
	}
	return "  (by an operator: " + strings.Join(put, ", ") + ")"
}

func downNote(up bool) string {
	if up {
		return ""
	}
	return "  (administratively down)"
}
