package stream_test

import (
	"crypto/tls"
	"net"
	"path/filepath"
	"testing"

	"google.golang.org/grpc/credentials"

	"midonet.org/midonet/cluster/stream"
	"midonet.org/midonet/cluster/stream/pki"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/id"
	"midonet.org/midonet/topology"
)

// TestStrangersHaveSoMuchRoom fills the room of those without a certificate: the next is not let in, hosts are, and there is room again when one
// of them goes, once.
func TestStrangersHaveSoMuchRoom(t *testing.T) {
	authority, err := pki.Open(filepath.Join(t.TempDir(), "pki"))
	check(t, err)
	door := stream.NewDoor(credentials.NewTLS(authority.TLS()), 2)
	stranger := clientTLS(authority)
	host := clientTLS(authority, certificate(t, authority, id.New[topology.Host]()))

	first, second := enter(t, door, stranger), enter(t, door, stranger)
	if _, err := handshake(t, door, stranger); !errs.Is(err, errs.Unavailable) {
		t.Errorf("a third stranger: %v", err)
	}
	enter(t, door, host).Close()
	enter(t, door, host)
	first.Close()
	first.Close()
	enter(t, door, stranger)
	if _, err := handshake(t, door, stranger); !errs.Is(err, errs.Unavailable) {
		t.Errorf("two strangers are in where one has gone: %v", err)
	}
	second.Close()
	enter(t, door, stranger)
}

// enter is a handshake that must succeed.
func enter(t *testing.T, d stream.Door, client *tls.Config) net.Conn {
	t.Helper()
	conn, err := handshake(t, d, client)
	check(t, err)
	return conn
}

// handshake has a client come to the door, and returns the server's end.
func handshake(t *testing.T, d stream.Door, client *tls.Config) (net.Conn, error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	defer l.Close()
	there, err := net.Dial("tcp", l.Addr().String())
	check(t, err)
	t.Cleanup(func() { there.Close() })
	go tls.Client(there, client).Handshake() // the server's end says how it went
	here, err := l.Accept()
	check(t, err)
	t.Cleanup(func() { here.Close() })
	conn, _, err := d.ServerHandshake(here)
	return conn, err
}
