package metadata

import (
	"net"
	"net/netip"
	"sync"
)

// maxPerClient is how many connections a client may have at a time: cloud-init uses one or two.
const maxPerClient = 16

// limiter lets each client have so many connections, and closes what comes beyond.
type limiter struct {
	net.Listener
	counts *counts

	mu   sync.Mutex
	open map[netip.Addr]int // by the address that the client reaches the service at, IPv4 and IPv6 apart
}

func newLimiter(l net.Listener, c *counts) *limiter {
	return &limiter{Listener: l, counts: c, open: map[netip.Addr]int{}}
}

// Accept is of net.Listener.
func (l *limiter) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		client := addrOf(c.LocalAddr())
		if l.enter(client) {
			return &limited{Conn: c, leave: sync.OnceFunc(func() { l.leave(client) })}, nil
		}
		l.counts.refused.Add(1)
		if t, ok := c.(*net.TCPConn); ok {
			t.SetLinger(0) // nothing is to be remembered of it
		}
		c.Close()
	}
}

func (l *limiter) enter(client netip.Addr) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[client] >= maxPerClient {
		return false
	}
	l.open[client]++
	l.counts.connections.Add(1)
	return true
}

func (l *limiter) leave(client netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[client]--; l.open[client] == 0 {
		delete(l.open, client)
	}
	l.counts.connections.Add(-1)
}

// limited is a connection that counts until it is closed.
type limited struct {
	net.Conn
	leave func()
}

// Close is of net.Conn.
func (c *limited) Close() error {
	defer c.leave()
	return c.Conn.Close()
}
