// Package inspect shows a topology to people: as a dump that can be kept, sent and read back, and as a picture.
//
// It works on plain objects, so that a live system, a dump file and a test look alike.
package inspect

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"midonet.org/midonet/id"
	"midonet.org/midonet/topology"
)

// maxLine bounds one object of a dump: a Neutron object with all its attributes stays far below it.
const maxLine = 4 << 20

// line is one object of a dump. Its field order is what a reader sees.
type line struct {
	Kind  string          `json:"kind"`
	Value json.RawMessage `json:"value"`
}

// source is topology.Source with its JSON left readable.
type source struct {
	Resource string
	ID       id.ID[topology.Source]
	JSON     json.RawMessage
}

// WriteDump writes one JSON line for each object, ordered by kind and identifier, so that two dumps can be compared by diff.
func WriteDump(w io.Writer, objects []topology.Object) error {
	sorted := slices.SortedFunc(slices.Values(objects), func(a, b topology.Object) int { return compareKeys(a.Key(), b.Key()) })
	out := bufio.NewWriter(w)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	for _, o := range sorted {
		value, err := encode(o)
		if err != nil {
			return fmt.Errorf("%s: %w", o.Key(), err)
		}
		if err := enc.Encode(line{Kind: o.Key().Kind.String(), Value: value}); err != nil {
			return err
		}
	}
	return out.Flush()
}

// ReadDump reads what WriteDump wrote. An error names the line.
func ReadDump(r io.Reader) ([]topology.Object, error) {
	in := bufio.NewScanner(r)
	in.Buffer(make([]byte, 0, 64<<10), maxLine)
	var objects []topology.Object
	for n := 1; in.Scan(); n++ {
		if strings.TrimSpace(in.Text()) == "" {
			continue
		}
		o, err := decode(in.Bytes())
		if err != nil {
			return nil, fmt.Errorf("line %d of the dump: %w", n, err)
		}
		objects = append(objects, o)
	}
	if err := in.Err(); err != nil {
		return nil, fmt.Errorf("reading the dump: %w", err)
	}
	return objects, nil
}

func encode(o topology.Object) (json.RawMessage, error) {
	if s, ok := o.(*topology.Source); ok {
		return json.Marshal(source{Resource: s.Resource, ID: s.ID, JSON: s.JSON})
	}
	return json.Marshal(o)
}

func decode(text []byte) (topology.Object, error) {
	var l line
	if err := json.Unmarshal(text, &l); err != nil {
		return nil, err
	}
	kind, ok := topology.KindByName(l.Kind)
	if !ok {
		return nil, fmt.Errorf("%q is not a kind of object", l.Kind)
	}
	if kind == topology.KindSource {
		var s source
		err := json.Unmarshal(l.Value, &s)
		return &topology.Source{Resource: s.Resource, ID: s.ID, JSON: s.JSON}, err
	}
	o := empties[kind]()
	return o, json.Unmarshal(l.Value, o)
}

// empties has a function for each kind that returns a new zero object of it. It is never written.
var empties = map[topology.Kind]func() topology.Object{
	topology.KindBridge: empty[topology.Bridge], topology.KindPort: empty[topology.Port], topology.KindDHCP: empty[topology.DHCP],
	topology.KindDHCPHost: empty[topology.DHCPHost], topology.KindMACEntry: empty[topology.MACEntry],
	topology.KindNeighbour: empty[topology.Neighbour], topology.KindHost: empty[topology.Host],
	topology.KindBinding: empty[topology.Binding], topology.KindTunnelKey: empty[topology.TunnelKey],
	topology.KindHostState: empty[topology.HostState], topology.KindPortState: empty[topology.PortState],
	topology.KindLearnedMAC: empty[topology.LearnedMAC], topology.KindProgress: empty[topology.Progress],
	topology.KindRouter: empty[topology.Router], topology.KindRoute: empty[topology.Route], topology.KindChain: empty[topology.Chain],
	topology.KindAddrGroup: empty[topology.AddrGroup], topology.KindGroupMember: empty[topology.GroupMember],
	topology.KindPortGroup: empty[topology.PortGroup], topology.KindFloatingIP: empty[topology.FloatingIP],
	topology.KindPortForwarding: empty[topology.PortForwarding], topology.KindNATBlock: empty[topology.NATBlock],
	topology.KindRouterNeighbour: empty[topology.RouterNeighbour], topology.KindOverlay: empty[topology.Overlay],
	topology.KindTunnelZone: empty[topology.TunnelZone], topology.KindTunnelZoneHost: empty[topology.TunnelZoneHost],
	topology.KindBGPNetwork: empty[topology.BGPNetwork], topology.KindBGPPeer: empty[topology.BGPPeer],
	topology.KindLoadBalancer: empty[topology.LoadBalancer], topology.KindPool: empty[topology.Pool],
	topology.KindPoolMember: empty[topology.PoolMember], topology.KindVIP: empty[topology.VIP],
	topology.KindHealthMonitor: empty[topology.HealthMonitor], topology.KindMirror: empty[topology.Mirror],
	topology.KindL2Insertion: empty[topology.L2Insertion], topology.KindQoSPolicy: empty[topology.QoSPolicy],
	topology.KindQoSBandwidthRule: empty[topology.QoSBandwidthRule], topology.KindQoSDSCPRule: empty[topology.QoSDSCPRule],
	topology.KindServiceContainer: empty[topology.ServiceContainer], topology.KindServiceContainerGroup: empty[topology.ServiceContainerGroup],
	topology.KindTraceRequest: empty[topology.TraceRequest], topology.KindVTEP: empty[topology.VTEP],
	topology.KindPeeringEntry: empty[topology.PeeringEntry], topology.KindHostSettings: empty[topology.HostSettings],
	topology.KindConfigDocument: empty[topology.ConfigDocument], topology.KindRevocation: empty[topology.Revocation],
}

func empty[T any, P interface {
	*T
	topology.Object
}]() topology.Object {
	return P(new(T))
}

func compareKeys(a, b topology.Key) int {
	if a.Kind != b.Kind {
		return int(a.Kind) - int(b.Kind)
	}
	return slices.Compare(a.ID[:], b.ID[:])
}
