package e2e

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"midonet.org/midonet/agent/datapath"
)

// tunnelPort is the agents' default.
const tunnelPort = 6677

// How long the underlay keeps a state message, at most, and another copy of it. The first is in the order of a connection's first round trip.
const (
	keptMessage = 60 * time.Millisecond
	keptCopy    = 1500 * time.Millisecond
)

// disorderReport is what the disorder tool prints.
type disorderReport struct {
	Messages  int // that came
	Sent      int // on, all copies
	Overtaken int // copies sent on when one of a later message had been already
}

// disorder takes each state message that comes by the interface, and sends it back by it twice, each time late, until its standard input
// closes: disorder INTERFACE.
func disorder(args []string) error {
	socket, err := framesOf(args[0])
	if err != nil {
		return err
	}
	defer socket.Close()
	fmt.Println("ready")
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		_ = socket.SetReadDeadline(time.Now())
	}()
	var mu sync.Mutex
	var r disorderReport
	last := 0
	send := func(number int, frame []byte) {
		mu.Lock()
		defer mu.Unlock()
		if _, err := socket.Write(frame); err != nil {
			return // at the end
		}
		r.Sent++
		if number < last {
			r.Overtaken++
		}
		last = max(last, number)
	}
	for buf := make([]byte, 2048); ; {
		n, err := socket.Read(buf)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
		if err != nil {
			return err
		}
		frame := append([]byte(nil), buf[:n]...)
		if !isStateMessage(frame) {
			continue
		}
		mu.Lock()
		r.Messages++
		number := r.Messages
		mu.Unlock()
		time.AfterFunc(rand.N(keptMessage), func() { send(number, frame) })
		time.AfterFunc(rand.N(keptCopy), func() { send(number, frame) })
	}
	mu.Lock()
	defer mu.Unlock()
	return json.NewEncoder(os.Stdout).Encode(r)
}

// framesOf opens the interface for whole frames: to read those that come in by it, and to send.
func framesOf(name string) (*os.File, error) {
	link, err := net.InterfaceByName(name)
	if err != nil {
		return nil, err
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	socket := os.NewFile(uintptr(fd), name)
	all := uint16(unix.ETH_P_ALL<<8 | unix.ETH_P_ALL>>8)
	if err := errors.Join(unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1),
		unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: link.Index})); err != nil {
		socket.Close()
		return nil, err
	}
	return socket, nil
}

// isStateMessage reports whether the frame is a VXLAN packet over IPv4 with the tunnel key of state messages.
func isStateMessage(frame []byte) bool {
	const ip, vni = 14, 14 + 20 + 8 + 4
	return len(frame) > vni+4 && frame[ip] == 0x45 && frame[ip+9] == unix.IPPROTO_UDP && binary.BigEndian.Uint16(frame[ip+22:]) == tunnelPort &&
		binary.BigEndian.Uint32(frame[vni:])>>8 == datapath.StateTunnelKey
}

// disorders has the underlay deliver what the host tells others of connections late, twice and in another order. The function that it returns
// ends that, and says how often it happened.
func (c *cloud) disorders(host string) (ends func() disorderReport) {
	c.t.Helper()
	inside := []string{"ip", "netns", "exec", c.prefix() + "-underlay"}
	do := func(script string) {
		c.t.Helper()
		argv := append(inside, "sh", "-ec", strings.ReplaceAll(script, "HOST", host))
		if out, err := output(exec.Command(argv[0], argv[1:]...)); err != nil {
			c.t.Fatalf("the underlay of %s: %v\n%s", host, err, out)
		}
	}
	c.t.Cleanup(func() { do("tc qdisc delete dev to-HOST clsact; ip link delete late-HOST") })
	do(fmt.Sprintf(`ip link add late-HOST mtu 1600 type veth peer name again-HOST mtu 1600
		ip link set again-HOST master br0
		bridge link set dev again-HOST learning off flood off mcast_flood off bcast_flood off
		ip link set late-HOST up
		ip link set again-HOST up
		tc qdisc add dev to-HOST clsact
		tc filter add dev to-HOST ingress protocol ip u32 match ip protocol 17 0xff match ip dport %d 0xffff \
			match u32 %#x 0xffffff00 at 32 action mirred egress redirect dev again-HOST`, tunnelPort, datapath.StateTunnelKey<<8))
	argv := append(inside, os.Args[0], "late-"+host)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), trafficVariable+"=disorder")
	f := c.startFlow(cmd)
	return func() (r disorderReport) {
		c.t.Helper()
		if text := f.reports(); json.Unmarshal(text, &r) != nil {
			c.t.Fatalf("the disorder's report is %s", text)
		}
		c.t.Logf("of %s: %d state messages, %d sent on, %d overtaken", host, r.Messages, r.Sent, r.Overtaken)
		return r
	}
}
