package stream

import (
	"net"
	"sync"
	"time"

	"google.golang.org/grpc/credentials"

	"midonet.org/midonet/errs"
)

// Bounds on connections of strangers, who have shown no certificate: hosts that join, and whoever else reaches the port. Together they let a
// stranger that does nothing keep others from joining for idleTime at most, and hosts that have joined from nothing.
const (
	maxStrangers = 256
	idleTime     = 30 * time.Second // how long a connection may be without a call; a host's always has one
)

// door is the server's side of TLS with a bound on strangers.
type door struct {
	credentials.TransportCredentials
	room chan struct{} // a token for each stranger that is in
}

func newDoor(tls credentials.TransportCredentials, strangers int) door {
	return door{tls, make(chan struct{}, strangers)}
}

// ServerHandshake implements credentials.TransportCredentials.
func (d door) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, info, err := d.TransportCredentials.ServerHandshake(raw)
	if err != nil || hasCertificate(info) {
		return conn, info, err
	}
	select {
	case d.room <- struct{}{}:
		return &stranger{Conn: conn, leave: sync.OnceFunc(func() { <-d.room })}, info, nil
	default:
		conn.Close()
		return nil, nil, errs.New(errs.Unavailable, "TooManyStrangers", "%d connections without a certificate are open", cap(d.room))
	}
}

// hasCertificate reports whether a caller has shown a certificate, which TLS has verified then.
func hasCertificate(info credentials.AuthInfo) bool {
	tls, ok := info.(credentials.TLSInfo)
	return ok && len(tls.State.VerifiedChains) > 0
}

// stranger is a connection that makes room when it is closed.
type stranger struct {
	net.Conn
	leave func()
}

func (s *stranger) Close() error {
	defer s.leave()
	return s.Conn.Close()
}
