package topologypb

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"midonet.org/midonet/id"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// draw makes an arbitrary object of each kind. TestEveryKindRoundTrips fails for a kind that is not here.
var draw = map[topology.Kind]func(*rapid.T) topology.Object{
	topology.KindBridge: func(t *rapid.T) topology.Object {
		return &topology.Bridge{Made: made(t), ID: anyID[topology.Bridge](t), Name: text(t), ProjectID: text(t), AdminUp: flag(t), MTU: number(t),
			External: flag(t)}
	},
	topology.KindPort: func(t *rapid.T) topology.Object {
		return &topology.Port{Made: made(t), ID: anyID[topology.Port](t), Bridge: maybeID[topology.Bridge](t), Name: text(t), ProjectID: text(t),
			AdminUp: flag(t), TunnelKey: rapid.Uint32().Draw(t, "tunnel key"), Router: maybeID[topology.Router](t),
			Peer: maybeID[topology.Port](t), Device: text(t), Security: security(t), MAC: hw(t), Addresses: prefixes(t), MTU: number(t),
			Advertise: advertisement(t), InChain: maybeID[topology.Chain](t), OutChain: maybeID[topology.Chain](t),
			Groups: ids[topology.PortGroup](t), Plug: plug(t)}
	},
	topology.KindDHCP: func(t *rapid.T) topology.Object {
		return &topology.DHCP{Made: made(t), ID: anyID[topology.DHCP](t), Bridge: maybeID[topology.Bridge](t), Prefix: prefix(t), Enabled: flag(t),
			Router: maybeAddr(t), Server: maybeAddr(t), DNS: addrs(t), MTU: number(t), LeaseSeconds: rapid.Uint32().Draw(t, "lease"),
			Domain: text(t), AddressMode: topology.AddressMode(octet(t)), Silent: ids[topology.Host](t), Routes: rapid.SliceOf(rapid.Custom(func(t *rapid.T) topology.ClasslessRoute {
				return topology.ClasslessRoute{Destination: prefix(t), NextHop: maybeAddr(t)}
			})).Draw(t, "routes")}
	},
	topology.KindDHCPHost: func(t *rapid.T) topology.Object {
		return &topology.DHCPHost{Made: made(t), ID: anyID[topology.DHCPHost](t), DHCP: maybeID[topology.DHCP](t), Bridge: maybeID[topology.Bridge](t),
			Port: maybeID[topology.Port](t), MAC: hw(t), Addr: maybeAddr(t), Hostname: text(t),
			Options: rapid.SliceOf(rapid.Custom(func(t *rapid.T) topology.DHCPOption {
				return topology.DHCPOption{Name: text(t), Value: text(t)}
			})).Draw(t, "options")}
	},
	topology.KindMACEntry: func(t *rapid.T) topology.Object {
		return &topology.MACEntry{Made: made(t), ID: anyID[topology.MACEntry](t), Bridge: maybeID[topology.Bridge](t), MAC: hw(t),
			Port: maybeID[topology.Port](t), VLAN: short(t)}
	},
	topology.KindNeighbour: func(t *rapid.T) topology.Object {
		return &topology.Neighbour{Made: made(t), ID: anyID[topology.Neighbour](t), Bridge: maybeID[topology.Bridge](t), Addr: maybeAddr(t), MAC: hw(t),
			Port: maybeID[topology.Port](t)}
	},
	topology.KindHost: func(t *rapid.T) topology.Object {
		return &topology.Host{ID: anyID[topology.Host](t), Name: text(t), Endpoints: addrs(t), Zone: text(t), Metadata: flag(t), Openings: flag(t), Origins: flag(t)}
	},
	topology.KindBinding: func(t *rapid.T) topology.Object {
		b := &topology.Binding{Port: anyID[topology.Port](t), Host: maybeID[topology.Host](t), Interface: text(t)}
		b.Follow(&topology.Binding{Host: maybeID[topology.Host](t), Former: [topology.MaxFormer]topology.HostID{anyID[topology.Host](t)}})
		return b
	},
	topology.KindTunnelKey: func(t *rapid.T) topology.Object {
		return &topology.TunnelKey{Made: made(t), Number: rapid.Uint32().Draw(t, "number"), Port: maybeID[topology.Port](t)}
	},
	topology.KindHostState: func(t *rapid.T) topology.Object {
		return &topology.HostState{Host: anyID[topology.Host](t), Version: text(t), StartedUnix: rapid.Int64().Draw(t, "started"),
			Interfaces: rapid.SliceOf(rapid.Custom(func(t *rapid.T) topology.Interface {
				return topology.Interface{Name: text(t), MAC: hw(t), MTU: number(t), Up: flag(t), Addrs: addrs(t)}
			})).Draw(t, "interfaces")}
	},
	topology.KindPortState: func(t *rapid.T) topology.Object {
		return &topology.PortState{Port: anyID[topology.Port](t), Host: maybeID[topology.Host](t), Active: flag(t)}
	},
	topology.KindLearnedMAC: func(t *rapid.T) topology.Object {
		return &topology.LearnedMAC{ID: anyID[topology.LearnedMAC](t), Bridge: maybeID[topology.Bridge](t), MAC: hw(t),
			Port: maybeID[topology.Port](t), Host: maybeID[topology.Host](t)}
	},
	topology.KindSource: func(t *rapid.T) topology.Object {
		o := &topology.Source{Resource: text(t), ID: anyID[topology.Source](t), JSON: rapid.SliceOf(rapid.Byte()).Draw(t, "json")}
		if len(o.JSON) > 0 && rapid.IntRange(0, 9).Draw(t, "long") == 0 {
			o.JSON = bytes.Repeat(o.JSON, packedFrom/len(o.JSON)+1)
		}
		return o
	},
	topology.KindProgress: func(t *rapid.T) topology.Object {
		return &topology.Progress{Journal: text(t), LastTaskID: rapid.Int64().Draw(t, "task"), Applied: rapid.Uint64().Draw(t, "applied"),
			Repairs: rapid.Uint64().Draw(t, "repairs"), Store: text(t), Turns: rapid.Uint64().Draw(t, "turns")}
	},
	topology.KindRouter: func(t *rapid.T) topology.Object {
		return &topology.Router{Made: made(t), ID: anyID[topology.Router](t), Name: text(t), ProjectID: text(t), AdminUp: flag(t),
			InChain: maybeID[topology.Chain](t), OutChain: maybeID[topology.Chain](t), ForwardChain: maybeID[topology.Chain](t)}
	},
	topology.KindRoute: func(t *rapid.T) topology.Object {
		return &topology.Route{Made: made(t), ID: anyID[topology.Route](t), Router: maybeID[topology.Router](t), Source: prefix(t), Destination: prefix(t),
			Kind: topology.RouteKind(octet(t)), Port: maybeID[topology.Port](t), NextHop: maybeAddr(t), Weight: rapid.Uint32().Draw(t, "weight"),
			Attributes: text(t)}
	},
	topology.KindChain: func(t *rapid.T) topology.Object {
		return &topology.Chain{Made: made(t), ID: anyID[topology.Chain](t), Name: text(t), ProjectID: text(t),
			Rules: rapid.SliceOfN(rapid.Custom(rule), 0, 3).Draw(t, "rules")}
	},
	topology.KindAddrGroup: func(t *rapid.T) topology.Object {
		return &topology.AddrGroup{Made: made(t), ID: anyID[topology.AddrGroup](t), Name: text(t), ProjectID: text(t)}
	},
	topology.KindGroupMember: func(t *rapid.T) topology.Object {
		return &topology.GroupMember{Made: made(t), ID: anyID[topology.GroupMember](t), Group: maybeID[topology.AddrGroup](t), Prefix: prefix(t),
			Port: maybeID[topology.Port](t)}
	},
	topology.KindPortGroup: func(t *rapid.T) topology.Object {
		return &topology.PortGroup{Made: made(t), ID: anyID[topology.PortGroup](t), Name: text(t), ProjectID: text(t), Stateful: flag(t)}
	},
	topology.KindFloatingIP: func(t *rapid.T) topology.Object {
		return &topology.FloatingIP{ID: anyID[topology.FloatingIP](t), Router: maybeID[topology.Router](t), Port: maybeID[topology.Port](t),
			Addr: maybeAddr(t), Fixed: maybeAddr(t)}
	},
	topology.KindPortForwarding: func(t *rapid.T) topology.Object {
		return &topology.PortForwarding{ID: anyID[topology.PortForwarding](t), Router: maybeID[topology.Router](t),
			Port: maybeID[topology.Port](t), Addr: maybeAddr(t), Proto: octet(t), Ports: portRange(t), Fixed: maybeAddr(t), FixedPort: short(t)}
	},
	topology.KindNATBlock: func(t *rapid.T) topology.Object {
		return &topology.NATBlock{ID: anyID[topology.NATBlock](t), Router: maybeID[topology.Router](t), Addr: maybeAddr(t), First: short(t),
			Host: maybeID[topology.Host](t)}
	},
	topology.KindRouterNeighbour: func(t *rapid.T) topology.Object {
		return &topology.RouterNeighbour{ID: anyID[topology.RouterNeighbour](t), Router: maybeID[topology.Router](t),
			Port: maybeID[topology.Port](t), Addr: maybeAddr(t), MAC: hw(t), Host: maybeID[topology.Host](t)}
	},
	topology.KindOverlay: func(t *rapid.T) topology.Object {
		return &topology.Overlay{Target: topology.Key{Kind: topology.KindPort, ID: anyID[topology.Port](t)},
			At:      topology.Key{Kind: topology.KindRouter, ID: anyID[topology.Router](t)},
			InChain: maybeID[topology.Chain](t), OutChain: maybeID[topology.Chain](t), Groups: ids[topology.PortGroup](t),
			QoSPolicy: maybeID[topology.QoSPolicy](t), InMirrors: ids[topology.Mirror](t), OutMirrors: ids[topology.Mirror](t),
			PostInMirrors: ids[topology.Mirror](t), PreOutMirrors: ids[topology.Mirror](t), LoadBalancer: maybeID[topology.LoadBalancer](t),
			LocalRedirect: maybeID[topology.Chain](t), ASNumber: rapid.Uint32().Draw(t, "as"), VNI: rapid.Uint32().Draw(t, "vni"), OffRampVXLAN: flag(t),
			VLAN: short(t), VIF: maybeID[topology.VIF](t)}
	},
	topology.KindTunnelZone: func(t *rapid.T) topology.Object {
		return &topology.TunnelZone{ID: anyID[topology.TunnelZone](t), Name: text(t), VTEP: flag(t), GRE: flag(t)}
	},
	topology.KindBGPNetwork: func(t *rapid.T) topology.Object {
		return &topology.BGPNetwork{Made: made(t), ID: anyID[topology.BGPNetwork](t), Router: maybeID[topology.Router](t), Subnet: prefix(t)}
	},
	topology.KindBGPPeer: func(t *rapid.T) topology.Object {
		return &topology.BGPPeer{Made: made(t), ID: anyID[topology.BGPPeer](t), Router: maybeID[topology.Router](t), Addr: maybeAddr(t),
			ASNumber: rapid.Uint32().Draw(t, "as"), KeepAlive: number(t), HoldTime: number(t), ConnectRetry: number(t), Password: text(t)}
	},
	topology.KindLoadBalancer: func(t *rapid.T) topology.Object {
		return &topology.LoadBalancer{Made: made(t), ID: anyID[topology.LoadBalancer](t), AdminUp: flag(t)}
	},
	topology.KindPool: func(t *rapid.T) topology.Object {
		return &topology.Pool{Made: made(t), ID: anyID[topology.Pool](t), LoadBalancer: maybeID[topology.LoadBalancer](t),
			HealthMonitor: maybeID[topology.HealthMonitor](t), AdminUp: flag(t)}
	},
	topology.KindPoolMember: func(t *rapid.T) topology.Object {
		return &topology.PoolMember{Made: made(t), ID: anyID[topology.PoolMember](t), Pool: maybeID[topology.Pool](t), Addr: maybeAddr(t),
			Port: rapid.Uint16().Draw(t, "port"), Weight: number(t), AdminUp: flag(t)}
	},
	topology.KindVIP: func(t *rapid.T) topology.Object {
		return &topology.VIP{Made: made(t), ID: anyID[topology.VIP](t), Pool: maybeID[topology.Pool](t), Addr: maybeAddr(t),
			Port: rapid.Uint16().Draw(t, "port"), AdminUp: flag(t), Sticky: flag(t)}
	},
	topology.KindHealthMonitor: func(t *rapid.T) topology.Object {
		return &topology.HealthMonitor{Made: made(t), ID: anyID[topology.HealthMonitor](t), AdminUp: flag(t), Delay: number(t), Timeout: number(t),
			MaxRetries: number(t)}
	},
	topology.KindMirror: func(t *rapid.T) topology.Object {
		return &topology.Mirror{Made: made(t), ID: anyID[topology.Mirror](t), To: maybeID[topology.Port](t),
			Conditions: rapid.SliceOf(rapid.Custom(condition)).Draw(t, "conditions")}
	},
	topology.KindL2Insertion: func(t *rapid.T) topology.Object {
		return &topology.L2Insertion{Made: made(t), ID: anyID[topology.L2Insertion](t), Port: maybeID[topology.Port](t), Service: maybeID[topology.Port](t),
			VLAN: rapid.Uint16().Draw(t, "vlan"), Position: number(t), FailOpen: flag(t), MAC: hw(t)}
	},
	topology.KindQoSPolicy: func(t *rapid.T) topology.Object {
		return &topology.QoSPolicy{Made: made(t), ID: anyID[topology.QoSPolicy](t), Name: text(t), Description: text(t), ProjectID: text(t), Shared: flag(t)}
	},
	topology.KindQoSBandwidthRule: func(t *rapid.T) topology.Object {
		r := &topology.QoSBandwidthRule{Made: made(t), ID: anyID[topology.QoSBandwidthRule](t), Policy: maybeID[topology.QoSPolicy](t), MaxKbps: number(t),
			HasBurst: flag(t)}
		if r.HasBurst {
			r.MaxBurstKb = number(t)
		}
		return r
	},
	topology.KindQoSDSCPRule: func(t *rapid.T) topology.Object {
		return &topology.QoSDSCPRule{Made: made(t), ID: anyID[topology.QoSDSCPRule](t), Policy: maybeID[topology.QoSPolicy](t), Mark: number(t)}
	},
	topology.KindServiceContainer: func(t *rapid.T) topology.Object {
		return &topology.ServiceContainer{Made: made(t), ID: anyID[topology.ServiceContainer](t), Group: maybeID[topology.ServiceContainerGroup](t),
			Port: maybeID[topology.Port](t), Configuration: maybeID[topology.Configuration](t), Type: text(t)}
	},
	topology.KindServiceContainerGroup: func(t *rapid.T) topology.Object {
		return &topology.ServiceContainerGroup{Made: made(t), ID: anyID[topology.ServiceContainerGroup](t), Least: flag(t),
			PortGroup: maybeID[topology.PortGroup](t)}
	},
	topology.KindTraceRequest: func(t *rapid.T) topology.Object {
		return &topology.TraceRequest{Made: made(t), ID: anyID[topology.TraceRequest](t), Name: text(t),
			Device: topology.Key{Kind: topology.KindPort, ID: anyID[topology.Port](t)}, When: condition(t),
			CreatedMillis: rapid.Int64().Draw(t, "created"), Limit: rapid.Int64().Draw(t, "limit"), Enabled: flag(t)}
	},
	topology.KindVTEP: func(t *rapid.T) topology.Object {
		return &topology.VTEP{Made: made(t), ID: anyID[topology.VTEP](t), Addr: maybeAddr(t), Port: rapid.Uint16().Draw(t, "port"),
			Zone: maybeID[topology.TunnelZone](t), Bindings: rapid.SliceOf(rapid.Custom(func(t *rapid.T) topology.VTEPBinding {
				return topology.VTEPBinding{Port: text(t), VLAN: rapid.Uint16().Draw(t, "vlan"), Bridge: maybeID[topology.Bridge](t)}
			})).Draw(t, "bindings")}
	},
	topology.KindPeeringEntry: func(t *rapid.T) topology.Object {
		return &topology.PeeringEntry{Made: made(t), ID: anyID[topology.PeeringEntry](t), Port: maybeID[topology.Port](t), MAC: hw(t), Addr: maybeAddr(t)}
	},
	topology.KindConfigDocument: func(t *rapid.T) topology.Object {
		return &topology.ConfigDocument{Made: made(t), ID: anyID[topology.ConfigDocument](t), Scope: topology.ConfigScope(octet(t)), Name: text(t), Text: text(t)}
	},
	topology.KindRevocation: func(t *rapid.T) topology.Object {
		return &topology.Revocation{Host: anyID[topology.Host](t), Unix: rapid.Int64().Draw(t, "unix")}
	},
	topology.KindHostSettings: func(t *rapid.T) topology.Object {
		return &topology.HostSettings{Made: made(t), Host: anyID[topology.Host](t), FloodingProxyWeight: number(t), ContainerWeight: number(t),
			ContainerLimit: number(t), EnforceContainerLimit: flag(t)}
	},
	topology.KindTunnelZoneHost: func(t *rapid.T) topology.Object {
		return &topology.TunnelZoneHost{ID: anyID[topology.TunnelZoneHost](t), Zone: maybeID[topology.TunnelZone](t),
			Host: maybeID[topology.Host](t), Addr: maybeAddr(t)}
	},
	topology.KindStagedPart: func(t *rapid.T) topology.Object {
		p := &topology.StagedPart{Change: anyID[topology.StagedChange](t), Number: rapid.Uint32().Draw(t, "number")}
		for range rapid.IntRange(0, 3).Draw(t, "puts") {
			p.Puts = append(p.Puts, &topology.Bridge{ID: anyID[topology.Bridge](t), Name: text(t)})
		}
		for range rapid.IntRange(0, 3).Draw(t, "deletes") {
			p.Deletes = append(p.Deletes, topology.Key{Kind: rapid.SampledFrom(topology.Kinds()).Draw(t, "kind"), ID: anyID[topology.Port](t)})
		}
		return p
	},
	topology.KindStagedChange: func(t *rapid.T) topology.Object {
		return &topology.StagedChange{Role: topology.StagedRole(octet(t)), Change: maybeID[topology.StagedChange](t),
			Parts: rapid.Uint32().Draw(t, "parts"), Staged: rapid.Uint32().Draw(t, "staged"), GivenUp: flag(t)}
	},
}

