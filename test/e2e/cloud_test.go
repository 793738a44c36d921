package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"midonet.org/midonet/test/freeport"
)

// patience bounds the waiting for what must come. It is long, because machines stand still now and then, and costs nothing where none does.
const patience = time.Minute

// webClient makes each request over a connection of its own: one that is kept ends with the server that the test kills.
var webClient = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}

// cloud is a server under test, in a state directory of its own, and the sandbox that may belong to it.
type cloud struct {
	t      *testing.T
	dir    string // the state directory
	api    string // base address of the Networking API
	ready  string // path there that answers 200 when the server is ready
	args   []string
	server *exec.Cmd
	log    string // the server's log
}

// startServer starts `midonet server` on free ports and waits for its first answer. It ends with the test.
func startServer(t *testing.T, args ...string) *cloud {
	t.Helper()
	c := newCloud(t)
	c.args = append([]string{"server", "--state-dir", c.dir, "--api-listen", c.address(), "--midonet-api-listen=", "--metrics-listen", freeport.Address(t),
		"--stream-listen", freeport.Address(t)}, args...)
	c.start()
	return c
}

// newCloud returns a server that is still to be told its arguments and started. It ends with the test.
func newCloud(t *testing.T) *cloud {
	t.Helper()
	// Not t.TempDir: the path of a Unix socket in it must stay short.
	dir, err := os.MkdirTemp("", "e2e")
	if err != nil {
		t.Fatal(err)
	}
	c := &cloud{t: t, dir: dir, api: "http://" + freeport.Address(t), ready: "/v2.0", log: filepath.Join(dir, "server.log")}
	t.Cleanup(c.cleanup)
	return c
}

// address is where the Networking API listens.
func (c *cloud) address() string { return strings.TrimPrefix(c.api, "http://") }

// scenario runs fn as a subtest; meanwhile what fails in the cloud's methods fails the subtest.
func (c *cloud) scenario(name string, fn func(t *testing.T)) {
	c.t.Helper()
	outer := c.t
	outer.Run(name, func(t *testing.T) {
		c.t = t
		defer func() { c.t = outer }()
		fn(t)
	})
}

// startCloud starts a server, with further arguments, and a sandbox of so many hosts.
func startCloud(t *testing.T, hosts int, args ...string) *cloud {
	t.Helper()
	needsSandbox(t)
	c := startServer(t, args...)
	c.sandbox("up", "--hosts", fmt.Sprint(hosts))
	return c
}

// start runs the server and waits until it answers.
func (c *cloud) start() {
	c.t.Helper()
	log, err := os.OpenFile(c.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		c.t.Fatal(err)
	}
	defer log.Close()
	c.server = exec.Command(filepath.Join(binDir, "midonet"), c.args...)
	c.server.Stdout, c.server.Stderr = log, log
	if err := c.server.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.eventually("the server answers", func() error {
		resp, err := webClient.Get(c.api + c.ready)
		if err != nil {
			return err
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("GET %s: %s", c.ready, resp.Status)
		}
		return nil
	})
}

// kill ends the server at once, as a crash does.
func (c *cloud) kill() {
	c.t.Helper()
	if err := c.server.Process.Kill(); err != nil {
		c.t.Fatal(err)
	}
	_ = c.server.Wait() // "signal: killed"
}

// cleanup takes everything down, and shows the logs of a test that failed.
func (c *cloud) cleanup() {
	if c.t.Failed() {
		c.showLogs()
	}
	if out, err := c.sandboxOutput("down"); err != nil {
		c.t.Errorf("sandbox down: %v\n%s", err, out)
	}
	if c.server.ProcessState == nil {
		_ = c.server.Process.Signal(syscall.SIGTERM)
		if err := c.server.Wait(); err != nil {
			c.t.Errorf("the server did not end cleanly on SIGTERM: %v", err)
		}
	}
	if err := os.RemoveAll(c.dir); err != nil {
		c.t.Error(err)
	}
}

// showLogs prints the end of every log.
func (c *cloud) showLogs() {
	logs, _ := filepath.Glob(filepath.Join(c.dir, "sandbox", "*", "agent.log"))
	for _, file := range append([]string{c.log}, logs...) {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		if len(text) > 6000 {
			text = text[len(text)-6000:]
		}
		c.t.Logf("--- %s\n%s", file, text)
	}
}

// midonet runs the midonet program and returns what it printed; it must succeed.
func (c *cloud) midonet(args ...string) string {
	c.t.Helper()
	out, err := c.midonetOutput(args...)
	if err != nil {
		c.t.Fatalf("midonet %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// midonetOutput runs the midonet program and returns both outputs.
func (c *cloud) midonetOutput(args ...string) (string, error) {
	return output(exec.Command(filepath.Join(binDir, "midonet"), args...))
}

// sandbox runs a subcommand of `midonet sandbox`.
func (c *cloud) sandbox(command string, args ...string) string {
	c.t.Helper()
	out, err := c.sandboxOutput(command, args...)
	if err != nil {
		c.t.Fatalf("midonet sandbox %s %s: %v\n%s", command, strings.Join(args, " "), err, out)
	}
	return out
}

// sandboxOutput is sandbox for commands that may fail.
func (c *cloud) sandboxOutput(command string, args ...string) (string, error) {
	return output(c.command(command, args...))
}

// command is a subcommand of `midonet sandbox`, which may be of several words, about this cloud.
func (c *cloud) command(command string, args ...string) *exec.Cmd {
	all := append([]string{"sandbox"}, strings.Fields(command)...)
	all = append(all, "--state-dir", c.dir, "--api-url", c.api)
	return exec.Command(filepath.Join(binDir, "midonet"), append(all, args...)...)
}

// mmctl runs mm-ctl on a host.
func (c *cloud) mmctl(host string, args ...string) (string, error) {
	socket := filepath.Join(c.dir, "sandbox", host, "agent.sock")
	return output(exec.Command(filepath.Join(binDir, "mm-ctl"), append([]string{"--socket", socket}, args...)...))
}

// output runs a command and returns both outputs together.
func output(cmd *exec.Cmd) (string, error) {
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.String(), err
}

// eventually calls fn until it returns nil, and fails the test with fn's last error when patience is over.
func (c *cloud) eventually(what string, fn func() error) {
	c.t.Helper()
	c.within(patience, what, fn)
}

// within is eventually where what comes later would be another's doing.
func (c *cloud) within(limit time.Duration, what string, fn func() error) {
	c.t.Helper()
	for deadline := time.Now().Add(limit); ; time.Sleep(20 * time.Millisecond) {
		err := fn()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("not within %v: %s: %v", limit, what, err)
		}
	}
}
