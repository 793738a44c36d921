package worker

import (
	"fmt"
	"net/netip"
	"testing"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/view/viewtest"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// TestWideFlows has packets that nothing but ports tells apart, in one batch and one after the other: how many flows they make, and of which
// ports.
func TestWideFlows(t *testing.T) {
	const open = "bridge blue\nport vm1 blue%s\nport vm2 blue\nbind vm1 h1 tap0\nbind vm2 h1 tap1\n" +
		"mac blue 02:01:00:00:00:00 vm1\nmac blue 02:02:00:00:00:00 vm2\n"
	for name, c := range map[string]struct {
		topology string
		from     string // vm1, or who says that it is
		flows    int
		any      flow.Ports
		drop     bool
	}{
		"nothing looks at ports":                       {"", "10.0.0.1", 1, flow.BothPorts, false},
		"a rule looks at the destination's":            {" in some\nchain some drop dport=22; accept ip4", "10.0.0.1", 1, flow.SrcPort, false},
		"a rule looks at the source's":                 {" in some\nchain some drop sport=22; accept ip4", "10.0.0.1", 6, flow.DstPort, false},
		"the sender is not who it says: anti-spoofing": {" source 02:01:00:00:00:00@10.0.0.1 egress all\nchain all accept ip4", "10.0.0.9", 1, flow.BothPorts, true},
		"the connection is tracked":                    {" source 02:01:00:00:00:00@10.0.0.1 egress all\nchain all accept ip4", "10.0.0.1", 9, 0, false}, // three have answers expected: then there is a seed
		"a security group without state": {" source 02:01:00:00:00:00@10.0.0.1 egress all stateless\nchain all accept ip4", "10.0.0.1", 1,
			flow.BothPorts, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := newTextRig(t, 64, fmt.Sprintf(open, c.topology))
			var misses []datapath.Miss
			for port := range uint16(6) {
				h := packet.Header{SrcMAC: mac.Addr{2, 1}, DstMAC: mac.Addr{2, 2}, EtherType: packet.EtherTypeIPv4, SrcIP: netip.MustParseAddr(c.from),
					DstIP: netip.MustParseAddr("10.0.0.2"), Proto: packet.ProtoUDP, SrcPort: 1025 + port, DstPort: 80, TTL: 64}
				misses = append(misses, datapath.Miss{InPort: viewtest.ID[topology.Port]("vm1"), Frame: h.Frame(nil)})
			}
			r.serve(misses[:4])
			r.serve(misses[4:5])
			r.serve(misses[5:])
			if sent := len(r.sent()); sent != 6 && !c.drop || sent > 0 && c.drop {
				t.Errorf("%d packets were sent on", sent)
			}
			keys := r.datapath.keys()
			if len(keys) != c.flows || r.flows.len() != c.flows {
				t.Errorf("%d flows and %d records, want %d: %v", len(keys), r.flows.len(), c.flows, keys)
			}
			for _, k := range keys {
				if k.Any != c.any || r.datapath.flows[k].Actions.Drop() != c.drop {
					t.Errorf("flow %s: %s", k, r.datapath.flows[k].Actions)
				}
			}
			checkFlows(t, r.Worker, r.datapath)
		})
	}
}
