package e2e

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
)

// fewPackets are more than the kernel of a workload says unasked: of its multicast groups, and solicitations of routers.
const fewPackets = 20

// TestTcpdump captures a port while its workload exchanges packets within its host, where delivery otherwise goes past every packet
// socket, and with another host.
func TestTcpdump(t *testing.T) {
	t.Parallel()
	c := startCloud(t, 2)
	network := c.makeNetwork("blue", false, "10.40.0.0/24")
	a := c.workload("a", "host1", network)
	b := c.workload("b", "host1", network)
	far := c.workload("far", "host2", network)
	b.pings(a.ip4()) // flows are installed before the capture begins

	for _, other := range []workload{b, far} {
		c.scenario("both directions, with "+other.name, func(t *testing.T) {
			file := filepath.Join(c.dir, "with-"+other.name+".pcap")
			ends := c.captures(a.port.ID, file)
			if out, err := output(other.command("ping", "-n", "-c", "3", "-i", "0.2", a.ip4())); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
			want := map[string]int{"request": 3, "reply": 3}
			counted := func(all []gopacket.Packet) map[string]int { return echoes(all, other.ip4(), a.ip4()) }
			if got := counted(ends(func(all []gopacket.Packet) bool { return maps.Equal(counted(all), want) })); !maps.Equal(got, want) {
				t.Errorf("the capture has %v, want %v", got, want)
			}
		})
	}
	c.scenario("a capture of a few packets ends by itself, and prints them", func(t *testing.T) {
		cmd := c.tcpdump("host1", "-c", strconv.Itoa(fewPackets), "a")
		pings := a.keepsPinging(b.ip4())
		out, err := output(cmd)
		pings()
		if err != nil || strings.Count(out, "\n") != fewPackets || !strings.Contains(out, " icmp "+a.ip4()+" > "+b.ip4()+" echo request ") {
			t.Errorf("%v:\n%s", err, out)
		}
	})
	c.scenario("another host's port is named with its host, and no port is refused", func(t *testing.T) {
		for _, refused := range [][2]string{{far.port.ID[:8], "host2"}, {"nobody", "no port"}} {
			if out, err := output(c.tcpdump("host1", "-c", "1", refused[0])); err == nil || !strings.Contains(out, refused[1]) {
				t.Errorf("%s: %v: %s", refused[0], err, out)
			}
		}
	})
	b.pings(a.ip4()) // and what was delivered in another way meanwhile goes on
	c.scenario("connections that the flow cache begins by itself, of both families", func(t *testing.T) {
		green := c.securedNetwork("green", "10.41.0.0/24", "fd00:41::/64")
		client, server := c.workload("client", "host1", green), c.workload("server", "host1", green)
		server.serves("tcp-echo", "5001")
		begun := func() float64 { return c.counted("host1", "midonet_agent_connections_begun_total") }
		for family, address := range map[string]string{"IPv4": server.ip4(), "IPv6": server.ip6()} {
			address := net.JoinHostPort(address, "5001")
			c.eventually("it begins one, "+family, func() error {
				before := begun()
				if out, err := output(client.tool("tcp-try", address)); err != nil || begun() == before {
					return fmt.Errorf("none: %v %s", err, out)
				}
				return nil
			})
			file := filepath.Join(c.dir, family+".pcap")
			ends := c.captures(server.port.ID, file)
			before := begun()
			const connections = 5
			for range connections {
				if out, err := output(client.tool("tcp-try", address, patience.String())); err != nil {
					t.Errorf("%v %s", err, out)
				}
			}
			want := map[string]int{"SYN": connections, "SYN, ACK": connections}
			all := ends(func(all []gopacket.Packet) bool { return maps.Equal(openings(all), want) })
			c.eventually(family+": the agent hears of one", func() error { // not of the first: with the capture another delivery began
				if begun() == before {
					return fmt.Errorf("the flow cache has begun none of %d", connections)
				}
				return nil
			})
			if got := openings(all); !maps.Equal(got, want) {
				t.Errorf("%s: the capture has %v of %d connections", family, got, connections)
			}
			seen := map[string]bool{}
			for _, p := range all {
				if p.Layer(layers.LayerTypeTCP) != nil && seen[string(p.Data())] { // one that is sent again has another time stamp
					t.Errorf("%s: the capture has this twice: %v", family, p)
				}
				seen[string(p.Data())] = true
			}
		}
	})
}

