package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// connections sets up TCP connections one after the other for so long, and resets each. The sample's rate is in thousands a second,
// its CPU time that of everything on this machine that has to do with it but the agents, per connection. One connection comes first, and
// counts for nothing: on a busy machine it may take a second until what has been asleep runs again.
func (p *path) connections(ctx context.Context, length time.Duration) (sample, error) {
	listener, err := p.nsB.listen()
	if err != nil {
		return sample{}, fmt.Errorf("listening: %w", err)
	}
	var accepting sync.WaitGroup
	accepted := make(chan time.Duration, 1)
	accepting.Go(func() { accepted <- acceptAll(listener) })
	defer accepting.Wait()
	defer unix.Shutdown(listener, unix.SHUT_RDWR) // ends the accepting
	if err := p.nsA.do(func() error { return connectAndReset(p.to.As4()) }); err != nil {
		return sample{}, fmt.Errorf("the first connection: %w", err)
	}
	made, before, start := 0, cpuTime(p.helperThreads()...), time.Now()
	var own time.Duration
	err = p.nsA.do(func() error {
		own = threadTime()
		defer func() { own = threadTime() - own }()
		for ; time.Since(start) < length && ctx.Err() == nil; made++ {
			if err := connectAndReset(p.to.As4()); err != nil {
				return fmt.Errorf("connection %d: %w", made+1, err)
			}
		}
		return ctx.Err()
	})
	took, helpers := time.Since(start), cpuTime(p.helperThreads()...)-before
	if err != nil {
		return sample{}, err
	}
	unix.Shutdown(listener, unix.SHUT_RDWR)
	cpu := own + helpers + <-accepted
	n := float64(max(1, made))
	return sample{rate: n / took.Seconds() / 1000, cpu: float64(cpu.Nanoseconds()) / n}, nil
}

// acceptAll takes connections until the listener is shut down, and returns the CPU time that it took.
func acceptAll(listener int) time.Duration {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer unix.Close(listener)
	start := threadTime()
	for {
		fd, _, err := unix.Accept4(listener, unix.SOCK_CLOEXEC)
		switch {
		case err == nil:
			unix.Close(fd)
		case !errors.Is(err, unix.EINTR) && !errors.Is(err, unix.ECONNABORTED) && !errors.Is(err, unix.EAGAIN):
			return threadTime() - start
		}
	}
}

// connectAndReset is to be called in the client's namespace.
func connectAndReset(address [4]byte) error {
	fd, err := streamSocket()
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	// Closing sends a reset, so that no port waits for late packets.
	if err := unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}); err != nil {
		return err
	}
	return uninterrupted(func() error { return unix.Connect(fd, &unix.SockaddrInet4{Port: tcpPort, Addr: address}) })
}

// aimedFlows is how many new flows a second are to be served without harm to others.
const aimedFlows = 80_000

// How a known flow is measured beside a flood: in windows that are so short that what else runs on the machine is the same in two of them,
// one in quiet and one in the flood, and in turns, so that what grows or wanes meets both alike. Before each window there is time for the
// flood to begin, or for the agent to be done with what is left of it.
const (
	slowedWindow = 40 * time.Millisecond
	slowedPause  = 20 * time.Millisecond
	slowedPairs  = 10 // at least
)

// slowdown is what a packet of a known flow takes its sender, in ns of CPU time, in each window, and how much more in the flood than in the
// quiet of the same pair. All are sorted.
type slowdown struct {
	quiet, busy, ratio []float64
	flooded            float64 // new flows a second that the agent was handed
}

// slowed measures a known flow in quiet and while another thread sends aimedFlows new flows a second, so long in all of each.
func (p *path) slowed(ctx context.Context, length time.Duration) (s slowdown, err error) {
	b, err := p.newBlaster()
	if err != nil {
		return s, err
	}
	defer unix.Close(b.fd)
	if err := p.warmUp(ctx, b); err != nil {
		return s, err
	}
	var flood atomic.Bool
	flooding, end := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- p.paced(flooding, aimedFlows, &flood) }()
	var misses uint64
	var inFlood time.Duration
	for pair := 0; pair < max(slowedPairs, int(length/slowedWindow)) && err == nil; pair++ {
		took := map[bool]float64{} // by whether there is a flood
		for _, busy := range []bool{pair%2 == 0, pair%2 == 1} {
			flood.Store(busy)
			time.Sleep(slowedPause)
			start := time.Now()
			cpu, n, failed := p.window(ctx, b)
			if took[busy], err = cpu, errors.Join(err, failed); busy {
				misses += n
				inFlood += time.Since(start)
			}
		}
		s.quiet, s.busy, s.ratio = append(s.quiet, took[false]), append(s.busy, took[true]), append(s.ratio, took[true]/took[false])
	}
	end()
	for _, v := range [][]float64{s.quiet, s.busy, s.ratio} {
		slices.Sort(v)
	}
	s.flooded = float64(misses) / inFlood.Seconds()
	return s, errors.Join(err, <-done)
}

// window measures the flow for a moment, and counts the misses meanwhile.
func (p *path) window(ctx context.Context, b *blaster) (cpu float64, misses uint64, err error) {
	before, err := p.agent.from.Counters()
	if err != nil {
		return 0, 0, err
	}
	if cpu, err = timed(ctx, b, slowedWindow); err != nil {
		return 0, 0, err
	}
	after, err := p.agent.from.Counters()
	return cpu, after.Misses + after.Born - before.Misses - before.Born, err
}

// timed sends for so long and returns the thread's CPU time for each packet, in ns.
func timed(ctx context.Context, b *blaster, length time.Duration) (float64, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	packets, cpu := 0, threadTime()
	for start := time.Now(); time.Since(start) < length && ctx.Err() == nil; packets += batch {
		if err := b.send(); err != nil {
			return 0, fmt.Errorf("sending: %w", err)
		}
	}
	return float64((threadTime() - cpu).Nanoseconds()) / float64(max(1, packets)), ctx.Err()
}

// paced sends so many new flows a second while it is on, until ctx ends.
func (p *path) paced(ctx context.Context, rate int, on *atomic.Bool) error {
	b, err := p.newBlaster()
	if err != nil {
		return err
	}
	defer unix.Close(b.fd)
	tick := time.NewTicker(time.Second * batch / time.Duration(rate))
	defer tick.Stop()
	for next := uint32(time.Now().UnixNano()); ; {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if !on.Load() {
			continue
		}
		for _, f := range b.frames {
			renumber(f, next)
			next++
		}
		if err := b.send(); err != nil {
			return fmt.Errorf("sending: %w", err)
		}
	}
}
