package flow

import (
	"fmt"
	"net/netip"
	"strings"

	"midonet.org/midonet/id"
)

var classNames = map[TagClass]string{
	TagBridge: "bridge", TagPort: "port", TagMAC: "mac", TagFlood: "flood", TagHost: "host", TagTunnel: "tunnel",
	TagDHCP: "dhcp", TagNeighbour: "neighbour",
	TagRouter: "router", TagRoute: "route", TagChain: "chain", TagGroup: "group", TagFloating: "floating",
	TagForwarding: "forwarding", TagPortGroup: "port group", TagState: "state",
}

// String returns the name that traces use.
func (c TagClass) String() string {
	if s, ok := classNames[c]; ok {
		return s
	}
	return fmt.Sprintf("class(%d)", uint8(c))
}

// String returns the class and what the tag names: "mac 6fa459ea/fa:16:3e:00:00:01", "route 6fa459ea/10.0.0.3 by /24". What identifies
// a state is different in each process and not shown.
func (t Tag) String() string {
	switch {
	case t.Class == TagTunnel, t.Class == TagState:
		return t.Class.String()
	case t.Class == TagMAC:
		return fmt.Sprintf("%s %s/%s", t.Class, id.ID[Tag](t.ID).Short(), t.MAC())
	case t.hasAddr() && t.Bits == 0:
		return fmt.Sprintf("%s %s/%s", t.Class, id.ID[Tag](t.ID).Short(), t.Addr())
	case t.hasAddr():
		return fmt.Sprintf("%s %s/%s by /%d", t.Class, id.ID[Tag](t.ID).Short(), t.Addr(), t.Bits)
	}
	return fmt.Sprintf("%s %s", t.Class, id.ID[Tag](t.ID).Short())
}

// String returns where the output leads.
func (o Output) String() string {
	if o.Local() {
		return "port " + o.Port.Short()
	}
	return fmt.Sprintf("port %s by tunnel to %s key %d", o.Port.Short(), o.Peer, o.TunnelKey)
}

// String returns the rewrite's fields in words; empty for none.
func (r Rewrite) String() string {
	var parts []string
	add := func(f Fields, format string, v any) {
		if r.Fields&f != 0 {
			parts = append(parts, fmt.Sprintf(format, v))
		}
	}
	add(FieldSrcMAC, "source mac %v", r.SrcMAC)
	add(FieldDstMAC, "destination mac %v", r.DstMAC)
	add(FieldFamily, "as %s", familyOf(r.SrcIP))
	add(FieldSrcIP, "source %v", r.SrcIP)
	add(FieldDstIP, "destination %v", r.DstIP)
	add(FieldSrcPort, "source port %v", r.SrcPort)
	add(FieldDstPort, "destination port %v", r.DstPort)
	add(FieldTOS, "tos %#02x", r.TOS)
	add(FieldEchoID, "echo identifier %v", r.EchoID)
	add(FieldTTL, "ttl - %v", r.Hops)
	return strings.Join(parts, ", ")
}

func familyOf(a netip.Addr) string {
	if a.Is4() {
		return "IPv4"
	}
	return "IPv6"
}

// String returns what is done with a packet: "drop", or the rewrite and the outputs.
func (a Actions) String() string {
	if a.Drop() {
		return "drop"
	}
	outs := make([]string, len(a.Outputs))
	for i, o := range a.Outputs {
		outs[i] = o.String()
	}
	text := "to " + strings.Join(outs, "; ")
	if r := a.Rewrite.String(); r != "" {
		return r + " " + text
	}
	return text
}
