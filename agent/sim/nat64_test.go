package sim

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/agent/view/viewtest"
	"midonet.org/midonet/topology"
)

const fromClient = " smac fa:16:3e:00:00:09 dmac fa:16:3e:aa:00:03"

var (
	client6   = netip.MustParseAddr("2001:db8:71::99")
	floating6 = netip.MustParseAddr("2001:db8:71::9")
	fixed4    = netip.MustParseAddr("10.0.0.3")
)

func newNAT64Lab(t *testing.T) *lab { return labOf(t, "testdata/nat64.txtar", "bind vm1 h1 tap1") }

func parsed(t *testing.T, frame []byte) *packet.Packet {
	t.Helper()
	var p packet.Packet
	if err := packet.Parse(frame, &p); err != nil {
		t.Fatal(err)
	}
	return &p
}

// TestIPv6ClientsOfIPv4Workloads sends packets of every kind from an IPv6 client to the floating address, and their answers back.
func TestIPv6ClientsOfIPv4Workloads(t *testing.T) {
	const ends = "[2001:db8:71::99]:40000 > [2001:db8:71::9]:"
	for _, text := range []string{
		"tcp " + ends + "80", "icmp 2001:db8:71::99 > 2001:db8:71::9 id 7", "udp " + ends + "53", "sctp " + ends + "36412",
		"47 2001:db8:71::99 > 2001:db8:71::9",
	} {
		t.Run(text, func(t *testing.T) {
			l := newNAT64Lab(t)
			l.apply("chain web accept ip4")
			first := parsed(t, frameOf(t, text+fromClient))
			at, got := l.send("client", first.Frame)
			if got == nil || at != "vm1" || !topology.NAT64Pool.Contains(got.SrcIP) || got.DstIP != fixed4 || got.TTL != first.TTL-1 {
				t.Fatalf("it comes out at %s: %+v", at, got)
			}
			answer := answerTo(got)
			if !flow.Tracked(&got.Header) {
				l.apply("chain none accept ip4")
			}
			at, back := l.send("vm1", answer)
			if back == nil || at != "client" || back.SrcIP != floating6 || back.DstIP != client6 || back.DstMAC != first.SrcMAC {
				t.Fatalf("the answer comes out at %s: %+v", at, back)
			}
			if first.IsEcho() && back.DstPort != first.DstPort || !first.IsEcho() && (back.SrcPort != first.DstPort || back.DstPort != first.SrcPort) {
				t.Errorf("the answer has ports %d and %d", back.SrcPort, back.DstPort)
			}
		})
	}
}

func (l *lab) apply(objects string) {
	l.view, _ = l.view.Apply(view.Delta{Puts: viewtest.MustParse(objects)})
}

// TestClientKeepsItsAddress: a workload sees all that a client sends it as of one address, and another client's as of another.
func TestClientKeepsItsAddress(t *testing.T) {
	l := newNAT64Lab(t)
	seen := func(text string) netip.Addr {
		t.Helper()
		_, got := l.send("client", frameOf(t, text+fromClient))
		if got == nil {
			t.Fatalf("%s does not come out", text)
		}
		return got.SrcIP
	}
	first := seen("tcp [2001:db8:71::99]:40000 > [2001:db8:71::9]:80")
	if again := seen("icmp 2001:db8:71::99 > 2001:db8:71::9 id 9"); again != first {
		t.Errorf("it is seen as %s, then as %s", first, again)
	}
	l.state.first++
	if other := seen("tcp [2001:db8:71::98]:40000 > [2001:db8:71::9]:80"); other == first {
		t.Errorf("two clients are seen as %s", other)
	}
	if v, ok := clientNumber(first); !ok || clientAddr(v) != first {
		t.Errorf("%s is number %d, %v", first, v, ok)
	}
	for _, not := range []string{"100.65.4.0", "10.0.4.0", "::ffff:100.64.4.0", "2001:db8::400"} {
		if n, ok := clientNumber(netip.MustParseAddr(not)); ok {
			t.Errorf("%s is number %d", not, n)
		}
	}
}

