package zookeeper

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"time"

	"github.com/go-zookeeper/zk"
)

const (
	// sessionTimeout is asked of the ensemble. Nothing here lives by a session; it sets how soon a silent server is noticed (two thirds
	// of it) and how often one is pinged. The default tickTime of 2 s allows 4 s and more.
	sessionTimeout = 6 * time.Second
	// silence is the longest wait for a server's answer. The client would wait 40 s for a server that accepts connections and is stopped.
	silence = 4 * time.Second
	// patience is how long a call outlasts an ensemble that does not answer. An election takes a few seconds.
	patience = 10 * time.Second
	// retryPause is the wait between two tries of a call that found no server.
	retryPause = 100 * time.Millisecond
)

var errClosed = errors.New("the network state database has been closed")

// do calls ZooKeeper, again and again while no server answers, for as long as patience lasts. fn must be one that may be repeated.
func do[T any](ctx context.Context, s *Store, fn func(*zk.Conn) (T, error)) (T, error) {
	for deadline := time.Now().Add(patience); ; {
		v, err := once(ctx, s, fn)
		if !lost(err) || time.Now().After(deadline) {
			return v, err
		}
		if err := pause(ctx, retryPause); err != nil {
			return v, err
		}
	}
}

// once calls ZooKeeper, whose client knows no contexts. A call that the context has cut off goes on by itself; what it gives is
// dropped.
func once[T any](ctx context.Context, s *Store, fn func(*zk.Conn) (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		v, err := fn(s.conn)
		done <- result{v, err}
	}()
	var none T
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		return none, ctx.Err()
	case <-s.closed.Done():
		return none, errClosed
	}
}

// lost reports whether err says that the connection was, so that it is not known what became of the call.
func lost(err error) bool {
	for _, known := range []error{zk.ErrConnectionClosed, zk.ErrNoServer, zk.ErrSessionExpired, zk.ErrSessionMoved, io.EOF} {
		if errors.Is(err, known) {
			return true
		}
	}
	var network net.Error
	return errors.As(err, &network) && !errors.Is(err, context.DeadlineExceeded)
}

// sync makes the server that this process is connected to catch up with the leader.
func (s *Store) sync(ctx context.Context) error {
	_, err := do(ctx, s, func(c *zk.Conn) (string, error) { return c.Sync(s.tree.head()) })
	if err != nil {
		return failure("reach the leader", err)
	}
	return nil
}

// read returns a node's data and state; found is false where there is no such node.
func (s *Store) read(ctx context.Context, path string) (data []byte, stat *zk.Stat, found bool, err error) {
	type node struct {
		data []byte
		stat *zk.Stat
	}
	n, err := do(ctx, s, func(c *zk.Conn) (node, error) {
		data, stat, err := c.Get(path)
		return node{data, stat}, err
	})
	if errors.Is(err, zk.ErrNoNode) {
		return nil, nil, false, nil
	}
	if err != nil {
		return nil, nil, false, failure("read "+path, err)
	}
	return n.data, n.stat, true, nil
}

// create makes a node. ErrNodeExists may mean that an earlier try, whose answer was lost, has made it.
func (s *Store) create(ctx context.Context, path string, data []byte) error {
	_, err := do(ctx, s, func(c *zk.Conn) (string, error) { return c.Create(path, data, 0, s.acl) })
	return err
}

// dialer connects with TLS if it is given a configuration. The client says only that it could not connect, so the reason is kept.
func (s *Store) dialer(config *tls.Config) zk.Dialer {
	return func(network, address string, timeout time.Duration) (net.Conn, error) {
		d := &net.Dialer{Timeout: timeout}
		var conn net.Conn
		var err error
		if config == nil {
			conn, err = d.Dial(network, address)
		} else {
			d.Timeout = silence // for the handshake as well
			conn, err = tls.DialWithDialer(d, network, address, config)
		}
		if err != nil {
			s.refusal.Store(&err)
			return nil, err
		}
		return impatient{conn}, nil
	}
}

// impatient is a connection on which no wait is longer than silence.
type impatient struct{ net.Conn }

func (c impatient) SetReadDeadline(t time.Time) error { return c.Conn.SetReadDeadline(soonest(t)) }

func (c impatient) SetWriteDeadline(t time.Time) error { return c.Conn.SetWriteDeadline(soonest(t)) }

// soonest leaves the zero time, which is no deadline, alone.
func soonest(t time.Time) time.Time {
	if limit := time.Now().Add(silence); t.After(limit) {
		return limit
	}
	return t
}

// logger passes on what the client has to say. All of it is about connections that come and go, which it repairs itself.
type logger struct{ log *slog.Logger }

func (l logger) Printf(format string, args ...any) {
	l.log.Debug("zookeeper: " + fmt.Sprintf(format, args...))
}
