package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// configuration lets one project have as many ports as it is given.
const configuration = `[DEFAULT]
[quotas]
quota_network = -1
quota_subnet = -1
quota_port = -1
quota_security_group = -1
quota_security_group_rule = -1
`

// cloud is a server with everything embedded.
type cloud struct {
	binary, dir         string
	api, stream, metric string
	cmd                 *exec.Cmd
}

func newCloud(ctx context.Context, binary string) (*cloud, error) {
	dir, err := os.MkdirTemp("", "mnc-")
	if err != nil {
		return nil, err
	}
	c := &cloud{binary: binary, dir: dir}
	for _, address := range []*string{&c.api, &c.stream, &c.metric} {
		if *address, err = freeAddress(); err != nil {
			return nil, err
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "midonet.conf"), []byte(configuration), 0o600); err != nil {
		return nil, err
	}
	return c, c.start(ctx)
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// start runs the server and returns when it has answered.
func (c *cloud) start(ctx context.Context) error {
	c.cmd = exec.CommandContext(ctx, c.binary, "server", "--log-level", "error", "--state-dir", c.stateDir(),
		"--config-file", filepath.Join(c.dir, "midonet.conf"), "--api-listen", c.api, "--stream-listen", c.stream,
		"--midonet-api-listen=", "--metrics-listen", c.metric)
	c.cmd.Stderr = os.Stderr
	if err := c.cmd.Start(); err != nil {
		return err
	}
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if resp, err := http.Get("http://" + c.api + "/v2.0"); err == nil {
			resp.Body.Close()
			return nil
		}
	}
	return fmt.Errorf("no answer within a minute")
}

func (c *cloud) stateDir() string { return filepath.Join(c.dir, "state") }

func (c *cloud) stop() {
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	_ = c.cmd.Wait()
}

func (c *cloud) remove() {
	c.stop()
	os.RemoveAll(c.dir)
}

// joinToken is what lets an agent in.
func (c *cloud) joinToken() (string, error) {
	out, err := exec.Command(c.binary, "join-token", "--state-dir", c.stateDir()).Output()
	if err != nil {
		return "", err
	}
	for _, word := range strings.Fields(string(out)) {
		if len(word) > 60 {
			return word, nil
		}
	}
	return "", fmt.Errorf("no token in %q", out)
}

// gauge returns a number of the server's metrics, by name and labels.
func (c *cloud) gauge(name string) (n float64, err error) {
	resp, err := http.Get("http://" + c.metric + "/metrics")
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			_, err := fmt.Sscan(value, &n)
			return n, err
		}
	}
	return 0, fmt.Errorf("no %s", name)
}

// awaitPorts returns when the topology has so many ports and nothing is pending.
func (c *cloud) awaitPorts(ctx context.Context, want int) error {
	for ctx.Err() == nil {
		ports, err := c.gauge(`midonet_topology_objects{kind="port"}`)
		pending, pendingErr := c.gauge("midonet_journal_pending_tasks")
		if err == nil && pendingErr == nil && int(ports) >= want && pending == 0 {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return ctx.Err()
}

// memory is the server's proportional set size in KiB.
func (c *cloud) memory() (kib float64, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", c.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "Pss:"); ok {
			_, err := fmt.Sscan(value, &kib)
			return kib, err
		}
	}
	return 0, fmt.Errorf("no Pss")
}

// call makes one request and reads the answer into into, which may be nil.
func (c *cloud) call(method, path string, body, into any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequest(method, "http://"+c.api+"/v2.0/"+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %s: %.300s", method, path, resp.Status, answer)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(answer, into)
}
