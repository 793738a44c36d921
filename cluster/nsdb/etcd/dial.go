package etcd

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap/zapcore"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"

	"midonet.org/midonet/errs"
)

// Remote says how to reach an etcd cluster of its own.
type Remote struct {
	Endpoints []string    // URLs such as https://10.0.0.1:2379, several members
	RootKey   string      // what all keys begin with, such as /midonet
	TLS       *tls.Config // nil: as the URLs' scheme says, with the system's authorities
	Username  string      // empty: no authentication
	Password  string
	Log       *slog.Logger
}

// dialTimeout bounds the first contact with each member.
const dialTimeout = 5 * time.Second

// reconnecting is how a member that is away is tried. gRPC itself would come to pauses of two minutes, for which a cluster that is back would go on to
// be away for us.
var reconnecting = grpc.ConnectParams{
	Backoff:           backoff.Config{BaseDelay: time.Second, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 4 * time.Second},
	MinConnectTimeout: dialTimeout,
}

// Dial opens the network state database in an etcd cluster, and makes sure that it answers. The cluster's --max-txn-ops and
// --max-request-bytes may not be less than etcd's defaults.
func Dial(ctx context.Context, r Remote) (*Store, error) {
	client, err := clientv3.New(clientv3.Config{
		Endpoints:            r.Endpoints,
		TLS:                  r.TLS,
		Username:             r.Username,
		Password:             r.Password,
		DialTimeout:          dialTimeout,
		DialKeepAliveTime:    10 * time.Second,
		DialKeepAliveTimeout: answerTimeout,
		DialOptions:          []grpc.DialOption{grpc.WithConnectParams(reconnecting)},
		Logger:               zapTo(r.Log, zapcore.WarnLevel, slog.LevelDebug),
	})
	if err != nil {
		return nil, r.unusable(err)
	}
	s := newStore(client, r.RootKey, client.Close)
	s.remote, s.members = true, strings.Join(r.Endpoints, ", ")
	if _, err := s.get(ctx, answerTimeout, string(s.root), clientv3.WithCountOnly(), clientv3.WithPrefix()); err != nil {
		s.Close()
		return nil, r.unusable(r.reason(ctx, err))
	}
	return s, nil
}

// reason returns why a member cannot be connected to, if so. The client says of that only that the time has passed.
func (r Remote) reason(ctx context.Context, err error) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	for _, endpoint := range r.Endpoints {
		u, parseErr := url.Parse(endpoint)
		if parseErr != nil {
			return parseErr
		}
		dial := new(net.Dialer).DialContext
		if u.Scheme == "https" {
			dial = (&tls.Dialer{Config: r.TLS}).DialContext
		}
		conn, dialErr := dial(ctx, "tcp", u.Host)
		if dialErr != nil {
			return dialErr
		}
		conn.Close()
	}
	return err
}

func (r Remote) unusable(err error) error {
	return errs.New(errs.Unavailable, "StoreUnavailable", "etcd at %s cannot be used", strings.Join(r.Endpoints, ", ")).Wrap(err)
}
