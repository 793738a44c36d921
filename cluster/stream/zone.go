package stream

import (
	"net/netip"
	"slices"

	"midonet.org/midonet/cluster/nsdb/mirror"
	"midonet.org/midonet/topology"
)

// placed returns the host of the report with the endpoints that tunnel zones give it, but for those of physical switches. An address that the
// host does not have is passed over, as is one of a family of which the host reports none: nothing could be sent from it.
func placed(state *mirror.State, r *report) *topology.Host {
	host := *r.host
	host.Endpoints = slices.Clone(r.host.Endpoints)
	for m := range state.Memberships(host.ID) {
		if z := mirror.Lookup[*topology.TunnelZone](state, topology.KindTunnelZone, m.Zone); z != nil && z.VTEP {
			continue
		}
		for i, own := range host.Endpoints {
			if own.Is4() == m.Addr.Is4() && has(r.state, m.Addr) {
				host.Endpoints[i] = m.Addr
			}
		}
	}
	return &host
}

func has(s *topology.HostState, addr netip.Addr) bool {
	return slices.ContainsFunc(s.Interfaces, func(i topology.Interface) bool { return slices.Contains(i.Addrs, addr) })
}
