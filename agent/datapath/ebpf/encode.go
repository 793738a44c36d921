package ebpf

import (
	"encoding/binary"
	"math"
	"net/netip"
	"slices"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/topology"
)

// Kinds of output: enum output_kind of bpf/types.h.
const (
	outputEnd uint8 = iota
	outputLocal
	outputLocalPeer
	outputTunnelIPv4
	outputTunnelIPv6
)

// swap16 turns a number into one that stands in network order in memory, and back.
func swap16(v uint16) uint16 {
	var b [2]byte
	binary.BigEndian.PutUint16(b[:], v)
	return binary.NativeEndian.Uint16(b[:])
}

// octets returns an address as the maps hold it: IPv4 in the first four octets, nothing as zeros.
func octets(a netip.Addr) (b [16]byte) {
	copy(b[:], a.AsSlice())
	return b
}

// address is octets' inverse, given the family.
func address(b [16]byte, ipv4 bool) netip.Addr {
	if ipv4 {
		return netip.AddrFrom4([4]byte(b[:4]))
	}
	return netip.AddrFrom16(b)
}

// EtherTypes (IEEE 802 registry).
const (
	etherTypeIPv4 = 0x0800
	etherTypeIPv6 = 0x86dd
)

// encodeKey needs d.mu.
func (d *Datapath) encodeKey(k *flow.Key) (bpfFlowKey, error) {
	in, ok := d.ports[k.InPort]
	if !ok {
		return bpfFlowKey{}, notPlugged(k.InPort)
	}
	return bpfFlowKey{
		InPort: in.ifindex, DstMac: k.DstMAC, SrcMac: k.SrcMAC,
		EtherType: swap16(k.EtherType), Vlan: k.VLAN,
		SrcIp: octets(k.SrcIP), DstIp: octets(k.DstIP),
		Proto: k.Proto, Fragment: k.Fragment, Tos: k.TOS, Any: uint8(k.Any),
		SrcPort: swap16(k.SrcPort), DstPort: swap16(k.DstPort),
	}, nil
}

// decodeKey needs d.mu. False means that the port has been unplugged meanwhile.
func (d *Datapath) decodeKey(k *bpfFlowKey) (flow.Key, bool) {
	in, ok := d.byIndex[k.InPort]
	key := flow.Key{
		InPort: in, DstMAC: k.DstMac, SrcMAC: k.SrcMac,
		EtherType: swap16(k.EtherType), VLAN: k.Vlan,
		Proto: k.Proto, Fragment: k.Fragment, TOS: k.Tos, Any: flow.Ports(k.Any),
		SrcPort: swap16(k.SrcPort), DstPort: swap16(k.DstPort),
	}
	if key.EtherType == etherTypeIPv4 || key.EtherType == etherTypeIPv6 {
		ipv4 := key.EtherType == etherTypeIPv4
		key.SrcIP, key.DstIP = address(k.SrcIp, ipv4), address(k.DstIp, ipv4)
	}
	return key, ok
}

// encodeActions does all but the outputs.
func encodeActions(a *flow.Actions) bpfActions {
	r := &a.Rewrite
	return bpfActions{
		Fields: uint16(r.Fields), Tos: r.TOS, Hops: r.Hops, EchoId: swap16(r.EchoID), Mtu: encodeMTU(a.MTU),
		DstMac: r.DstMAC, SrcMac: r.SrcMAC,
		SrcIp: octets(r.SrcIP), DstIp: octets(r.DstIP),
		SrcPort: swap16(r.SrcPort), DstPort: swap16(r.DstPort),
	}
}

// encodeMTU returns 0, for no limit, where no IP packet is larger.
func encodeMTU(mtu int) uint16 {
	if mtu <= 0 || mtu > math.MaxUint16 {
		return 0
	}
	return uint16(mtu)
}

