package ml2

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/store/storetest"
)

// BenchmarkCreatePort creates ports of one subnet, each answered when it is on the disk: one client, eight and 32 at once, on each engine.
func BenchmarkCreatePort(b *testing.B) {
	for _, engine := range []struct {
		name string
		open func(testing.TB) string
	}{
		{"SQLite", storetest.SQLite},
		{"MariaDB", func(t testing.TB) string { return storetest.StartMariaDB(t).New(t) }},
	} {
		b.Run(engine.name, func(b *testing.B) {
			f := openFixture(b, engine.open(b))
			for _, clients := range []int{1, 8, 32} {
				b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) { benchmarkCreatePort(b, f, clients) })
			}
		})
	}
}

func benchmarkCreatePort(b *testing.B, f *fixture, clients int) {
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
