package ebpf

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"os/exec"
	"testing"
	"time"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/id"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// unfinished turns a complete frame into what a sender with offloads hands down: the checksum holds the pseudo-header's sum.
func unfinished(t *testing.T, frame []byte, segment uint16) ([]byte, datapath.Offload) {
	t.Helper()
	var p packet.Packet
	check(t, packet.Parse(frame, &p))
	o := datapath.Offload{ChecksumPartial: true, ChecksumStart: uint16(p.L4), ChecksumOffset: 16, SegmentSize: segment}
	if p.Proto == packet.ProtoUDP {
		o.ChecksumOffset = 6
	}
	pseudo := append(p.SrcIP.AsSlice(), p.DstIP.AsSlice()...)
	pseudo = binary.BigEndian.AppendUint32(pseudo, uint32(p.End-p.L4))
	pseudo = binary.BigEndian.AppendUint32(pseudo, uint32(p.Proto))
	out := bytes.Clone(frame)
	binary.BigEndian.PutUint16(out[p.L4+int(o.ChecksumOffset):], ^packet.Checksum(pseudo))
	return out, o
}

// TestOffload follows packets whose checksum or segmentation the sender left to hardware: as a miss, through a packet-out and
// through a flow, to this host and another, with every header field rewritten on the way.
func TestOffload(t *testing.T) {
	needRoot(t)
	hosts := newHosts(t, Config{MaxFlows: 1024})
	d, e := hosts[0].open(t), hosts[1].open(t)
	a, b, c := hosts[0].newWire(t), hosts[0].newWire(t), hosts[1].newWire(t)
	portA := datapath.Port{ID: id.New[topology.Port](), Interface: a.name}
	portB := datapath.Port{ID: id.New[topology.Port](), Interface: b.name}
	portC := datapath.Port{ID: id.New[topology.Port](), Interface: c.name, TunnelKey: 3}
	check(t, d.SetPort(portA))
	check(t, d.SetPort(portB))
	check(t, e.SetPort(portC))
	remote := func(peer netip.Addr) flow.Output { return flow.Output{Port: portC.ID, Peer: peer, TunnelKey: 3} }
	ways := []struct {
		name   string
		output flow.Output
		to     *wire
	}{
		{"local", flow.Output{Port: portB.ID}, b}, {"IPv4 tunnel", remote(underlayIPv4(1)), c}, {"IPv6 tunnel", remote(underlayIPv6(1)), c},
	}
	for _, way := range ways {
		for _, c := range offloadCases(t) {
			t.Run(c.name+" "+way.name, func(t *testing.T) {
				sent, offload := unfinished(t, c.before.Frame(c.payload), c.segment)
				want := c.after.Frame(c.payload)
				expect := func() {
					t.Helper()
					if got := way.to.Receive(t, patience); !bytes.Equal(c.comparable(got), c.comparable(want)) {
						t.Fatalf("got\n%x, want\n%x", got, want)
					}
				}
				a.sendOffload(t, sent, offload)
				m := nextMiss(t, d)
				if !bytes.Equal(m.Frame, sent) || m.Offload != offload {
					t.Fatalf("miss %+v\n%x, want %+v\n%x", m.Offload, m.Frame, offload, sent)
				}
				f := flowOf(t, sent, portA.ID, way.output)
				f.Actions.Rewrite = c.rewrite
				check(t, d.Execute([]datapath.Packet{{Frame: m.Frame, Offload: m.Offload, Actions: f.Actions}}))
				expect() // whole: veths hand it on as it is
				check(t, d.Install([]flow.Flow{f}))
				a.sendOffload(t, sent, offload)
				expect()
				check(t, d.Remove([]flow.Key{f.Key}))
			})
		}
	}
	if n, err := d.Counters(); err != nil || n.Errors != 0 || n.MissesLost != 0 {
		t.Errorf("counters %+v, %v, want no errors", n, err)
	}
}

// offloadCases are all combinations of what the sender can leave to hardware with what it can send.
func offloadCases(t *testing.T) (all []offloadCase) {
	t.Helper()
	body := bytes.Repeat([]byte("offload"), 1000)
	for _, family := range []uint16{packet.EtherTypeIPv4, packet.EtherTypeIPv6} {
		for _, proto := range []uint8{packet.ProtoTCP, packet.ProtoUDP} {
			for _, vlan := range []uint16{0, 5 | packet.VLANPresent} {
				ways := []offloadCase{newOffloadCase(family, proto, vlan)}
				if vlan == 0 {
					ways = append(ways, ways[0].translated(t))
				}
				for _, checksum := range ways {
					segments := checksum
					checksum.name += " checksum"
					checksum.payload = body[:99]
					segments.name += " segments"
					segments.payload, segments.segment = body[:4999], 1000
					all = append(all, checksum, segments)
				}
			}
		}
	}
	return all
}

