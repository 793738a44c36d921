// Command wake measures how long a new port takes to work: from POST /ports with a binding, through mm-ctl, to the first answered
// ping to a workload on another host.
//
// It starts a server and a sandbox of two hosts of its own, and for each round prepares a namespace with an interface, as a
// hypervisor does before it asks for the network. The clock runs from the request on. The peer, in the same run, is the least
// that any network could take: the same kind of interface put into a Linux bridge, up to the first answered ping there.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"time"
)

func main() {
	binary := flag.String("midonet", "bin/midonet", "the program to measure")
	rounds := flag.Int("rounds", 20, "how many ports")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := measure(ctx, *binary, *rounds); err != nil {
		fmt.Fprintln(os.Stderr, "bench/wake:", err)
		os.Exit(1)
	}
}

func measure(ctx context.Context, binary string, rounds int) error {
	c, err := startCloud(ctx, binary)
	if err != nil {
		return err
	}
	defer c.stop()
	b, err := startBridge()
	if err != nil {
		return err
	}
	defer b.stop()
	var ours, create, bind, bridge []float64
	for round := range rounds {
		w, err := c.wake(ctx, round)
		if err != nil {
			return fmt.Errorf("round %d: %w", round+1, err)
		}
		ours, create, bind = append(ours, ms(w.total)), append(create, ms(w.create)), append(bind, ms(w.bind))
		took, err := b.wake(round)
		if err != nil {
			return fmt.Errorf("round %d, Linux bridge: %w", round+1, err)
		}
		bridge = append(bridge, ms(took))
	}
	fmt.Printf("port to ping, ms over %d rounds: median (min–max)\n", rounds)
	fmt.Println("  POST /ports to first answered ping  ", summary(ours))
	fmt.Println("    of which POST /ports              ", summary(create))
	fmt.Println("    of which mm-ctl --bind-port       ", summary(bind))
	fmt.Println("  Linux bridge, enslave to first ping ", summary(bridge))
	fmt.Printf("  ratio of the medians                 %.1f\n", median(ours)/median(bridge))
	return nil
}

func ms(d time.Duration) float64 { return d.Seconds() * 1000 }

func median(v []float64) float64 { return slices.Sorted(slices.Values(v))[len(v)/2] }

func summary(v []float64) string {
	return fmt.Sprintf("%.1f (%.1f–%.1f)", median(v), slices.Min(v), slices.Max(v))
}
