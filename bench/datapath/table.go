package main

import (
	"fmt"
	"io"
	"slices"
	"time"
)

// sample is one measurement: a rate, and the CPU time that one unit of it took.
type sample struct {
	rate  float64
	cpu   float64 // ns
	agent float64 // ns of the agents' CPU time, where it was asked for
}

type series []sample

func (s series) column(of func(sample) float64) []float64 {
	out := make([]float64, len(s))
	for i, v := range s {
		out[i] = of(v)
	}
	slices.Sort(out)
	return out
}

func rate(s sample) float64 { return s.rate }

func cpu(s sample) float64 { return s.cpu }

// median of sorted values.
func median(sorted []float64) float64 { return quantile(sorted, 50) }

// quantile returns the value that percent of the sorted values do not exceed.
func quantile[T any](sorted []T, percent int) (v T) {
	if len(sorted) == 0 {
		return v
	}
	return sorted[min(len(sorted)*percent/100, len(sorted)-1)]
}

// ratio is how s compares with base round by round: both met the same load.
func ratio(s, base series, of func(sample) float64) []float64 {
	out := make([]float64, min(len(s), len(base)))
	for i := range out {
		out[i] = of(s[i]) / of(base[i])
	}
	slices.Sort(out)
	return out
}

func printSeries(w io.Writer, what, unit, cpuUnit string, paths []*path, all []series) {
	base := all[0]
	fmt.Fprintf(w, "  %-22s %-24s %21s  %21s  %21s  %21s\n", what, "", unit, "ratio to the first", cpuUnit, "ratio to the first")
	for i, p := range paths {
		fmt.Fprintf(w, "  %-22s %-24s %s  %s  %s  %s\n", "", p.name,
			spread(all[i].column(rate), 1), spread(ratio(all[i], base, rate), 2),
			spread(all[i].column(cpu), 0), spread(ratio(all[i], base, cpu), 2))
	}
}

// printRatios compares the last path with each of the others but the first.
func printRatios(w io.Writer, paths []*path, all []series) {
	last := len(paths) - 1
	for i := 1; i < last; i++ {
		fmt.Fprintf(w, "  %-22s %-24s rate %s, CPU %s of %s's\n", "", paths[last].name,
			spread(ratio(all[last], all[i], rate), 2), spread(ratio(all[last], all[i], cpu), 2), paths[i].name)
	}
}

// spread prints least, median and most of sorted values.
func spread(v []float64, digits int) string {
	if len(v) == 0 {
		return fmt.Sprintf("%21s", "-")
	}
	return fmt.Sprintf("%7.*f/%6.*f/%6.*f", digits, v[0], digits, median(v), digits, v[len(v)-1])
}

func printLatency(w io.Writer, name string, sorted []time.Duration, first time.Duration) {
	us := func(percent int) float64 { return float64(quantile(sorted, percent).Nanoseconds()) / 1000 }
	ratio := quantile(sorted, 50).Seconds() / first.Seconds()
	fmt.Fprintf(w, "  %-22s %-34s %8.1f %8.1f %8.1f  %.2f\n", "", name, us(50), us(90), us(99), ratio)
}
