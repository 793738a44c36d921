package run

import (
	"net/netip"
	"strings"
	"testing"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// traced are two networks with the same addresses, and ports of the same name and without one.
func traced() (objects []topology.Object, web, other, nameless *topology.Port) {
	blue, red := &topology.Bridge{ID: topology.BridgeID{1}, Name: "blue"}, &topology.Bridge{ID: topology.BridgeID{2}, Name: "red"}
	web = &topology.Port{ID: topology.PortID{0xab, 1}, Name: "web", Bridge: blue.ID}
	other = &topology.Port{ID: topology.PortID{0xab, 2}, Name: "web", Bridge: red.ID}
	nameless = &topology.Port{ID: topology.PortID{0xcd, 3}, Bridge: blue.ID}
	objects = []topology.Object{blue, red, web, other, nameless}
	for _, a := range []string{"fe80::1", "fd00::9", "10.0.0.3"} {
		objects = append(objects, &topology.Neighbour{Bridge: blue.ID, Port: nameless.ID, Addr: netip.MustParseAddr(a), MAC: mac.Addr{2}})
	}
	return objects, web, other, nameless
}

func TestPortsAsOperatorsCallThem(t *testing.T) {
	objects, web, other, nameless := traced()
	for called, want := range map[string]*topology.Port{
		web.ID.String(): web, nameless.ID.Short(): nameless, "CD03": nameless, "10.0.0.3": nameless, "fd00::9": nameless,
	} {
		if got, err := findPort(objects, called); err != nil || got != want {
			t.Errorf("%q is %v, %v; want %v", called, got, err, want)
		}
	}
	for called, want := range map[string][]string{
		"web":   {"2 ports", web.ID.String() + " (network blue)", other.ID.String() + " (network red)"},
		"ab":    {"2 ports"},
		"green": {"no port", "midonet status"},
		"":      {"no port is named"},
	} {
		_, err := findPort(objects, called)
		for _, part := range want {
			if err == nil || errs.KindOf(err) == errs.Internal || !strings.Contains(err.Error(), part) {
				t.Errorf("%q: %v, want %s", called, err, part)
			}
		}
	}
}

func TestSourceThatIsLeftOut(t *testing.T) {
	objects, web, _, nameless := traced()
	for _, c := range []struct {
		port *topology.Port
		text string
		want string
	}{
		{nameless, "icmp to 10.0.0.4", "icmp 10.0.0.3 > 10.0.0.4"},
		{nameless, "tcp -> 10.0.0.4:80 ttl 3", "tcp 10.0.0.3 > 10.0.0.4:80 ttl 3"},
		{nameless, "tcp to [2001:db8::1]:80", "tcp fd00::9 > [2001:db8::1]:80"},
		{nameless, "icmp to fe80::2", "icmp fe80::1 > fe80::2"},
		{nameless, "icmp 10.0.0.5 to 10.0.0.4", "icmp 10.0.0.5 > 10.0.0.4"},
		{nameless, "icmp to nowhere", "icmp > nowhere"},
		{web, "icmp to 10.0.0.4", "icmp > 10.0.0.4"},
		{web, "dhcp", "dhcp"},
	} {
		if got := describePacket(objects, c.port.ID, strings.Fields(c.text)); got != c.want {
			t.Errorf("%s: %q, want %q", c.text, got, c.want)
		}
	}
}
