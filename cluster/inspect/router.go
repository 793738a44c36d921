package inspect

import (
	"fmt"
	"io"
	"net/netip"
	"strings"

	"midonet.org/midonet/topology"
)

// drawRouter writes a router with the routes that lead by way of somebody, what it translates, and its ports. The routes to what is on
// its own links follow from the ports' addresses.
func (m *model) drawRouter(w io.Writer, r *topology.Router) {
	fmt.Fprintf(w, "router %s (%s)%s%s\n", nameOr(r.Name, r.ID.Short()), r.ID, downNote(r.AdminUp), m.overlayNote(r.Key()))
	for _, route := range m.routes[r.ID] {
		if text := routeText(route); text != "" {
			fmt.Fprintf(w, "│  %s\n", text)
		}
	}
	for _, f := range m.floating[r.ID] {
		fmt.Fprintf(w, "│  floating %s for %s\n", f.Addr, f.Fixed)
	}
	for _, f := range m.forwardings[r.ID] {
		fmt.Fprintf(w, "│  forwarding %s %s %s to %s\n", protocolName(f.Proto), f.Addr, rangeText(f.Ports),
			netip.AddrPortFrom(f.Fixed, f.FixedPort))
	}
	ports := m.routerPorts[r.ID]
	for i, p := range ports {
		fmt.Fprintf(w, "%s port %s\t%s\t%s\t%s%s%s\n", branch(i, len(ports)), nameOr(p.Name, p.ID.Short()), p.MAC, joinPrefixes(p.Addresses),
			m.place(p), downNote(p.AdminUp), m.overlayNote(p.Key()))
	}
	fmt.Fprintln(w)
}

// routeText says what a route does, "" for one that follows from a port's addresses.
func routeText(r *topology.Route) string {
	to := r.Destination.String()
	if r.Source.IsValid() {
		to += " from " + r.Source.String()
	}
	switch {
	case r.Kind == topology.RouteBlackhole:
		return to + " dropped"
	case r.Kind == topology.RouteReject:
		return to + " refused"
	case r.Kind == topology.RouteFIP64:
		return to + " of type Fip64, which is kept and not obeyed"
	case r.Kind == topology.RouteForward && r.NextHop.IsValid():
		return to + " via " + r.NextHop.String()
	}
	return ""
}

// drawChain writes a chain with its rules, in order.
func (m *model) drawChain(w io.Writer, c *topology.Chain) {
	fmt.Fprintf(w, "chain %s (%s)\n", nameOr(c.Name, c.ID.Short()), c.ID)
	for _, r := range c.Rules {
		fmt.Fprintf(w, "   %s: %s\n", m.conditionText(r.When), m.actionText(r))
	}
	fmt.Fprintln(w)
}

func (m *model) drawGroups(w io.Writer) {
	for _, g := range m.groups {
		fmt.Fprintf(w, "group %s (%s)  addresses: %d\n", nameOr(g.Name, g.ID.Short()), g.ID, m.members[g.ID])
	}
}

func joinPrefixes(prefixes []netip.Prefix) string {
	words := make([]string, len(prefixes))
	for i, p := range prefixes {
		words[i] = p.String()
	}
	return strings.Join(words, " ")
}