// TestErrorsBetweenFamilies: errors of workloads reach IPv6 clients, and errors of IPv6 routers reach workloads, each about what the
// receiver has sent.
func TestErrorsBetweenFamilies(t *testing.T) {
	l := newNAT64Lab(t)
	first := parsed(t, frameOf(t, "tcp [2001:db8:71::99]:40000 > [2001:db8:71::9]:80"+fromClient))
	_, got := l.send("client", first.Frame)
	answer := parsed(t, answerTo(got))
	_, back := l.send("vm1", answer.Frame)

	refused := packet.Header{SrcMAC: got.DstMAC, DstMAC: got.SrcMAC, SrcIP: got.DstIP, DstIP: got.SrcIP,
		SrcPort: packet.ICMPUnreachable, DstPort: 3}
	at, told := l.send("vm1", refused.Error(0, got.Frame[got.L3:got.End]))
	if told == nil || at != "client" || told.SrcIP != floating6 || told.DstIP != client6 || told.SrcPort != packet.ICMPv6Unreachable || told.DstPort != 4 {
		t.Fatalf("the workload's error comes out at %s: %+v", at, told)
	}
	if c := quotedConn(t, told); c != flow.ConnOf(&first.Header) {
		t.Errorf("it is about %v, want %v", c, flow.ConnOf(&first.Header))
	}

	large := packet.Header{SrcMAC: first.SrcMAC, DstMAC: first.DstMAC, SrcIP: netip.MustParseAddr("2001:db8:ff::1"), DstIP: floating6,
		SrcPort: packet.ICMPv6TooBig}
	at, told = l.send("client", large.Error(1400, back.Frame[back.L3:back.End]))
	if told == nil || at != "vm1" || told.DstIP != fixed4 || told.SrcIP != got.SrcIP || told.SrcPort != packet.ICMPUnreachable || told.DstPort != 4 ||
		binary.BigEndian.Uint32(told.Frame[told.L4+4:]) != 1380 {
		t.Fatalf("the router's error comes out at %s: %+v", at, told)
	}
	if c := quotedConn(t, told); c != flow.ConnOf(&answer.Header) {
		t.Errorf("it is about %v, want %v", c, flow.ConnOf(&answer.Header))
	}
	about := parsed(t, frameOf(t, "tcp [2001:db8:71::9]:80 > [2001:db8:71::77]:40000"+fromClient))
	if at, told = l.send("client", large.Error(1400, about.Frame[about.L3:about.End])); told != nil {
		t.Errorf("an error about what nobody sent comes out at %s: %+v", at, told)
	}
}

func quotedConn(t *testing.T, p *packet.Packet) flow.Conn {
	t.Helper()
	q, ok := p.Quoted()
	if !ok {
		t.Fatalf("%+v quotes nothing", p.Header)
	}
	c, _ := connOf(&q)
	return c
}

// TestSizesBetweenFamilies sends packets as large as the way carries, and larger ones, in both directions: the sender hears of the MTU
// as its family has it.
func TestSizesBetweenFamilies(t *testing.T) {
	l := newNAT64Lab(t)
	l.apply("rport r1-ext r1 fa:16:3e:aa:00:03 203.0.113.5/24,2001:db8:71::5/64 peer r1e mtu 1400")
	h := parsed(t, frameOf(t, "tcp [2001:db8:71::99]:40000 > [2001:db8:71::9]:80"+fromClient)).Header
	_, got := l.send("client", h.Frame(nil))
	back := parsed(t, answerTo(got)).Header

	large := l.simulate("client", h.Frame(make([]byte, 1470-60)))
	if large.Verdict != Forward || !large.Cache || large.Actions.MTU != 1470 {
		t.Errorf("a packet of 1470 octets, 1450 as IPv4: %s, cached %v, up to %d", large.Verdict, large.Cache, large.Actions.MTU)
	}
	for _, c := range []struct {
		from  string
		frame []byte
		told  uint32
		type_ uint16
	}{
		{"client", h.Frame(make([]byte, 1471-60)), 1470, packet.ICMPv6TooBig},
		{"vm1", dontFragment(back.Frame(make([]byte, 1381-40))), 1380, packet.ICMPUnreachable},
	} {
		r := l.simulate(c.from, c.frame)
		if r.Verdict != Drop || r.Cache || len(r.Emit) != 1 {
			t.Fatalf("from %s: %s, cached %v, %d frames", c.from, r.Verdict, r.Cache, len(r.Emit))
		}
		e := parsed(t, r.Emit[0].Frame)
		if told := binary.BigEndian.Uint32(e.Frame[e.L4+4:]); told != c.told || e.SrcPort != c.type_ {
			t.Errorf("from %s: an error of type %d tells %d, want %d", c.from, e.SrcPort, told, c.told)
		}
	}
	fits := l.simulate("vm1", dontFragment(back.Frame(make([]byte, 1380-40))))
	if fits.Verdict != Forward || !fits.Cache || fits.Actions.MTU != 1380 {
		t.Errorf("an answer of 1380 octets: %s, cached %v, up to %d", fits.Verdict, fits.Cache, fits.Actions.MTU)
	}
	body := bytes.Repeat([]byte("answer"), 500)
	cut := l.simulate("vm1", back.Frame(body))
	var data []byte
	for _, e := range cut.Emit {
		p := parsed(t, e.Frame)
		if p.SrcIP != floating6 || p.DstIP != client6 || p.Length() > 1400 || p.Fragment == packet.Unfragmented {
			t.Errorf("a fragment is %+v, %d octets", p.Header, p.Length())
		}
		data = append(data, p.Frame[p.L4:p.End]...)
	}
	if len(cut.Emit) < 2 || len(data) != 20+len(body) || !bytes.Equal(data[20:], body) {
		t.Errorf("an answer that may be cut becomes %d fragments with %d octets", len(cut.Emit), len(data))
	}
}

