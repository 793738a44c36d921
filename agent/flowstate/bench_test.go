package flowstate

import (
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/topology"
)

// connection is what a translated connection from a workload to the world makes on the host where it enters.
func connection(n int) []flow.State { return append(snat(conn(n), uint16(1024+n)), returns(n)) }

// BenchmarkPut makes a new connection of three states and lets an old one go, in a table that holds many.
func BenchmarkPut(b *testing.B) {
	const live = 50_000
	table := open(b, Config{Path: filepath.Join(b.TempDir(), "connections")})
	now := start
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		put(b, table, userOf(port, n%live), now, connection(n)...)
		if now = now.Add(100 * time.Microsecond); n%1024 == 0 {
			table.Sweep(now, 64*1024)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "connections/s")
}

// BenchmarkValue looks up what is there.
func BenchmarkValue(b *testing.B) {
	const live = 50_000
	table := open(b, Config{})
	for n := range live {
		put(b, table, userOf(port, n), start, connection(n)...)
	}
	for n := 0; b.Loop(); n++ {
		if _, ok := table.Value(returns(n % live).Key); !ok {
			b.Fatal("not found")
		}
	}
}

// BenchmarkFreePort finds ports in blocks that are half used for the destination.
func BenchmarkFreePort(b *testing.B) {
	table := open(b, Config{})
	var held []*topology.NATBlock
	for i := range 10 {
		held = append(held, natBlock(uint16(1024+64*i)))
	}
	table.SetBlocks(held, start)
	for n := range 320 {
		p, ok := table.FreePort(router, public, 1024, 65535, conn(n))
		if !ok {
			b.Fatal("no port")
		}
		put(b, table, userOf(port, n), start, snat(conn(n), p)...)
	}
	for b.Loop() {
		if _, ok := table.FreePort(router, public, 1024, 65535, conn(1000)); !ok {
			b.Fatal("no port")
		}
	}
}

// BenchmarkLearn reads messages of many states, as they come every Refresh.
func BenchmarkLearn(b *testing.B) {
	from, to := newHost(b), open(b, Config{})
	var states []flow.State
	for n := range 10_000 {
		states = append(states, connection(n)...)
	}
	frames := from.Message(states, 1430)
	for n := 0; b.Loop(); n++ {
		learn(b, to, frames[n%len(frames)], start)
	}
	b.ReportMetric(float64(len(states))/float64(len(frames)), "states/message")
}

// BenchmarkMemory is what a connection takes, of the heap and of the file.
func BenchmarkMemory(b *testing.B) {
	const connections = 40_000
	for b.Loop() {
		table := open(b, Config{Path: filepath.Join(b.TempDir(), "connections")})
		before := heap()
		for n := range connections {
			put(b, table, userOf(port, n), start, connection(n)...)
		}
		b.ReportMetric(float64(heap()-before)/connections, "heap-octets/connection")
		b.ReportMetric(float64(slotLen*len(connection(0))), "file-octets/connection")
		runtime.KeepAlive(table)
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
