package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
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

// slowed returns the CPU time, in ns, that a packet of a known flow takes its sender, in quiet and while another thread sends
// aimedFlows new flows a second, and how many of those the agent was handed.
func (p *path) slowed(ctx context.Context, length time.Duration) (quiet, busy, flooded float64, err error) {
	b, err := p.newBlaster()
	if err != nil {
		return 0, 0, 0, err
	}
	defer unix.Close(b.fd)
	if err := p.warmUp(ctx, b); err != nil {
		return 0, 0, 0, err
	}
	if quiet, err = timed(ctx, b, length); err != nil {
		return 0, 0, 0, err
	}
	before, err := p.agent.from.Counters()
	if err != nil {
		return 0, 0, 0, err
	}
	flooding, end := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- p.paced(flooding, aimedFlows) }()
	start := time.Now()
	busy, err = timed(ctx, b, length)
	took := time.Since(start)
	end()
	if err := errors.Join(err, <-done); err != nil {
		return 0, 0, 0, err
	}
	after, err := p.agent.from.Counters()
	return quiet, busy, float64(after.Misses-before.Misses) / took.Seconds(), err
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

// paced sends so many new flows a second until ctx ends.
func (p *path) paced(ctx context.Context, rate int) error {
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
		for _, f := range b.frames {
			renumber(f, next)
			next++
		}
		if err := b.send(); err != nil {
			return fmt.Errorf("sending: %w", err)
		}
	}
}
