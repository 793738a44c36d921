package sim

import (
	"testing"

	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/view/viewtest"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// TestConditionsOnWhatICMPErrorsQuote sends errors about one packet, and what is none, through a chain that drops by what is quoted.
func TestConditionsOnWhatICMPErrorsQuote(t *testing.T) {
	about := func(description string) func(*packet.Packet) []byte {
		return func(quoted *packet.Packet) []byte {
			if err := packet.Parse(frameOf(t, description), quoted); err != nil {
				t.Fatal(err)
			}
			return quoted.Frame[quoted.L3:quoted.End]
		}
	}
	v4, v6 := about("udp 10.0.0.4:53 > 10.0.9.1:9"), about("udp [fd00::4]:53 > [fd09::1]:9")
	for _, c := range []struct {
		rule   string
		quotes func(*packet.Packet) []byte // nil: the packet is an echo request
		drops  bool
	}{
		{"drop icmpsrc=10.0.0.0/24", v4, true},
		{"drop icmpsrc=10.0.1.0/24", v4, false},
		{"drop !icmpsrc=10.0.0.0/24", v4, false},
		{"drop !icmpsrc=10.0.1.0/24", v4, true},
		{"drop icmpdst=10.0.9.1/32", v4, true},
		{"drop icmpsrc=10.0.0.0/24 icmpdst=10.0.9.2/32", v4, false},
		{"drop icmpsrc=10.0.0.0/24 !icmpdst=10.0.9.2/32", v4, true},
		{"drop icmpsrc=fd00::/64 icmpdst=fd09::/64", v6, true},
		{"drop icmpsrc=0.0.0.0/0", v6, false},
		{"drop icmpsrc=0.0.0.0/0", nil, false},
		{"drop !icmpsrc=10.0.0.0/24", nil, true},
		{"drop icmpsrc=10.0.0.0/24 notall", nil, true},
	} {
		v := viewtest.View(twoPorts + "chain c " + c.rule + "\noverlay bridge blue in c\n")
		frame := frameOf(t, "icmp 10.0.0.3 > 10.0.0.4 smac fa:16:3e:00:00:01 dmac fa:16:3e:00:00:02")
		if c.quotes != nil {
			var quoted packet.Packet
			body := c.quotes(&quoted)
			h := packet.Header{SrcMAC: mac.MustParse("fa:16:3e:00:00:01"), DstMAC: mac.MustParse("fa:16:3e:00:00:02"), SrcIP: quoted.DstIP, DstIP: quoted.SrcIP,
				SrcPort: packet.ICMPUnreachable}
			if quoted.SrcIP.Is6() {
				h.SrcPort = packet.ICMPv6Unreachable
			}
			frame = h.Error(0, body)
		}
		got := Simulate(v, Input{InPort: viewtest.ID[topology.Port]("p1"), Frame: frame})
		if drops := got.Verdict == Drop; drops != c.drops {
			t.Errorf("%s: verdict %s, and the rule drops: %v", c.rule, got.Verdict, c.drops)
		}
		if c.quotes != nil && got.Cache {
			t.Errorf("%s: the answer to an error is good for others, which may quote something else", c.rule)
		}
	}
}
