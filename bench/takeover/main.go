// Command takeover measures what the death of the server that applies the journal costs, with few and with many ports in the cloud: from
// `kill -9` to the moment at which the other server of the same database has made the next change in the topology. Both share a MariaDB and
// an etcd, which this program starts; everything listens on loopback or on Unix sockets. There is no peer: with the original, tasks were applied
// by a process that nobody replaced.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"text/tabwriter"
	"time"

	"midonet.org/midonet/bench/lab"
)

func main() {
	binary := flag.String("midonet", "bin/midonet", "the program to measure")
	sizes := flag.String("ports", "1000,100000", "sizes of the cloud")
	rounds := flag.Int("rounds", 5, "deaths at each size")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *binary, *sizes, *rounds); err != nil {
		fmt.Fprintln(os.Stderr, "bench/takeover:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, binary, sizes string, rounds int) error {
	out := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(out, "ports\tfrom kill -9 to the next change, s")
	list, err := lab.Sizes(sizes)
	if err != nil {
		return err
	}
	for _, ports := range list {
		took, err := measure(ctx, binary, ports, rounds)
		if err != nil {
			return fmt.Errorf("%d ports: %w", ports, err)
		}
		fmt.Fprint(out, ports, "\t")
		for _, t := range took {
			fmt.Fprintf(out, "%.1f ", t.Seconds())
		}
		fmt.Fprintln(out)
	}
	return out.Flush()
}

// measure makes the cloud and lets its servers die in turn.
func measure(ctx context.Context, binary string, ports, rounds int) (took []time.Duration, err error) {
	c, err := newCloud(ctx, binary)
	if err != nil {
		return nil, err
	}
	defer c.remove()
	if err := c.fill(ctx, ports); err != nil {
		return nil, err
	}
	for n := range rounds {
		for _, s := range c.servers {
			if err := s.AwaitPorts(ctx, ports); err != nil {
				return nil, err
			}
		}
		time.Sleep(settle) // what a server does beside standing by when it has started
		t, err := c.die(ctx, n)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(os.Stderr, "%d ports: %.1f s\n", ports, t.Seconds())
		took = append(took, t)
	}
	return took, nil
}

const settle = 15 * time.Second

// die kills the server that applies the journal, measures how long the next change takes by the other one, and starts it again.
func (c *cloud) die(ctx context.Context, round int) (time.Duration, error) {
	applier, survivor := c.servers[0], c.servers[1]
	if applied, err := applies(survivor); err != nil {
		return 0, err
	} else if applied {
		applier, survivor = survivor, applier
	}
	before, err := survivor.Gauge(`midonet_topology_objects{kind="bridge"}`)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	applier.Kill()
	if _, err := survivor.Client().NewNetwork(fmt.Sprint("after death ", round), 0); err != nil {
		return 0, err
	}
	for {
		now, err := survivor.Gauge(`midonet_topology_objects{kind="bridge"}`)
		switch {
		case ctx.Err() != nil:
			return 0, ctx.Err()
		case err == nil && now > before:
			return time.Since(began), applier.Start(ctx)
		case time.Since(began) > 5*time.Minute:
			return 0, fmt.Errorf("the survivor has not made the change within 5 minutes")
		}
		time.Sleep(5 * time.Millisecond)
	}
}
