// Package topology is the virtual network as MidoNet sees it: bridges and routers, their ports, what is known of addresses on them,
// what ports may send and receive, the hosts and what each host says of itself.
//
// Values are immutable: whoever changes an object puts a new one in its place. Nothing here knows how objects are stored, sent or
// shown (package topologypb has the wire form). Every object has a Key that is unique among all objects; references between
// objects are identifiers, and a reference may point at something that is not there (yet): each reader says what it does then.
//
// There are four groups, by who may write:
//
//   - rendered: Bridge, Port, DHCP, DHCPHost, MACEntry, Neighbour; Router, Route, FloatingIP, PortForwarding; Chain, AddrGroup,
//     GroupMember, PortGroup. The cluster's renderer owns them; equal Neutron objects give equal values on every run. The one
//     exception is Port.TunnelKey, which the importer assigns.
//   - an operator's: Overlay, TunnelZone, TunnelZoneHost, objects of the rendered kinds that are marked Made by an operator, and those of
//     bgp.go, loadbalancer.go, mirror.go, qos.go, container.go, tracerequest.go and vtep.go, which agents are not sent: no packet is
//     changed by them yet.
//   - desired by a host: Host, Binding. Persistent; written through the agent's stream by that host (or an operator).
//   - state: HostState, PortState, LearnedMAC, RouterNeighbour, NATBlock. Held by the host's lease; gone when the host is.
//
// Source keeps the Neutron objects that the rendered group is made from, so that the whole can be rendered again at any time.
//
// StagedPart and StagedChange are a store's own: they carry a change that is larger than one step of its engine.
package topology
