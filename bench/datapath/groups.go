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
	}},
	{"two hosts, IPv4 underlay", []pathMaker{
		{"bridges and VXLAN", (*lab).bridgesIPv4},
		{"flow cache", (*lab).cacheIPv4},
	}},
	{"two hosts, IPv6 underlay", []pathMaker{
		{"bridges and VXLAN", (*lab).bridgesIPv6},
		{"flow cache", (*lab).cacheIPv6},
	}},
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
	if err := g.throughput(ctx, paths, p, w); err != nil {
		return err
	}
	return g.firstPackets(ctx, paths, p, w)
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
	if p.tcp > 0 {
		printSeries(w, "TCP (cubic)", "Gbit/s", "CPU ns/KiB", paths, tcp)
	}
	return nil
}

// peer is what the first path of a group does with the packets that are a flow cache's misses.
type peer struct {
	hop  time.Duration // one way, median
	rate float64       // thousands of packets a second; a bridge does not tell flows apart
}

// firstPackets compares, on paths with an agent, packets that have a flow with those that do not; on the others there is one kind.
// The first path is the peer.
func (g group) firstPackets(ctx context.Context, paths []*path, p plan, w io.Writer) error {
	fmt.Fprintf(w, "  %-22s %-24s %8s %8s %8s  %s\n", "one way, µs", "", "p50", "p90", "p99", "ratio of p50 to the first")
	var first peer
	for i, path := range paths {
		hit, err := path.latency(ctx, p.samples, false)
		if err != nil {
			return fmt.Errorf("%s: %w", path.name, err)
		}
		if i == 0 {
			s, err := path.blast(ctx, p.flood)
			if err != nil {
				return fmt.Errorf("%s: %w", path.name, err)
			}
			first = peer{quantile(hit, 50), s.rate}
		}
		if path.agent == nil {
			printLatency(w, path.name, hit, first)
			continue
		}
		miss, err := path.latency(ctx, p.samples, true)
		if err != nil {
			return fmt.Errorf("%s: %w", path.name, err)
		}
		printLatency(w, path.name+", hit", hit, first)
		printLatency(w, path.name+", miss", miss, first)
		if err := path.printFlood(ctx, p.flood, first, w); err != nil {
			return err
		}
	}
	return nil
}

func (p *path) printFlood(ctx context.Context, length time.Duration, first peer, w io.Writer) error {
	before, err := p.agent.from.Counters()
	if err != nil {
		return err
	}
	s, err := p.blastNewFlows(ctx, length)
	if err != nil {
		return err
	}
	after, err := p.agent.from.Counters()
	if err != nil {
		return err
	}
	misses, lost := after.Misses-before.Misses, after.MissesLost-before.MissesLost
	fmt.Fprintf(w, "  %-22s %-24s %.0f a second delivered, %.2f of the first's packets, of %.0f offered (%.0f%% lost); "+
		"%.0f ns of the agent's CPU each, nothing to simulate\n", "misses served", p.name,
		s.rate*1000, s.rate/first.rate, float64(misses+lost)/length.Seconds(), 100*float64(lost)/float64(max(1, misses+lost)), s.agent)
	return nil
}