type offloadCase struct {
	name          string
	before, after packet.Header
	rewrite       flow.Rewrite
	payload       []byte
	segment       uint16
}

func newOffloadCase(family uint16, proto uint8, vlan uint16) offloadCase {
	h := udpHeader(4000, 80)
	h.EtherType, h.Proto, h.VLAN = family, proto, vlan
	r := flow.Rewrite{
		Fields: flow.FieldSrcMAC | flow.FieldDstMAC | flow.FieldSrcIP | flow.FieldDstIP | flow.FieldSrcPort | flow.FieldDstPort |
			flow.FieldTOS | flow.FieldTTL,
		SrcMAC: mac.MustParse("ac:ca:ba:00:00:03"), DstMAC: mac.MustParse("ac:ca:ba:00:00:04"),
		SrcIP: netip.MustParseAddr("203.0.113.200"), DstIP: netip.MustParseAddr("198.51.100.7"),
		SrcPort: 60001, DstPort: 443, TOS: 0x28, Hops: 4,
	}
	name := "IPv4"
	if family == packet.EtherTypeIPv6 {
		name = "IPv6"
		h.SrcIP, h.DstIP = netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2")
		r.SrcIP, r.DstIP = netip.MustParseAddr("2001:db8:aaaa::ffff"), netip.MustParseAddr("2001:db8:bbbb:1::2")
	}
	after := h
	after.SrcMAC, after.DstMAC, after.SrcIP, after.DstIP = r.SrcMAC, r.DstMAC, r.SrcIP, r.DstIP
	after.SrcPort, after.DstPort, after.TOS, after.TTL = r.SrcPort, r.DstPort, r.TOS, h.TTL-4
	if vlan != 0 {
		name += " VLAN"
	}
	return offloadCase{name: name + " " + packet.ProtoName(proto), before: h, after: after, rewrite: r}
}

// translated returns the case with what comes out being of the other family.
func (c offloadCase) translated(t *testing.T) offloadCase {
	t.Helper()
	c.rewrite.Fields |= flow.FieldFamily
	c.rewrite.SrcIP, c.rewrite.DstIP = netip.MustParseAddr("100.64.255.7"), netip.MustParseAddr("10.0.0.9")
	if c.before.SrcIP.Is4() {
		c.rewrite.SrcIP, c.rewrite.DstIP = netip.MustParseAddr("2001:db8:ffff::ffff"), netip.MustParseAddr("2001:db8:bbbb:1::2")
	}
	after, ok := c.after.In(c.rewrite.SrcIP, c.rewrite.DstIP)
	if !ok {
		t.Fatalf("%s has no counterpart", c.name)
	}
	c.after = after
	c.name += " translated"
	return c
}

// comparable returns the frame without the identification that is chosen for what was IPv6, and the checksum over it.
func (c *offloadCase) comparable(frame []byte) []byte {
	b := bytes.Clone(frame)
	if c.before.SrcIP.Is6() && c.after.SrcIP.Is4() && len(b) > 34 {
		clear(b[18:20])
		clear(b[24:26])
	}
	return b
}

// TestOffloadOfFirsts begins connections to another host whose sources are translated by packets whose checksum is left to hardware: it comes out as if
// nothing had been behind the packet. What is to be cut into segments is a miss, for each of them would have to have that.
func TestOffloadOfFirsts(t *testing.T) {
	needRoot(t)
	hosts := newHosts(t, Config{MaxFlows: 1024})
	d, e := hosts[0].open(t), hosts[1].open(t)
	a, b := hosts[0].newWire(t), hosts[1].newWire(t)
	portA, portB := datapath.Port{ID: id.New[topology.Port](), Interface: a.name}, datapath.Port{ID: id.New[topology.Port](), Interface: b.name, TunnelKey: 3}
	check(t, d.SetPort(portA))
	check(t, e.SetPort(portB))
	check(t, d.Attend(time.Hour))
	hosts[0].do(t, func() { // so that the checksum is made behind the tunnel device, of all that follows
		if out, err := exec.Command("ethtool", "-K", "underlay", "tx", "off").CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	})
	for i, peer := range []netip.Addr{underlayIPv4(1), underlayIPv6(1)} {
		for _, c := range []offloadCase{newOffloadCase(packet.EtherTypeIPv4, packet.ProtoUDP, 0), newOffloadCase(packet.EtherTypeIPv6, packet.ProtoUDP, 0)} {
			f := flowOf(t, c.before.Frame(nil), portA.ID, flow.Output{Port: portB.ID, Peer: peer, TunnelKey: 3})
			f.Key = f.Key.Wide(flow.SrcPort)
			f.Actions.Rewrite = c.rewrite
			f.Seed = &flow.Seed{Number: uint64(i + 1), Kind: flow.Leaves, Router: id.New[topology.Router](), Ports: []uint16{c.after.SrcPort}}
			check(t, d.Install([]flow.Flow{f}))
			for _, length := range []int{0, 1, 2, 99, 1000} {
				body := bytes.Repeat([]byte{0xa5}, length)
				sent, offload := unfinished(t, c.before.Frame(body), 0)
				a.sendOffload(t, sent, offload)
				if got, want := b.Receive(t, patience), c.after.Frame(body); !bytes.Equal(got, want) {
					t.Fatalf("%s, %d octets: got\n%x, want\n%x", c.name, length, got, want)
				}
				for _, to := range []datapath.Datapath{d, e} {
					if m := nextMiss(t, to); m.Born == nil {
						t.Fatalf("%s, %d octets: %+v was received, want a birth", c.name, length, m)
					}
				}
				check(t, d.Remove([]flow.Key{flowOf(t, sent, portA.ID).Key}))
			}
			sent, offload := unfinished(t, c.before.Frame(make([]byte, 4999)), 1000)
			a.sendOffload(t, sent, offload)
			if m := nextMiss(t, d); m.Born != nil || !bytes.Equal(m.Frame, sent) || m.Offload != offload {
				t.Errorf("%s in segments: %+v was received, want a miss", c.name, m)
			}
			check(t, d.Withdraw([]flow.Flow{f}))
		}
	}
}

