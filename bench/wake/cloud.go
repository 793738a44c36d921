package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"midonet.org/midonet/sandbox"
)

const (
	api      = "127.0.0.1:19797"
	observer = "10.77.0.2" // the workload on host1 that is pinged
)

// cloud is a server, two hosts and one workload.
type cloud struct {
	dir     string
	binary  string
	server  *exec.Cmd
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
	c.server = exec.CommandContext(ctx, c.binary, "server", "--log-level", "error", "--state-dir", c.dir, "--api-listen", api,
		"--stream-listen", "127.0.0.1:0", "--midonet-api-listen=", "--metrics-listen", "127.0.0.1:0")
	c.server.Stderr = os.Stderr
	if err = c.server.Start(); err != nil {
		return nil, err
	}
	for range 500 {
		if resp, err := http.Get("http://" + api); err == nil {
			resp.Body.Close()
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	c.sandbox, err = sandbox.New(sandbox.Config{StateDir: c.dir, Binary: c.binary, API: "http://" + api})
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
	if err := post("/v2.0/networks", `{"network": {"name": "wake"}}`, &made); err != nil {
		return err
	}
	c.network = made.Network.ID
	if err := post("/v2.0/subnets", fmt.Sprintf(`{"subnet": {"network_id": %q, "ip_version": 4, "cidr": "10.77.0.0/16"}}`, c.network), nil); err != nil {
		return err
	}
	var port struct{ Port struct{ ID string } }
	body := fmt.Sprintf(`{"port": {"network_id": %q, "device_owner": "compute:bench", "fixed_ips": [{"ip_address": %q}]}}`, c.network, observer)
	if err := post("/v2.0/ports", body, &port); err != nil {
		return err
	}
	_, err := c.sandbox.AddWorkload(ctx, sandbox.WorkloadSpec{Name: "observer", Host: "host1", Port: port.Port.ID})
	return err
}

func (c *cloud) stop() {
	if c.sandbox != nil {
		if err := c.sandbox.Down(context.Background()); err != nil {
			fmt.Fprintln(os.Stderr, "bench/wake:", err)
		}
	}
	if c.server != nil && c.server.Process != nil {
		_ = c.server.Process.Signal(syscall.SIGTERM)
		_ = c.server.Wait()
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
	var made struct{ Port struct{ ID string } }
	body := fmt.Sprintf(`{"port": {"network_id": %q, "mac_address": %q, "device_owner": "compute:bench", "binding:host_id": "host2",
		"fixed_ips": [{"ip_address": %q}]}}`, c.network, s.mac, s.address)
	if err := post("/v2.0/ports", body, &made); err != nil {
		return waking{}, err
	}
	var w waking
	w.create = time.Since(began)
	bind := exec.CommandContext(ctx, filepath.Join(filepath.Dir(c.binary), "mm-ctl"),
		"--socket", filepath.Join(c.dir, "sandbox", "host2", "agent.sock"), "--bind-port", made.Port.ID, s.outer)
	if out, err := bind.CombinedOutput(); err != nil {
		return waking{}, fmt.Errorf("mm-ctl: %w: %s", err, out)
	}
	w.bind = time.Since(began) - w.create
	err = s.awaitPing()
	w.total = time.Since(began)
	return w, err
}

func post(path, body string, into any) error {
	resp, err := http.Post("http://"+api+path, "application/json", bytes.NewReader([]byte(body)))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusCreated {
		return fmt.Errorf("%s answered %s: %.300s", path, resp.Status, text)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(text, into)
}
