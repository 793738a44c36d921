package packet

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	four = [2]netip.Addr{netip.MustParseAddr("100.64.4.9"), netip.MustParseAddr("10.0.0.3")}
	six  = [2]netip.Addr{netip.MustParseAddr("2001:db8:1::7"), netip.MustParseAddr("2001:db8::5")}
)

// otherFamily returns the addresses that a packet is translated to.
func otherFamily(h Header) (src, dst netip.Addr) {
	if h.SrcIP.Is4() {
		return six[0], six[1]
	}
	return four[0], four[1]
}

func described(t *testing.T, s string) Header {
	t.Helper()
	d, err := ParseDescription(s)
	if err != nil {
		t.Fatal(err)
	}
	return mustParse(t, d.Frame()).Header
}

// TestTranslatedIsTheFrameOfTheHeader translates frames with and without a payload and compares them with what the other family's header
// makes from the start.
func TestTranslatedIsTheFrameOfTheHeader(t *testing.T) {
	for _, s := range []string{
		"tcp 10.1.0.3:1025 > 10.1.0.4:80 tos 40", "udp 10.1.0.3:1025 > 10.1.0.4:80", "sctp 10.1.0.3:1025 > 10.1.0.4:80",
		"icmp 10.1.0.3 > 10.1.0.4 id 7", "icmp 10.1.0.3 > 10.1.0.4 type 0 id 7", "47 10.1.0.3 > 10.1.0.4",
		"tcp [fd00::3]:1025 > [fd00::4]:80 tos 40", "udp [fd00::3]:1025 > [fd00::4]:80", "sctp [fd00::3]:1025 > [fd00::4]:80",
		"icmp fd00::3 > fd00::4 id 7", "icmp fd00::3 > fd00::4 type 129 id 7", "47 fd00::3 > fd00::4",
	} {
		for _, payload := range [][]byte{nil, []byte("odd"), bytes.Repeat([]byte{0xab, 0xff}, 700)} {
			h := described(t, s)
			p := mustParse(t, h.Frame(payload))
			to, ok := p.Header.In(otherFamily(h))
			if !ok || !p.Plain() {
				t.Fatalf("%s: translatable %v, plain %v", s, ok, p.Plain())
			}
			to.TTL -= 2
			got := p.With(to)
			is := mustParse(t, got)
			if is.Length() != p.Length()+p.Growth() {
				t.Errorf("%s: %d octets become %d, want %d more", s, p.Length(), is.Length(), p.Growth())
			}
			want := to.Frame(payload)
			if h.SrcIP.Is6() {
				small := is.Length() <= MaxCutIPv4
				if df := is.DontFragment(); df == small || small != (is.FragmentID != 0) || Checksum(got[is.L3:is.L4]) != 0 {
					t.Errorf("%s: of %d octets DF is %v, the identification %d", s, is.Length(), df, is.FragmentID)
				}
				for _, f := range [][]byte{got, want} {
					clear(f[18:22])
					clear(f[24:26])
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-built +translated):\n%s", s, diff)
			}
			back, _ := is.Header.In(h.SrcIP, h.DstIP)
			again := mustParse(t, is.With(back))
			if back.TTL = h.TTL; cmp.Diff(again.Data(), p.Data()) != "" || !cmp.Equal(back, h, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })) {
				t.Errorf("%s: and back it is %+v", s, again.Header)
			}
		}
	}
}

// TestTranslatedFragments: a packet in fragments is put together again of the translated ones, with its checksum right.
func TestTranslatedFragments(t *testing.T) {
	payload := make([]byte, 3000)
	for i := range payload {
		payload[i] = byte(i * 7)
	}
	for _, s := range []string{"udp 10.1.0.3:1025 > 10.1.0.4:80", "udp [fd00::3]:1025 > [fd00::4]:80"} {
		h := described(t, s)
		whole := mustParse(t, h.Frame(payload))
		var data []byte
		var id uint32
		var to Header
		fragments := whole.Cut(whole.Frame, 1000)
		for i, f := range fragments {
			p := mustParse(t, f)
			if p.Length() > 1000 || p.MoreFragments != (i < len(fragments)-1) || !p.Translatable() || p.Plain() {
				t.Fatalf("%s: fragment %d is %d octets long, more %v", s, i, p.Length(), p.MoreFragments)
			}
			to, _ = p.Header.In(otherFamily(h))
			is := mustParse(t, p.With(to))
			if int(is.FragmentOffset)*8 != len(data) || is.MoreFragments != p.MoreFragments || i > 0 && is.FragmentID != id ||
				is.FragmentID != p.FragmentID&0xffff || is.Length() != p.Length()+p.Growth() {
				t.Errorf("%s: fragment %d is %+v", s, i, is)
			}
			id = is.FragmentID
			data = append(data, is.Frame[is.L4:is.End]...)
		}
		if c := transportSum(to.SrcIP, to.DstIP, ProtoUDP, data); c != 0 || !bytes.Equal(data[8:], payload) {
			t.Errorf("%s: put together, the checksum is off by %#x", s, c)
		}
	}
}

