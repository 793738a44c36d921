// Command datapath measures how packets are moved against peers that are built and measured in the same run.
//
// First the flow cache alone, against a bare veth pair, a Linux bridge, and Linux bridges joined by the kernel's VXLAN. Then the agent's
// worker with a topology: routed packets, with security groups, source NAT and floating addresses, on one host and across two, against
// the kernel's routing with nftables doing the same, Open vSwitch's userspace datapath doing the same by flows, a bare veth pair, and
// our own single network, which every flow is to cost as little as.
//
// It prints packets of 64 octets and TCP for each, over interleaved rounds, so that a change in the machine's load meets all
// alike; then what the first packet of a flow costs, how many such packets are delivered, how many TCP connections are set up, and what
// a known flow loses while new ones flood the agent, in many short windows with and without. The plain network beside it has no such flood, since
// its flows take in all ports: what it loses is what the measure is worth. CPU time is that of the sender (who forwards, since the kernel carries a packet
// through veths in the sender's time), of the kernel's ksoftirqd threads and of Open vSwitch: the steadier figure on a shared machine.
//
// It needs root, makes network namespaces with the prefix mnb-, and removes them, also those that an earlier run left behind.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"midonet.org/midonet/agent/datapath/ebpf"
)

// plan is how much is measured.
type plan struct {
	rounds       int
	packets, tcp time.Duration // of one measurement
	samples      int           // of latency
	flood        time.Duration // of misses
	only         string        // part of the title of the groups to measure
}

func main() {
	var p plan
	flag.IntVar(&p.rounds, "rounds", 5, "interleaved rounds")
	flag.DurationVar(&p.packets, "packets", time.Second, "length of one measurement with small packets")
	flag.DurationVar(&p.tcp, "tcp", time.Second, "length of one measurement with TCP; 0 for none")
	flag.IntVar(&p.samples, "samples", 1000, "packets of each latency")
	flag.DurationVar(&p.flood, "flood", 2*time.Second, "length of the flood of misses")
	flag.StringVar(&p.only, "only", "", "measure the groups with this in their title; default all")
	flag.Parse()
	if err := run(p); err != nil {
		fmt.Fprintln(os.Stderr, "bench/datapath:", err)
		os.Exit(1)
	}
}

func run(p plan) (err error) {
	if err := ebpf.Check(); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	l, err := newLab(ctx)
	if err != nil {
		return err
	}
	defer l.close()
	fmt.Printf("least/median/most of %d rounds; ratios are taken within a round\n", p.rounds)
	for _, g := range append(groups, layer3()...) {
		if !strings.Contains(g.title, p.only) {
			continue
		}
		if err := g.measure(ctx, l, p, os.Stdout); err != nil {
			return fmt.Errorf("%s: %w", g.title, err)
		}
	}
	return nil
}
