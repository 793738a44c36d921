package inspect

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"midonet.org/midonet/id"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

var (
	blue   = id.MustParse[topology.Bridge]("11111111-0000-4000-8000-000000000001")
	web    = id.MustParse[topology.Port]("22222222-0000-4000-8000-000000000001")
	db     = id.MustParse[topology.Port]("22222222-0000-4000-8000-000000000002")
	host1  = id.MustParse[topology.Host]("33333333-0000-4000-8000-000000000001")
	range4 = netip.MustParsePrefix("10.0.0.0/24")
	gw     = netip.MustParseAddr("10.0.0.1")
	webIP  = netip.MustParseAddr("10.0.0.5")
	webHW  = mac.MustParse("fa:16:3e:00:00:05")

	edge    = id.MustParse[topology.Router]("44444444-0000-4000-8000-000000000001")
	inside  = id.MustParse[topology.Port]("22222222-0000-4000-8000-000000000003")
	derived = id.MustParse[topology.Port]("55555555-0000-4000-8000-000000000003")
	pre     = id.MustParse[topology.Chain]("66666666-0000-4000-8000-000000000001")
	friends = id.MustParse[topology.AddrGroup]("77777777-0000-4000-8000-000000000001")
	zone    = id.MustParse[topology.TunnelZone]("88888888-0000-4000-8000-000000000001")

	balancer   = id.New[topology.LoadBalancer]()
	pool       = id.New[topology.Pool]()
	monitor    = id.New[topology.HealthMonitor]()
	policy     = id.New[topology.QoSPolicy]()
	containers = id.New[topology.ServiceContainerGroup]()
)

