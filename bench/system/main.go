// Command system measures the Networking API of `midonet server` beside a real neutron-server in the same run: time from start to
// first answer, memory, ports created a second, and requests read a second.
//
// The peer is Debian's neutron-server with MariaDB, core plugin ml2, two API workers and no Keystone; `make bench` installs it. Ours
// runs with no configuration: SQLite, and every create synced to the disk before it is answered. Rounds of the two are interleaved,
// the table gives the median and the range over rounds, and the ratio of the medians. Load is bounded by -seconds and stops by
// itself; everything listens on loopback.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"
)

func main() {
	binary := flag.String("midonet", "bin/midonet", "the program to measure")
	rounds := flag.Int("rounds", 3, "rounds of each measurement")
	seconds := flag.Int("seconds", 3, "length of each load")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := measure(ctx, *binary, *rounds, time.Duration(*seconds)*time.Second); err != nil {
		fmt.Fprintln(os.Stderr, "bench/system:", err)
		os.Exit(1)
	}
}

func measure(ctx context.Context, binary string, rounds int, load time.Duration) error {
	dir, err := os.MkdirTemp("", "midonet-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	servers := []server{newOurs(binary, dir)}
	if peer, err := newNeutron(ctx, dir); err != nil {
		fmt.Printf("no peer in this run: %v\n", err)
	} else {
		defer peer.cleanUp()
		servers = append(servers, peer)
	}
	table := newTable(servers)
	for round := range rounds {
		for i, s := range servers {
			fmt.Fprintf(os.Stderr, "round %d of %d: %s\n", round+1, rounds, s.name())
			if err := measureOne(ctx, s, load, table.column(i)); err != nil {
				return fmt.Errorf("%s: %w", s.name(), err)
			}
		}
	}
	table.print(os.Stdout)
	return nil
}

// measureOne starts the server, takes every figure once and stops it.
func measureOne(ctx context.Context, s server, length time.Duration, add func(figure, float64)) error {
	began := time.Now()
	run, err := s.start(ctx)
	if err != nil {
		return err
	}
	defer run.stop()
	add(firstAnswer, time.Since(began).Seconds()*1000)
	rss, err := run.memory()
	if err != nil {
		return err
	}
	add(memoryAtStart, rss)
	c := newClient(run.url)
	network, err := c.network()
	if err != nil {
		return err
	}
	for _, l := range []struct {
		f       figure
		clients int
		request func() error
	}{
		{createPort1, 1, func() error { return c.createPort(network) }},
		{createPort8, 8, func() error { return c.createPort(network) }},
		{listNetworks8, 8, c.listNetworks},
	} {
		rate, err := loadFor(length, l.clients, l.request)
		if err != nil {
			return fmt.Errorf("%s: %w", l.f.name, err)
		}
		add(l.f, rate)
	}
	if rss, err = run.memory(); err == nil {
		add(memoryAfter, rss)
	}
	return err
}
