package nova

import (
	"io"
	"net"
	"testing"

	"midonet.org/midonet/sandbox"
)

// relay listens at an address of loopback in a network namespace, until the test ends, and joins each connection to who listens at the same
// address here. So what runs on a host of the sandbox has the services of the cloud, and the cloud needs no address but loopback's.
func relay(t *testing.T, namespace, address string) {
	t.Helper()
	var l net.Listener
	err := sandbox.InNamespace(namespace, func() (err error) {
		l, err = net.Listen("tcp", address)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return // the test has ended
			}
			go join(conn, address)
		}
	}()
}

// join copies in both directions until both sides have nothing more to say.
func join(conn net.Conn, address string) {
	defer conn.Close()
	there, err := net.Dial("tcp", address)
	if err != nil {
		return // the other side sees the connection end, as it would without a relay
	}
	defer there.Close()
	done := make(chan struct{})
	pass := func(to, from net.Conn) {
		_, _ = io.Copy(to, from) // how a connection ends is its two sides' own affair
		to.(*net.TCPConn).CloseWrite()
		done <- struct{}{}
	}
	go pass(there, conn)
	go pass(conn, there)
	<-done
	<-done
}
