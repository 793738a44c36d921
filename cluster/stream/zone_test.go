package stream_test

import (
	"net/netip"
	"path/filepath"
	"slices"
	"testing"

	"midonet.org/midonet/agent/session"
	"midonet.org/midonet/cluster/nsdb/mirror"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/id"
	"midonet.org/midonet/topology"
)

// TestATunnelZoneChoosesTheEndpoint: of the addresses that the host has, and while it is in the zone.
func TestATunnelZoneChoosesTheEndpoint(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	h := c.newHost(filepath.Join(t.TempDir(), "a"))
	reported, chosen, foreign := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("198.51.100.1"), netip.MustParseAddr("198.51.100.9")
	h.report(func(f *session.Facts) {
		f.Endpoints = []netip.Addr{reported}
		f.Interfaces = []topology.Interface{{Name: "eth0", Addrs: []netip.Addr{reported}}, {Name: "eth1", Addrs: []netip.Addr{chosen}}}
	})
	is := func(want netip.Addr) func() bool {
		return func() bool {
			h.Changed()
			stored := mirror.Lookup[*topology.Host](c.mirror.State(), topology.KindHost, h.HostID())
			return stored != nil && slices.Equal(stored.Endpoints, []netip.Addr{want})
		}
	}
	eventually(t, "the endpoint is the one reported", is(reported))
	zone := &topology.TunnelZone{ID: id.New[topology.TunnelZone](), Name: "tz"}
	member := topology.NewTunnelZoneHost(zone.ID, h.HostID(), chosen)
	c.put(zone, member)
	eventually(t, "the endpoint is the zone's", is(chosen))
	c.put(topology.NewTunnelZoneHost(zone.ID, h.HostID(), foreign))
	eventually(t, "an address that the host does not have is passed over", is(reported))
	c.put(member)
	eventually(t, "the endpoint is the zone's again", is(chosen))
	c.remove(member.Key())
	eventually(t, "out of the zone, the endpoint is the one reported", is(reported))
}

func TestALinkedPortTakesNoInterface(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	bridge, _ := c.network(0)
	port := &topology.Port{ID: id.New[topology.Port](), Bridge: bridge, AdminUp: true, Peer: id.New[topology.Port]()}
	c.put(port)
	h := c.newHost(filepath.Join(t.TempDir(), "a"))
	eventually(t, "runs", func() bool { return h.Status().Connected })
	if err := h.Bind(t.Context(), port.ID, "tap0"); !errs.Is(err, errs.Conflict) {
		t.Errorf("bound: %v", err)
	}
}