func made(t *rapid.T) topology.Made { return topology.Made{ByOperator: flag(t)} }

func security(t *rapid.T) *topology.Security {
	if flag(t) {
		return nil
	}
	return &topology.Security{Egress: ids[topology.Chain](t), Ingress: ids[topology.Chain](t), Stateful: flag(t),
		Sources: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) topology.AddressPair {
			return topology.AddressPair{MAC: hw(t), Prefix: prefix(t)}
		}), 0, 3).Draw(t, "sources")}
}

func plug(t *rapid.T) *topology.Plug {
	if flag(t) {
		return nil
	}
	return &topology.Plug{HostName: text(t), Interface: text(t)}
}

func advertisement(t *rapid.T) *topology.Advertisement {
	if flag(t) {
		return nil
	}
	return &topology.Advertisement{Managed: flag(t), Other: flag(t), MTU: number(t), DNS: addrs(t),
		Prefixes: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) topology.AdvertisedPrefix {
			return topology.AdvertisedPrefix{Prefix: prefix(t), Autonomous: flag(t)}
		}), 0, 3).Draw(t, "advertised")}
}

func rule(t *rapid.T) topology.Rule {
	return topology.Rule{ID: anyID[topology.Rule](t), When: condition(t), Action: topology.RuleAction(octet(t)),
		Jump: maybeID[topology.Chain](t), After: topology.RuleAction(octet(t)),
		Targets: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) topology.NATTarget {
			return topology.NATTarget{First: maybeAddr(t), Last: maybeAddr(t), FirstPort: short(t), LastPort: short(t)}
		}), 0, 2).Draw(t, "targets"), Kept: rapid.Custom(kept).Draw(t, "kept")}
}

