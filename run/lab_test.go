package run

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"midonet.org/midonet/agent/control"
	"midonet.org/midonet/topology"
)

// patience is how long a thing that must happen may take, on a machine that is busy with other tests.
const patience = time.Minute

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("still not so after %v: %s", patience, what)
		}
	}
}

// space is an unnamed network namespace, which goes when the test does.
type space struct {
	t      testing.TB
	handle netns.NsHandle
}

func newSpace(t testing.TB) space {
	s := space{t: t}
	<-onThread(func() {
		var err error
		s.handle, err = netns.New()
		if err != nil {
			t.Errorf("a network namespace: %v", err)
		}
	})
	t.Cleanup(func() { s.handle.Close() })
	return s
}

// onThread runs f on a thread that ends with it, and that f may leave in another namespace.
func onThread(f func()) (done <-chan struct{}) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		runtime.LockOSThread()
		f()
	}()
	return ended
}

// start runs f inside; do waits for it.
func (s space) start(f func()) (done <-chan struct{}) {
	return onThread(func() {
		if err := netns.Set(s.handle); err != nil {
			s.t.Errorf("entering the namespace: %v", err)
			return
		}
		f()
	})
}

func (s space) do(f func() error) {
	s.t.Helper()
	var err error
	<-s.start(func() { err = f() })
	check(s.t, err)
}

// cable makes a veth pair from here to another namespace.
func (s space) cable(name string, to space, farName string, mtu int) {
	s.t.Helper()
	veth := netlink.NewVeth(netlink.LinkAttrs{Name: name, MTU: mtu})
	veth.PeerName, veth.PeerMTU, veth.PeerNamespace = farName, uint32(mtu), netlink.NsFd(to.handle)
	s.do(func() error { return netlink.LinkAdd(veth) })
}

// up gives an interface its addresses and sets it up.
func (s space) up(name string, hw net.HardwareAddr, addresses ...netip.Prefix) {
	s.t.Helper()
	s.do(func() error {
		l, err := netlink.LinkByName(name)
		if err != nil {
			return err
		}
		if hw != nil {
			if err := netlink.LinkSetHardwareAddr(l, hw); err != nil {
				return err
			}
		}
		for _, a := range addresses {
			mask := net.CIDRMask(a.Bits(), a.Addr().BitLen())
			if err := netlink.AddrAdd(l, &netlink.Addr{IPNet: &net.IPNet{IP: a.Addr().AsSlice(), Mask: mask}}); err != nil {
				return err
			}
		}
		return netlink.LinkSetUp(l)
	})
}

func setDown(name string) error {
	l, err := netlink.LinkByName(name)
	if err != nil {
		return err
	}
	return netlink.LinkSetDown(l)
}

// cloud is a server and its hosts, all of them in this process.
type cloud struct {
	t     testing.TB
	url   string
	dir   string // of the server
	admin *AdminClient
	hosts []*labHost
}

// labHost is a host in a network namespace.
type labHost struct {
	space
	config AgentConfig
	stop   func()
	taps   int
}

// newCloud starts a server and two agents with an underlay between them.
func newCloud(t *testing.T) *cloud {
	t.Helper()
	needsRoot(t)
	url, dir := startServer(t)
	c := &cloud{t: t, url: url, dir: dir, admin: NewAdminClient(dir)}
	c.startHosts()
	return c
}

// needsRoot skips the test where it may not make hosts.
func needsRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root for network namespaces and BPF")
	}
}

// startHosts starts two agents with an underlay between them.
func (c *cloud) startHosts() {
	c.t.Helper()
	for i := range 2 {
		c.hosts = append(c.hosts, c.newHost(fmt.Sprintf("host%d", i+1), "unix:"+filepath.Join(c.dir, "stream.sock")))
	}
	c.hosts[0].cable("underlay", c.hosts[1].space, "underlay", 1600)
	for i, h := range c.hosts {
		h.up("lo", nil)
		h.up("underlay", nil, netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(i + 1)}), 24))
		h.start()
	}
}

