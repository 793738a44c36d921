package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// icmpProto is what the two versions of ICMP differ in.
type icmpProto struct {
	network, listen string
	number          int // of the protocol, for icmp.ParseMessage
	request, reply  icmp.Type
}

var (
	icmp4 = icmpProto{"ip4:icmp", "0.0.0.0", 1, ipv4.ICMPTypeEcho, ipv4.ICMPTypeEchoReply}
	icmp6 = icmpProto{"ip6:ipv6-icmp", "::", 58, ipv6.ICMPTypeEchoRequest, ipv6.ICMPTypeEchoReply}
)

// Ping sends one ICMP echo request from the workload to the address and returns the time until the reply. Several calls from one
// workload may run at once, each with a sequence number of its own.
func (s *Sandbox) Ping(ctx context.Context, workload string, to netip.Addr, sequence uint16) (time.Duration, error) {
	return pingFrom(ctx, s.workloadNamespace(workload), to, sequence)
}

func pingFrom(ctx context.Context, namespace string, to netip.Addr, sequence uint16) (time.Duration, error) {
	proto := icmp4
	if to.Is6() {
		proto = icmp6
	}
	var conn *icmp.PacketConn
	err := InNamespace(namespace, func() error {
		var err error
		conn, err = icmp.ListenPacket(proto.network, proto.listen)
		return err
	})
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.SetDeadline(time.Now()) })()
	took, err := proto.echo(conn, to, sequence)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = fmt.Errorf("no answer from %s", to)
	}
	return took, err
}

func (p icmpProto) echo(conn *icmp.PacketConn, to netip.Addr, sequence uint16) (time.Duration, error) {
	body := &icmp.Echo{ID: os.Getpid() & 0xffff, Seq: int(sequence), Data: []byte("midonet sandbox")}
	request, err := (&icmp.Message{Type: p.request, Body: body}).Marshal(nil)
	if err != nil {
		return 0, err
	}
	start := time.Now()
	if _, err := conn.WriteTo(request, &net.IPAddr{IP: to.AsSlice()}); err != nil {
		return 0, err
	}
	buf := make([]byte, 1500)
	for {
		n, _, err := conn.ReadFrom(buf)
		if err != nil {
			return 0, err
		}
		if p.answers(buf[:n], body) {
			return time.Since(start), nil
		}
	}
}

// answers reports whether the message is the reply to the request with the given body.
func (p icmpProto) answers(message []byte, request *icmp.Echo) bool {
	m, err := icmp.ParseMessage(p.number, message)
	if err != nil || m.Type != p.reply {
		return false
	}
	echo, ok := m.Body.(*icmp.Echo)
	return ok && echo.ID == request.ID && echo.Seq == request.Seq
}