func kept(t *rapid.T) *topology.KeptRule {
	switch rapid.IntRange(0, 3).Draw(t, "kept") {
	case 0:
		return nil
	case 1:
		return &topology.KeptRule{Meter: text(t), Trace: &topology.TraceRule{Request: maybeID[topology.TraceRequest](t), Limit: rapid.Int64().Draw(t, "limit")}}
	case 2:
		return &topology.KeptRule{Transform: &topology.L2Transform{Redirect: flag(t), PopVLAN: flag(t), PushVLAN: short(t), Target: maybeID[topology.Port](t),
			Ingress: flag(t), FailOpen: flag(t)}}
	}
	return &topology.KeptRule{Meter: text(t)}
}

func condition(t *rapid.T) topology.Condition {
	c := topology.Condition{
		EtherType: short(t), SrcMAC: hw(t), DstMAC: hw(t), MatchProto: flag(t), Src: prefix(t), Dst: prefix(t),
		SrcGroup: maybeID[topology.AddrGroup](t), DstGroup: maybeID[topology.AddrGroup](t), SrcPorts: portRange(t), DstPorts: portRange(t),
		Fragments: topology.FragmentPolicy(octet(t)), InPorts: ids[topology.Port](t), OutPorts: ids[topology.Port](t),
		ForwardFlow: flag(t), ReturnFlow: flag(t), DstRewritten: flag(t), Not: topology.ConditionField(rapid.Uint32().Draw(t, "not")), NotAll: flag(t),
		NoVLAN: flag(t), VLAN: short(t), SrcMACMask: hw(t), DstMACMask: hw(t), MatchTOS: flag(t), PortGroup: maybeID[topology.PortGroup](t),
		InPortGroup: maybeID[topology.PortGroup](t), OutPortGroup: maybeID[topology.PortGroup](t), Traversed: maybeID[topology.Device](t),
	}
	if flag(t) {
		c.ICMPData = &topology.ICMPData{Src: prefix(t), Dst: prefix(t)}
	}
	if c.MatchProto {
		c.Proto = octet(t)
	}
	if c.MatchTOS {
		c.TOS = octet(t)
	}
	return c
}