// objects has one object of every kind; the test below fails when a kind is added and not put here.
func objects() []topology.Object {
	return []topology.Object{
		&topology.Bridge{ID: blue, Name: "blue", ProjectID: "p", AdminUp: true, MTU: 1450},
		&topology.Port{ID: web, Bridge: blue, Name: "web", AdminUp: true, TunnelKey: 1},
		&topology.Port{ID: db, Bridge: blue, Name: "db", TunnelKey: 2},
		&topology.DHCP{ID: id.New[topology.DHCP](), Bridge: blue, Prefix: range4, Enabled: true, Router: gw, Server: gw,
			DNS: []netip.Addr{gw}, Routes: []topology.ClasslessRoute{{Destination: range4, NextHop: gw}}, MTU: 1450, LeaseSeconds: 86400},
		&topology.DHCPHost{ID: id.New[topology.DHCPHost](), Bridge: blue, Port: web, MAC: webHW, Addr: webIP,
			Options: []topology.DHCPOption{{Name: "42", Value: "10.0.0.1"}}},
		topology.NewMACEntry(blue, webHW, web),
		topology.NewNeighbour(blue, webIP, webHW, web),
		&topology.Host{ID: host1, Name: "host1", Endpoints: []netip.Addr{netip.MustParseAddr("192.0.2.1")}},
		&topology.Binding{Port: web, Host: host1, Interface: "tap22222222"},
		&topology.TunnelKey{Number: 1, Port: web},
		&topology.HostState{Host: host1, Version: "v1", Interfaces: []topology.Interface{{Name: "eth0", MTU: 1500, Up: true}}},
		&topology.PortState{Port: web, Host: host1, Active: true},
		topology.NewLearnedMAC(blue, webHW, web, host1),
		&topology.Source{Resource: "network", ID: blue, JSON: []byte(`{"id":"11111111-0000-4000-8000-000000000001"}`)},
		&topology.Progress{Journal: "j", LastTaskID: 7, Applied: 7},
		&topology.Router{ID: edge, Name: "edge", AdminUp: true, InChain: pre},
		&topology.Port{ID: inside, Bridge: blue, Peer: derived, AdminUp: true},
		&topology.Port{ID: derived, Router: edge, Peer: inside, AdminUp: true, MAC: webHW, Addresses: []netip.Prefix{range4},
			Advertise: &topology.Advertisement{MTU: 1450}},
		&topology.Route{ID: id.New[topology.Route](), Router: edge, Destination: netip.MustParsePrefix("0.0.0.0/0"),
			Kind: topology.RouteForward, Port: derived, NextHop: gw, Weight: 100},
		&topology.FloatingIP{ID: id.New[topology.FloatingIP](), Router: edge, Port: derived, Addr: gw, Fixed: webIP},
		&topology.PortForwarding{ID: id.New[topology.PortForwarding](), Router: edge, Port: derived, Addr: gw, Proto: 6,
			Ports: topology.PortRange{First: 80, Last: 81, Set: true}, Fixed: webIP, FixedPort: 8080},
		&topology.Chain{ID: pre, Name: "PRE", Rules: []topology.Rule{
			{Action: topology.ActionAccept},
			{When: topology.Condition{EtherType: 0x0800, Proto: 6, MatchProto: true, SrcGroup: friends,
				DstPorts: topology.PortRange{First: 22, Last: 22, Set: true}}, Action: topology.ActionAccept},
			{When: topology.Condition{Proto: 1, MatchProto: true, Src: range4, Not: topology.NotSrc, InPorts: []topology.PortID{web}},
				Action: topology.ActionSNAT, After: topology.ActionAccept,
				Targets: []topology.NATTarget{{First: gw, Last: gw, FirstPort: 1024, LastPort: 65535}}},
		}},
		&topology.AddrGroup{ID: friends, Name: "friends"},
		topology.NewGroupMember(friends, range4, web),
		&topology.PortGroup{ID: id.New[topology.PortGroup](), Name: "uplinks", Stateful: true},
		topology.NewNATBlock(edge, gw, 1024, host1),
		&topology.Overlay{Target: topology.Key{Kind: topology.KindPort, ID: web}, At: topology.Key{Kind: topology.KindBridge, ID: blue}, InChain: pre},
		&topology.TunnelZone{ID: zone, Name: "tz"},
		topology.NewTunnelZoneHost(zone, host1, gw),
		topology.NewRouterNeighbour(edge, derived, webIP, webHW, host1),
		&topology.BGPNetwork{ID: id.New[topology.BGPNetwork](), Router: edge, Subnet: range4},
		&topology.BGPPeer{ID: id.New[topology.BGPPeer](), Router: edge, ASNumber: 65000, Addr: gw, KeepAlive: 5},
		&topology.LoadBalancer{ID: balancer, AdminUp: true},
		&topology.Pool{ID: pool, LoadBalancer: balancer, HealthMonitor: monitor},
		&topology.PoolMember{ID: id.New[topology.PoolMember](), Pool: pool, Addr: webIP, Port: 80, Weight: 1},
		&topology.VIP{ID: id.New[topology.VIP](), Pool: pool, Addr: gw, Port: 80, Sticky: true},
		&topology.HealthMonitor{ID: monitor, Delay: 1, Timeout: 2, MaxRetries: 3},
		&topology.Mirror{ID: id.New[topology.Mirror](), To: db, Conditions: []topology.Condition{{Src: range4}}},
		&topology.L2Insertion{ID: id.New[topology.L2Insertion](), Port: web, Service: db, MAC: webHW},
		&topology.QoSPolicy{ID: policy, Name: "gold"},
		&topology.QoSBandwidthRule{ID: id.New[topology.QoSBandwidthRule](), Policy: policy, MaxKbps: 10, HasBurst: true},
		&topology.QoSDSCPRule{ID: id.New[topology.QoSDSCPRule](), Policy: policy, Mark: 26},
		&topology.ServiceContainer{ID: id.New[topology.ServiceContainer](), Group: containers, Type: "IPSEC"},
		&topology.ServiceContainerGroup{ID: containers, Least: true},
		&topology.TraceRequest{ID: id.New[topology.TraceRequest](), Name: "t", Device: topology.Key{Kind: topology.KindPort, ID: web}, Limit: 5},
		&topology.VTEP{ID: id.New[topology.VTEP](), Addr: gw, Port: 6632, Zone: zone, Bindings: []topology.VTEPBinding{{Port: "eth1", Bridge: blue}}},
		topology.NewPeeringEntry(derived, webHW, gw),
		topology.DefaultHostSettings(host1),
		topology.NewConfigDocument(topology.ConfigTemplate, "default", `{"a": 1}`),
		&topology.Revocation{Host: host1, Unix: 1_800_000_000},
	}
}

