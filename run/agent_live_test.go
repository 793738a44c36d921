package run

import (
	"encoding/binary"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"midonet.org/midonet/agent/worker"
	"midonet.org/midonet/errs"
)

// echoPort is the UDP port that guests answer on.
const echoPort = 7

// answer has the guest return every datagram until the test ends.
func (g *guest) answer() {
	g.t.Helper()
	var conn *net.UDPConn
	g.do(func() (err error) {
		conn, err = net.ListenUDP("udp", &net.UDPAddr{Port: echoPort})
		return err
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

// talk has the guest send to another one until stop is called, one datagram every 2 ms.
func (g *guest) talk(to *guest) *traffic {
	g.t.Helper()
	var conn *net.UDPConn
	g.do(func() (err error) {
		conn, err = net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(to.addr, echoPort)))
		return err
	})
	flow, ended := &traffic{}, make(chan struct{})
	quit := make(chan struct{})
	go func() {
		for buf := make([]byte, 64); ; {
			if _, err := conn.Read(buf); err != nil {
				return
			}
			flow.answered.Add(1)
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
	g.t.Cleanup(func() { conn.Close() })
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
	flow := a.talk(b)
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
	late := a.talk(b)
	eventually(t, "datagrams leave", func() bool { return late.sent.Load() > 50 })
	late.stop()
	if late.answered.Load() > 0 || flow.answered.Load() != answered {
		t.Error("an unbound port answered")
	}
	c.becomes(a, "ACTIVE")
}