// decodeRewrite is told whether the flow's packets come in as IPv4.
func decodeRewrite(a *bpfActions, ipv4 bool) flow.Rewrite {
	r := flow.Rewrite{
		Fields: flow.Fields(a.Fields), TOS: a.Tos, Hops: a.Hops, EchoID: swap16(a.EchoId),
		DstMAC: a.DstMac, SrcMAC: a.SrcMac,
		SrcPort: swap16(a.SrcPort), DstPort: swap16(a.DstPort),
	}
	if r.Fields&flow.FieldFamily != 0 {
		ipv4 = !ipv4
	}
	if r.Fields&flow.FieldSrcIP != 0 {
		r.SrcIP = address(a.SrcIp, ipv4)
	}
	if r.Fields&flow.FieldDstIP != 0 {
		r.DstIP = address(a.DstIp, ipv4)
	}
	return r
}

// target is an output as the programs know it.
type target struct {
	kind uint8
	bpfOutput
}

// encodeOutput needs d.mu.
func (d *Datapath) encodeOutput(o flow.Output) (target, error) {
	if o.Local() {
		p, ok := d.ports[o.Port]
		if !ok {
			return target{}, notPlugged(o.Port)
		}
		return target{kind: p.kind, bpfOutput: bpfOutput{Target: p.ifindex}}, nil
	}
	if o.TunnelKey == 0 || o.TunnelKey > datapath.StateTunnelKey {
		return target{}, errs.New(errs.Invalid, "TunnelKeyInvalid", "tunnel key %d is not of 24 bits", o.TunnelKey)
	}
	peer := o.Peer.Unmap()
	kind := outputTunnelIPv6
	if peer.Is4() {
		kind = outputTunnelIPv4
	}
	return target{kind: kind, bpfOutput: bpfOutput{Target: o.TunnelKey, Peer: octets(peer)}}, nil
}

// setOutputs writes at most MaxOutputs targets, tunnels before local ones (see struct actions of bpf/types.h).
func (a *bpfActions) setOutputs(targets []target) {
	slices.SortStableFunc(targets, func(x, y target) int { return int(y.kind) - int(x.kind) })
	for i, t := range targets {
		a.Kinds[i], a.Outputs[i] = t.kind, t.bpfOutput
	}
}

// decodeOutputs needs d.mu. Outputs to ports that have been unplugged are left out.
func (d *Datapath) decodeOutputs(a *bpfActions) []flow.Output {
	var outs []flow.Output
	for i, kind := range a.Kinds {
		o := &a.Outputs[i]
		switch kind {
		case outputEnd:
			return outs
		case outputLocal, outputLocalPeer:
			if id, ok := d.byIndex[o.Target]; ok {
				outs = append(outs, flow.Output{Port: id})
			}
		default:
			outs = append(outs, flow.Output{Peer: address(o.Peer, kind == outputTunnelIPv4), TunnelKey: o.Target})
		}
	}
	return outs
}

// encodeFlow needs d.mu.
func (d *Datapath) encodeFlow(f *flow.Flow) (bpfFlowKey, bpfFlow, error) {
	key, err := d.encodeKey(&f.Key)
	if err != nil {
		return key, bpfFlow{}, err
	}
	if n := len(f.Actions.Outputs); n > datapath.MaxOutputs {
		return key, bpfFlow{}, errs.New(errs.Invalid, "TooManyOutputs", "%d outputs, a flow has at most %d", n, datapath.MaxOutputs)
	}
	var room [datapath.MaxOutputs]target
	targets := room[:len(f.Actions.Outputs)]
	for i, o := range f.Actions.Outputs {
		if targets[i], err = d.encodeOutput(o); err != nil {
			return key, bpfFlow{}, err
		}
	}
	value := bpfFlow{Actions: encodeActions(&f.Actions)}
	value.Actions.setOutputs(targets)
	return key, value, nil
}

func notPlugged(id topology.PortID) error {
	return errs.New(errs.NotFound, "PortNotPlugged", "port %s is not plugged in on this host", id)
}
