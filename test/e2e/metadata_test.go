package e2e

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Where the metadata service is.
const (
	metadata4 = "http://169.254.169.254/latest/meta-data/"
	metadata6 = "http://[fe80::a9fe:a9fe%eth0]/latest/meta-data/"
)

const metadataSecret = "between-nova-and-agents"

// TestMetadata: workloads learn who they are from Nova, which a program of this test stands for, on any network, however many have one
// address.
func TestMetadata(t *testing.T) {
	t.Parallel()
	needsSandbox(t)
	c := startServer(t)
	config := filepath.Join(c.dir, "metadata_agent.ini")
	text := "[DEFAULT]\nnova_metadata_host = 127.0.0.1\nnova_metadata_port = 8775\nmetadata_proxy_shared_secret = " + metadataSecret + "\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	up := func() { c.sandbox("up", "--hosts", "2", "--metadata-config", config) }
	up()
	nova := c.novaOn("host1")
	c.novaOn("host2")
	a := c.instance("a", "host1", "alpha", "11111111-1111-4111-8111-111111111111", "10.60.0.5", "fd00:60::5")
	b := c.instance("b", "host1", "beta", "22222222-2222-4222-8222-222222222222", "10.60.0.5", "fd00:60::5")

	c.scenario("two projects with the same addresses and source port", func(t *testing.T) {
		for range 2 {
			for _, w := range []instance{a, b} {
				w.learns(t, metadata4, "10.60.0.5", "--port", "40000")
				w.learns(t, metadata6, w.linkLocal(), "--port", "40000")
			}
		}
	})
	c.scenario("a network with a router, on another host", func(t *testing.T) {
		w := c.instance("routed", "host2", "alpha", "33333333-3333-4333-8333-333333333333", "10.61.0.5", "fd00:61::5")
		c.insideRouter("r", w.network)
		w.learns(t, metadata4, "10.61.0.5")
		w.learns(t, metadata6, w.linkLocal())
	})
	c.scenario("a network of IPv6 alone", func(t *testing.T) {
		w := c.instance("six", "host2", "alpha", "44444444-4444-4444-8444-444444444444", "fd00:62::5")
		w.learns(t, metadata6, w.linkLocal())
	})
	c.scenario("no security group, and the workload's own addresses alone", func(t *testing.T) {
		c.set("ports/"+a.port.ID, `{"port":{"security_groups":[]}}`)
		a.learns(t, metadata4, "10.60.0.5", "--port", "40001")
		a.run("ip", "address", "add", "10.60.0.99/24", "dev", "eth0")
		if out, err := output(a.tool("http", "GET", metadata4, "--from", "10.60.0.99", "--timeout", "1s")); err == nil {
			t.Errorf("from an address that is not its own it is answered %s", out)
		}
	})
	c.scenario("nothing else is there", func(t *testing.T) {
		for _, address := range []string{"169.254.169.254:22", "169.254.169.254:8775", "[fe80::a9fe:a9fe%eth0]:8775", "240.0.0.1:80"} {
			if out, err := output(a.tool("tcp-try", address)); err == nil {
				t.Errorf("%s answers: %s", address, out)
			}
		}
		a.doesNotReach("169.254.169.254")
	})
	c.scenario("what is refused", func(t *testing.T) {
		for want, args := range map[int][]string{413: {"POST", metadata4, "--body", "65537"}, 405: {"BREW", metadata4}, 200: {"POST", metadata4, "--body", "65536"}} {
			if status, body := a.asks(t, args...); status != want {
				t.Errorf("%v: %d %s, want %d", args, status, body, want)
			}
		}
	})
	c.scenario("a client that takes its time, and as many connections as it gets", func(t *testing.T) {
		slow := a.tool("http-slow", "169.254.169.254:80", "40")
		c.serves(slow, "http-slow")
		b.learns(t, metadata4, "10.60.0.5")
		_ = slow.Process.Signal(syscall.SIGTERM)
		_ = slow.Wait() // it was told to end
		c.eventually("its connections are free again", func() error { return a.tool("http", "GET", metadata4, "--timeout", "1s").Run() })
	})
	c.scenario("Nova is away", func(t *testing.T) {
		_ = nova.Process.Kill()
		_ = nova.Wait() // it was killed
		if status, body := a.asks(t, "GET", metadata4); status != 503 || !strings.Contains(body, "temporarily unavailable") {
			t.Errorf("without Nova: %d %s", status, body)
		}
	})
	ends := func(nova *exec.Cmd) {
		_ = nova.Process.Kill()
		_ = nova.Wait() // it was killed
	}
	c.scenario("Nova has another secret", func(t *testing.T) {
		nova := c.novaWith("host1", "of another cloud", 0)
		defer ends(nova)
		for _, url := range []string{metadata4, metadata6} {
			if status, body := a.asks(t, "GET", url); status != 403 || !strings.Contains(body, "Access was denied to this resource.") {
				t.Errorf("%s: %d %s", url, status, body)
			}
		}
		if log, err := os.ReadFile(filepath.Join(c.dir, "sandbox", "host1", "agent.log")); err != nil || !strings.Contains(string(log), "its shared secret is another one") {
			t.Errorf("the agent's log does not say why: %v", err)
		}
	})
	c.scenario("Nova takes its time", func(t *testing.T) {
		nova := c.novaWith("host1", metadataSecret, 3*time.Second)
		defer ends(nova)
		var all sync.WaitGroup
		for _, ask := range []struct {
			of        instance
			url, from string
		}{{a, metadata4, "10.60.0.5"}, {a, metadata6, a.linkLocal()}, {b, metadata4, "10.60.0.5"}, {b, metadata6, b.linkLocal()}} {
			all.Go(func() {
				status, body, err := ask.of.told(ask.url)
				if want := (novaSaw{Instance: ask.of.device, Project: ask.of.project, From: ask.from}); err != nil || status != "200" || body != want {
					t.Errorf("%s of %s: %s, %+v, %v, want %+v", ask.url, ask.of.name, status, body, err, want)
				}
			})
		}
		all.Wait()
	})
	c.novaOn("host1")
	a.learns(t, metadata4, "10.60.0.5")
	c.scenario("the agent is killed, and back", func(t *testing.T) {
		c.killAgent("host1")
		up()
		for _, w := range []instance{a, b} {
			w.learns(t, metadata4, "10.60.0.5")
			w.learns(t, metadata6, w.linkLocal())
		}
	})
	c.scenario("what people are shown", func(t *testing.T) {
		c.tracesFrom(t, a.workload, "tcp 10.60.0.5:1025 to 169.254.169.254:80", "metadata service", a.device, "project alpha", "=> forward")
		c.eventually("midonet status tells of the service", func() error {
			if out := c.midonet("status", "--state-dir", c.dir); !strings.Contains(out, "answers for metadata") {
				return fmt.Errorf("it says\n%s", out)
			}
			return nil
		})
		counted := c.agentMetrics("host1")
		if !strings.Contains(counted, `midonet_agent_metadata_requests_total{status="200"}`) {
			t.Errorf("the agent counts no answers:\n%s", counted)
		}
		if log, err := os.ReadFile(filepath.Join(c.dir, "sandbox", "host1", "agent.log")); err != nil || strings.Contains(string(log), metadataSecret) {
			t.Errorf("the secret is in the agent's log, or that cannot be read: %v", err)
		}
	})
	c.scenario("an agent without a Nova, in the sandbox", func(t *testing.T) {
		c.sandbox("up", "--hosts", "3")
		w := c.instance("own", "host3", "alpha", "", "10.63.0.5")
		if status, body := w.asks(t, "GET", metadata4+"instance-id"); status != 200 || body != w.device {
			t.Errorf("%d %s, want %s", status, body, w.device)
		}
	})
}

