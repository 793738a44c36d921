package packet

import (
	"strings"
	"testing"
)

func TestDescriptionFrames(t *testing.T) {
	for s, want := range map[string]Header{
		"icmp 10.0.0.3 > 10.0.0.4 smac fa:16:3e:00:00:01 dmac fa:16:3e:00:00:02": {SrcMAC: macA, DstMAC: macB, EtherType: EtherTypeIPv4,
			SrcIP: v4A, DstIP: v4B, Proto: ProtoICMP, TTL: 64, SrcPort: 8},
		"icmp 10.0.0.3 > 10.0.0.4 type 3 code 1": {EtherType: EtherTypeIPv4, SrcIP: v4A, DstIP: v4B, Proto: ProtoICMP, TTL: 64,
			SrcPort: 3, DstPort: 1},
		"ping fd00::3 > fd00::4 ttl 9": {EtherType: EtherTypeIPv6, SrcIP: v6A, DstIP: v6B, Proto: ProtoICMPv6, TTL: 9, SrcPort: 128},
		"TCP [fd00::3]:1025 > [fd00::4]:80 vlan 5 tos 0x20": {EtherType: EtherTypeIPv6, SrcIP: v6A, DstIP: v6B, Proto: ProtoTCP, TTL: 64,
			TOS: 0x20, VLAN: VLANPresent | 5, SrcPort: 1025, DstPort: 80},
		"47 10.0.0.3 > 10.0.0.4": {EtherType: EtherTypeIPv4, SrcIP: v4A, DstIP: v4B, Proto: 47, TTL: 64},
		"0x88b5":                 {EtherType: 0x88b5},
	} {
		d, err := ParseDescription(s)
		if err != nil {
			t.Errorf("ParseDescription(%q): %v", s, err)
			continue
		}
		if got := mustParse(t, d.Frame()).Header; got != want {
			t.Errorf("%q gives %+v, want %+v", s, got, want)
		}
	}
}

func TestDescriptionErrorsNameTheCause(t *testing.T) {
	for s, want := range map[string]string{
		"":                                    "empty",
		"igmpv9 10.0.0.3 > 10.0.0.4":          `"igmpv9" is not a protocol`,
		"icmp":                                "icmp needs two addresses",
		"icmp 10.0.0.3 > fd00::4":             "not of one family",
		"tcp 10.0.0.3:99999 > 10.0.0.4":       `"10.0.0.3:99999" is not an IP address`,
		"arp fd00::3 > fd00::4":               "arp needs two IPv4 addresses",
		"nd 10.0.0.3 > 10.0.0.4":              "nd needs two IPv6 addresses",
		"icmp 10.0.0.3 > 10.0.0.4 vlan 5000":  "vlan \"5000\" is not a number up to 4094",
		"icmp 10.0.0.3 > 10.0.0.4 colour red": `"colour"`,
		"icmp 10.0.0.3 > 10.0.0.4 smac":       `"smac"`,
		"icmp 10.0.0.3 > 10.0.0.4 smac x":     `"x" is not a MAC`,
		"icmp fe80::1%eth0 > fe80::2":         "is not an IP address",
		"700 10.0.0.3 > 10.0.0.4":             "is not a protocol",
		"udp 10.0.0.3 10.0.0.4":               "not understood",
	} {
		if _, err := ParseDescription(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseDescription(%q) = %v, want an error with %q", s, err, want)
		}
	}
}
