package topology

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strconv"

	"midonet.org/midonet/id"
	"midonet.org/midonet/mac"
)

// Identifiers of each object.
type (
	BridgeID     = id.ID[Bridge]
	PortID       = id.ID[Port]
	DHCPID       = id.ID[DHCP]
	DHCPHostID   = id.ID[DHCPHost]
	MACEntryID   = id.ID[MACEntry]
	NeighbourID  = id.ID[Neighbour]
	HostID       = id.ID[Host]
	LearnedMACID = id.ID[LearnedMAC]

	RouterID          = id.ID[Router]
	RouteID           = id.ID[Route]
	ChainID           = id.ID[Chain]
	RuleID            = id.ID[Rule]
	AddrGroupID       = id.ID[AddrGroup]
	GroupMemberID     = id.ID[GroupMember]
	PortGroupID       = id.ID[PortGroup]
	FloatingIPID      = id.ID[FloatingIP]
	PortForwardingID  = id.ID[PortForwarding]
	NATBlockID        = id.ID[NATBlock]
	RouterNeighbourID = id.ID[RouterNeighbour]
)

// Kind says which type an object is. The numbers are stored; they never change meaning.
type Kind uint8

// The kinds of object.
const (
	KindBridge     Kind = 1
	KindPort       Kind = 2
	KindDHCP       Kind = 3
	KindDHCPHost   Kind = 4
	KindMACEntry   Kind = 5
	KindNeighbour  Kind = 6
	KindHost       Kind = 7
	KindBinding    Kind = 8
	KindTunnelKey  Kind = 9
	KindHostState  Kind = 10
	KindPortState  Kind = 11
	KindLearnedMAC Kind = 12
	KindSource     Kind = 13
	KindProgress   Kind = 14

	KindRouter          Kind = 15
	KindRoute           Kind = 16
	KindChain           Kind = 17
	KindAddrGroup       Kind = 18
	KindGroupMember     Kind = 19
	KindPortGroup       Kind = 20
	KindFloatingIP      Kind = 21
	KindPortForwarding  Kind = 22
	KindNATBlock        Kind = 23
	KindRouterNeighbour Kind = 24
	KindOverlay         Kind = 25
	KindTunnelZone      Kind = 26
	KindTunnelZoneHost  Kind = 27

	KindBGPNetwork            Kind = 28
	KindBGPPeer               Kind = 29
	KindLoadBalancer          Kind = 30
	KindPool                  Kind = 31
	KindPoolMember            Kind = 32
	KindVIP                   Kind = 33
	KindHealthMonitor         Kind = 34
	KindMirror                Kind = 35
	KindL2Insertion           Kind = 36
	KindQoSPolicy             Kind = 37
	KindQoSBandwidthRule      Kind = 38
	KindQoSDSCPRule           Kind = 39
	KindServiceContainer      Kind = 40
	KindServiceContainerGroup Kind = 41
	KindTraceRequest          Kind = 42
	KindVTEP                  Kind = 43
	KindPeeringEntry          Kind = 44
	KindHostSettings          Kind = 45
	KindConfigDocument        Kind = 46

	KindRevocation Kind = 47

	lastKind = KindRevocation
)

var kindNames = map[Kind]string{
	KindBridge: "bridge", KindPort: "port", KindDHCP: "dhcp", KindDHCPHost: "dhcp_host", KindMACEntry: "mac_entry",
	KindNeighbour: "neighbour", KindHost: "host", KindBinding: "binding", KindTunnelKey: "tunnel_key",
	KindHostState: "host_state", KindPortState: "port_state", KindLearnedMAC: "learned_mac", KindSource: "source",
	KindProgress: "progress",
	KindRouter:   "router", KindRoute: "route", KindChain: "chain", KindAddrGroup: "addr_group", KindGroupMember: "group_member",
	KindPortGroup: "port_group", KindFloatingIP: "floating_ip", KindPortForwarding: "port_forwarding",
	KindNATBlock: "nat_block", KindRouterNeighbour: "router_neighbour",
	KindOverlay: "overlay", KindTunnelZone: "tunnel_zone", KindTunnelZoneHost: "tunnel_zone_host",
	KindBGPNetwork: "bgp_network", KindBGPPeer: "bgp_peer", KindLoadBalancer: "load_balancer", KindPool: "pool", KindPoolMember: "pool_member",
	KindVIP: "vip", KindHealthMonitor: "health_monitor", KindMirror: "mirror", KindL2Insertion: "l2_insertion", KindQoSPolicy: "qos_policy",
	KindQoSBandwidthRule: "qos_bandwidth_rule", KindQoSDSCPRule: "qos_dscp_rule", KindServiceContainer: "service_container",
	KindServiceContainerGroup: "service_container_group", KindTraceRequest: "trace_request", KindVTEP: "vtep",
	KindPeeringEntry: "peering_entry", KindHostSettings: "host_settings",
	KindConfigDocument: "config_document",
	KindRevocation:     "revocation",
	KindStagedPart:     "staged_part", KindStagedChange: "staged_change",
}

