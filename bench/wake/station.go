package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/vishvananda/netns"
	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
)

// station is a namespace with one interface, whose other end is to be plugged into a network.
type station struct {
	namespace, outer string
	mac              string
	address, peer    string
	socket           *icmp.PacketConn
}

// newStation makes the namespace with its address and a socket to ping from. Its kernel asks again for a neighbour after 5 ms rather
// than a second, since the ping is meant to find the network and not a timer.
func newStation(round int, address, peer string) (*station, error) {
	s := &station{namespace: fmt.Sprintf("mnb-wake%d", round), outer: fmt.Sprintf("mnbw%d", round),
		mac: fmt.Sprintf("02:77:00:00:00:%02x", round), address: address, peer: peer}
	err := commands(
		"ip netns add "+s.namespace,
		fmt.Sprintf("ip link add %s type veth peer name eth0 netns %s address %s", s.outer, s.namespace, s.mac),
		fmt.Sprintf("ip -n %s address add %s/16 dev eth0", s.namespace, s.address),
		fmt.Sprintf("ip -n %s link set dev eth0 up mtu 1450", s.namespace),
		fmt.Sprintf("ip -n %s ntable change name arp_cache dev eth0 retrans 5", s.namespace),
	)
	if err == nil {
		err = s.openSocket()
	}
	if err != nil {
		s.remove()
		return nil, err
	}
	return s, nil
}

// openSocket opens the ping socket inside the namespace; it stays there whatever the thread does later.
func (s *station) openSocket() error {
	result := make(chan error)
	go func() {
		runtime.LockOSThread() // not unlocked: the thread ends with the goroutine, and with it its namespace
		ns, err := netns.GetFromName(s.namespace)
		if err == nil {
			err = netns.Set(ns)
			ns.Close()
		}
		if err == nil {
			s.socket, err = icmp.ListenPacket("ip4:icmp", s.address)
		}
		result <- err
	}()
	return <-result
}

// moveOuterTo puts the outer end into a namespace and sets it up.
func (s *station) moveOuterTo(namespace string) error {
	return commands(fmt.Sprintf("ip link set dev %s netns %s", s.outer, namespace), fmt.Sprintf("ip -n %s link set dev %s up", namespace, s.outer))
}

// awaitPing sends an echo request every half millisecond until one is answered.
func (s *station) awaitPing() error {
	answered := make(chan error, 1)
	go func() {
		buf := make([]byte, 1500)
		for {
			n, _, err := s.socket.ReadFrom(buf)
			if err != nil {
				answered <- err
				return
			}
			if m, err := icmp.ParseMessage(1, buf[:n]); err == nil && m.Type == ipv4.ICMPTypeEchoReply {
				answered <- nil
				return
			}
		}
	}()
	deadline := time.After(10 * time.Second)
	to := &net.IPAddr{IP: netip.MustParseAddr(s.peer).AsSlice()}
	for sequence := 0; ; sequence++ {
		request := icmp.Message{Type: ipv4.ICMPTypeEcho, Body: &icmp.Echo{ID: 1, Seq: sequence & 0xffff}}
		frame, err := request.Marshal(nil)
		if err != nil {
			return err
		}
		_, _ = s.socket.WriteTo(frame, to) // an unreachable neighbour is what is waited for
		select {
		case err := <-answered:
			return err
		case <-deadline:
			return errors.New("no ping was answered within ten seconds")
		case <-time.After(500 * time.Microsecond):
		}
	}
}

func (s *station) remove() {
	if s.socket != nil {
		s.socket.Close()
	}
	_ = commands("ip netns delete " + s.namespace) // the interfaces go with it
}

// commands runs each line; blanks separate the words.
func commands(lines ...string) error {
	for _, line := range lines {
		words := strings.Fields(line)
		if out, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", line, err, strings.TrimSpace(string(out)))
		}
	}
	return nil
}