// TestOffloadMTU limits packets that are to be cut into segments by the length of these.
func TestOffloadMTU(t *testing.T) {
	l := newLocal(t, Config{MaxFlows: 1024})
	for _, c := range offloadCases(t) {
		if c.segment == 0 {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			sent, offload := unfinished(t, c.before.Frame(c.payload), c.segment)
			f := flowOf(t, sent, l.portA.ID, flow.Output{Port: l.portB.ID})
			f.Actions.MTU = segmentLength(t, sent, c.segment)
			check(t, l.Install([]flow.Flow{f}))
			l.a.sendOffload(t, sent, offload)
			expectFrame(t, l.b, c.before.Frame(c.payload))
			f.Actions.MTU--
			check(t, l.Install([]flow.Flow{f}))
			l.a.sendOffload(t, sent, offload)
			if m := nextMiss(t, l); m.Offload != offload || !bytes.Equal(m.Frame, sent) {
				t.Errorf("miss %+v\n%x, want %+v\n%x", m.Offload, m.Frame, offload, sent)
			}
		})
	}
}

// segmentLength returns that of the IP packets that the frame is cut into: its headers and so much payload.
func segmentLength(t *testing.T, frame []byte, payload uint16) int {
	t.Helper()
	var p packet.Packet
	check(t, packet.Parse(frame, &p))
	return p.Payload - p.L3 + int(payload)
}

// TestOffloadInside translates what a workload tunnels: the checksum that is left to hardware is that of the TCP segment inside, and
// the one outside, which is translated, is complete.
func TestOffloadInside(t *testing.T) {
	l := newLocal(t, Config{MaxFlows: 1024})
	inner := udpHeader(5000, 443)
	inner.Proto = packet.ProtoTCP
	whole := inner.Frame([]byte("inside"))
	left, offload := unfinished(t, whole, 0)
	c := newOffloadCase(packet.EtherTypeIPv4, packet.ProtoUDP, 0)
	sent := c.before.Frame(whole) // with a checksum that counts on the one inside being completed
	at := len(sent) - len(whole)
	copy(sent[at:], left)
	offload.ChecksumStart += uint16(at)
	f := flowOf(t, sent, l.portA.ID, flow.Output{Port: l.portB.ID})
	f.Actions.Rewrite = c.rewrite
	check(t, l.Install([]flow.Flow{f}))
	l.a.sendOffload(t, sent, offload)
	expectFrame(t, l.b, c.after.Frame(whole))
}

// TestOffloadRefused sends packets whose offloads make no sense: they are counted, and the next ones go through.
func TestOffloadRefused(t *testing.T) {
	l := newLocal(t, Config{MaxFlows: 1024})
	frame := udpHeader(1, 1).Frame(make([]byte, 30))
	good := datapath.Packet{Frame: frame, Actions: flow.Actions{Outputs: []flow.Output{{Port: l.portB.ID}}}}
	outside, tooLong := good, good
	outside.Offload = datapath.Offload{ChecksumPartial: true, ChecksumStart: 60000, ChecksumOffset: 6}
	tooLong.Frame = make([]byte, 70000)
	var all []datapath.Packet
	for range slots {
		all = append(all, outside, good, tooLong, good)
	}
	check(t, l.Execute(all))
	for range 2 * slots {
		expectFrame(t, l.b, frame)
	}
	if n, err := l.Counters(); err != nil || n.Errors != 2*slots {
		t.Errorf("counters %+v, %v, want %d errors", n, err, 2*slots)
	}
}
