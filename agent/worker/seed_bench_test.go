package worker

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/flowstate"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/view/viewtest"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// opening is the first packet of a connection, or of one of UDP, from vm1 to vm2 of filtered.
func opening(proto uint8, port uint16) datapath.Miss {
	h := packet.Header{SrcMAC: mac.Addr{2, 1}, DstMAC: mac.Addr{2, 2}, EtherType: packet.EtherTypeIPv4, SrcIP: netip.MustParseAddr("10.0.0.1"),
		DstIP: netip.MustParseAddr("10.0.0.2"), Proto: proto, SrcPort: port, DstPort: 80, TTL: 64}
	return datapath.Miss{InPort: viewtest.ID[topology.Port]("vm1"), Frame: h.Frame(nil)}
}

// sown has connections opened until there is a seed of such, and returns it.
func (b *rig) sown(proto uint8) flow.Flow {
	b.t.Helper()
	for port := range uint16(3) {
		b.serve([]datapath.Miss{opening(proto, 1+port)})
	}
	for _, f := range b.datapath.seeds {
		if f.Key.Proto == proto {
			return f
		}
	}
	b.t.Fatal("there is no seed")
	return flow.Flow{}
}

// birth is word of the connection whose first packet it is.
func birth(t testing.TB, of flow.Flow, m datapath.Miss) datapath.Miss {
	first := keyOf(t, m)
	return datapath.Miss{InPort: m.InPort, Born: &datapath.Birth{Seed: of.Seed.Number, First: first, Answer: of.Seed.AnswerTo(first)}}
}

// BenchmarkBirths measures what a connection that the datapath has begun costs the agent, through two security groups.
func BenchmarkBirths(b *testing.B) {
	const connections = 1 << 14
	for name, proto := range map[string]uint8{"tcp": packet.ProtoTCP} {
		b.Run(fmt.Sprint(name), func(b *testing.B) {
			var r *rig
			var births []datapath.Miss
			b.ReportAllocs()
			for done := 0; done < b.N; done += batchSize {
				at := done % connections
				if at == 0 {
					b.StopTimer()
					r, births = newTextRig(b, 4*connections, filtered), births[:0]
					f := r.sown(proto)
					for port := range connections {
						births = append(births, birth(b, f, opening(proto, uint16(10+port))))
					}
					b.StartTimer()
				}
				r.serve(births[at : at+batchSize])
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "births/s")
		})
	}
}

// BenchmarkFlood measures the same where there are as many flows as there may be, so that two go for two that come.
func BenchmarkFlood(b *testing.B) {
	r := newTextRig(b, flowstate.DefaultSize, filtered+"chain web accept tcp\n")
	f, births, next := r.sown(packet.ProtoTCP), make([]datapath.Miss, batchSize), uint32(0)
	some := func() {
		b.StopTimer()
		r.clock.advance(time.Millisecond)
		for i := range births {
			m := opening(packet.ProtoTCP, 0)
			next++
			binary.BigEndian.PutUint32(m.Frame[34:], next) // its ports
			births[i] = birth(b, f, m)
		}
		b.StartTimer()
		r.serve(births)
	}
	for r.flows.len() < r.cfg.MaxFlows-2*batchSize {
		some()
	}
	b.ReportAllocs()
	b.ResetTimer()
	for done := 0; done < b.N; done += batchSize {
		some()
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "births/s")
}
