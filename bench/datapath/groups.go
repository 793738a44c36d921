package main

import (
	"context"
	"fmt"
	"io"
	"time"
)

// group is what is compared with each other. The first path is the one that ratios refer to.
type group struct {
	title string
	paths []pathMaker
	// tracked says that the first path's work depends on whether a packet is the first of a flow, as the agent's does.
	tracked bool
}

type pathMaker struct {
	name string
	make func(l *lab, name string) (*path, error)
}

var groups = []group{
	{"one host", []pathMaker{
		{"Linux bridge", (*lab).bridge},
		{"bare veth pair", (*lab).veth},
		{"flow cache", (*lab).cacheLocal},
	}, false},
	{"two hosts, IPv4 underlay", []pathMaker{
		{"bridges and VXLAN", (*lab).bridgesIPv4},
		{"flow cache", (*lab).cacheIPv4},
	}, false},
	{"two hosts, IPv6 underlay", []pathMaker{
		{"bridges and VXLAN", (*lab).bridgesIPv6},
		{"flow cache", (*lab).cacheIPv6},
	}, false},
}

// layer3 are the groups of each service, on one host and on two. The plain network beside it is what its flows are to cost as well.
func layer3() (all []group) {
	for _, s := range services {
		ours := func(hosts int, s service) func(*lab, string) (*path, error) {
			return func(l *lab, name string) (*path, error) { return l.midonetOn(hosts, name, s) }
		}
		of := func(make func(*lab, string, service) (*path, error)) func(*lab, string) (*path, error) {
			return func(l *lab, name string) (*path, error) { return make(l, name, s) }
		}
		peers := []pathMaker{{"Linux, nftables", of((*lab).linuxRouter)}}
		if s.openflow != nil {
			peers = append(peers, pathMaker{"Open vSwitch, userspace", of((*lab).openVSwitch)})
		}
		all = append(all,
			group{"one host, " + s.title, append(peers,
				pathMaker{"bare veth pair", (*lab).veth},
				pathMaker{"midonet, one network", ours(1, plain)},
				pathMaker{"midonet", ours(1, s)},
			), true},
			group{"two hosts, " + s.title, []pathMaker{
				{"Linux, nftables, VXLAN", of((*lab).linuxRouters)},
				{"midonet, one network", ours(2, plain)},
				{"midonet", ours(2, s)},
			}, true})
	}
	return all
}

func (g group) measure(ctx context.Context, l *lab, p plan, w io.Writer) error {
	var paths []*path
	for _, m := range g.paths {
		made, err := m.make(l, m.name)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		defer made.close()
		paths = append(paths, made)
	}
	fmt.Fprintf(w, "\n%s\n", g.title)
	parts := []func(context.Context, []*path, plan, io.Writer) error{g.throughput, g.firstPackets, g.newFlows}
	if g.tracked {
		parts = append(parts, g.connections, g.slowed)
	}
	for _, part := range parts {
		if err := part(ctx, paths, p, w); err != nil {
			return err
		}
	}
	return nil
}

// throughput measures every path once in each round.
func (g group) throughput(ctx context.Context, paths []*path, p plan, w io.Writer) error {
	small, tcp := make([]series, len(paths)), make([]series, len(paths))
	for range p.rounds {
		for i, path := range paths {
			s, err := path.blast(ctx, p.packets)
			if err != nil {
				return fmt.Errorf("%s: %w", path.name, err)
			}
			small[i] = append(small[i], s)
			if p.tcp == 0 {
				continue
			}
			s, err = path.tcp(ctx, p.tcp)
			if err != nil {
				return fmt.Errorf("%s: %w", path.name, err)
			}
			tcp[i] = append(tcp[i], s)
		}
	}
	printSeries(w, "64-octet packets", "kpps", "CPU ns/packet", paths, small)
	if g.tracked {
		printRatios(w, paths, small)
	}
	if p.tcp > 0 {
		printSeries(w, "TCP (cubic)", "Gbit/s", "CPU ns/KiB", paths, tcp)
	}
	return nil
}

// firstPackets compares, on paths with an agent, packets that have a flow with those that do not; on the others there is one kind,
// unless the group is tracked.
func (g group) firstPackets(ctx context.Context, paths []*path, p plan, w io.Writer) error {
	fmt.Fprintf(w, "  %-22s %-34s %8s %8s %8s  %s\n", "one way, µs", "", "p50", "p90", "p99", "ratio of p50 to the first")
	var first time.Duration
	for _, path := range paths {
		hit, err := path.latency(ctx, p.samples, false)
		if err != nil {
			return fmt.Errorf("%s: %w", path.name, err)
		}
		if first == 0 {
			first = quantile(hit, 50)
		}
		if path.agent == nil && !g.tracked {
			printLatency(w, path.name, hit, first)
			continue
		}
		miss, err := path.latency(ctx, p.samples, true)
		if err != nil {
			return fmt.Errorf("%s: %w", path.name, err)
		}
		printLatency(w, path.name+", known flow", hit, first)
		printLatency(w, path.name+", new flow", miss, first)
	}
	return nil
}

