package ml2

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
)

// BenchmarkCreatePort creates ports of one /16 subnet, each answered when it is on the disk: one client, and eight at once.
func BenchmarkCreatePort(b *testing.B) {
	b.Run("clients=1", func(b *testing.B) { benchmarkCreatePort(b, 1) })
	b.Run("clients=8", func(b *testing.B) { benchmarkCreatePort(b, 8) })
}

func benchmarkCreatePort(b *testing.B, clients int) {
	f := newFixture(b)
	n := f.network(admin)
	f.subnet(admin, n, "10.0.0.0/12")
	var next atomic.Int64
	var wg sync.WaitGroup
	b.ResetTimer()
	for range clients {
		wg.Go(func() {
			for next.Add(1) <= int64(b.N) {
				if _, err := f.Ports().Create(context.Background(), admin, []plugin.Body[model.Port]{portBody(n)}); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ports/s")
}