// tcpdump is `midonet tcpdump` on a host.
func (c *cloud) tcpdump(host string, args ...string) *exec.Cmd {
	socket := filepath.Join(c.dir, "sandbox", host, "agent.sock")
	return exec.Command(filepath.Join(binDir, "midonet"), append([]string{"tcpdump", "--socket", socket}, args...)...)
}

// captures starts a capture of a port of host1 into the file, and returns when it listens. The function that it returns interrupts
// it when what it has is enough and the file has not grown for a moment, and returns all that it has.
func (c *cloud) captures(port, file string) (ends func(enough func([]gopacket.Packet) bool) []gopacket.Packet) {
	c.t.Helper()
	cmd := c.tcpdump("host1", "-w", file, port)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	size := func() int64 {
		info, err := os.Stat(file)
		if err != nil {
			return 0
		}
		return info.Size()
	}
	c.eventually("the capture listens", func() error {
		if size() == 0 {
			return errors.New("no file head")
		}
		return nil
	})
	return func(enough func([]gopacket.Packet) bool) []gopacket.Packet {
		c.t.Helper()
		var before int64
		same := 0
		c.eventually("the capture has written all", func() error {
			if all, err := captured(file); !enough(all) {
				return fmt.Errorf("it has %d packets, %v", len(all), err)
			}
			if now := size(); now != before {
				before, same = now, 0
			} else {
				same++
			}
			if same < 10 {
				return errors.New("the file grows")
			}
			return nil
		})
		if err := errors.Join(cmd.Process.Signal(syscall.SIGINT), cmd.Wait()); err != nil {
			c.t.Error(err)
		}
		all, err := captured(file)
		if err != nil {
			c.t.Error(err)
		}
		return all
	}
}

// echoes counts the ICMP echo requests from one address to another, and their replies.
func echoes(all []gopacket.Packet, from, to string) map[string]int {
	n := map[string]int{}
	for _, p := range all {
		ip, isIP := p.Layer(layers.LayerTypeIPv4).(*layers.IPv4)
		icmp, isICMP := p.Layer(layers.LayerTypeICMPv4).(*layers.ICMPv4)
		switch {
		case !isIP || !isICMP:
		case icmp.TypeCode.Type() == layers.ICMPv4TypeEchoRequest && ip.SrcIP.Equal(net.ParseIP(from)) && ip.DstIP.Equal(net.ParseIP(to)):
			n["request"]++
		case icmp.TypeCode.Type() == layers.ICMPv4TypeEchoReply && ip.SrcIP.Equal(net.ParseIP(to)) && ip.DstIP.Equal(net.ParseIP(from)):
			n["reply"]++
		}
	}
	return n
}

// openings counts the TCP connections that are asked for, and those that are agreed to: who hears nothing for a second asks again.
func openings(all []gopacket.Packet) map[string]int {
	type connection struct {
		flags    string
		src, dst layers.TCPPort
	}
	seen, n := map[connection]bool{}, map[string]int{}
	for _, p := range all {
		tcp, isTCP := p.Layer(layers.LayerTypeTCP).(*layers.TCP)
		if !isTCP || !tcp.SYN {
			continue
		}
		one := connection{"SYN", tcp.SrcPort, tcp.DstPort}
		if tcp.ACK {
			one.flags = "SYN, ACK"
		}
		if !seen[one] {
			seen[one] = true
			n[one.flags]++
		}
	}
	return n
}

// captured returns the whole packets in a pcap file.
func captured(file string) (all []gopacket.Packet, err error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	packets, err := pcapgo.NewReader(f)
	if err != nil {
		return nil, err
	}
	for {
		frame, _, err := packets.ReadPacketData()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		all = append(all, gopacket.NewPacket(frame, layers.LayerTypeEthernet, gopacket.Default))
	}
}

// TestTcpdumpIsReadByTcpdump has the original read what a capture wrote.
func TestTcpdumpIsReadByTcpdump(t *testing.T) {
	t.Parallel()
	needsProgram(t, "tcpdump")
	c := startCloud(t, 1)
	network := c.makeNetwork("blue", false, "10.41.0.0/24")
	a := c.workload("a", "host1", network)
	b := c.workload("b", "host1", network)
	file := filepath.Join(c.dir, "a.pcap")
	pings := a.keepsPinging(b.ip4())
	if out, err := output(c.tcpdump("host1", "-w", file, "-c", strconv.Itoa(fewPackets), a.port.ID)); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	pings()
	out, err := output(exec.Command("tcpdump", "-n", "-r", file))
	if err != nil || !strings.Contains(out, "IP "+a.ip4()+" > "+b.ip4()+": ICMP echo request") {
		t.Errorf("%v:\n%s", err, out)
	}
}
