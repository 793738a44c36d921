package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"time"
)

// report is the part of iperf3's JSON that is read (iperf3 3.12).
type report struct {
	Error string
	End   struct {
		SumReceived struct {
			Bytes         float64
			BitsPerSecond float64 `json:"bits_per_second"`
		} `json:"sum_received"`
	}
}

// tcp runs iperf3 for so long. Congestion control is cubic: bbr, the default on some kernels, paces and hides differences. The
// sample's rate is in Gbit/s, its CPU time that of both ends and the kernel's threads, per KiB.
func (p *path) tcp(ctx context.Context, length time.Duration) (sample, error) {
	var listening readiness
	server := exec.CommandContext(ctx, "iperf3", "--server", "--one-off", "--forceflush")
	listening.done = make(chan struct{})
	server.Stdout = &listening
	if err := p.b.do(server.Start); err != nil {
		return sample{}, fmt.Errorf("iperf3 (Debian package iperf3): %w", err)
	}
	select {
	case <-listening.done:
	case <-time.After(5 * time.Second):
		return sample{}, errors.Join(errors.New("iperf3 does not listen"), server.Process.Kill(), server.Wait())
	}
	client := exec.CommandContext(ctx, "iperf3", "--client", addressB.Addr().String(), "--congestion", "cubic", "--json",
		"--time", strconv.Itoa(max(1, int(length.Round(time.Second).Seconds()))))
	var out bytes.Buffer
	client.Stdout = &out
	kernel := cpuTime()
	err := p.a.do(client.Run)
	kernel = cpuTime() - kernel
	if err != nil {
		server.Process.Kill()
	}
	var r report
	if err := errors.Join(err, server.Wait(), json.Unmarshal(out.Bytes(), &r)); err != nil || r.Error != "" {
		return sample{}, fmt.Errorf("iperf3: %w %s", err, r.Error)
	}
	cpu := kernel + childTime(client) + childTime(server)
	received := r.End.SumReceived
	return sample{rate: received.BitsPerSecond / 1e9, cpu: float64(cpu.Nanoseconds()) / (received.Bytes / 1024)}, nil
}

func childTime(c *exec.Cmd) time.Duration {
	return c.ProcessState.UserTime() + c.ProcessState.SystemTime()
}

// readiness closes done when the server has said that it listens.
type readiness struct {
	seen bytes.Buffer
	done chan struct{}
	told bool
}

func (r *readiness) Write(b []byte) (int, error) {
	r.seen.Write(b)
	if !r.told && bytes.Contains(r.seen.Bytes(), []byte("listening")) {
		r.told = true
		close(r.done)
	}
	return len(b), nil
}
