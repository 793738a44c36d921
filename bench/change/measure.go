package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"

	"midonet.org/midonet/agent/session"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/bench/lab"
	"midonet.org/midonet/topology"
)

const hosted = 50 // ports of the one agent

type result struct {
	p50, p99         time.Duration
	serverKiBPerPort float64
	agentMiB         float64
	rendered         time.Duration
	madePerSecond    float64
}

func ms(d time.Duration) float64 { return d.Seconds() * 1000 }

// measure takes every figure at one size of the cloud.
func measure(ctx context.Context, binary string, ports, rounds int) (r result, err error) {
	c, err := newCloud(ctx, binary)
	if err != nil {
		return r, err
	}
	defer c.remove()
	before, err := c.Memory()
	if err != nil {
		return r, err
	}
	began := time.Now()
	made, err := lab.Fill(ctx, []*lab.Client{c.client}, ports)
	if err != nil {
		return r, err
	}
	r.madePerSecond = float64(ports) / time.Since(began).Seconds()
	if err := c.AwaitPorts(ctx, ports); err != nil {
		return r, err
	}
	after, err := c.Memory()
	if err != nil {
		return r, err
	}
	r.serverKiBPerPort = (after - before) / float64(ports)
	if err := c.watch(ctx, made, rounds, &r); err != nil {
		return r, err
	}
	r.rendered, err = c.renderAnew(ctx, ports)
	return r, err
}

// watch joins an agent, gives it ports, and measures how long changes of one take to reach it, and what it keeps in memory.
func (c *cloud) watch(ctx context.Context, ports []topology.PortID, rounds int, r *result) error {
	ports = ports[:min(len(ports), hosted)]
	empty := heap()
	a, err := c.startAgent(ctx)
	if err != nil {
		return err
	}
	defer a.stop()
	for i, p := range ports {
		if err := a.Bind(ctx, p, fmt.Sprint("tap", i)); err != nil {
			return err
		}
	}
	took := make([]time.Duration, rounds)
	for i := range took {
		if took[i], err = c.change(ctx, a, ports[i%len(ports)], fmt.Sprint("round ", i)); err != nil {
			return err
		}
	}
	slices.Sort(took)
	r.p50, r.p99 = took[rounds/2], took[rounds*99/100]
	r.agentMiB = float64(heap()-empty) / (1 << 20)
	runtime.KeepAlive(a)
	return nil
}

// heap is what is in use after a collection, octets.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// change renames the port and returns how long that took to reach the agent.
func (c *cloud) change(ctx context.Context, a *agent, port topology.PortID, name string) (time.Duration, error) {
	arrived := a.expect(name)
	began := time.Now()
	if err := c.client.Put("/v2.0/ports/"+port.String(), map[string]any{"port": map[string]any{"name": name}}); err != nil {
		return 0, err
	}
	select {
	case at := <-arrived:
		return at.Sub(began), nil
	case <-time.After(30 * time.Second):
		return 0, fmt.Errorf("the change did not reach the agent within 30 s")
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// agent is a host's session with the cluster and its view of the topology, without a datapath.
type agent struct {
	*session.Session
	stop func()

	mu      sync.Mutex
	view    *view.View
	name    string // of the port that is awaited
	arrived chan time.Time
}

func (c *cloud) startAgent(ctx context.Context) (*agent, error) {
	token, err := c.joinToken()
	if err != nil {
		return nil, err
	}
	s, err := session.New(session.Config{
		StateDir: filepath.Join(c.dir, "agent"), HostName: "bench", JoinToken: token, Version: "bench",
		Facts: func() session.Facts { return session.Facts{} }, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	a := &agent{Session: s, view: view.New(s.HostID())}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Run(ctx, a.apply) // it ends with the context
	}()
	a.stop = func() { cancel(); <-done }
	return a, a.awaitConnected(ctx)
}

func (a *agent) awaitConnected(ctx context.Context) error {
	for range 1000 {
		if a.Status().Connected {
			return nil
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return fmt.Errorf("the agent did not connect")
}

// expect returns where it is told when a port of the name is there.
func (a *agent) expect(name string) <-chan time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.name, a.arrived = name, make(chan time.Time, 1)
	return a.arrived
}

func (a *agent) apply(d view.Delta) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.view, _ = a.view.Apply(d)
	for _, o := range d.Puts {
		if p, ok := o.(*topology.Port); ok && p.Name == a.name && a.name != "" {
			a.arrived <- time.Now()
			a.name = ""
		}
	}
}

// renderAnew loses the network state database and returns how long the server takes to have every port in a new one.
func (c *cloud) renderAnew(ctx context.Context, ports int) (time.Duration, error) {
	c.Stop()
	if err := os.RemoveAll(filepath.Join(c.StateDir, "etcd")); err != nil {
		return 0, err
	}
	began := time.Now()
	if err := c.Start(ctx); err != nil {
		return 0, err
	}
	c.client = c.Client() // the other's connections are with the server that was stopped
	err := c.AwaitPorts(ctx, ports)
	return time.Since(began), err
}
