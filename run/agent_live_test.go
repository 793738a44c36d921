package run

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"midonet.org/midonet/agent/worker"
	"midonet.org/midonet/errs"
)

// echoPort is the UDP port that guests answer on.
const echoPort = 7

// numbered is the length of a numbered datagram.
const numbered = 8

// answer has the guest return every datagram until the test ends.
func (g *guest) answer() {
	g.t.Helper()
	var conn *net.UDPConn
	g.do(func() (err error) {
		conn, err = net.ListenUDP("udp", &net.UDPAddr{Port: echoPort})
		if err != nil {
			return err
		}
		return roomy(conn)
	})
	g.t.Cleanup(func() { conn.Close() })
	go func() {
		for buf := make([]byte, 64); ; {
			n, from, err := conn.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			_, _ = conn.WriteToUDPAddrPort(buf[:n], from) // the sender counts what does not come back
		}
	}()
}

// traffic is a flow of numbered datagrams and their echoes.
type traffic struct {
	sent, answered atomic.Uint64
	stop           func()
}

// roomy has the kernel keep what has come for as long as the test is not let run: a minute of talk.
func roomy(conn *net.UDPConn) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) { failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 64<<20) })
	return errors.Join(err, failed)
}

// dial connects the guest to another one's echo.
func (g *guest) dial(to *guest) *net.UDPConn {
	g.t.Helper()
	var conn *net.UDPConn
	g.do(func() (err error) {
		conn, err = net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(to.addr, echoPort)))
		if err != nil {
			return err
		}
		return roomy(conn)
	})
	g.t.Cleanup(func() { conn.Close() })
	return conn
}

// greet waits for an answer: then neither a neighbour's address is looked for, nor a flow made, for what follows.
func (c *cloud) greet(conn *net.UDPConn) {
	c.t.Helper()
	eventually(c.t, "a greeting is answered", func() bool {
		if _, err := conn.Write([]byte("?")); err != nil {
			return false
		}
		check(c.t, conn.SetReadDeadline(time.Now().Add(200*time.Millisecond)))
		_, err := conn.Read(make([]byte, 64))
		return err == nil
	})
	check(c.t, conn.SetReadDeadline(time.Time{}))
}

// talk sends until stop is called, one datagram every 2 ms.
func talk(conn *net.UDPConn) *traffic {
	flow, ended := &traffic{}, make(chan struct{})
	quit := make(chan struct{})
	go func() {
		for buf := make([]byte, 64); ; {
			n, err := conn.Read(buf)
			if err != nil {
				return
			}
			if n == numbered { // no late answer to a greeting
				flow.answered.Add(1)
			}
		}
	}()
	go func() {
		defer close(ended)
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-quit:
				return
			case <-tick.C:
				if _, err := conn.Write(binary.BigEndian.AppendUint64(nil, flow.sent.Load())); err == nil {
					flow.sent.Add(1)
				}
			}
		}
	}()
	flow.stop = func() {
		close(quit)
		<-ended
	}
	return flow
}

// walks traces a packet of the guest and looks for words in the walk, or in the reason why there is none.
func (c *cloud) walks(from *guest, description string, words ...string) {
	c.t.Helper()
	var out strings.Builder
	if err := Trace(c.t.Context(), TraceConfig{StateDir: c.dir, Port: from.id, Packet: strings.Fields(description)}, &out); err != nil {
		out.WriteString(err.Error())
	}
	for _, word := range words {
		if !strings.Contains(out.String(), word) {
			c.t.Errorf("%s: the walk lacks %q:\n%s", description, word, out.String())
		}
	}
}

// TestAgentsOfTwoHosts goes through a port's life with a real server and real agents in one process: bound, ACTIVE, reached from the
// other host, its agent started again under traffic, its interface down, DOWN, unbound.
func TestAgentsOfTwoHosts(t *testing.T) {
	c := newCloud(t)
	network := post(t, c.url+"/v2.0/networks", `{"network": {"name": "blue"}}`)
	post(t, c.url+"/v2.0/subnets", `{"subnet": {"network_id": "`+network+`", "ip_version": 4, "cidr": "10.0.0.0/24"}}`)
	a, b := c.boot(c.hosts[0], network), c.boot(c.hosts[1], network)
	c.becomes(a, "ACTIVE")
	c.becomes(b, "ACTIVE")

	c.walks(a, "icmp "+a.addr.String()+" to "+b.addr.String(), "through the tunnel to 192.0.2.2 with key", "host2", b.tap+", for port")
	c.walks(a, "icmp "+a.addr.String()+" to 10.0.0.255", "is a group address", b.tap)
	c.walks(a, "udp "+a.addr.String()+":68 to 255.255.255.255:9", "is a group address", b.tap)
	c.walks(a, "icmp "+a.addr.String()+" to 192.0.2.200", "10.0.0.1 (the gateway, to reach 192.0.2.200)",
		"arp "+a.addr.String()+" to 10.0.0.1")

	for _, needed := range []string{"lo", "underlay"} {
		err := a.host.control().Bind(t.Context(), a.port, needed)
		if !errs.Is(err, errs.Conflict) || !strings.Contains(err.Error(), "cut the host off") {
			t.Errorf("binding %s: %v, want it refused as needed by the host", needed, err)
		}
	}

	b.answer()
	conn := a.dial(b)
	c.greet(conn)
	flow := talk(conn)
	eventually(t, "echoes come back", func() bool { return flow.answered.Load() > 100 })

	var before [2]worker.Status // a packet to all may come to a host before its port is plugged in
	for i, h := range c.hosts {
		before[i] = h.status().Packets
		h.stop()
		h.start()
	}
	eventually(t, "flows are adopted", func() bool {
		return !slices.ContainsFunc(c.hosts, func(h *labHost) bool { return h.status().Packets.Flows == 0 })
	})
	flow.stop()
	lost := func() uint64 { return flow.sent.Load() - flow.answered.Load() }
	eventually(t, "every datagram is answered across the agents' restarts", func() bool { return lost() == 0 })
	for i, h := range c.hosts {
		s := h.status().Packets
		if s.TunnelUnknown > before[i].TunnelUnknown || s.Errors > before[i].Errors {
			t.Errorf("%s has errors: %+v", h.config.HostName, s)
		}
	}
	c.becomes(a, "ACTIVE")

	b.host.do(func() error { return setDown(b.tap) })
	c.becomes(b, "DOWN")
	c.walks(a, "icmp "+a.addr.String()+" to "+b.addr.String(), "through the tunnel", "which is not reported to be up")

	check(t, b.host.control().Unbind(t.Context(), b.port))
	eventually(t, "the port is unplugged", func() bool { return len(b.host.status().Packets.Ports) == 0 })
	answered := flow.answered.Load()
	late := talk(a.dial(b))
	eventually(t, "datagrams leave", func() bool { return late.sent.Load() > 50 })
	late.stop()
	if late.answered.Load() > 0 || flow.answered.Load() != answered {
		t.Error("an unbound port answered")
	}
	c.becomes(a, "ACTIVE")
}