// TestUDPWithoutChecksum gets one, since IPv6 asks for it, unless it comes in fragments.
func TestUDPWithoutChecksum(t *testing.T) {
	h := described(t, "udp 10.1.0.3:1025 > 10.1.0.4:80")
	frame := h.Frame([]byte("hello"))
	clear(frame[40:42])
	p := mustParse(t, frame)
	to, _ := p.Header.In(six[0], six[1])
	if diff := cmp.Diff(to.Frame([]byte("hello")), p.With(to)); diff != "" || p.Plain() || !p.Translatable() {
		t.Errorf("plain %v, translatable %v (-built +translated):\n%s", p.Plain(), p.Translatable(), diff)
	}
	h.Fragment = FragmentFirst
	frame = h.Frame(make([]byte, 16))
	clear(frame[40:42])
	if mustParse(t, frame).Translatable() {
		t.Error("nobody knows the checksum of a first fragment's datagram")
	}
}

// TestTranslatedErrors: what errors say, and what they quote, in the other family.
func TestTranslatedErrors(t *testing.T) {
	for _, c := range []struct {
		about      string
		kind, code uint16
		value      uint32
		want       errorKind // zero: it has no counterpart
		wantValue  uint32
	}{
		{"udp [fd00::3]:1025 > [fd00::4]:80", ICMPv6Unreachable, 4, 0, errorKind{ICMPUnreachable, 3}, 0},
		{"tcp [fd00::3]:1025 > [fd00::4]:80", ICMPv6TooBig, 0, 1400, errorKind{ICMPUnreachable, 4}, 1380},
		{"icmp fd00::3 > fd00::4 id 7", ICMPv6TimeExceeded, 0, 0, errorKind{ICMPTimeExceeded, 0}, 0},
		{"udp [fd00::3]:1025 > [fd00::4]:80", ICMPv6Unreachable, 1, 0, errorKind{ICMPUnreachable, 10}, 0},
		{"udp [fd00::3]:1025 > [fd00::4]:80", ICMPv6BadParameter, 1, 6, errorKind{ICMPUnreachable, 2}, 0},
		{"udp [fd00::3]:1025 > [fd00::4]:80", ICMPv6BadParameter, 0, 7, errorKind{ICMPBadParameter, 0}, 8 << 24},
		{"udp [fd00::3]:1025 > [fd00::4]:80", ICMPv6BadParameter, 2, 7, errorKind{}, 0},
		{"udp 10.1.0.3:1025 > 10.1.0.4:80", ICMPUnreachable, 3, 0, errorKind{ICMPv6Unreachable, 4}, 0},
		{"tcp 10.1.0.3:1025 > 10.1.0.4:80", ICMPUnreachable, 4, 1400, errorKind{ICMPv6TooBig, 0}, 1420},
		{"tcp 10.1.0.3:1025 > 10.1.0.4:80", ICMPUnreachable, 4, 576, errorKind{ICMPv6TooBig, 0}, 1280},
		{"icmp 10.1.0.3 > 10.1.0.4 id 7", ICMPTimeExceeded, 0, 0, errorKind{ICMPv6TimeExceeded, 0}, 0},
		{"udp 10.1.0.3:1025 > 10.1.0.4:80", ICMPUnreachable, 1, 0, errorKind{ICMPv6Unreachable, 0}, 0},
		{"udp 10.1.0.3:1025 > 10.1.0.4:80", ICMPUnreachable, 2, 0, errorKind{ICMPv6BadParameter, 1}, 6},
		{"udp 10.1.0.3:1025 > 10.1.0.4:80", ICMPUnreachable, 13, 0, errorKind{ICMPv6Unreachable, 1}, 0},
		{"udp 10.1.0.3:1025 > 10.1.0.4:80", ICMPBadParameter, 0, 8 << 24, errorKind{ICMPv6BadParameter, 0}, 7},
		{"udp 10.1.0.3:1025 > 10.1.0.4:80", ICMPSourceQuench, 0, 0, errorKind{}, 0},
	} {
		about := described(t, c.about)
		h := Header{SrcIP: about.DstIP, DstIP: about.SrcIP, SrcPort: c.kind, DstPort: c.code}
		p := mustParse(t, h.Error(c.value, about.Frame([]byte("payload"))[14:]))
		q, ok := p.Quoted()
		if !ok {
			t.Fatalf("%+v: nothing is quoted", c)
		}
		src, dst := otherFamily(about)
		to, ok := p.Header.In(dst, src)
		if ok != (c.want != errorKind{}) {
			t.Errorf("%+v: it has a counterpart: %v", c, ok)
		}
		if !ok {
			continue
		}
		quote, ok := q.In(src, dst)
		if !ok {
			t.Fatalf("%+v: the quote has no counterpart", c)
		}
		is := mustParse(t, p.WithQuote(to, quote))
		if got := (errorKind{is.SrcPort, is.DstPort}); got != c.want || binary.BigEndian.Uint32(is.Frame[is.L4+4:]) != c.wantValue ||
			is.SrcIP != dst || is.DstIP != src || transportSum(is.SrcIP, is.DstIP, is.Proto, is.Frame[is.L4:is.End]) != 0 {
			t.Errorf("%+v: it becomes %v %+v", c, got, is.Header)
		}
		inner, _ := about.In(src, dst)
		want := mustParse(t, inner.Frame([]byte("payload")))
		whole, ok := is.Quoted()
		if ok = ok && whole.Src == src && whole.Dst == dst && whole.Proto == inner.Proto; !ok ||
			!bytes.Equal(is.Frame[whole.l4:is.End], want.Frame[want.L4:want.End]) {
			t.Errorf("%+v: it quotes %+v", c, whole)
		}
	}
}