func (c *cloud) newHost(name, server string) *labHost {
	c.t.Helper()
	reply, err := c.admin.JoinToken(c.t.Context(), TokenRequest{Addresses: []string{server}})
	check(c.t, err)
	dir, err := os.MkdirTemp("", "midonet-host") // the test's own directory has too long a name for a socket
	check(c.t, err)
	h := &labHost{space: newSpace(c.t), config: AgentConfig{
		StateDir: dir, HostName: name, JoinToken: reply.Token, ControlSocket: filepath.Join(dir, "agent.sock"),
		Underlay: []string{"underlay"}, Log: slog.New(slog.NewTextHandler(c.t.Output(), nil)),
	}}
	c.t.Cleanup(func() {
		_ = unix.Unmount(filepath.Join(dir, "bpf"), unix.MNT_DETACH) // where the agent never came so far
		check(c.t, os.RemoveAll(dir))
	})
	return h
}

// start runs the host's agent until stop, or the test, ends.
func (h *labHost) start() {
	h.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := h.space.start(func() {
		if err := Agent(ctx, h.config); err != nil {
			h.t.Errorf("agent of %s: %v", h.config.HostName, err)
		}
	})
	h.stop = func() {
		cancel()
		<-ended
	}
	h.t.Cleanup(h.stop)
	eventually(h.t, h.config.HostName+" is connected", func() bool { return h.status().Session.Connected })
}

func (h *labHost) control() *control.Client { return control.NewClient(h.config.ControlSocket) }

// status is what the agent says of itself, nothing where it does not answer.
func (h *labHost) status() (s AgentStatus) {
	if h.control().Status(h.t.Context(), &s) != nil {
		return AgentStatus{}
	}
	return s
}

// guest is a workload: a port, and the namespace that is plugged into it.
type guest struct {
	space
	host *labHost
	id   string
	port topology.PortID
	addr netip.Addr
	tap  string
}

// boot makes a port and a workload on the host that is configured as the port is, and binds it.
func (c *cloud) boot(h *labHost, network string) *guest {
	c.t.Helper()
	id := post(c.t.(*testing.T), c.url+"/v2.0/ports", `{"port": {"network_id": "`+network+`"}}`)
	p := c.port(id)
	return h.plug(id, p.MAC, p.FixedIPs[0].Address)
}

// plug makes a workload on the host that is configured as its port is, and binds it.
func (h *labHost) plug(port, mac string, addr netip.Addr) *guest {
	h.t.Helper()
	g := &guest{space: newSpace(h.t), host: h, tap: fmt.Sprintf("tap%d", h.taps), id: port, addr: addr}
	h.taps++
	hw, err := net.ParseMAC(mac)
	check(h.t, err)
	g.port, err = control.ParsePort(g.id)
	check(h.t, err)
	h.cable(g.tap, g.space, "eth0", 1500)
	h.up(g.tap, nil)
	g.up("eth0", hw, netip.PrefixFrom(g.addr, 24))
	check(h.t, h.control().Bind(h.t.Context(), g.port, g.tap))
	return g
}

// neutronPort is the part of a port in the Networking API that these tests read.
type neutronPort struct {
	Status   string `json:"status"`
	MAC      string `json:"mac_address"`
	FixedIPs []struct {
		Address netip.Addr `json:"ip_address"`
	} `json:"fixed_ips"`
}

func (c *cloud) port(id string) neutronPort {
	c.t.Helper()
	resp, err := http.Get(c.url + "/v2.0/ports/" + id)
	check(c.t, err)
	defer resp.Body.Close()
	var body struct {
		Port neutronPort `json:"port"`
	}
	check(c.t, json.NewDecoder(resp.Body).Decode(&body))
	return body.Port
}

// becomes waits for the status of the guest's port.
func (c *cloud) becomes(g *guest, status string) {
	c.t.Helper()
	eventually(c.t, "port "+g.id+" is "+status, func() bool { return c.port(g.id).Status == status })
}
