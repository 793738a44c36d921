package worker

import (
	"testing"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/flow"
)

// BenchmarkMisses measures what one missed packet costs from the batch to the installed flow and the packet on its way, with a
// real bridge of 100 ports simulated for each: misses/s is how many new flows a second one agent can serve, the datapath aside.
func BenchmarkMisses(b *testing.B) {
	for _, c := range []struct {
		name  string
		batch int
	}{{"one at a time", 1}, {"in batches of 16", 16}, {"in full batches", batchSize}} {
		b.Run(c.name, func(b *testing.B) { benchmarkMisses(b, c.batch) })
	}
}

func benchmarkMisses(b *testing.B, size int) {
	const flows = 1 << 14 // distinct ones; their entries are replaced again and again, as under pressure
	r := newRig(b, 100)
	r.Apply(r.network.snapshot())
	misses := make([]datapath.Miss, flows)
	for i := range misses {
		from, to := r.local[i%100], r.local[(i*7+1)%100]
		misses[i] = datapath.Miss{InPort: from.port, Frame: sctp(from, to, uint16(i))}
	}
	b.ReportAllocs()
	b.ResetTimer()
	for done := 0; done < b.N; done += size {
		at := done % (flows - size + 1)
		r.serve(misses[at : at+size])
		r.datapath.executed = r.datapath.executed[:0]
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "misses/s")
}

// BenchmarkInvalidation measures what a changed port costs when there are many flows of other ports: it must be what its own flows
// cost.
func BenchmarkInvalidation(b *testing.B) {
	const ports, flowsEach = 100, 500
	r := newRig(b, ports)
	r.Apply(r.network.snapshot())
	for i, from := range r.local[1:] {
		for j := range flowsEach {
			r.miss(from, sctp(from, r.local[1+(i+j)%(ports-1)], uint16(j)))
		}
	}
	victim := r.local[0]
	for b.Loop() {
		r.miss(victim, udp(victim, r.local[1], 1))
		r.invalidate([]flow.Tag{portTag(victim.port)})
	}
}
