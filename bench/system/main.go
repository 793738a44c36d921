// Command system measures the Networking API of `midonet server` beside a real neutron-server in the same run: time from start to
// first answer, memory, requests of each kind a second, and what each request takes of the processors.
//
// The peer is Debian's neutron-server with MariaDB, core plugin ml2 and service plugin router, two API workers and no Keystone; `make
// bench` installs it. Ours runs twice: with no configuration, on SQLite, and on the same MariaDB in a database of its own; every
// create is synced to the disk before it is answered. Rounds of the three are interleaved, the table gives the median and the range
// over rounds, and how many times better than the peer the medians are. Load is bounded by -seconds and stops by itself; everything
// listens on loopback.
//
// With -profile it has the servers of ours tell where their time goes meanwhile (pprof), which is what `make profile` hands the compiler.
// With -growth it measures ours alone: what making and listing ports costs with so many ports already there.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"time"

	"midonet.org/midonet/bench/lab"
)

func main() {
	binary := flag.String("midonet", "bin/midonet", "the program to measure")
	rounds := flag.Int("rounds", 3, "rounds of each measurement")
	seconds := flag.Int("seconds", 3, "length of each load")
	alone := flag.Bool("alone", false, "leave out the peer, which takes most of the time; what is better is then told beside SQLite")
	growth := flag.Bool("growth", false, "measure ours alone, with 10 to 100,000 ports")
	profiles := flag.String("profile", "", "a directory for CPU profiles of ours, taken one after the other")
	only := flag.String("only", "", "a regular expression: take the operations alone whose names it matches")
	flag.Parse()
	chosen, err := regexp.Compile(*only)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench/system: -only:", err)
		os.Exit(2)
	}
	operations = slices.DeleteFunc(operations, func(o operation) bool { return !chosen.MatchString(o.name) })
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := measure(ctx, *binary, *rounds, time.Duration(*seconds)*time.Second, *profiles, *alone, *growth); err != nil {
		fmt.Fprintln(os.Stderr, "bench/system:", err)
		os.Exit(1)
	}
}

func measure(ctx context.Context, binary string, rounds int, load time.Duration, profiles string, alone, growth bool) error {
	dir, err := os.MkdirTemp("", "midonet-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	mariadb, err := lab.StartMariaDB(ctx, dir)
	if err != nil {
		return err
	}
	defer mariadb.Kill() // its files go with the directory
	connection, err := mariadb.Database(ctx, "midonet")
	if err != nil {
		return err
	}
	engines := []*ours{newOurs(binary, dir, profiles), newOursOn(mariadb, binary, dir, profiles, connection)}
	if growth {
		return measureGrowth(ctx, engines, load, os.Stdout)
	}
	servers := []server{engines[0], engines[1]}
	if !alone {
		peer, err := newNeutron(ctx, dir, mariadb)
		if err != nil {
			return err
		}
		servers = append([]server{peer}, servers...)
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
	defer run.Stop()
	add(firstAnswer, time.Since(began).Seconds()*1000)
	rss, err := run.Memory()
	if err != nil {
		return err
	}
	add(memoryAtStart, rss/1024)
	if err := measureOperations(ctx, run, length, add); err != nil {
		return err
	}
	if rss, err = run.Memory(); err == nil {
		add(memoryAfter, rss/1024)
	}
	return err
}
