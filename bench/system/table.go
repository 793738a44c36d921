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

// The figures beside those of operations.
var (
	firstAnswer   = figure{"start to first answer", "ms", true}
	memoryAtStart = figure{"memory at the first answer", "MiB", true}
	memoryAfter   = figure{"memory after the load", "MiB", true}
)

// figures are all, in the order of the table.
func figures() []figure {
	all := []figure{firstAnswer, memoryAtStart}
	for _, o := range operations {
		all = append(all, o.figure)
	}
	all = append(all, memoryAfter)
	for _, o := range operations {
		all = append(all, o.cpu())
	}
	return all
}

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

// print writes each figure of each server and, of all but the first, how many times better it is than that one, the peer.
func (t *table) print(w io.Writer) {
	out := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	defer out.Flush()
	fmt.Fprint(out, "figure: median (least–most)")
	for i, s := range t.servers {
		fmt.Fprintf(out, "\t%s", s.name())
		if i > 0 {
			fmt.Fprint(out, "\tbetter by")
		}
	}
	fmt.Fprintln(out)
	for _, f := range figures() {
		fmt.Fprintf(out, "%s, %s", f.name, f.unit)
		for i := range t.servers {
			v := slices.Sorted(slices.Values(t.samples[i][f]))
			fmt.Fprintf(out, "\t%.4g (%.4g–%.4g)", median(v), v[0], v[len(v)-1])
			if i > 0 {
				fmt.Fprintf(out, "\t%.3g", t.ratio(f, i))
			}
		}
		fmt.Fprintln(out)
	}
}

// ratio says how many times better than the first a server is; below 1 it is worse.
func (t *table) ratio(f figure, i int) float64 {
	ours, peer := median(t.samples[i][f]), median(t.samples[0][f])
	if f.lessIsGood {
		return peer / ours
	}
	return ours / peer
}

func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	return s[len(s)/2]
}
