package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"midonet.org/midonet/bench/lab"
)

// growthSizes are how many ports are there when the cost of one more is taken.
var growthSizes = []int{10, 10_000, 100_000}

const (
	growthBulk   = 1000   // ports of one request
	networkPorts = 40_000 // of a network; its subnet has 65,533 addresses, for those that are measured as well
)

// measureGrowth takes, of each server, what requests cost at each size: of one client, so that nothing waits for another.
func measureGrowth(ctx context.Context, servers []*ours, length time.Duration, w io.Writer) error {
	out := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	defer out.Flush()
	fmt.Fprintln(out, "server\tports there\tcreate port, µs\tlist 10 networks, µs\tlist a page of 100 ports, µs\tget port, µs")
	for _, s := range servers {
		if err := growthOf(ctx, s, length, out); err != nil {
			return fmt.Errorf("%s: %w", s.name(), err)
		}
	}
	return nil
}

func growthOf(ctx context.Context, s *ours, length time.Duration, out io.Writer) error {
	run, err := s.start(ctx)
	if err != nil {
		return err
	}
	defer run.Stop()
	b := &bed{Client: run.client}
	if err := b.fill("networks", "name=few", fewNetworks, func() map[string]any { return map[string]any{"name": "few"} }); err != nil {
		return err
	}
	there := 0
	for _, size := range growthSizes {
		for there < size && ctx.Err() == nil {
			if there%networkPorts == 0 {
				if b.network, err = b.newNetwork("bench", false); err == nil {
					err = b.subnet(b.network, "10.128.0.0/16")
				}
				if err != nil {
					return err
				}
			}
			n := min(growthBulk, size-there, networkPorts-there%networkPorts)
			if err := b.createPorts(n); err != nil {
				return err
			}
			there += n
		}
		if err := s.now.AwaitPorts(ctx, 0); err != nil {
			return err
		}
		if b.port, err = b.newPort(b.network); err != nil {
			return err
		}
		fmt.Fprintf(out, "%s\t%d", s.name(), size)
		for _, request := range []func() error{
			b.createPort,
			func() error { return b.list("networks?name=few", fewNetworks) },
			func() error { return b.list("ports?limit=100&network_id="+b.network, 100) },
			func() error { return b.Get("/v2.0/ports/"+b.port, new(lab.Raw)) },
		} {
			requests, took, err := loadFor(length, 1, request)
			if err != nil {
				return err
			}
			fmt.Fprintf(out, "\t%.0f", took.Seconds()*1e6/float64(requests))
		}
		fmt.Fprintln(out)
	}
	return ctx.Err()
}