// TestSmallIPv4Links: an IPv6 sender is never told of less than every IPv6 link carries; what is no larger is cut.
func TestSmallIPv4Links(t *testing.T) {
	l := newNAT64Lab(t)
	l.apply("rport r1-blue r1 fa:16:3e:aa:00:01 10.0.0.1/24 peer r1b mtu 1000")
	h := parsed(t, frameOf(t, "tcp [2001:db8:71::99]:40000 > [2001:db8:71::9]:80"+fromClient)).Header
	r := l.simulate("client", h.Frame(make([]byte, 1281-60)))
	if r.Verdict != Drop || len(r.Emit) != 1 {
		t.Fatalf("1281 octets: %s, %d frames", r.Verdict, len(r.Emit))
	}
	if e := parsed(t, r.Emit[0].Frame); binary.BigEndian.Uint32(e.Frame[e.L4+4:]) != 1280 {
		t.Errorf("its sender is told of %d octets", binary.BigEndian.Uint32(e.Frame[e.L4+4:]))
	}
	if r = l.simulate("client", h.Frame(make([]byte, 1280-60))); len(r.Emit) != 2 || r.Cache {
		t.Fatalf("1280 octets: %s, %d frames", r.Verdict, len(r.Emit))
	}
	for _, e := range r.Emit {
		if p := parsed(t, e.Frame); p.EtherType != packet.EtherTypeIPv4 || p.Length() > 1000 {
			t.Errorf("a fragment is %+v, %d octets", p.Header, p.Length())
		}
	}
}

func (l *lab) simulate(port string, frame []byte) Result {
	r := Simulate(l.view, Input{InPort: viewtest.ID[topology.Port](port), Frame: frame, State: l.state})
	for _, s := range r.State {
		l.state.states[s.Key] = s.Value
	}
	return r
}

// dontFragment sets DF of an IPv4 frame.
func dontFragment(frame []byte) []byte {
	frame[20] |= 0x40
	clear(frame[24:26])
	binary.BigEndian.PutUint16(frame[24:], packet.Checksum(frame[14:34]))
	return frame
}

// TestNAT64Fragments: fragments pass, later ones before the first, since clients are known by their addresses.
func TestNAT64Fragments(t *testing.T) {
	l := newNAT64Lab(t)
	l.apply("chain web accept ip4")
	whole := parsed(t, frameOf(t, "udp [2001:db8:71::99]:40000 > [2001:db8:71::9]:53"+fromClient))
	whole = parsed(t, whole.Header.Frame(make([]byte, 2000)))
	fragments := whole.Cut(whole.Frame, 1280)
	for i := range fragments {
		frame := fragments[len(fragments)-1-i]
		r := l.simulate("client", frame)
		if len(r.Emit) != 1 || r.Cache {
			t.Fatalf("a fragment: %s, %d frames", r.Verdict, len(r.Emit))
		}
		p, was := parsed(t, r.Emit[0].Frame), parsed(t, frame)
		if p.DstIP != fixed4 || p.FragmentOffset != was.FragmentOffset || p.MoreFragments != was.MoreFragments || p.FragmentID != was.FragmentID&0xffff {
			t.Errorf("it becomes %+v", p)
		}
	}
}

// TestNAT64WaitsForNumbers: where the host holds no addresses of the pool the packet waits for some, and is dropped where none come.
func TestNAT64WaitsForNumbers(t *testing.T) {
	l := newNAT64Lab(t)
	in := Input{InPort: viewtest.ID[topology.Port]("client"), Frame: frameOf(t, "tcp [2001:db8:71::99]:40000 > [2001:db8:71::9]:80"+fromClient)}
	r := Simulate(l.view, in)
	want := BlockWant{Router: viewtest.ID[topology.Router]("r1"), Addr: netip.MustParseAddr("100.64.0.0"), First: 1024, Last: 65535}
	if r.Verdict != Wait || len(r.Wants) != 1 || r.Wants[0].Block != want {
		t.Errorf("%s, it wants %+v", r.Verdict, r.Wants)
	}
	in.GiveUp = true
	if r = Simulate(l.view, in); r.Verdict != Error || r.Hard != HardError {
		t.Errorf("given up: %s", r.Verdict)
	}
}

// TestForgottenFloatingAddress: what is remembered of a floating address that is gone, or another's now, translates nothing.
func TestForgottenFloatingAddress(t *testing.T) {
	l := newNAT64Lab(t)
	_, got := l.send("client", frameOf(t, "tcp [2001:db8:71::99]:40000 > [2001:db8:71::9]:80"+fromClient))
	answer := answerTo(got)
	if at, back := l.send("vm1", answer); back == nil {
		t.Fatalf("the answer: %s", at)
	}
	l.apply("floating f1 r1 r1-ext 2001:db8:71::9 10.0.0.77\nfloating f3 r1 r1-ext 2001:db8:71::10 10.0.0.3")
	if at, back := l.send("vm1", answer); back != nil {
		t.Errorf("an answer for an address that is another's now comes out at %s: %+v", at, back)
	}
}
