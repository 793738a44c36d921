package topologypb

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"midonet.org/midonet/topology"
)

// ToProto returns the wire form of o. It panics on a type that is no object of package topology, which only a defect can make.
func ToProto(o topology.Object) *Object {
	switch o := o.(type) {
	case *topology.Bridge:
		return &Object{Value: &Object_Bridge{fromBridge(o)}}
	case *topology.Port:
		return &Object{Value: &Object_Port{fromPort(o)}}
	case *topology.DHCP:
		return &Object{Value: &Object_Dhcp{fromDHCP(o)}}
	case *topology.DHCPHost:
		return &Object{Value: &Object_DhcpHost{fromDHCPHost(o)}}
	case *topology.MACEntry:
		return &Object{Value: &Object_MacEntry{fromMACEntry(o)}}
	case *topology.Neighbour:
		return &Object{Value: &Object_Neighbour{fromNeighbour(o)}}
	case *topology.Host:
		return &Object{Value: &Object_Host{fromHost(o)}}
	case *topology.Binding:
		return &Object{Value: &Object_Binding{fromBinding(o)}}
	case *topology.TunnelKey:
		return &Object{Value: &Object_TunnelKey{fromTunnelKey(o)}}
	case *topology.HostState:
		return &Object{Value: &Object_HostState{fromHostState(o)}}
	case *topology.PortState:
		return &Object{Value: &Object_PortState{fromPortState(o)}}
	case *topology.LearnedMAC:
		return &Object{Value: &Object_LearnedMac{fromLearnedMAC(o)}}
	case *topology.Source:
		return &Object{Value: &Object_Source{fromSource(o)}}
	case *topology.Progress:
		return &Object{Value: &Object_Progress{fromProgress(o)}}
	case *topology.Router:
		return &Object{Value: &Object_Router{fromRouter(o)}}
	case *topology.Route:
		return &Object{Value: &Object_Route{fromRoute(o)}}
	case *topology.Chain:
		return &Object{Value: &Object_Chain{fromChain(o)}}
	case *topology.AddrGroup:
		return &Object{Value: &Object_AddrGroup{fromAddrGroup(o)}}
	case *topology.GroupMember:
		return &Object{Value: &Object_GroupMember{fromGroupMember(o)}}
	case *topology.PortGroup:
		return &Object{Value: &Object_PortGroup{fromPortGroup(o)}}
	case *topology.FloatingIP:
		return &Object{Value: &Object_FloatingIp{fromFloatingIP(o)}}
	case *topology.PortForwarding:
		return &Object{Value: &Object_PortForwarding{fromPortForwarding(o)}}
	case *topology.NATBlock:
		return &Object{Value: &Object_NatBlock{fromNATBlock(o)}}
	case *topology.RouterNeighbour:
		return &Object{Value: &Object_RouterNeighbour{fromRouterNeighbour(o)}}
	case *topology.Overlay:
		return &Object{Value: &Object_Overlay{fromOverlay(o)}}
	case *topology.TunnelZone:
		return &Object{Value: &Object_TunnelZone{fromTunnelZone(o)}}
	case *topology.TunnelZoneHost:
		return &Object{Value: &Object_TunnelZoneHost{fromTunnelZoneHost(o)}}
	case *topology.BGPNetwork:
		return &Object{Value: &Object_BgpNetwork{fromBGPNetwork(o)}}
	case *topology.BGPPeer:
		return &Object{Value: &Object_BgpPeer{fromBGPPeer(o)}}
	case *topology.LoadBalancer:
		return &Object{Value: &Object_LoadBalancer{fromLoadBalancer(o)}}
	case *topology.Pool:
		return &Object{Value: &Object_Pool{fromPool(o)}}
	case *topology.PoolMember:
		return &Object{Value: &Object_PoolMember{fromPoolMember(o)}}
	case *topology.VIP:
		return &Object{Value: &Object_Vip{fromVIP(o)}}
	case *topology.HealthMonitor:
		return &Object{Value: &Object_HealthMonitor{fromHealthMonitor(o)}}
	case *topology.Mirror:
		return &Object{Value: &Object_Mirror{fromMirror(o)}}
	case *topology.L2Insertion:
		return &Object{Value: &Object_L2Insertion{fromL2Insertion(o)}}
	case *topology.QoSPolicy:
		return &Object{Value: &Object_QosPolicy{fromQoSPolicy(o)}}
	case *topology.QoSBandwidthRule:
		return &Object{Value: &Object_QosBandwidthRule{fromQoSBandwidthRule(o)}}
	case *topology.QoSDSCPRule:
		return &Object{Value: &Object_QosDscpRule{fromQoSDSCPRule(o)}}
	case *topology.ServiceContainer:
		return &Object{Value: &Object_ServiceContainer{fromServiceContainer(o)}}
	case *topology.ServiceContainerGroup:
		return &Object{Value: &Object_ServiceContainerGroup{fromServiceContainerGroup(o)}}
	case *topology.TraceRequest:
		return &Object{Value: &Object_TraceRequest{fromTraceRequest(o)}}
	case *topology.VTEP:
		return &Object{Value: &Object_Vtep{fromVTEP(o)}}
	case *topology.PeeringEntry:
		return &Object{Value: &Object_PeeringEntry{fromPeeringEntry(o)}}
	case *topology.HostSettings:
		return &Object{Value: &Object_HostSettings{fromHostSettings(o)}}
	case *topology.ConfigDocument:
		return &Object{Value: &Object_ConfigDocument{fromConfigDocument(o)}}
	case *topology.Revocation:
		return &Object{Value: &Object_Revocation{fromRevocation(o)}}
	case *topology.StagedPart:
		return &Object{Value: &Object_StagedPart{fromStagedPart(o)}}
	case *topology.StagedChange:
		return &Object{Value: &Object_StagedChange{fromStagedChange(o)}}
	}
	panic(fmt.Sprintf("topologypb: %T is no topology object", o))
}

