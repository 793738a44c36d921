package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// workload is a namespace of the sandbox with an interface on a Neutron network.
type workload struct {
	c    *cloud
	name string
	host string
	port neutronPort
}

// workload makes a workload on a host, with a port on the network.
func (c *cloud) workload(name, host, network string) workload {
	c.t.Helper()
	c.sandbox("workload add", "--host", host, "--network", network, name)
	var found struct{ Ports []neutronPort }
	c.request(http.MethodGet, "ports?name="+name, "", &found)
	if len(found.Ports) != 1 {
		c.t.Fatalf("workload %s has %d ports, want 1", name, len(found.Ports))
	}
	return workload{c: c, name: name, host: host, port: found.Ports[0]}
}

// ip4 and ip6 are the workload's addresses.
func (w workload) ip4() string { return w.address(netip.Addr.Is4) }
func (w workload) ip6() string { return w.address(netip.Addr.Is6) }

// linkLocal is the address that the workload's kernel made from its MAC address, once it is no longer tentative.
func (w workload) linkLocal() string {
	w.c.t.Helper()
	var address string
	w.c.eventually(w.name+" has a link-local address", func() error {
		out := w.run("ip", "-6", "-oneline", "address", "show", "dev", "eth0", "scope", "link", "-tentative")
		fields := strings.Fields(out)
		if len(fields) < 4 {
			return fmt.Errorf("none: %q", out)
		}
		address, _, _ = strings.Cut(fields[3], "/")
		return nil
	})
	return address
}

func (w workload) address(of func(netip.Addr) bool) string {
	w.c.t.Helper()
	for _, ip := range w.port.FixedIPs {
		if a, err := netip.ParseAddr(ip.Address); err == nil && of(a) {
			return ip.Address
		}
	}
	w.c.t.Fatalf("workload %s has no such address: %v", w.name, w.port.FixedIPs)
	return ""
}

// tap is the name of the interface in the workload's host.
func (w workload) tap() string { return ("tap" + w.port.ID)[:14] }

// command is a command to be run inside the workload.
func (w workload) command(argv ...string) *exec.Cmd {
	args := []string{"sandbox", "workload", "exec", "--state-dir", w.c.dir, "--api-url", w.c.api, w.name, "--"}
	return exec.Command(filepath.Join(binDir, "midonet"), append(args, argv...)...)
}

// run runs a command inside the workload; it must succeed.
func (w workload) run(argv ...string) string {
	w.c.t.Helper()
	out, err := output(w.command(argv...))
	if err != nil {
		w.c.t.Fatalf("%s$ %s: %v\n%s", w.name, strings.Join(argv, " "), err, out)
	}
	return out
}

// pings fails the test unless all of a few echo requests to the address are answered.
func (w workload) pings(address string) {
	w.c.t.Helper()
	w.c.pings(w, address, "-i", "0.2")
}

// keepsPinging starts echo requests, which are one flow, and returns when the first is answered. The function that it returns fails the test
// unless all are answered, up to some that are sent after it is called, and ends them.
func (w workload) keepsPinging(address string) (ends func()) {
	w.c.t.Helper()
	p := w.c.startPinging(w, address, "-i", "0.05")
	p.answers(1)
	return func() {
		w.c.t.Helper()
		p.answers(p.newest() + 10)
		p.stop()
	}
}

// doesNotReach fails the test if an echo request to the address is answered.
func (w workload) doesNotReach(address string) {
	w.c.t.Helper()
	if out, err := output(w.command("ping", "-n", "-c", "1", "-W", "1", address)); err == nil {
		w.c.t.Errorf("%s reaches %s and must not:\n%s", w.name, address, out)
	}
}

// tool is a traffic tool inside the workload.
func (w workload) tool(name string, args ...string) *exec.Cmd {
	cmd := w.command(append([]string{os.Args[0]}, args...)...)
	cmd.Env = append(os.Environ(), trafficVariable+"="+name)
	return cmd
}

// serves starts a traffic tool that serves until the test ends, and waits until it does.
func (w workload) serves(name, port string) {
	w.c.t.Helper()
	w.c.serves(w.tool(name, port), name+" on "+w.name)
}

// serves starts a command that prints "ready" when it serves, and ends it with the test.
func (c *cloud) serves(cmd *exec.Cmd, what string) {
	c.t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	var problems bytes.Buffer
	cmd.Stderr = &problems
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait() // it was told to end
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		c.t.Fatalf("%s printed %q, %v, %s", what, line, err, problems.String())
	}
}

// flow is a running exchange of datagrams, or over a TCP connection.
type flow struct {
	c     *cloud
	cmd   *exec.Cmd
	stop  io.Closer
	out   *bufio.Reader
	start time.Time
}

// flowInterval is the time between two datagrams of a flow.
const flowInterval = 5 * time.Millisecond

// flowsTo starts an exchange of datagrams with the address, where a udp-echo serves. It goes on until ends is called.
func (w workload) flowsTo(address string) *flow {
	w.c.t.Helper()
	return w.c.startFlow(w.tool("udp-flow", address, flowInterval.String()))
}

// connects starts an exchange over one TCP connection with the address, where a tcp-echo serves. It goes on until ends is called.
func (w workload) connects(address string) *flow {
	w.c.t.Helper()
	return w.c.startFlow(w.tool("tcp-flow", address, flowInterval.String()))
}

// startFlow starts a tool that prints "ready" when it has begun, and what it has to report when its input ends.
func (c *cloud) startFlow(cmd *exec.Cmd) *flow {
	c.t.Helper()
	in, err := cmd.StdinPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	f := &flow{c: c, cmd: cmd, stop: in, out: bufio.NewReader(out), start: time.Now()}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	if line, err := f.out.ReadString('\n'); line != "ready\n" {
		c.t.Fatalf("%v printed %q, %v, and ended with %v", cmd.Args, line, err, cmd.Wait())
	}
	return f
}

// reports stops the tool and returns what it printed.
func (f *flow) reports() []byte {
	f.c.t.Helper()
	f.stop.Close()
	text, err := io.ReadAll(f.out)
	if err = errors.Join(err, f.cmd.Wait()); err != nil {
		f.c.t.Fatalf("%v ended with %v\n%s", f.cmd.Args, err, text)
	}
	return text
}

// ends stops the exchange and returns how it went.
func (f *flow) ends() flowReport {
	f.c.t.Helper()
	var r flowReport
	if text := f.reports(); json.Unmarshal(text, &r) != nil {
		f.c.t.Fatalf("the flow's report is %s", text)
	}
	if r.Sent == 0 {
		f.c.t.Fatal("the flow sent nothing")
	}
	f.c.t.Logf("flow: %d sent, %d answered, longest gap %v", r.Sent, r.Answered, r.LongestGap)
	return r
}

// sends copies so many bytes by TCP to the other workload's tcp-sink.
func (w workload) sends(address string, size int) {
	w.c.t.Helper()
	if out, err := output(w.tool("tcp-send", address, fmt.Sprint(size))); err != nil {
		w.c.t.Errorf("%s sends %d bytes to %s: %v\n%s", w.name, size, address, err, out)
	}
}
