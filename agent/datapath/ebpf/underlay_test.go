package ebpf

import (
	"bytes"
	"encoding/binary"
	"net"
	"net/netip"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/id"
	"midonet.org/midonet/topology"
)

// TestUnderlay looks at what is on the wire between two hosts: VXLAN as RFC 7348 has it, from the address that was set and not the
// one that the kernel would choose. IPv4 goes without the outer checksum, IPv6 with it (RFC 8200 section 8.1).
func TestUnderlay(t *testing.T) {
	needRoot(t)
	hosts := newHosts(t, Config{MaxFlows: 1024})
	d := hosts[0].open(t)
	sources := []netip.Addr{netip.MustParseAddr("192.0.2.77"), netip.MustParseAddr("fd00::77")}
	var tap *wire
	for _, a := range sources {
		hosts[0].addUnderlay(t, a)
	}
	hosts[1].do(t, func() {
		l, err := netlink.LinkByName("underlay")
		check(t, err)
		tap = &wire{name: "underlay", fd: packetSocket(t, l.Attrs().Index)}
	})
	t.Cleanup(func() { unix.Close(tap.fd) })
	check(t, d.SetSource(sources))
	inner := udpHeader(1, 1).Frame(make([]byte, 30))
	for i, peer := range []netip.Addr{underlayIPv4(1), underlayIPv6(1)} {
		out := flow.Actions{Outputs: []flow.Output{{Peer: peer, TunnelKey: 0xabcdef}}}
		check(t, d.Execute([]datapath.Packet{{Frame: inner, Actions: out}}))
		p := tap.nextUDP(t, 6677)
		if p.SrcIP != sources[i] || p.DstIP != peer {
			t.Errorf("from %s to %s, want from %s to %s", p.SrcIP, p.DstIP, sources[i], peer)
		}
		if checksum := binary.BigEndian.Uint16(p.Frame[p.L4+6:]); (checksum == 0) != peer.Is4() {
			t.Errorf("to %s: UDP checksum %#04x", peer, checksum)
		}
		vxlan, want := p.Data(), []byte{8, 0, 0, 0, 0xab, 0xcd, 0xef, 0}
		if !bytes.Equal(vxlan[:8], want) || !bytes.Equal(vxlan[8:], inner) {
			t.Errorf("VXLAN header % x and packet\n%x, want % x and\n%x", vxlan[:8], vxlan[8:], want, inner)
		}
	}
}

// TestJumboFrames sends the largest packets that fit into an underlay of 9000 octets, by the agent and by a flow.
func TestJumboFrames(t *testing.T) {
	needRoot(t)
	hosts := newHosts(t, Config{MaxFlows: 1024})
	var ports [2]datapath.Port
	var wires [2]*wire
	var datapaths [2]datapath.Datapath
	for i, h := range hosts {
		h.resize(t, "underlay", 9000)
		datapaths[i], wires[i] = h.open(t), h.newWire(t)
		h.resize(t, wires[i].name, 8950)
		h.workloads.resize(t, wires[i].name, 8950)
		ports[i] = datapath.Port{ID: id.New[topology.Port](), Interface: wires[i].name, TunnelKey: uint32(i + 1)}
		check(t, datapaths[i].SetPort(ports[i]))
	}
	const headers = 20 + 8
	for peer, size := range map[netip.Addr]int{underlayIPv4(1): 8950, underlayIPv6(1): 8930} {
		frame := udpHeader(1, 1).Frame(make([]byte, size-headers))
		f := flowOf(t, frame, ports[0].ID, flow.Output{Peer: peer, TunnelKey: 2})
		check(t, datapaths[0].Execute([]datapath.Packet{{InPort: ports[0].ID, Frame: frame, Actions: f.Actions}}))
		expectFrame(t, wires[1], frame)
		check(t, datapaths[0].Install([]flow.Flow{f}))
		wires[0].Send(t, frame)
		expectFrame(t, wires[1], frame)
	}
}

func (ns *testNamespace) resize(t *testing.T, name string, mtu int) {
	t.Helper()
	ns.do(t, func() {
		l, err := netlink.LinkByName(name)
		check(t, err)
		check(t, netlink.LinkSetMTU(l, mtu))
	})
}

func (h *host) addUnderlay(t *testing.T, a netip.Addr) {
	t.Helper()
	h.do(t, func() {
		l, err := netlink.LinkByName("underlay")
		check(t, err)
		whole := &net.IPNet{IP: a.AsSlice(), Mask: net.CIDRMask(a.BitLen(), a.BitLen())}
		check(t, netlink.AddrAdd(l, &netlink.Addr{IPNet: whole, Flags: unix.IFA_F_NODAD}))
	})
}

// nextUDP steps over what the kernels say to each other.
func (w *wire) nextUDP(t *testing.T, port uint16) packet.Packet {
	t.Helper()
	for {
		frame := w.Receive(t, patience)
		if frame == nil {
			t.Fatal("nothing on the underlay")
		}
		var p packet.Packet
		if packet.Parse(frame, &p) == nil && p.Proto == packet.ProtoUDP && p.DstPort == port {
			return p
		}
	}
}