func portRange(t *rapid.T) topology.PortRange {
	if flag(t) {
		return topology.PortRange{}
	}
	return topology.PortRange{First: short(t), Last: short(t), Set: true}
}

func TestEveryKindRoundTrips(t *testing.T) {
	for _, kind := range topology.StoredKinds() {
		t.Run(kind.String(), func(t *testing.T) {
			gen, ok := draw[kind]
			if !ok {
				t.Fatalf("no generator for %v: add it to the table, and the kind to ToProto and FromProto", kind)
			}
			rapid.Check(t, func(t *rapid.T) { roundTrip(t, kind, gen(t)) })
		})
	}
}

func roundTrip(t *rapid.T, kind topology.Kind, o topology.Object) {
	if o.Key().Kind != kind {
		t.Fatalf("the generator of %v makes a %v", kind, o.Key().Kind)
	}
	got, err := Unmarshal(Marshal(o))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(o, got, cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{}), cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("changed on the way (-sent +got):\n%s", diff)
	}
	key, err := KeyFromProto(KeyToProto(o.Key()))
	if kind.Known() && (err != nil || key != o.Key()) {
		t.Fatalf("key %v came back as %v, %v", o.Key(), key, err)
	}
}

func TestMalformedFieldsAreRefused(t *testing.T) {
	full := make([]byte, 16)
	for _, c := range []struct {
		name string
		in   *Object
		want string
	}{
		{"nothing", &Object{}, "unknown kind"},
		{"no identifier", &Object{Value: &Object_Bridge{&Bridge{}}}, "bridge: id is missing"},
		{"short identifier", &Object{Value: &Object_Port{&Port{Id: full[:15]}}}, "port: id has 15 octets"},
		{"short reference", &Object{Value: &Object_Port{&Port{Id: full, Bridge: full[:3]}}}, "port: bridge has 3 octets"},
		{"MAC", &Object{Value: &Object_MacEntry{&MACEntry{Id: full, Mac: full[:5]}}}, "mac_entry: mac has 5 octets"},
		{"address", &Object{Value: &Object_Neighbour{&Neighbour{Id: full, Addr: full[:7]}}}, "neighbour: addr has 7 octets"},
		{"empty address in a list", &Object{Value: &Object_Host{&Host{Id: full, Endpoints: [][]byte{nil}}}}, "empty address"},
		{"prefix length", &Object{Value: &Object_Dhcp{&DHCP{Id: full, Prefix: &Prefix{Addr: full[:4], Bits: 33}}}}, "no prefix"},
		{"route", &Object{Value: &Object_Dhcp{&DHCP{Id: full, Routes: []*ClasslessRoute{{NextHop: full[:1]}}}}}, "route next hop has 1 octets"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, err := proto.Marshal(c.in)
			if err != nil {
				t.Fatal(err)
			}
			o, err := Unmarshal(b)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, error %v; want an error with %q", o, err, c.want)
			}
		})
	}
	if _, err := Unmarshal([]byte{0xff}); err == nil {
		t.Error("a byte that is no message was read")
	}
}