// FromProto returns the value of a wire object. It refuses an object of a kind that this program does not know, and any malformed
// identifier or address, with the name of the field.
func FromProto(x *Object) (topology.Object, error) {
	switch v := x.GetValue().(type) {
	case *Object_Bridge:
		return object(v.Bridge.Topology())
	case *Object_Port:
		return object(v.Port.Topology())
	case *Object_Dhcp:
		return object(v.Dhcp.Topology())
	case *Object_DhcpHost:
		return object(v.DhcpHost.Topology())
	case *Object_MacEntry:
		return object(v.MacEntry.Topology())
	case *Object_Neighbour:
		return object(v.Neighbour.Topology())
	case *Object_Host:
		return object(v.Host.Topology())
	case *Object_Binding:
		return object(v.Binding.Topology())
	case *Object_TunnelKey:
		return object(v.TunnelKey.Topology())
	case *Object_HostState:
		return object(v.HostState.Topology())
	case *Object_PortState:
		return object(v.PortState.Topology())
	case *Object_LearnedMac:
		return object(v.LearnedMac.Topology())
	case *Object_Source:
		return object(v.Source.Topology())
	case *Object_Progress:
		return object(v.Progress.Topology())
	case *Object_Router:
		return object(v.Router.Topology())
	case *Object_Route:
		return object(v.Route.Topology())
	case *Object_Chain:
		return object(v.Chain.Topology())
	case *Object_AddrGroup:
		return object(v.AddrGroup.Topology())
	case *Object_GroupMember:
		return object(v.GroupMember.Topology())
	case *Object_PortGroup:
		return object(v.PortGroup.Topology())
	case *Object_FloatingIp:
		return object(v.FloatingIp.Topology())
	case *Object_PortForwarding:
		return object(v.PortForwarding.Topology())
	case *Object_NatBlock:
		return object(v.NatBlock.Topology())
	case *Object_RouterNeighbour:
		return object(v.RouterNeighbour.Topology())
	case *Object_Overlay:
		return object(v.Overlay.Topology())
	case *Object_TunnelZone:
		return object(v.TunnelZone.Topology())
	case *Object_TunnelZoneHost:
		return object(v.TunnelZoneHost.Topology())
	case *Object_BgpNetwork:
		return object(v.BgpNetwork.Topology())
	case *Object_BgpPeer:
		return object(v.BgpPeer.Topology())
	case *Object_LoadBalancer:
		return object(v.LoadBalancer.Topology())
	case *Object_Pool:
		return object(v.Pool.Topology())
	case *Object_PoolMember:
		return object(v.PoolMember.Topology())
	case *Object_Vip:
		return object(v.Vip.Topology())
	case *Object_HealthMonitor:
		return object(v.HealthMonitor.Topology())
	case *Object_Mirror:
		return object(v.Mirror.Topology())
	case *Object_L2Insertion:
		return object(v.L2Insertion.Topology())
	case *Object_QosPolicy:
		return object(v.QosPolicy.Topology())
	case *Object_QosBandwidthRule:
		return object(v.QosBandwidthRule.Topology())
	case *Object_QosDscpRule:
		return object(v.QosDscpRule.Topology())
	case *Object_ServiceContainer:
		return object(v.ServiceContainer.Topology())
	case *Object_ServiceContainerGroup:
		return object(v.ServiceContainerGroup.Topology())
	case *Object_TraceRequest:
		return object(v.TraceRequest.Topology())
	case *Object_Vtep:
		return object(v.Vtep.Topology())
	case *Object_PeeringEntry:
		return object(v.PeeringEntry.Topology())
	case *Object_HostSettings:
		return object(v.HostSettings.Topology())
	case *Object_ConfigDocument:
		return object(v.ConfigDocument.Topology())
	case *Object_Revocation:
		return object(v.Revocation.Topology())
	case *Object_StagedPart:
		return object(v.StagedPart.Topology())
	case *Object_StagedChange:
		return object(v.StagedChange.Topology())
	}
	return nil, fmt.Errorf("a topology object of an unknown kind")
}