// instance is a workload of a project, on a network of its own.
type instance struct {
	workload
	network, project, device string
}

// instance makes a network with a subnet around each address, and a workload with these addresses there whose device_id is the
// instance; where that is empty, the sandbox's own.
func (c *cloud) instance(name, host, project, device string, addresses ...string) instance {
	c.t.Helper()
	network := c.makeNetwork(name, true)
	var fixed []string
	for _, a := range addresses {
		version, prefix := 4, a[:strings.LastIndex(a, ".")+1]+"0/24"
		if strings.Contains(a, ":") {
			version, prefix = 6, a[:strings.LastIndex(a, ":")+1]+"/64"
		}
		c.post("subnets", fmt.Sprintf(`{"subnet":{"network_id":%q,"ip_version":%d,"cidr":%q}}`, network, version, prefix), nil)
		fixed = append(fixed, fmt.Sprintf(`{"ip_address":%q}`, a))
	}
	var made struct{ Port neutronPort }
	c.post("ports", fmt.Sprintf(`{"port":{"network_id":%q,"project_id":%q,"name":%q,"fixed_ips":[%s]}}`, network, project, name, strings.Join(fixed, ",")), &made)
	c.sandbox("workload add", "--host", host, "--port", made.Port.ID, name)
	w := instance{workload{c: c, name: name, host: host, port: made.Port}, network, project, device}
	if device == "" {
		w.device = c.prefix() + "-vm-" + name
		return w
	}
	c.set("ports/"+made.Port.ID, fmt.Sprintf(`{"port":{"device_id":%q}}`, device))
	return w
}

// asks has the workload send a request and returns the status and body of the answer.
func (w instance) asks(t *testing.T, args ...string) (status int, body string) {
	t.Helper()
	out, err := output(w.tool("http", args...))
	if err != nil {
		t.Fatalf("%s asks %v: %v\n%s", w.name, args, err, out)
	}
	first, rest, _ := strings.Cut(out, "\n")
	status, _ = strconv.Atoi(first)
	return status, rest
}

