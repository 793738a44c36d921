package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// configuration is that of both servers.
const configuration = `[database]
connection = mysql+pymysql://midonet:midonet@localhost/midonet?unix_socket=%s
[nsdb]
engine = etcd
endpoints = http://%s
[quotas]
quota_network = -1
quota_subnet = -1
quota_port = -1
quota_security_group = -1
`

const (
	portsPerNetwork = 1000
	portsPerRequest = 100
)

// cloud is two servers on one database and one network state database.
type cloud struct {
	dir     string
	others  []*exec.Cmd
	servers []*server
}

func newCloud(ctx context.Context, binary string) (_ *cloud, err error) {
	c := &cloud{}
	if c.dir, err = os.MkdirTemp("", "mnt-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			c.remove()
		}
	}()
	if err := c.startMariaDB(ctx); err != nil {
		return nil, err
	}
	etcd, err := c.startEtcd(ctx)
	if err != nil {
		return nil, err
	}
	text := fmt.Sprintf(configuration, c.socket(), etcd)
	if err := os.WriteFile(filepath.Join(c.dir, "midonet.conf"), []byte(text), 0o600); err != nil {
		return nil, err
	}
	for n := range 2 {
		s := &server{binary: binary, dir: filepath.Join(c.dir, fmt.Sprint("server", n)), config: filepath.Join(c.dir, "midonet.conf")}
		for _, address := range []*string{&s.api, &s.stream, &s.metric} {
			if *address, err = freeAddress(); err != nil {
				return nil, err
			}
		}
		c.servers = append(c.servers, s)
		if err := s.start(ctx); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c *cloud) socket() string { return filepath.Join(c.dir, "mariadb.sock") }

func (c *cloud) startMariaDB(ctx context.Context) error {
	data := filepath.Join(c.dir, "mariadb")
	if out, err := exec.CommandContext(ctx, "mariadb-install-db", "--no-defaults", "--datadir="+data, "--user=root",
		"--auth-root-authentication-method=normal", "--skip-test-db").CombinedOutput(); err != nil {
		return fmt.Errorf("mariadb-install-db: %w: %s", err, out)
	}
	if err := c.run(ctx, "mariadbd", "--no-defaults", "--datadir="+data, "--socket="+c.socket(), "--skip-networking", "--user=root"); err != nil {
		return err
	}
	const statements = `CREATE DATABASE midonet; CREATE USER midonet@localhost IDENTIFIED BY 'midonet'; GRANT ALL ON midonet.* TO midonet@localhost`
	var err error
	for range 100 {
		if err = exec.CommandContext(ctx, "mariadb", "--no-defaults", "-S", c.socket(), "-e", statements).Run(); err == nil {
			return nil
		}
		time.Sleep(200 * time.Millisecond)
	}
	return fmt.Errorf("preparing MariaDB: %w", err)
}

func (c *cloud) startEtcd(ctx context.Context) (address string, err error) {
	if address, err = freeAddress(); err != nil {
		return "", err
	}
	peer, err := freeAddress()
	if err != nil {
		return "", err
	}
	return address, c.run(ctx, "etcd", "--data-dir", filepath.Join(c.dir, "etcd"), "--logger", "zap", "--log-level", "error",
		"--quota-backend-bytes", fmt.Sprint(8<<30), "--auto-compaction-mode", "revision", "--auto-compaction-retention", "10000",
		"--listen-client-urls", "http://"+address, "--advertise-client-urls", "http://"+address,
		"--listen-peer-urls", "http://"+peer, "--initial-advertise-peer-urls", "http://"+peer, "--initial-cluster", "default=http://"+peer)
}

func (c *cloud) run(ctx context.Context, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	if err := cmd.Start(); err != nil {
		return err
	}
	c.others = append(c.others, cmd)
	return nil
}

func (c *cloud) remove() {
	for _, s := range c.servers {
		s.kill()
	}
	for _, cmd := range c.others {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	os.RemoveAll(c.dir)
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// fill makes the ports, by two clients of each server.
func (c *cloud) fill(ctx context.Context, ports int) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(4)
	for number := range (ports + portsPerNetwork - 1) / portsPerNetwork {
		group.Go(func() error {
			s := c.servers[number%len(c.servers)]
			network, err := s.network(fmt.Sprint("n", number), number)
			count := min(portsPerNetwork, ports-number*portsPerNetwork)
			for made := 0; err == nil && ctx.Err() == nil && made < count; made += portsPerRequest {
				err = s.ports(network, number, min(portsPerRequest, count-made))
			}
			return err
		})
	}
	return group.Wait()
}

// server is one of the two.
type server struct {
	binary, dir, config string
	api, stream, metric string
	cmd                 *exec.Cmd
}

// start runs the server and returns when it has answered.
func (s *server) start(ctx context.Context) error {
	s.cmd = exec.CommandContext(ctx, s.binary, "server", "--log-level", "error", "--state-dir", s.dir, "--config-file", s.config,
		"--api-listen", s.api, "--stream-listen", s.stream, "--midonet-api-listen=", "--metrics-listen", s.metric)
	s.cmd.Stderr = os.Stderr
	if err := s.cmd.Start(); err != nil {
		return err
	}
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline) && ctx.Err() == nil; time.Sleep(5 * time.Millisecond) {
		if resp, err := http.Get("http://" + s.api + "/v2.0"); err == nil {
			resp.Body.Close()
			return nil
		}
	}
	return fmt.Errorf("no answer within two minutes")
}

func (s *server) kill() {
	if s.cmd != nil && s.cmd.Process != nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
	}
}

func project(number int) string { return fmt.Sprintf("%032x", number+1) }

func (s *server) network(name string, number int) (id string, err error) {
	var made struct{ Network struct{ ID string } }
	body := map[string]any{"network": map[string]any{"name": name, "project_id": project(number)}}
	if err := s.post("networks", body, &made); err != nil {
		return "", err
	}
	subnet := map[string]any{"subnet": map[string]any{
		"network_id": made.Network.ID, "ip_version": 4, "cidr": "10.0.0.0/20", "project_id": project(number)}}
	return made.Network.ID, s.post("subnets", subnet, nil)
}

func (s *server) ports(network string, number, count int) error {
	var bodies []map[string]any
	for range count {
		bodies = append(bodies, map[string]any{"network_id": network, "device_owner": "compute:bench", "project_id": project(number)})
	}
	return s.post("ports", map[string]any{"ports": bodies}, nil)
}

// post makes one request and reads the answer into into, which may be nil.
func (s *server) post(path string, body, into any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	resp, err := http.Post("http://"+s.api+"/v2.0/"+path, "application/json", bytes.NewReader(text))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		return fmt.Errorf("POST %s: %s", path, resp.Status)
	}
	if into == nil {
		return nil
	}
	return json.NewDecoder(resp.Body).Decode(into)
}

// gauge returns a number of the server's metrics, by name and labels.
func (s *server) gauge(name string) (n float64, err error) {
	resp, err := http.Get("http://" + s.metric + "/metrics")
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

// applied reports whether this server applies the journal.
func (s *server) applied() (bool, error) {
	n, err := s.gauge("midonet_journal_applied_tasks_total")
	return n > 0, err
}

// awaitPorts returns when the server sees so many ports in the topology, and nothing is pending.
func (s *server) awaitPorts(ctx context.Context, want int) error {
	for ctx.Err() == nil {
		ports, err := s.gauge(`midonet_topology_objects{kind="port"}`)
		pending, pendingErr := s.gauge("midonet_journal_pending_tasks")
		if err == nil && pendingErr == nil && int(ports) >= want && pending == 0 {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return ctx.Err()
}
