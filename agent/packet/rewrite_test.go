package packet

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"midonet.org/midonet/mac"
)

// TestWithIsTheFrameOfTheHeader rewrites a frame and compares it with one that was built with the new header from the start: the
// incremental checksums are then right.
func TestWithIsTheFrameOfTheHeader(t *testing.T) {
	for _, s := range []string{"tcp 10.0.0.3:1025 > 10.0.0.4:80", "udp 10.0.0.3:1025 > 10.0.0.4:80 tos 3", "sctp 10.0.0.3:1025 > 10.0.0.4:80",
		"icmp 10.0.0.3 > 10.0.0.4 id 7", "tcp [fd00::3]:1025 > [fd00::4]:80", "udp [fd00::3]:1025 > [fd00::4]:80", "icmp fd00::3 > fd00::4 id 7",
		"47 10.0.0.3 > 10.0.0.4"} {
		d, err := ParseDescription(s)
		if err != nil {
			t.Fatal(err)
		}
		p := mustParse(t, d.Frame())
		h := p.Header
		h.SrcMAC, h.DstMAC, h.TTL, h.TOS = mac.Addr{2, 0, 0, 0, 0, 8}, mac.Addr{2, 0, 0, 0, 0, 9}, h.TTL-3, 0x28
		h.SrcIP, h.DstIP = netip.MustParseAddr("203.0.113.5"), netip.MustParseAddr("198.51.100.7")
		if p.SrcIP.Is6() {
			h.SrcIP, h.DstIP = netip.MustParseAddr("2001:db8::5"), netip.MustParseAddr("2001:db8:1::7")
		}
		switch {
		case p.IsEcho():
			h.DstPort = 4711
		case p.SrcPort != 0:
			h.SrcPort, h.DstPort = 40000, 8080
		}
		if diff := cmp.Diff(h.Frame(nil), p.With(h)); diff != "" {
			t.Errorf("%s (-built +rewritten):\n%s", s, diff)
		}
	}
}

// TestCutCarriesAll cuts a packet and puts the fragments together again.
func TestCutCarriesAll(t *testing.T) {
	payload := make([]byte, 1000)
	for i := range payload {
		payload[i] = byte(i)
	}
	d, err := ParseDescription("udp 10.0.0.3:1 > 10.0.0.4:2")
	if err != nil {
		t.Fatal(err)
	}
	whole := mustParse(t, mustParse(t, d.Frame()).Header.Frame(payload))
	var data []byte
	fragments := whole.Cut(whole.Frame, 300)
	for i, f := range fragments {
		p := mustParse(t, f)
		offset := (int(f[p.L3+6]&0x1f)<<8 | int(f[p.L3+7])) * 8
		more := f[p.L3+6]&0x20 != 0
		if p.Length() > 300 || offset != len(data) || more != (i < len(fragments)-1) || Checksum(f[p.L3:p.L4]) != 0 {
			t.Errorf("fragment %d: %d octets at %d, want at most 300 at %d; more %v", i, p.Length(), offset, len(data), more)
		}
		data = append(data, f[p.L4:p.End]...)
	}
	if diff := cmp.Diff(whole.Frame[whole.L4:whole.End], data); diff != "" {
		t.Errorf("the fragments carry (-want +got):\n%s", diff)
	}
	if got := whole.Cut(whole.Frame, 27); got != nil {
		t.Errorf("an MTU without room for data gives %d fragments", len(got))
	}
}

// TestLinkLocal is the example of RFC 4291 appendix A.
func TestLinkLocal(t *testing.T) {
	hw := mac.MustParse("34:56:78:9a:bc:de")
	if got := LinkLocal(hw); got != netip.MustParseAddr("fe80::3656:78ff:fe9a:bcde") {
		t.Errorf("LinkLocal(%s) = %s", hw, got)
	}
	if got, ok := FromLinkLocal(LinkLocal(hw)); !ok || got != hw {
		t.Errorf("FromLinkLocal() = %s, %v", got, ok)
	}
	if _, ok := FromLinkLocal(netip.MustParseAddr("fe80::1")); ok {
		t.Error("fe80::1 is said to be made from a MAC")
	}
}