func TestDumpRoundTripCoversEveryKind(t *testing.T) {
	in := objects()
	seen := map[topology.Kind]bool{}
	for _, o := range in {
		seen[o.Key().Kind] = true
	}
	for _, k := range topology.Kinds() {
		if !seen[k] {
			t.Errorf("no %s among the objects of this test", k)
		}
	}
	var text bytes.Buffer
	if err := WriteDump(&text, in); err != nil {
		t.Fatal(err)
	}
	out, err := ReadDump(&text)
	if err != nil {
		t.Fatal(err)
	}
	byKey := cmpopts.SortSlices(func(a, b topology.Object) bool { return compareKeys(a.Key(), b.Key()) < 0 })
	addrs := cmp.Comparer(func(a, b netip.Addr) bool { return a == b })
	prefixes := cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })
	if diff := cmp.Diff(in, out, byKey, addrs, prefixes); diff != "" {
		t.Errorf("the dump lost something (-written +read):\n%s", diff)
	}
}

func TestReadDumpNamesTheLine(t *testing.T) {
	_, err := ReadDump(strings.NewReader("{\"kind\":\"bridge\",\"value\":{}}\n{\"kind\":\"moon\",\"value\":{}}\n"))
	if err == nil || !strings.Contains(err.Error(), "line 2") || !strings.Contains(err.Error(), "moon") {
		t.Errorf("ReadDump: %v, want an error that names line 2 and the kind", err)
	}
}

func TestPicture(t *testing.T) {
	var text bytes.Buffer
	all := objects()
	counts := map[topology.HostID]topology.Counts{}
	for _, o := range all {
		if h, ok := o.(*topology.Host); ok {
			counts[h.ID] = topology.Counts{Flows: 12, States: 3, Peers: 1, Misses: 40, MissesLost: 2, Begun: 9, Opened: 4, Blocks: 2, Lent: 60,
				Drops: []topology.Drop{{Reason: "virtual", Packets: 5}, {Reason: "no_room_to_wait", Packets: 1}}}
		}
	}
	if err := Picture(&text, all, counts); err != nil {
		t.Fatal(err)
	}
	want := `host host1  192.0.2.1  alive, agent v1
  flows 12, connection states 3, tunnel peers 1, misses 40 and 2 lost, connections begun by the flow cache 9, and 4 by those of other hosts, blocks of translation ports 2, of which the flow cache gives 60 ports by itself; dropped: by the virtual network 5, no room to wait 1

network blue (11111111-0000-4000-8000-000000000001)  mtu 1450
│  subnet 10.0.0.0/24  gateway 10.0.0.1  DHCP
├─ port 22222222                               router edge
├─ port db                                     not plugged in  (administratively down)
└─ port web       fa:16:3e:00:00:05  10.0.0.5  host1:tap22222222 ACTIVE  (by an operator: chain PRE inward)

router edge (44444444-0000-4000-8000-000000000001)
│  0.0.0.0/0 via 10.0.0.1
│  floating 10.0.0.1 for 10.0.0.5
│  forwarding tcp 10.0.0.1 80-81 to 10.0.0.5:8080
└─ port 55555555  fa:16:3e:00:00:05  10.0.0.0/24  network blue

chain PRE (66666666-0000-4000-8000-000000000001)
   all: accept
   IPv4 tcp from group friends port 22: accept
   icmp not from 10.0.0.0/24 in by web: snat to 10.0.0.1 ports 1024-65535, then accept

group friends (77777777-0000-4000-8000-000000000001)  addresses: 1
`
	if diff := cmp.Diff(want, text.String()); diff != "" {
		t.Errorf("picture (-want +got):\n%s", diff)
	}
}
