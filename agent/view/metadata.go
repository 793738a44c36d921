package view

import (
	"encoding/binary"
	"net/netip"

	"midonet.org/midonet/id"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// The agent's own metadata service has a port of the datapath, which is in no topology, and on every link of this host's workloads a
// MAC (midolman: MetadataServiceWorkflow).
var (
	MetadataPort = id.Derive[topology.Port](topology.PortID{}, "metadata")
	MetadataMAC  = mac.Addr{0x94, 0xe7, 0xac, 0x7a, 0xc5, 0x13}
)

// Workloads of different networks may have the same address, so that the service cannot tell its clients apart by where they come
// from. It does by where they come to: behind its port each workload's port has an address of its own in both families, made of the
// port's tunnel key, which no other port has. Both are of ranges in which no workload has its address: class E, and a prefix of local
// addresses drawn for this (RFC 4193).
var metadataIPv4, metadataIPv6 = netip.MustParsePrefix("240.0.0.0/8"), netip.MustParsePrefix("fdc3:51d:a9fe:a9fe::/96")

// MetadataPrefixes are what MetadataAddr takes addresses from.
func MetadataPrefixes() []netip.Prefix { return []netip.Prefix{metadataIPv4, metadataIPv6} }

// MetadataAddr returns the address behind MetadataPort at which the service is reached from the port with the tunnel key, in the
// family of like.
func MetadataAddr(tunnelKey uint32, like netip.Addr) netip.Addr {
	if like.Is4() {
		a := metadataIPv4.Addr().As4()
		binary.BigEndian.PutUint32(a[:], binary.BigEndian.Uint32(a[:])|tunnelKey)
		return netip.AddrFrom4(a)
	}
	a := metadataIPv6.Addr().As16()
	binary.BigEndian.PutUint32(a[12:], tunnelKey)
	return netip.AddrFrom16(a)
}

// metadataKey is the inverse of MetadataAddr; 0 for other addresses.
func metadataKey(at netip.Addr) uint32 {
	switch {
	case metadataIPv4.Contains(at):
		a := at.As4()
		return binary.BigEndian.Uint32(a[:]) & 0xffffff
	case metadataIPv6.Contains(at):
		a := at.As16()
		return binary.BigEndian.Uint32(a[12:])
	}
	return 0
}

// ServesMetadata reports whether this host's agent has a metadata service.
func (v *View) ServesMetadata() bool {
	self := v.Host(v.host)
	return self != nil && self.Metadata
}

// IsMetadata reports whether workloads look for the metadata service at the address.
func IsMetadata(a netip.Addr) bool { return a == topology.MetadataIPv4 || a == topology.MetadataIPv6 }

// MetadataNeighbour returns who has an address of the metadata service on the links of this host's workloads.
func (v *View) MetadataNeighbour(a netip.Addr) (Neighbour, bool) {
	return Neighbour{MAC: MetadataMAC}, IsMetadata(a) && v.ServesMetadata()
}

// MetadataClient returns the port of this host from which the service is reached at the address, nil where none is.
func (v *View) MetadataClient(at netip.Addr) *topology.Port {
	key := metadataKey(at)
	if key == 0 {
		return nil
	}
	for _, b := range v.local.all() {
		if p := v.portNode(b.Port).object; p != nil && p.TunnelKey == key && !p.Bridge.IsZero() {
			return p
		}
	}
	return nil
}

// MACOf returns the MAC that Neutron gave a port of a bridge; false where it has none.
func (v *View) MACOf(port topology.PortID) (mac.Addr, bool) {
	g := v.portNode(port).entries
	if len(g) == 0 {
		return mac.Addr{}, false
	}
	return g[0].MAC, true
}
