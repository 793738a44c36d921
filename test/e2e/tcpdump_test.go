package e2e

import (
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
)

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
			other.pings(a.ip4())
			ends()
			requests, replies := echoes(t, file, other.ip4(), a.ip4())
			if requests != 3 || replies != 3 {
				t.Errorf("the capture has %d requests and %d replies of 3 pings", requests, replies)
			}
		})
	}
	c.scenario("a capture of a few packets ends by itself, and prints them", func(t *testing.T) {
		cmd := c.tcpdump("host1", "-c", "2", "a")
		pings := a.keepsPinging(b.ip4())
		out, err := output(cmd)
		pings()
		if err != nil || strings.Count(out, "\n") != 2 || !strings.Contains(out, " icmp "+a.ip4()+" > "+b.ip4()+" echo request ") {
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
}

// tcpdump is `midonet tcpdump` on a host.
func (c *cloud) tcpdump(host string, args ...string) *exec.Cmd {
	socket := filepath.Join(c.dir, "sandbox", host, "agent.sock")
	return exec.Command(filepath.Join(binDir, "midonet"), append([]string{"tcpdump", "--socket", socket}, args...)...)
}

// captures starts a capture of a port of host1 into the file, and returns when it listens. The function that it returns interrupts
// it when the file has not grown for a moment.
func (c *cloud) captures(port, file string) (ends func()) {
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
	c.eventually(5*time.Second, "the capture listens", func() error {
		if size() == 0 {
			return errors.New("no file head")
		}
		return nil
	})
	return func() {
		c.t.Helper()
		var before int64
		same := 0
		c.eventually(5*time.Second, "the capture has written all", func() error {
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
	}
}

// echoes counts the ICMP echo requests from one address to another and their replies in a pcap file.
func echoes(t *testing.T, file, from, to string) (requests, replies int) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	packets, err := pcapgo.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for {
		frame, _, err := packets.ReadPacketData()
		if errors.Is(err, io.EOF) {
			return requests, replies
		}
		if err != nil {
			t.Fatal(err)
		}
		p := gopacket.NewPacket(frame, layers.LayerTypeEthernet, gopacket.Default)
		ip, isIP := p.Layer(layers.LayerTypeIPv4).(*layers.IPv4)
		icmp, isICMP := p.Layer(layers.LayerTypeICMPv4).(*layers.ICMPv4)
		switch {
		case !isIP || !isICMP:
		case icmp.TypeCode.Type() == layers.ICMPv4TypeEchoRequest && ip.SrcIP.Equal(net.ParseIP(from)) && ip.DstIP.Equal(net.ParseIP(to)):
			requests++
		case icmp.TypeCode.Type() == layers.ICMPv4TypeEchoReply && ip.SrcIP.Equal(net.ParseIP(to)) && ip.DstIP.Equal(net.ParseIP(from)):
			replies++
		}
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
	if out, err := output(c.tcpdump("host1", "-w", file, "-c", "4", a.port.ID)); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	pings()
	out, err := output(exec.Command("tcpdump", "-n", "-r", file))
	if err != nil || !strings.Contains(out, "IP "+a.ip4()+" > "+b.ip4()+": ICMP echo request") {
		t.Errorf("%v:\n%s", err, out)
	}
}
