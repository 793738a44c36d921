package topology

import (
	"net/netip"

	"midonet.org/midonet/id"
	"midonet.org/midonet/mac"
)

// Router is a virtual router: one Neutron router. It has no home: each packet is routed on the host where it enters.
//
// A packet passes InChain (before routing), the routes, ForwardChain and OutChain (after routing); what the chains do to addresses is the
// router's NAT. MidoNet calls them OS_PRE_ROUTING_<id>, OS_FORWARD_<id> and OS_POST_ROUTING_<id>.
type Router struct {
	Made
	ID        RouterID // the Neutron router's
	Name      string
	ProjectID string
	AdminUp   bool // false: every packet is refused with ICMP "administratively prohibited"
	// Of the chains, zero: none. ForwardChain sees what is routed from one port to another.
	InChain, ForwardChain, OutChain ChainID
}

// RouteKind is what becomes of a packet that a route takes.
type RouteKind uint8

// The kinds of route (MidoNet's next hop types).
const (
	RouteForward   RouteKind = 1 // out of Port, to NextHop or, where that is zero, to the packet's destination
	RouteLocal     RouteKind = 2 // the router itself is the destination
	RouteBlackhole RouteKind = 3 // dropped silently
	RouteReject    RouteKind = 4 // dropped with ICMP "administratively prohibited"
	// RouteFIP64 leads to the original's translator for floating addresses of IPv6. There is none here, as routers translate themselves: such a
	// route, which only operators make, is kept and not obeyed.
	RouteFIP64 RouteKind = 5
)

// Route is one route of a router. Among those that cover a packet's source and destination the longest destination wins, then the
// lowest weight; several equal ones share the flows (ECMP). A route out of a port that is not active does not count.
type Route struct {
	Made
	ID          RouteID
	Router      RouterID
	Source      netip.Prefix // the zero Prefix: any
	Destination netip.Prefix // its family is the route's
	Kind        RouteKind
	Port        PortID     // of RouteForward and RouteLocal
	NextHop     netip.Addr // zero: directly connected
	Weight      uint32     // lower is better; MidoNet's default is 100
	Attributes  string     // what an operator notes of it
}

// Advertisement is what a router says of a link to its hosts (RFC 4861 section 4.2). Intervals and life times are the RFC's defaults.
type Advertisement struct {
	Managed  bool // M: addresses come by DHCPv6
	Other    bool // O: other configuration does
	Prefixes []AdvertisedPrefix
	MTU      int // octets; 0: not sent
	DNS      []netip.Addr
}

// AdvertisedPrefix is an on-link prefix.
type AdvertisedPrefix struct {
	Prefix     netip.Prefix
	Autonomous bool // A: hosts form addresses in it (SLAAC)
}

// FloatingIP is an address that the router answers for and exchanges, one for one, with a fixed address behind it. Between an IPv6 one
// and a fixed one of IPv4 the packets are translated as well.
type FloatingIP struct {
	ID     FloatingIPID // Neutron's
	Router RouterID
	Port   PortID     // the router port on the floating network: its MAC answers for the address, and packets leave by it
	Addr   netip.Addr // the floating address
	Fixed  netip.Addr // of the workload: of the same family, or of IPv4 where Addr is of IPv6
}

// NAT64Pool is the addresses by which workloads see the IPv6 clients that reach them by a FloatingIP whose Addr is of IPv6 and whose
// Fixed is of IPv4 (MidoNet's RouterTranslator.Nat64Pool).
var NAT64Pool = netip.MustParsePrefix("100.64.0.0/10")

// PortForwarding sends some ports of an address that the router answers for to a fixed address behind it.
type PortForwarding struct {
	ID        PortForwardingID // Neutron's
	Router    RouterID
	Port      PortID // as FloatingIP.Port
	Addr      netip.Addr
	Proto     uint8     // 6 TCP, 17 UDP, 132 SCTP
	Ports     PortRange // of Addr
	Fixed     netip.Addr
	FixedPort uint16 // to which the first of Ports goes; the others follow in order
}

// NATBlockSize is how many ports a NATBlock has (MidoNet's NatBlock.BLOCK_SIZE).
const NATBlockSize = 64

// NATBlock is the right of one host to give the ports First … First+NATBlockSize-1 of an address to the connections whose source
// it translates. It is held by the host's lease, so that no two hosts ever hold one block.
type NATBlock struct {
	ID     NATBlockID
	Router RouterID // the device that translates: the identifier of a bridge, where an operator's chain there does
	Addr   netip.Addr
	First  uint16 // a multiple of NATBlockSize
	Host   HostID
}

// NewNATBlock returns the block with its derived identifier, which is the same for whoever holds it.
func NewNATBlock(router RouterID, addr netip.Addr, first uint16, host HostID) *NATBlock {
	name := "nat " + netip.AddrPortFrom(addr, first).String()
	return &NATBlock{ID: id.Derive[NATBlock](router, name), Router: router, Addr: addr, First: first, Host: host}
}

// RouterNeighbour is who has an address on a router port's link, where Neutron does not know: found by ARP or ND by the host that
// has it, and held by that host's lease.
type RouterNeighbour struct {
	ID     RouterNeighbourID
	Router RouterID
	Port   PortID
	Addr   netip.Addr
	MAC    mac.Addr
	Host   HostID
}

// NewRouterNeighbour returns the record with its derived identifier: one for each port and address, so that a neighbour whose MAC
// changes replaces its own record.
func NewRouterNeighbour(router RouterID, port PortID, addr netip.Addr, hw mac.Addr, host HostID) *RouterNeighbour {
	return &RouterNeighbour{ID: id.Derive[RouterNeighbour](port, "neighbour "+addr.String()),
		Router: router, Port: port, Addr: addr, MAC: hw, Host: host}
}

// Key returns the router's key.
func (o *Router) Key() Key { return Key{KindRouter, o.ID} }

// Key returns the route's key.
func (o *Route) Key() Key { return Key{KindRoute, o.ID} }

// Key returns the key of the floating address.
func (o *FloatingIP) Key() Key { return Key{KindFloatingIP, o.ID} }

// Key returns the key of the forwarding.
func (o *PortForwarding) Key() Key { return Key{KindPortForwarding, o.ID} }

// Key returns the block's key.
func (o *NATBlock) Key() Key { return Key{KindNATBlock, o.ID} }

// Key returns the key of the neighbour.
func (o *RouterNeighbour) Key() Key { return Key{KindRouterNeighbour, o.ID} }