// String returns the name used in store paths, dumps and traces.
func (k Kind) String() string {
	if s, ok := kindNames[k]; ok {
		return s
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// Kinds returns every kind that readers of a store see, in order of number.
func Kinds() []Kind {
	ks := make([]Kind, 0, len(kindNames))
	for k := KindBridge; k <= lastKind; k++ {
		ks = append(ks, k)
	}
	return ks
}

// StoredKinds returns every kind that an engine keeps.
func StoredKinds() []Kind { return append(Kinds(), KindStagedPart, KindStagedChange) }

// Known reports whether k is one of the kinds that readers see.
func (k Kind) Known() bool { return k >= KindBridge && k <= lastKind }

// Heeded reports whether any part of this MidoNet obeys objects of the kind. Those that none obeys are only kept, and agents are not sent them.
func (k Kind) Heeded() bool { return k < KindBGPNetwork || k > KindConfigDocument }

// Heeded reports whether any part of this MidoNet obeys the object. Of some kinds that are obeyed there are objects that are only kept: entries of a
// VLAN's MAC table, and routes to the original's translator.
func Heeded(o Object) bool {
	switch o := o.(type) {
	case *MACEntry:
		return o.VLAN == 0
	case *Route:
		return o.Kind != RouteFIP64
	}
	return o.Key().Kind.Heeded()
}

// Leased reports whether objects of the kind are held by a host's lease.
func (k Kind) Leased() bool {
	switch k {
	case KindHostState, KindPortState, KindLearnedMAC, KindRouterNeighbour, KindNATBlock:
		return true
	}
	return false
}

// KindByName is the inverse of Kind.String.
func KindByName(s string) (Kind, bool) {
	for k, n := range kindNames {
		if n == s {
			return k, true
		}
	}
	return 0, false
}

// FirstOperatorTunnelKey is the first of the tunnel keys that ports which operators make are given: the upper half of what there is.
const FirstOperatorTunnelKey = 1 << 19

// Key names one object among all.
type Key struct {
	Kind Kind
	ID   [16]byte
}

// String returns "kind/uuid".
func (k Key) String() string { return k.Kind.String() + "/" + id.ID[Object](k.ID).String() }

// Object is any value of this package that is stored and sent on its own: one of the pointer types below.
type Object interface{ Key() Key }

// Bridge is a virtual switch: one Neutron network.
type Bridge struct {
	Made
	ID        BridgeID // the Neutron network's
	Name      string
	ProjectID string
	AdminUp   bool // false: every frame is dropped
	MTU       int  // largest IP packet in octets that workloads should send; 0 where nothing is known
	// External is Neutron's router:external. Many projects' routers meet on such a bridge, so a host that needs the bridge does not
	// for that need what is behind each of them (package cluster/stream).
	External bool
}

// Port is a place on a bridge or on a router. One with a Peer is the end of a virtual wire (interior); into any other one interface
// of one host can be plugged (exterior). Each Neutron port on a virtual network is a bridge port; a router's interface is a bridge
// port and a router port that are each other's peers; an interface on an uplink network is an exterior router port.
type Port struct {
	Made
	ID        PortID // the Neutron port's; of a router's end of a wire, derived from that
	Bridge    BridgeID
	Router    RouterID // exactly one of Bridge and Router is set
	Peer      PortID   // zero: exterior
	Name      string
	ProjectID string
	Device    string // Neutron's device_id: for the metadata service, which instance asks
	AdminUp   bool   // false: nothing enters or leaves
	// TunnelKey names the port as egress in the packets that hosts send each other: 1 … 1<<20-1, unique in the cloud while the
	// port lives; 0 for an interior port, always. The renderer leaves it 0; the importer assigns it and keeps it.
	TunnelKey uint32

	Security *Security // what the workload may send and receive; nil: everything

	// Of router ports.
	MAC       mac.Addr
	Addresses []netip.Prefix // the router's own, each with the length of its subnet and not masked
	MTU       int            // largest IP packet that leaves here, octets; 0: no limit is known
	Advertise *Advertisement // what routers advertise on the link; nil: nothing
	Plug      *Plug          // of an uplink: where Neutron wants it plugged in; nil: who has the interface binds it

	// InChain sees what enters the device here, OutChain what leaves it; zero: none. Stored ports have none: what Neutron asks for
	// is in Security, and an operator's chains are in an Overlay, which package view joins with the port.
	InChain, OutChain ChainID
	Groups            []PortGroupID
}

// Plug names an interface of a host: binding:host_id, which is the host's name, and interface_name of binding:profile.
type Plug struct {
	HostName  string
	Interface string
}

// Interior reports whether the port is one end of a virtual wire.
func (p *Port) Interior() bool { return !p.Peer.IsZero() }

// ClasslessRoute is one route, as DHCP option 121 carries it (RFC 3442).
type ClasslessRoute struct {
	Destination netip.Prefix
	NextHop     netip.Addr
}

// DHCP is what the agents answer with on a bridge for one subnet.
type DHCP struct {
	Made
	ID      DHCPID // the Neutron subnet's
	Bridge  BridgeID
	Prefix  netip.Prefix
	Enabled bool
	Router  netip.Addr // gateway; the zero Addr where there is none
	// Server is the address the server answers from (option 54): the DHCP port's, else the gateway's, else for IPv4 the metadata
	// service's, which no workload can hold.
	Server netip.Addr
	DNS    []netip.Addr
	Routes []ClasslessRoute
	MTU    int // option 26, octets; 0: not sent
	// LeaseSeconds is option 51; the original answers 86400.
	LeaseSeconds uint32
	Domain       string // option 15; empty: not sent
	// AddressMode says how workloads get an IPv6 address of the subnet; always NoAddressMode for IPv4.
	AddressMode AddressMode
	// Silent are the hosts that do not answer, whatever their workloads ask, in order of identifier.
	Silent []HostID
}

// AddressMode is Neutron's ipv6_address_mode.
type AddressMode uint8

// The address modes. Stateful hands out the reservations (RFC 8415); with the others workloads form addresses themselves
// (RFC 4862), and Stateless answers with the rest of the configuration.
const (
	NoAddressMode   AddressMode = 0
	SLAAC           AddressMode = 1
	DHCPv6Stateful  AddressMode = 2
	DHCPv6Stateless AddressMode = 3
)

// DHCPOption is one extra option of a host. Name is an option number or dnsmasq's option name, as Neutron's
// extra_dhcp_opts has it.
type DHCPOption struct {
	Name  string
	Value string
}

// DHCPHost is the reservation of one address on one subnet for the holder of a MAC.
type DHCPHost struct {
	Made
	ID       DHCPHostID
	DHCP     DHCPID
	Bridge   BridgeID
	Port     PortID // behind which the holder is; zero: any of the bridge, as an operator's are
	MAC      mac.Addr
	Addr     netip.Addr
	Hostname string // option 12; empty: not sent
	Options  []DHCPOption
}

// MACEntry says which port of a bridge a MAC is behind.
type MACEntry struct {
	Made
	ID     MACEntryID
	Bridge BridgeID
	MAC    mac.Addr
	Port   PortID
	VLAN   uint16 // whose table it is in; 0: in the bridge's, which holds for every frame. Those of VLANs are only kept
}

// Neighbour says which MAC has an IPv4 or IPv6 address on a bridge: what ARP (RFC 826) and ND (RFC 4861) requests are answered
// from.
type Neighbour struct {
	Made
	ID     NeighbourID
	Bridge BridgeID
	Addr   netip.Addr
	MAC    mac.Addr
	Port   PortID
}

// Host is a machine that runs an agent. It stays when the machine is away.
type Host struct {
	ID   HostID
	Name string
	// Endpoints are the underlay addresses to which other hosts send tunnelled packets, at most one of each family.
	Endpoints []netip.Addr
	// Zone is the availability zone that the host says it is in; empty: none.
	Zone string
	// Metadata says that the host's agent answers its workloads at MetadataIPv4 and MetadataIPv6.
	Metadata bool
	// Openings says that the host's datapath knows the first packet of a connection from another host by its tunnel key, so that other hosts
	// may send such.
	Openings bool
	// Origins says that it also knows what such a connection was before its source was translated.
	Origins bool
}

// MaxFormer is how many of the hosts are kept that a port was bound to before.
const MaxFormer = 4

// Binding plugs an interface of a host into a port. A port has at most one, and so has an interface.
type Binding struct {
	Port      PortID
	Host      HostID
	Interface string
	// Former are the hosts that the port was bound to before, the last one first and none twice, and zero identifiers behind them. They may
	// know connections of the port that still live, and hold the blocks that these are translated to (the original keeps the last one, as
	// the port's previous_host_id).
	Former [MaxFormer]HostID
}

// SamePlace reports whether both plug the same interface into the same port.
func (o *Binding) SamePlace(as *Binding) bool {
	return o.Port == as.Port && o.Host == as.Host && o.Interface == as.Interface
}

// Follow makes what the binding replaces, which may be nil, part of its past.
func (o *Binding) Follow(old *Binding) {
	o.Former = [MaxFormer]HostID{}
	if old == nil {
		return
	}
	past := o.Former[:0]
	for _, h := range append([]HostID{old.Host}, old.Former[:]...) {
		if len(past) < MaxFormer && !h.IsZero() && h != o.Host && !slices.Contains(past, h) {
			past = append(past, h)
		}
	}
}

// TunnelKey reserves a tunnel key for a port, so that two writers cannot assign one key twice.
type TunnelKey struct {
	Made
	Number uint32
	Port   PortID
}

// Interface is a network interface as its host sees it.
type Interface struct {
	Name  string
	MAC   mac.Addr
	MTU   int
	Up    bool // administratively up and with carrier
	Addrs []netip.Addr
}

// HostState exists while the host's agent is alive.
type HostState struct {
	Host        HostID
	Version     string // of the agent
	StartedUnix int64  // when the agent started, seconds since 1970 by the host's clock
	Interfaces  []Interface
}

// Counts is how a host's agent does, for people. It is told and never stored.
type Counts struct {
	Flows      int    // in the cache
	States     int    // of connections, remembered
	Peers      int    // hosts that it can tunnel to
	Misses     uint64 // served since the agent started
	MissesLost uint64 // over a port's rate, or the queue was full
	Begun      uint64 // connections that the flow cache has begun by itself, which are no misses
	Opened     uint64 // those that another host's has
	Blocks     int    // of ports for source translation that it holds
	Lent       int    // ports of them that the flow cache gives to connections by itself
	Drops      []Drop // missed packets that were not sent on, the reasons that there were
}

// Drop is how many packets were dropped for a reason.
type Drop struct {
	Reason  string
	Packets uint64
}

// PortState exists while the port's interface is present on a live host; Active while it is also up and in the datapath.
type PortState struct {
	Port   PortID
	Host   HostID
	Active bool
}

// LearnedMAC is a station that a host has seen behind one of its ports and that no MACEntry names.
type LearnedMAC struct {
	ID     LearnedMACID
	Bridge BridgeID
	MAC    mac.Addr
	Port   PortID
	Host   HostID
}

// Source is a Neutron object as the journal delivered it, the input of the renderer.
type Source struct {
	Resource string // singular Neutron resource name: "network", "subnet", "port"
	ID       [16]byte
	JSON     []byte // neutron/model's JSON form
}

// Progress is how far an importer has come; it is written in the transaction that applies a task.
type Progress struct {
	Journal    string // which journal: the database's identity
	LastTaskID int64
	Applied    uint64 // tasks applied in all
	Repairs    uint64 // full comparisons that found something to write
	Store      string // which network state database this is: drawn when the first progress is written
	Turns      uint64 // how often an importer has begun
}

// Key returns the bridge's key.
func (o *Bridge) Key() Key { return Key{KindBridge, o.ID} }

// Key returns the port's key.
func (o *Port) Key() Key { return Key{KindPort, o.ID} }

// Key returns the key of the DHCP subnet.
func (o *DHCP) Key() Key { return Key{KindDHCP, o.ID} }

// Key returns the reservation's key.
func (o *DHCPHost) Key() Key { return Key{KindDHCPHost, o.ID} }

// Key returns the entry's key.
func (o *MACEntry) Key() Key { return Key{KindMACEntry, o.ID} }

// Key returns the neighbour's key.
func (o *Neighbour) Key() Key { return Key{KindNeighbour, o.ID} }

// Key returns the host's key.
func (o *Host) Key() Key { return Key{KindHost, o.ID} }

// Key returns the key of the binding, which is the port's: a port has one binding.
func (o *Binding) Key() Key { return Key{KindBinding, o.Port} }

// Key returns the key that only one reservation of the number can have.
func (o *TunnelKey) Key() Key { return TunnelKeyKey(o.Number) }

// Key returns the key of the host's state.
func (o *HostState) Key() Key { return Key{KindHostState, o.Host} }

// Key returns the key of the port's state.
func (o *PortState) Key() Key { return Key{KindPortState, o.Port} }

// Key returns the key of the learned station.
func (o *LearnedMAC) Key() Key { return Key{KindLearnedMAC, o.ID} }

// Key returns the key of the Neutron object. Neutron's ids are unique over all resources.
func (o *Source) Key() Key { return Key{KindSource, o.ID} }

// Key returns the key of the journal's progress.
func (o *Progress) Key() Key {
	return Key{KindProgress, id.Derive[Progress](id.ID[Progress]{}, o.Journal)}
}

// TunnelKeyKey returns the key of the reservation of a tunnel key.
func TunnelKeyKey(number uint32) Key {
	k := Key{Kind: KindTunnelKey}
	binary.BigEndian.PutUint32(k.ID[12:], number)
	return k
}

// NewMACEntry returns the entry for hw on the bridge, with its derived identifier: one entry per bridge, MAC and port.
func NewMACEntry(bridge BridgeID, hw mac.Addr, port PortID) *MACEntry {
	return &MACEntry{ID: id.Derive[MACEntry](port, "mac "+hw.String()), Bridge: bridge, MAC: hw, Port: port}
}

// OnVLAN returns the entry for the frames of a VLAN, which has an identifier of its own.
func (o *MACEntry) OnVLAN(vlan uint16) *MACEntry {
	if vlan == 0 {
		return o
	}
	on := *o
	on.ID, on.VLAN = id.Derive[MACEntry](o.ID, "vlan "+strconv.Itoa(int(vlan))), vlan
	return &on
}

// NewNeighbour returns the entry for addr on the bridge, with its derived identifier: one entry per port and address.
func NewNeighbour(bridge BridgeID, addr netip.Addr, hw mac.Addr, port PortID) *Neighbour {
	return &Neighbour{ID: id.Derive[Neighbour](port, "neighbour "+addr.String()), Bridge: bridge, Addr: addr, MAC: hw, Port: port}
}

// NewLearnedMAC returns the record of hw seen behind port, with its derived identifier: one record per bridge and MAC, so that
// a station that moves replaces its own record.
func NewLearnedMAC(bridge BridgeID, hw mac.Addr, port PortID, host HostID) *LearnedMAC {
	return &LearnedMAC{ID: id.Derive[LearnedMAC](bridge, "learned "+hw.String()), Bridge: bridge, MAC: hw, Port: port, Host: host}
}