func TestMalformedKeysAreRefused(t *testing.T) {
	for _, k := range []*Key{nil, {Kind: 1}, {Kind: 0, Id: make([]byte, 16)}, {Kind: 257, Id: make([]byte, 16)}, {Kind: 1, Id: make([]byte, 17)}} {
		if got, err := KeyFromProto(k); err == nil {
			t.Errorf("KeyFromProto(%v) = %v, want an error", k, got)
		}
	}
}

func anyID[T any](t *rapid.T) id.ID[T] {
	b := rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id")
	b[0] |= 1 // the zero identifier names nothing
	return id.ID[T](b)
}

func maybeID[T any](t *rapid.T) id.ID[T] {
	if flag(t) {
		return id.ID[T]{}
	}
	return anyID[T](t)
}

func addr(t *rapid.T) netip.Addr {
	n := rapid.SampledFrom([]int{4, 16}).Draw(t, "octets")
	a, _ := netip.AddrFromSlice(rapid.SliceOfN(rapid.Byte(), n, n).Draw(t, "addr"))
	return a
}

func maybeAddr(t *rapid.T) netip.Addr {
	if flag(t) {
		return netip.Addr{}
	}
	return addr(t)
}

func prefix(t *rapid.T) netip.Prefix {
	a := addr(t)
	return netip.PrefixFrom(a, rapid.IntRange(0, a.BitLen()).Draw(t, "bits"))
}

