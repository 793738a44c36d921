package worker

import (
	"fmt"
	"net/netip"
	"time"

	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/id"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// network is a bridge under construction: what the cluster would render for one Neutron network and its subnet.
type network struct {
	bridge  *topology.Bridge
	dhcp    *topology.DHCP
	objects []topology.Object
	keys    uint32
}

// endpoint is one workload of a network.
type endpoint struct {
	port  topology.PortID
	iface string
	mac   mac.Addr
	addr  netip.Addr
}

func newNetwork() *network {
	b := &topology.Bridge{ID: id.New[topology.Bridge](), Name: "blue", AdminUp: true, MTU: 1450}
	d := &topology.DHCP{
		ID: id.New[topology.DHCP](), Bridge: b.ID, Prefix: netip.MustParsePrefix("10.0.0.0/16"), Enabled: true,
		Router: netip.MustParseAddr("10.0.0.1"), Server: netip.MustParseAddr("10.0.0.2"), LeaseSeconds: 86400,
	}
	return &network{bridge: b, dhcp: d, objects: []topology.Object{b, d}}
}

// addHost makes a host known with one underlay address.
func (n *network) addHost(host topology.HostID, underlay netip.Addr) {
	n.objects = append(n.objects, &topology.Host{ID: host, Name: host.Short(), Endpoints: []netip.Addr{underlay}})
}

// plug adds a port that is bound to an interface of the host, with everything that Neutron knows about it.
func (n *network) plug(host topology.HostID, iface string) endpoint {
	n.keys++
	e := endpoint{
		port: id.New[topology.Port](), iface: iface, mac: stationMAC(int(n.keys)),
		addr: netip.AddrFrom4([4]byte{10, 0, byte(n.keys >> 8), byte(n.keys) + 10}),
	}
	n.objects = append(n.objects,
		&topology.Port{ID: e.port, Bridge: n.bridge.ID, Name: iface, AdminUp: true, TunnelKey: n.keys},
		&topology.Binding{Port: e.port, Host: host, Interface: iface},
		topology.NewMACEntry(n.bridge.ID, e.mac, e.port),
		topology.NewNeighbour(n.bridge.ID, e.addr, e.mac, e.port),
		&topology.DHCPHost{
			ID: id.New[topology.DHCPHost](), DHCP: n.dhcp.ID, Bridge: n.bridge.ID, Port: e.port, MAC: e.mac, Addr: e.addr,
			Hostname: iface,
		})
	return e
}

func (n *network) snapshot() view.Delta { return view.Delta{Puts: n.objects} }

// object returns the object with the key, to be copied and changed.
func object[O topology.Object](n *network, key topology.Key) O {
	for _, o := range n.objects {
		if o.Key() == key {
			return o.(O)
		}
	}
	panic(fmt.Sprintf("no object %s", key))
}

// udp returns a datagram between two workloads.
func udp(from, to endpoint, srcPort uint16) []byte {
	return packet.WrapUDP(from.mac, to.mac, netip.AddrPortFrom(from.addr, srcPort), netip.AddrPortFrom(to.addr, 7), []byte("hello"))
}

// sctp returns a packet between two workloads that no wide key has: each source port is a flow of its own.
func sctp(from, to endpoint, srcPort uint16) []byte {
	h := packet.Header{SrcMAC: from.mac, DstMAC: to.mac, EtherType: packet.EtherTypeIPv4, SrcIP: from.addr, DstIP: to.addr,
		Proto: packet.ProtoSCTP, SrcPort: srcPort, DstPort: 7, TTL: 64}
	return h.Frame([]byte("12345678"))
}

// echo returns an ICMP echo request (8) or reply (0) between two workloads.
func echo(from, to endpoint, kind uint8) []byte {
	h := packet.Header{
		SrcMAC: from.mac, DstMAC: to.mac, EtherType: packet.EtherTypeIPv4, SrcIP: from.addr, DstIP: to.addr,
		Proto: packet.ProtoICMP, SrcPort: uint16(kind),
	}
	return h.Frame([]byte{0, 1, 0, 1, 'p', 'i', 'n', 'g'})
}

// clock is a time that stands still until it is moved.
type clock struct{ now time.Time }

func newClock() *clock { return &clock{now: time.Unix(1_700_000_000, 0)} }

func (c *clock) Now() time.Time { return c.now }

func (c *clock) advance(d time.Duration) { c.now = c.now.Add(d) }