// KeyToProto returns the wire form of k.
func KeyToProto(k topology.Key) *Key {
	return &Key{Kind: uint32(k.Kind), Id: k.ID[:]}
}

// KeyFromProto returns the value of a wire key. It refuses unknown kinds and identifiers that are not 16 octets long.
func KeyFromProto(x *Key) (topology.Key, error) {
	kind := topology.Kind(x.GetKind())
	if uint32(kind) != x.GetKind() || !kind.Known() {
		return topology.Key{}, fmt.Errorf("key of unknown kind %d", x.GetKind())
	}
	if len(x.GetId()) != 16 {
		return topology.Key{}, fmt.Errorf("key of a %s has %d octets instead of 16", kind, len(x.GetId()))
	}
	return topology.Key{Kind: kind, ID: [16]byte(x.GetId())}, nil
}

// Marshal returns the stored form of o. Equal objects give equal bytes within one build of the program.
func Marshal(o topology.Object) []byte {
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(ToProto(o))
	if err != nil {
		panic(fmt.Sprintf("topologypb: %v: %v", o.Key(), err)) // only a string that is not UTF-8; the edges refuse those
	}
	return b
}

// Unmarshal reads what Marshal wrote.
func Unmarshal(b []byte) (topology.Object, error) {
	var x Object
	if err := proto.Unmarshal(b, &x); err != nil {
		return nil, fmt.Errorf("topology object: %w", err)
	}
	return FromProto(&x)
}

// object turns a typed result into an Object, without the trap of a nil pointer in a non-nil interface.
func object[T topology.Object](o T, err error) (topology.Object, error) {
	if err != nil {
		return nil, err
	}
	return o, nil
}
