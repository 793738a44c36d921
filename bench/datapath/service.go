package main

import (
	"fmt"
	"net/netip"
	"strings"

	"midonet.org/midonet/agent/view/viewtest"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// The workloads' addresses on the wire, and those of whatever routes between them, the same on every path.
var (
	workloadA = mac.MustParse("fa:16:3e:00:00:01")
	workloadB = mac.MustParse("fa:16:3e:00:00:02")
	nextHopA  = mac.MustParse("fa:16:3e:aa:00:01") // what a sends to
	nextHopB  = mac.MustParse("fa:16:3e:aa:00:02") // what b gets packets from
)

// service is what a network does between a and b, in the words of each of the paths that do it.
type service struct {
	title string
	ends
	routerA, routerB netip.Prefix // the Linux router's own addresses
	topology         []string     // package viewtest's, but for hosts, bindings and blocks; "secured A" and "secured B" stand for port options
	ruleset          string       // nft's, in a table of the family ip
	// openflow is what Open vSwitch does between looking a packet up in its connections and sending it on: flows of table 1. None where it
	// would have to translate both ends, which takes a connection two passages through its table.
	openflow []string
}

// ends are the workloads as a sees them.
type ends struct {
	a, b   netip.Prefix // their own addresses
	to     netip.Addr   // what a reaches b by
	nobody netip.Addr   // leads to b, who has not got it: its packets end in b's stack as soon as they are counted
	behind netip.Addr   // what nobody is on b's network
}

var (
	blue = `
bridge blue
port a blue key 11%[1]s
mac blue fa:16:3e:00:00:01 a
neighbour blue 10.99.0.2 fa:16:3e:00:00:01 a
router r1%[2]s
port r1b blue peer r1-blue device r1
rport r1-blue r1 fa:16:3e:aa:00:01 10.99.0.1/24 peer r1b mtu 1500
mac blue fa:16:3e:aa:00:01 r1b
route r1 10.99.0.0/24 port r1-blue
`
	// green is a network with b behind a router, the name of which is to be given.
	green = `
bridge green
port b green key 12%[1]s
mac green fa:16:3e:00:00:02 b
neighbour green 10.99.1.2 fa:16:3e:00:00:02 b
neighbour green 10.99.1.3 fa:16:3e:00:00:02 b
port r2g green peer r2-green device %[2]s
rport r2-green %[2]s fa:16:3e:aa:00:02 10.99.1.1/24 peer r2g mtu 1500
mac green fa:16:3e:aa:00:02 r2g
route %[2]s 10.99.1.0/24 port r2-green
`
	// blueGateway puts r1 on the external network, where it translates sources to 203.0.113.5.
	blueGateway = `
port r1e ext peer r1-ext device r1
rport r1-ext r1 %s 203.0.113.5/24 peer r1e mtu 1500
mac ext %[1]s r1e
neighbour ext 203.0.113.5 %[1]s r1e
route r1 203.0.113.0/24 port r1-ext
` + viewtest.GatewayChains("r1", "r1-ext", "203.0.113.5")
	// greenGateway puts r2 there, with floating addresses for b and for nobody.
	greenGateway = `
router r2 in pre-r2 forward forward-r2 out post-r2
port r2e ext peer r2-ext device r2
rport r2-ext r2 %s 203.0.113.6/24 peer r2e mtu 1500
mac ext %[1]s r2e
neighbour ext 203.0.113.9 %[1]s r2e
neighbour ext 203.0.113.10 %[1]s r2e
route r2 203.0.113.0/24 port r2-ext
floating f1 r2 r2-ext 203.0.113.9 10.99.1.2
floating f2 r2 r2-ext 203.0.113.10 10.99.1.3
` + viewtest.GatewayChains("r2", "r2-ext", "203.0.113.6")
	webGroups = `
chain all accept ip4; accept ip6
chain web accept icmp; accept tcp dport=22; accept tcp dport=5201; accept udp
`
)

// secured are the options of a port with port security and two groups.
func secured(hw mac.Addr, addresses ...string) string {
	var b strings.Builder
	for _, a := range addresses {
		fmt.Fprintf(&b, " source %s@%s", hw, a)
	}
	return b.String() + " egress all ingress web"
}

var (
	securedA = secured(workloadA, "10.99.0.2")
	securedB = secured(workloadB, "10.99.1.2", "10.99.1.3")

	endsRouted = ends{prefix("10.99.0.2/24"), prefix("10.99.1.2/24"), addr("10.99.1.2"), addr("10.99.1.3"), addr("10.99.1.3")}
	endsSource = ends{prefix("10.99.0.2/24"), prefix("203.0.113.20/24"), addr("203.0.113.20"), addr("203.0.113.21"), addr("203.0.113.21")}
	endsFloat  = ends{prefix("203.0.113.20/24"), prefix("10.99.1.2/24"), addr("203.0.113.9"), addr("203.0.113.10"), addr("10.99.1.3")}
	endsBoth   = ends{prefix("10.99.0.2/24"), prefix("10.99.1.2/24"), addr("203.0.113.9"), addr("203.0.113.10"), addr("10.99.1.3")}
)

const (
	accept = `chain through { type filter hook forward priority filter; policy drop; ct state established,related accept; ` +
		`meta l4proto icmp accept; tcp dport { 22, 5201 } accept; meta l4proto udp accept; }` + "\n"
	sourceNAT = `chain post { type nat hook postrouting priority srcnat; ip saddr 10.99.0.0/24 snat to 203.0.113.5; }` + "\n"
	floating  = `chain pre { type nat hook prerouting priority dstnat; ` +
		`ip daddr 203.0.113.9 dnat to 10.99.1.2; ip daddr 203.0.113.10 dnat to 10.99.1.3; }` + "\n"
)

var services = []service{
	{
		title: "routed", ends: endsRouted, routerA: prefix("10.99.0.1/24"), routerB: prefix("10.99.1.1/24"),
		topology: []string{fmt.Sprintf(blue, "", ""), fmt.Sprintf(green, "", "r1")},
		openflow: []string{"actions=resubmit(,2)"},
	}, {
		title: "routed, security groups", ends: endsRouted, routerA: prefix("10.99.0.1/24"), routerB: prefix("10.99.1.1/24"),
		topology: []string{fmt.Sprintf(blue, securedA, ""), fmt.Sprintf(green, securedB, "r1"), webGroups},
		ruleset:  accept,
		openflow: []string{"ct_state=+trk+est,actions=resubmit(,2)", "ct_state=+trk+new,in_port=1,udp,actions=ct(commit,table=2)",
			"ct_state=+trk+new,in_port=1,tcp,tp_dst=5201,actions=ct(commit,table=2)"},
	}, {
		title: "source NAT, security groups", ends: endsSource, routerA: prefix("10.99.0.1/24"), routerB: prefix("203.0.113.5/24"),
		topology: []string{"bridge ext external", fmt.Sprintf(blue, securedA, " in pre-r1 forward forward-r1 out post-r1"), fmt.Sprintf(blueGateway, nextHopB), webGroups,
			`
port b ext key 12` + secured(workloadB, "203.0.113.20", "203.0.113.21") + `
mac ext fa:16:3e:00:00:02 b
neighbour ext 203.0.113.20 fa:16:3e:00:00:02 b
neighbour ext 203.0.113.21 fa:16:3e:00:00:02 b`},
		ruleset: accept + sourceNAT,
		openflow: []string{"ct_state=+trk+est,actions=resubmit(,2)",
			"ct_state=+trk+new,in_port=1,udp,actions=ct(commit,nat(src=203.0.113.5:1024-65535),table=2)",
			"ct_state=+trk+new,in_port=1,tcp,tp_dst=5201,actions=ct(commit,nat(src=203.0.113.5:1024-65535),table=2)"},
	}, {
		title: "floating address, security groups", ends: endsFloat, routerA: prefix("203.0.113.6/24"), routerB: prefix("10.99.1.1/24"),
		topology: []string{"bridge ext external", fmt.Sprintf(greenGateway, nextHopA), fmt.Sprintf(green, securedB, "r2"), webGroups,
			`
port a ext key 11` + secured(workloadA, "203.0.113.20") + `
mac ext fa:16:3e:00:00:01 a
neighbour ext 203.0.113.20 fa:16:3e:00:00:01 a`},
		ruleset: accept + floating,
		openflow: append([]string{"ct_state=+trk+est,actions=resubmit(,2)", "priority=40000,ct_state=+trk+new+dnat,actions=resubmit(,2)"},
			append(toFloating("203.0.113.9", "10.99.1.2"), toFloating("203.0.113.10", "10.99.1.3")...)...),
	}, {
		title: "source NAT, floating address and security groups, two routers", ends: endsBoth,
		routerA: prefix("10.99.0.1/24"), routerB: prefix("10.99.1.1/24"),
		topology: []string{"bridge ext external", fmt.Sprintf(blue, securedA, " in pre-r1 forward forward-r1 out post-r1"), fmt.Sprintf(green, securedB, "r2"), webGroups,
			fmt.Sprintf(blueGateway, "fa:16:3e:aa:00:03"), fmt.Sprintf(greenGateway, "fa:16:3e:aa:00:04")},
		ruleset: accept + sourceNAT + floating,
	},
}

// toFloating are the flows of new connections to a floating address. Of one that has had no answer all packets are new, and by then they
// have been translated when they come here.
func toFloating(floating, fixed string) []string {
	var flows []string
	for _, kind := range []string{"udp", "tcp,tp_dst=5201"} {
		flows = append(flows, fmt.Sprintf("ct_state=+trk+new,in_port=1,%s,nw_dst=%s,actions=ct(commit,nat(dst=%s),table=2)", kind, floating, fixed))
	}
	return flows
}

// plain is one network and nothing else: what every other flow is to cost as well.
var plain = service{
	title: "one network", ends: ends{prefix("10.99.0.2/24"), prefix("10.99.0.3/24"), addr("10.99.0.3"), addr("10.99.0.4"), addr("10.99.0.4")},
	topology: []string{`
bridge blue
port a blue key 11
port b blue key 12
mac blue fa:16:3e:00:00:01 a
mac blue fa:16:3e:00:00:02 b`},
}

// on returns the whole topology, with a on the first and b on the last of so many hosts.
func (s service) on(hosts int) string {
	var b strings.Builder
	for i := range hosts {
		fmt.Fprintf(&b, "host h%d %s openings origins\n", i+1, underlayIPv4(i))
	}
	b.WriteString(strings.Join(s.topology, "\n"))
	if hosts == 1 {
		b.WriteString("\nbind a h1 port-a\nbind b h1 port-b\n")
	} else {
		b.WriteString("\nbind a h1 port\nbind b h2 port\n")
	}
	for first := 1024; first < 1<<16; first += topology.NATBlockSize {
		for _, l := range []string{"block r1 203.0.113.5", "block r2 203.0.113.6"} {
			fmt.Fprintf(&b, "%s %d h1\n", l, first)
		}
	}
	return b.String()
}

func prefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }
