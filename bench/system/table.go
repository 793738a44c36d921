package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
)

// figure is one row of the table.
type figure struct {
	name       string
	unit       string
	lessIsGood bool
}

// The figures, in the order of the table.
var (
	firstAnswer   = figure{"start to first answer", "ms", true}
	memoryAtStart = figure{"memory at the first answer", "MiB", true}
	createPort1   = figure{"create port, 1 client", "/s", false}
	createPort8   = figure{"create port, 8 clients", "/s", false}
	listNetworks8 = figure{"list one network, 8 clients", "/s", false}
	memoryAfter   = figure{"memory after the load", "MiB", true}
	figures       = []figure{firstAnswer, memoryAtStart, createPort1, createPort8, listNetworks8, memoryAfter}
)

// table holds every sample of every server.
type table struct {
	servers []server
	samples []map[figure][]float64
}

func newTable(servers []server) *table {
	t := &table{servers: servers}
	for range servers {
		t.samples = append(t.samples, map[figure][]float64{})
	}
	return t
}

func (t *table) column(i int) func(figure, float64) {
	return func(f figure, v float64) { t.samples[i][f] = append(t.samples[i][f], v) }
}

func (t *table) print(w io.Writer) {
	out := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	defer out.Flush()
	fmt.Fprint(out, "figure: median (min–max)")
	for _, s := range t.servers {
		fmt.Fprintf(out, "\t%s", s.name())
	}
	fmt.Fprintln(out, "\tbetter by")
	for _, f := range figures {
		fmt.Fprintf(out, "%s, %s", f.name, f.unit)
		for i := range t.servers {
			v := slices.Sorted(slices.Values(t.samples[i][f]))
			fmt.Fprintf(out, "\t%.4g (%.4g–%.4g)", median(v), v[0], v[len(v)-1])
		}
		fmt.Fprintf(out, "\t%s\n", t.ratio(f))
	}
}

// ratio says how many times better than the peer we are; below 1 we are worse.
func (t *table) ratio(f figure) string {
	if len(t.servers) < 2 {
		return "no peer"
	}
	ours, peer := median(t.samples[0][f]), median(t.samples[1][f])
	if f.lessIsGood {
		ours, peer = peer, ours
	}
	return fmt.Sprintf("%.3g", ours/peer)
}

func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	return s[len(s)/2]
}
