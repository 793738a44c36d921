package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"midonet.org/midonet/bench/lab"
	"midonet.org/midonet/sandbox"
)

const observer = "10.77.0.2" // the workload on host1 that is pinged

// cloud is a server, two hosts and one workload.
type cloud struct {
	dir     string
	binary  string
	server  *lab.Server
	client  *lab.Client
	sandbox *sandbox.Sandbox
	network string
}

// startCloud leaves nothing running when it fails.
func startCloud(ctx context.Context, binary string) (_ *cloud, err error) {
	c := &cloud{}
	if c.binary, err = filepath.Abs(binary); err != nil {
		return nil, err
	}
	if c.dir, err = os.MkdirTemp("", "mnb-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			c.stop()
		}
	}()
	config := filepath.Join(c.dir, "midonet.conf")
	if err = os.WriteFile(config, []byte(lab.NoQuotas), 0o600); err != nil {
		return nil, err
	}
	if c.server, err = lab.NewServer(c.binary, config, c.dir); err != nil {
		return nil, err
	}
	if err = c.server.Start(ctx); err != nil {
		return nil, err
	}
	c.client = c.server.Client()
	c.sandbox, err = sandbox.New(sandbox.Config{StateDir: c.dir, Binary: c.binary, API: "http://" + c.server.API})
	if err != nil {
		return nil, err
	}
	if err = c.sandbox.Up(ctx, 2); err != nil {
		return nil, err
	}
	return c, c.makeObserver(ctx)
}

func (c *cloud) makeObserver(ctx context.Context) error {
	var made struct{ Network struct{ ID string } }
	if err := c.client.Post("/v2.0/networks", map[string]any{"network": map[string]any{"name": "wake"}}, &made); err != nil {
		return err
	}
	c.network = made.Network.ID
	subnet := map[string]any{"network_id": c.network, "ip_version": 4, "cidr": "10.77.0.0/16"}
	if err := c.client.Post("/v2.0/subnets", map[string]any{"subnet": subnet}, nil); err != nil {
		return err
	}
	port, err := c.newPort(map[string]any{"fixed_ips": []any{map[string]any{"ip_address": observer}}})
	if err == nil {
		_, err = c.sandbox.AddWorkload(ctx, sandbox.WorkloadSpec{Name: "observer", Host: "host1", Port: port})
	}
	return err
}

// newPort makes a port of the network and returns its identifier.
func (c *cloud) newPort(port map[string]any) (string, error) {
	port["network_id"], port["device_owner"] = c.network, "compute:bench"
	var made struct{ Port struct{ ID string } }
	err := c.client.Post("/v2.0/ports", map[string]any{"port": port}, &made)
	return made.Port.ID, err
}

func (c *cloud) stop() {
	if c.sandbox != nil {
		if err := c.sandbox.Down(context.Background()); err != nil {
			fmt.Fprintln(os.Stderr, "bench/wake:", err)
		}
	}
	if c.server != nil {
		c.server.Stop()
	}
	os.RemoveAll(c.dir)
}

// waking is how long one port took.
type waking struct{ create, bind, total time.Duration }

// wake makes a station on host2 and then lets the network know of it.
func (c *cloud) wake(ctx context.Context, round int) (waking, error) {
	s, err := newStation(round, fmt.Sprintf("10.77.1.%d", round+1), observer)
	if err != nil {
		return waking{}, err
	}
	defer s.remove()
	if err := s.moveOuterTo(c.sandbox.HostNamespace("host2")); err != nil {
		return waking{}, err
	}
	began := time.Now()
	port, err := c.newPort(map[string]any{"mac_address": s.mac, "binding:host_id": "host2",
		"fixed_ips": []any{map[string]any{"ip_address": s.address}}})
	if err != nil {
		return waking{}, err
	}
	var w waking
	w.create = time.Since(began)
	bind := exec.CommandContext(ctx, filepath.Join(filepath.Dir(c.binary), "mm-ctl"),
		"--socket", filepath.Join(c.dir, "sandbox", "host2", "agent.sock"), "--bind-port", port, s.outer)
	if out, err := bind.CombinedOutput(); err != nil {
		return waking{}, fmt.Errorf("mm-ctl: %w: %s", err, out)
	}
	w.bind = time.Since(began) - w.create
	err = s.awaitPing()
	w.total = time.Since(began)
	return w, err
}