// learns fails the test unless the workload, as soon as its host knows who it is, is told that it is this instance of this project,
// asking from that address.
func (w instance) learns(t *testing.T, url, from string, args ...string) {
	t.Helper()
	want := novaSaw{Instance: w.device, Project: w.project, From: from}
	w.c.eventually(fmt.Sprintf("%s is told by %s who it is", w.name, url), func() error {
		status, saw, err := w.told(url, args...)
		if err != nil || status != "200" || saw != want {
			return fmt.Errorf("%v, %s, %+v, want %+v", err, status, saw, want)
		}
		return nil
	})
}

// told is what the workload is told once.
func (w instance) told(url string, args ...string) (status string, saw novaSaw, err error) {
	out, err := output(w.tool("http", append([]string{"GET", url}, args...)...))
	status, body, _ := strings.Cut(out, "\n")
	if err == nil {
		err = json.Unmarshal([]byte(body), &saw)
	}
	if err != nil {
		err = fmt.Errorf("%w: %s", err, out)
	}
	return status, saw, err
}

// novaOn starts a fake Nova on a host.
func (c *cloud) novaOn(host string) *exec.Cmd {
	c.t.Helper()
	return c.novaWith(host, metadataSecret, 0)
}

// novaWith starts one that has the secret and takes so long to answer.
func (c *cloud) novaWith(host, secret string, pause time.Duration) *exec.Cmd {
	c.t.Helper()
	cmd := exec.Command("ip", "netns", "exec", c.prefix()+"-"+host, os.Args[0], "127.0.0.1:8775", secret, pause.String())
	cmd.Env = append(os.Environ(), trafficVariable+"=fake-nova")
	c.serves(cmd, "fake-nova on "+host)
	return cmd
}

// agentMetrics returns what a host's agent counts.
func (c *cloud) agentMetrics(host string) string {
	c.t.Helper()
	socket := filepath.Join(c.dir, "sandbox", host, "monitor.sock")
	client := http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}, Timeout: patience}
	defer client.CloseIdleConnections()
	resp, err := client.Get("http://agent/metrics")
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return string(text)
}

// novaSaw is what the fake Nova answers with: whom it took a request to be from.
type novaSaw struct{ Instance, Project, From string }

// fakeNova stands for Nova's metadata service, until it is killed: fake-nova ADDRESS:PORT SECRET PAUSE. As Nova it refuses a signature that is
// not of the secret. It answers each request after the pause.
func fakeNova(args []string) error {
	pause, err := time.ParseDuration(args[2])
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", args[0])
	if err != nil {
		return err
	}
	fmt.Println("ready")
	return http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(pause)
		saw := novaSaw{r.Header.Get("X-Instance-ID"), r.Header.Get("X-Tenant-ID"), r.Header.Get("X-Forwarded-For")}
		h := hmac.New(sha256.New, []byte(args[1]))
		h.Write([]byte(saw.Instance))
		if r.Header.Get("X-Instance-ID-Signature") != hex.EncodeToString(h.Sum(nil)) {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		_ = json.NewEncoder(w).Encode(saw) // the reader has gone: there is no one to tell
	}))
}

// httpAsk sends one request and prints the status and the body of the answer: http METHOD URL [--port N] [--from ADDRESS] [--body OCTETS]
// [--timeout DURATION].
func httpAsk(args []string) error {
	method, url, from, timeout := args[0], args[1], net.TCPAddr{}, patience
	var body io.Reader
	for args = args[2:]; len(args) >= 2; args = args[2:] {
		var err error
		switch args[0] {
		case "--port":
			from.Port, err = strconv.Atoi(args[1])
		case "--from":
			from.IP = net.ParseIP(args[1])
		case "--body":
			var n int
			n, err = strconv.Atoi(args[1])
			body = strings.NewReader(strings.Repeat("x", n))
		case "--timeout":
			timeout, err = time.ParseDuration(args[1])
		}
		if err != nil {
			return err
		}
	}
	request, err := http.NewRequest(method, strings.Replace(url, "%", "%25", 1), body)
	if err != nil {
		return err
	}
	dialer := &net.Dialer{LocalAddr: &from, Control: reuseAddress}
	client := http.Client{Timeout: timeout, Transport: &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	fmt.Println(response.StatusCode)
	_, err = io.Copy(os.Stdout, response.Body)
	return err
}

// reuseAddress lets a connection be from where another was a moment ago.
func reuseAddress(_, _ string, conn syscall.RawConn) (err error) {
	if failed := conn.Control(func(fd uintptr) { err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1) }); failed != nil {
		return failed
	}
	return err
}

// httpSlow opens so many connections, sends a part of a request on each, and holds those that it gets until it is killed:
// http-slow ADDRESS:PORT N.
func httpSlow(args []string) error {
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	var held []net.Conn
	for range n {
		conn, err := net.DialTimeout("tcp", args[0], patience)
		if err != nil {
			continue
		}
		if _, err := io.WriteString(conn, "GET / HT"); err == nil {
			held = append(held, conn)
		}
	}
	fmt.Println("ready")
	for _, conn := range held {
		_, _ = io.Copy(io.Discard, conn) // until the service gives up on it
	}
	return nil
}
