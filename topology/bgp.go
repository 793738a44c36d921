package topology

import (
	"net/netip"

	"midonet.org/midonet/id"
)

// Identifiers of what is said of a router's BGP (RFC 4271). The router's own number is in its Overlay.
type (
	BGPNetworkID = id.ID[BGPNetwork]
	BGPPeerID    = id.ID[BGPPeer]
)

// BGPNetwork is a prefix that a router announces.
type BGPNetwork struct {
	Made
	ID     BGPNetworkID
	Router RouterID
	Subnet netip.Prefix
}

// BGPPeer is a neighbour that a router speaks BGP with.
type BGPPeer struct {
	Made
	ID       BGPPeerID
	Router   RouterID
	ASNumber uint32
	Addr     netip.Addr
	// In seconds; 0: the speaker's default.
	KeepAlive, HoldTime, ConnectRetry int
	Password                          string // TCP MD5 (RFC 2385); empty: none
}

// Key returns the network's key.
func (o *BGPNetwork) Key() Key { return Key{KindBGPNetwork, o.ID} }

// Key returns the peer's key.
func (o *BGPPeer) Key() Key { return Key{KindBGPPeer, o.ID} }

// References implements Referrer.
func (o *BGPNetwork) References() []Reference {
	return []Reference{{Key{KindRouter, o.Router}, GoesToo}}
}

// Without implements Referrer.
func (o *BGPNetwork) Without(Key) Object { return o }

// References implements Referrer.
func (o *BGPPeer) References() []Reference {
	return []Reference{{Key{KindRouter, o.Router}, GoesToo}}
}

// Without implements Referrer.
func (o *BGPPeer) Without(Key) Object { return o }
