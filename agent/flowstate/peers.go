package flowstate

import (
	"net/netip"
	"slices"
	"unique"
)

// peerSet is the underlay addresses of some hosts. Many states have the same few sets, which are kept once each: equal sets are ==.
// The zero value is the empty set.
type peerSet struct{ octets unique.Handle[string] } // of the sorted addresses, 16 each

const addressLen = 16

// newPeerSet takes the addresses in any order; each may come more than once.
func newPeerSet(peers []netip.Addr) peerSet {
	if len(peers) == 0 {
		return peerSet{}
	}
	sorted := slices.Clone(peers)
	slices.SortFunc(sorted, netip.Addr.Compare)
	octets := make([]byte, 0, len(sorted)*addressLen)
	for _, a := range slices.Compact(sorted) {
		b := a.As16()
		octets = append(octets, b[:]...)
	}
	return peerSet{unique.Make(string(octets))}
}

// knownPeers is the set that was asked for last, which most are again.
type knownPeers struct {
	peers []netip.Addr
	last  peerSet
}

func (k *knownPeers) set(peers []netip.Addr) peerSet {
	if !slices.Equal(k.peers, peers) {
		k.peers, k.last = append(k.peers[:0], peers...), newPeerSet(peers)
	}
	return k.last
}

func (p peerSet) empty() bool { return p == peerSet{} }

func (p peerSet) addresses() []netip.Addr {
	if p.empty() {
		return nil
	}
	var all []netip.Addr
	for octets := range slices.Chunk([]byte(p.octets.Value()), addressLen) {
		all = append(all, netip.AddrFrom16([addressLen]byte(octets)).Unmap())
	}
	return all
}
