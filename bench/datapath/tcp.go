package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// tcpPort is where the receiver listens; any would do.
const tcpPort = 5201

// backlog is how many connections may wait for the receiver; one that finds no room is tried again a second later.
const backlog = 1024

// block is how much one system call writes or reads.
const block = 128 << 10

// transfer is what one end of a connection did.
type transfer struct {
	bytes int
	cpu   time.Duration
	err   error
}

// tcp sends over one connection for so long, each end in a thread on a CPU of its own: where the scheduler puts both on one in some
// runs, the figures have two modes. The sample's rate is in Gbit/s, its CPU time that of both ends, helpers and the kernel's threads, per
// KiB.
func (p *path) tcp(ctx context.Context, length time.Duration) (sample, error) {
	listener, err := p.nsB.listen()
	if err != nil {
		return sample{}, fmt.Errorf("listening: %w", err)
	}
	defer unix.Close(listener)
	client, err := p.nsA.connectTo(p.to.As4())
	if err != nil {
		return sample{}, fmt.Errorf("connecting: %w", err)
	}
	kernel, start := cpuTime(p.helperThreads()...), time.Now()
	received := make(chan transfer, 1)
	go func() { received <- onCPU(0, func() (int, error) { return receive(listener) }) }()
	sent := onCPU(runtime.NumCPU()-1, func() (int, error) { return send(ctx, client, length) })
	unix.Close(client)
	got := <-received
	took := time.Since(start)
	kernel = cpuTime(p.helperThreads()...) - kernel
	if err := errors.Join(sent.err, got.err, ctx.Err()); err != nil {
		return sample{}, err
	}
	n := float64(max(1, got.bytes))
	cpu := sent.cpu + got.cpu + kernel
	return sample{rate: n * 8 / took.Seconds() / 1e9, cpu: float64(cpu.Nanoseconds()) / (n / 1024)}, nil
}

// streamSocket returns a TCP socket that gives up after a while. Congestion control is cubic: bbr, the default on some kernels,
// paces and hides differences.
func streamSocket() (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	patience := unix.NsecToTimeval((5 * time.Second).Nanoseconds())
	return fd, errors.Join(
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &patience),
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &patience),
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1),
		unix.SetsockoptString(fd, unix.IPPROTO_TCP, unix.TCP_CONGESTION, "cubic"))
}

func (ns *namespace) listen() (fd int, err error) {
	err = ns.do(func() error {
		if fd, err = streamSocket(); err != nil {
			return err
		}
		return errors.Join(unix.Bind(fd, &unix.SockaddrInet4{Port: tcpPort}), unix.Listen(fd, backlog))
	})
	return fd, err
}

func (ns *namespace) connectTo(address [4]byte) (fd int, err error) {
	err = ns.do(func() error {
		if fd, err = streamSocket(); err != nil {
			return err
		}
		return uninterrupted(func() error { return unix.Connect(fd, &unix.SockaddrInet4{Port: tcpPort, Addr: address}) })
	})
	return fd, err
}

// uninterrupted repeats a system call that one of the Go runtime's signals ended.
func uninterrupted(call func() error) error {
	for {
		if err := call(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

func send(ctx context.Context, fd int, length time.Duration) (total int, err error) {
	buf := make([]byte, block)
	for start := time.Now(); time.Since(start) < length && ctx.Err() == nil; {
		n, err := unix.Write(fd, buf)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return total, fmt.Errorf("sending: %w", err)
		}
		total += max(n, 0)
	}
	return total, nil
}

// receive takes one connection and reads it to its end.
func receive(listener int) (total int, err error) {
	var fd int
	err = uninterrupted(func() (err error) {
		fd, _, err = unix.Accept4(listener, unix.SOCK_CLOEXEC)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("accepting: %w", err)
	}
	defer unix.Close(fd)
	for buf := make([]byte, block); ; {
		n, err := unix.Read(fd, buf)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return total, fmt.Errorf("receiving: %w", err)
		case n == 0:
			return total, nil
		}
		total += max(n, 0)
	}
}

// onCPU runs f on a thread that is bound to one CPU, which ends with it.
func onCPU(number int, f func() (int, error)) transfer {
	done := make(chan transfer)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread goes when the goroutine ends
		var only unix.CPUSet
		only.Set(number)
		if err := unix.SchedSetaffinity(0, &only); err != nil {
			done <- transfer{err: fmt.Errorf("binding to CPU %d: %w", number, err)}
			return
		}
		start := threadTime()
		n, err := f()
		done <- transfer{n, threadTime() - start, err}
	}()
	return <-done
}