// newFlows compares how many first packets of flows the paths deliver. A bridge does not tell flows apart: all its packets count.
func (g group) newFlows(ctx context.Context, paths []*path, p plan, w io.Writer) error {
	fmt.Fprintf(w, "  %-22s %-24s %12s %8s  %s\n", "new flows", "", "delivered/s", "ratio", "")
	var first float64
	for _, path := range paths {
		if path.agent == nil && !g.tracked && first != 0 {
			continue
		}
		flood, err := path.flood(ctx, p.flood, path.agent != nil || g.tracked)
		if err != nil {
			return fmt.Errorf("%s: %w", path.name, err)
		}
		if first == 0 {
			first = flood.rate
		}
		fmt.Fprintf(w, "  %-22s %-24s %12.0f %8.2f  %s\n", "", path.name, flood.rate*1000, flood.rate/first, flood.of)
	}
	return nil
}

// flood is what became of a flood of new flows.
type flood struct {
	sample
	of string // how many came to the agent, and what of its CPU time each delivered one took, in words; empty without one
}

func (p *path) flood(ctx context.Context, length time.Duration, fresh bool) (flood, error) {
	if !fresh {
		s, err := p.blast(ctx, length)
		return flood{sample: s}, err
	}
	if p.agent == nil {
		s, err := p.blastNewFlows(ctx, length)
		return flood{sample: s}, err
	}
	before, err := p.agent.from.Counters()
	if err != nil {
		return flood{}, err
	}
	s, err := p.blastNewFlows(ctx, length)
	if err != nil {
		return flood{}, err
	}
	after, err := p.agent.from.Counters()
	misses, lost := after.Misses+after.Born-before.Misses-before.Born, after.MissesLost-before.MissesLost
	return flood{s, fmt.Sprintf("%.0f offered to the agent (%.0f%% lost); %.0f ns of its CPU each",
		float64(misses+lost)/length.Seconds(), 100*float64(lost)/float64(max(1, misses+lost)), s.agent)}, err
}

// connections compares how many TCP connections a second are set up and reset, one after the other, and tells of first packets that were
// sent again: they were lost, or the machine was too busy to answer them within a second.
func (g group) connections(ctx context.Context, paths []*path, p plan, w io.Writer) error {
	var all []series
	var before []uint64
	for _, path := range paths {
		n, err := path.nsA.repeatedSYNs()
		if err != nil {
			return fmt.Errorf("%s: %w", path.name, err)
		}
		before = append(before, n)
	}
	for range p.rounds {
		for i, path := range paths {
			s, err := path.connections(ctx, p.packets)
			if err != nil {
				return fmt.Errorf("%s: %w", path.name, err)
			}
			if len(all) <= i {
				all = append(all, nil)
			}
			all[i] = append(all[i], s)
		}
	}
	printSeries(w, "TCP connections", "1000/s", "CPU ns each", paths, all)
	for i, path := range paths {
		n, err := path.nsA.repeatedSYNs()
		if err != nil {
			return fmt.Errorf("%s: %w", path.name, err)
		}
		if n > before[i] {
			fmt.Fprintf(w, "  %-22s %-24s %d first packets were sent again\n", "", path.name, n-before[i])
		}
	}
	return nil
}

// slowed tells how much more CPU time a packet of a known flow takes its sender while new flows flood the agent, paced to what the
// group's aim is.
func (g group) slowed(ctx context.Context, paths []*path, p plan, w io.Writer) error {
	for _, path := range paths {
		if path.agent == nil {
			continue
		}
		s, err := path.slowed(ctx, p.packets)
		if err != nil {
			return fmt.Errorf("%s: %w", path.name, err)
		}
		fmt.Fprintf(w, "  %-22s %-24s %.0f ns of its sender's CPU, %.0f ns while the agent serves %.0f new flows a second: %.2f times as much, "+
			"%.2f to %.2f in four fifths of %d pairs of windows\n", "a known flow's packet", path.name, median(s.quiet), median(s.busy), s.flooded,
			median(s.ratio), quantile(s.ratio, 10), quantile(s.ratio, 90), len(s.ratio))
	}
	return nil
}
