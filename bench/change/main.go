// Command change measures how long a change in Neutron takes to reach an agent, with few and with many ports in the cloud: from before
// the request that changes a port to the moment at which an agent that has the port holds the changed object, over HTTP, the
// journal, the rendering, the network state database and the stream. It also tells what the cloud costs: the server's memory per port,
// the memory of an agent with fifty ports, and how long rendering everything anew takes.
//
// There is no peer: neutron-server's own way to an agent ends at a message bus. The figures are to be flat over the sizes of the cloud.
// Ports are spread over networks of 1,000, each of another project with a security group of its own. Everything listens on loopback.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"text/tabwriter"

	"midonet.org/midonet/bench/lab"
)

func main() {
	binary := flag.String("midonet", "bin/midonet", "the program to measure")
	sizes := flag.String("ports", "10,1000,100000", "sizes of the cloud")
	rounds := flag.Int("rounds", 300, "changes measured at each size")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *binary, *sizes, *rounds); err != nil {
		fmt.Fprintln(os.Stderr, "bench/change:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, binary, sizes string, rounds int) error {
	out := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(out, "ports\tchange to agent p50, ms\tp99, ms\tserver, KiB a port\tagent of 50 ports, MiB\trendered anew in, s\tmade, ports/s")
	list, err := lab.Sizes(sizes)
	if err != nil {
		return err
	}
	for _, ports := range list {
		fmt.Fprintf(os.Stderr, "%d ports\n", ports)
		r, err := measure(ctx, binary, ports, rounds)
		if err != nil {
			return fmt.Errorf("%d ports: %w", ports, err)
		}
		fmt.Fprintf(out, "%d\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t%.0f\n", ports, ms(r.p50), ms(r.p99), r.serverKiBPerPort, r.agentMiB,
			r.rendered.Seconds(), r.madePerSecond)
	}
	return out.Flush()
}
