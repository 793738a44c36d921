package stub_test

import (
	"io"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"midonet.org/midonet/agent/hostif/stub"
	"midonet.org/midonet/agent/netns"
	"midonet.org/midonet/mac"
)

// patience is how long a test waits for what must come.
const patience = time.Minute

const cable = "test-stub"

var hw = mac.MustParse("02:00:00:00:00:01")

var prefixes = []netip.Prefix{netip.MustParsePrefix("240.0.0.0/8"), netip.MustParsePrefix("fdc3:51d:a9fe:a9fe::/96")}

// newHost returns a namespace that stands for a host.
func newHost(t *testing.T) netns.Namespace {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("network namespaces need root")
	}
	host, err := netns.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(host.Close)
	return host
}

// open makes a network on the host, and gives the host addresses to speak from and routes to the network's; the MAC that the network
// sends to is the host's.
func open(t *testing.T, host netns.Namespace) *stub.Network {
	t.Helper()
	var n *stub.Network
	err := host.Do(func() (err error) {
		if n, err = stub.Open(stub.Config{Interface: cable, MAC: hw, Prefixes: prefixes}); err != nil {
			return err
		}
		l, err := netlink.LinkByName(cable)
		if err != nil {
			return err
		}
		if err := netlink.LinkSetHardwareAddr(l, hw[:]); err != nil {
			return err
		}
		if err := netlink.LinkSetARPOff(l); err != nil {
			return err
		}
		for _, address := range []string{"10.0.0.3/32", "fd00::3/128"} {
			a, err := netlink.ParseAddr(address)
			if err != nil {
				return err
			}
			a.Flags = 0x02 // IFA_F_NODAD
			if err := netlink.AddrAdd(l, a); err != nil {
				return err
			}
		}
		for _, p := range prefixes {
			dst := &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
			if err := netlink.RouteAdd(&netlink.Route{LinkIndex: l.Attrs().Index, Dst: dst}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Close)
	return n
}

// TestAnyAddress connects to several of the network's addresses of both families: each connection has the address that it was for,
// and the one that it is from.
func TestAnyAddress(t *testing.T) {
	host := newHost(t)
	n := open(t, host)
	l, err := n.Listen(80)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for to, from := range map[string]string{
		"240.0.0.5": "10.0.0.3", "240.255.255.254": "10.0.0.3", "fdc3:51d:a9fe:a9fe::5": "fd00::3", "fdc3:51d:a9fe:a9fe::ff:ffff": "fd00::3",
	} {
		var c net.Conn
		err := host.Do(func() (err error) {
			d := net.Dialer{Timeout: patience, LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
			c, err = d.Dial("tcp", net.JoinHostPort(to, "80"))
			return err
		})
		if err != nil {
			t.Errorf("from %s to %s: %v", from, to, err)
			continue
		}
		s, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if at, by := s.LocalAddr().(*net.TCPAddr).IP.String(), s.RemoteAddr().(*net.TCPAddr).IP.String(); at != to || by != from {
			t.Errorf("from %s to %s is accepted from %s at %s", from, to, by, at)
		}
		_, _ = io.WriteString(c, "question")
		c.(*net.TCPConn).CloseWrite()
		if text, err := io.ReadAll(s); string(text) != "question" || err != nil {
			t.Errorf("to %s: read %q, %v", to, text, err)
		}
		s.Close()
		c.Close()
	}
}

// TestNothingElse: another port, and the host's own sockets, are not reached; nor does the network reach the host by itself.
func TestNothingElse(t *testing.T) {
	host := newHost(t)
	open(t, host)
	err := host.Do(func() error {
		l, err := net.Listen("tcp", "10.0.0.3:80")
		if err != nil {
			return err
		}
		defer l.Close()
		d := net.Dialer{Timeout: 5 * time.Second}
		if c, err := d.Dial("tcp", "240.0.0.5:80"); err == nil {
			c.Close()
			t.Error("the host's own listener, or nothing, answers at an address of the network")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestOpenedAnew replaces the cable that an agent left behind.
func TestOpenedAnew(t *testing.T) {
	host := newHost(t)
	index := func() (index int) {
		err := host.Do(func() error {
			l, err := netlink.LinkByName(cable)
			if err == nil {
				index = l.Attrs().Index
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return index
	}
	open(t, host)
	before := index()
	open(t, host)
	if index() == before {
		t.Error("the cable is still that of the first network")
	}
}

// TestForeignInterface leaves alone what is no cable.
func TestForeignInterface(t *testing.T) {
	host := newHost(t)
	err := host.Do(func() error {
		if err := netlink.LinkAdd(&netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: cable}}); err != nil {
			return err
		}
		if n, err := stub.Open(stub.Config{Interface: cable, MAC: hw, Prefixes: prefixes}); err == nil {
			n.Close()
			t.Error("a bridge was replaced")
		}
		_, err := netlink.LinkByName(cable)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestGoneWhenClosed: nothing of it stays on the host.
func TestGoneWhenClosed(t *testing.T) {
	host := newHost(t)
	n := open(t, host)
	n.Close()
	deadline := time.Now().Add(patience)
	for {
		err := host.Do(func() error { _, err := netlink.LinkByName(cable); return err })
		if err != nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the cable is still there")
		}
		time.Sleep(20 * time.Millisecond)
	}
}