func ids[T any](t *rapid.T) []id.ID[T] {
	return rapid.SliceOfN(rapid.Custom(anyID[T]), 0, 3).Draw(t, "ids")
}

func prefixes(t *rapid.T) []netip.Prefix {
	return rapid.SliceOfN(rapid.Custom(prefix), 0, 3).Draw(t, "prefixes")
}

func octet(t *rapid.T) uint8        { return rapid.Uint8().Draw(t, "octet") }
func short(t *rapid.T) uint16       { return rapid.Uint16().Draw(t, "short") }
func addrs(t *rapid.T) []netip.Addr { return rapid.SliceOfN(rapid.Custom(addr), 0, 3).Draw(t, "addrs") }
func hw(t *rapid.T) mac.Addr        { return mac.Addr(rapid.SliceOfN(rapid.Byte(), 6, 6).Draw(t, "mac")) }
func text(t *rapid.T) string        { return rapid.String().Draw(t, "text") }
func flag(t *rapid.T) bool          { return rapid.Bool().Draw(t, "flag") }
func number(t *rapid.T) int         { return int(rapid.Int32().Draw(t, "number")) }

// TestALongSourceIsPacked: what is stored of one is shorter, and what is no such text, or would fill the memory, is refused.
func TestALongSourceIsPacked(t *testing.T) {
	o := &topology.Source{Resource: "address_group", ID: [16]byte{1}, JSON: bytes.Repeat([]byte(`"192.0.2.1/32", `), 100_000)}
	stored := Marshal(o)
	if len(stored) > len(o.JSON)/10 {
		t.Errorf("%d octets of %d", len(stored), len(o.JSON))
	}
	if back, err := Unmarshal(stored); err != nil || !bytes.Equal(back.(*topology.Source).JSON, o.JSON) {
		t.Errorf("it came back otherwise: %v", err)
	}
	for what, packed := range map[string][]byte{"noise": {1, 2, 3}, "a bomb": pack(make([]byte, maxUnpacked+1))} {
		if _, err := (&Source{Resource: "port", Id: make([]byte, 16), Packed: packed}).Topology(); err == nil {
			t.Errorf("%s was taken", what)
		}
	}
}
