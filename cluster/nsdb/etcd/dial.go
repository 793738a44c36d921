package etcd

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap/zapcore"
)

// Remote says how to reach an etcd cluster of its own.
type Remote struct {
	Endpoints []string    // URLs such as https://10.0.0.1:2379, several members
	TLS       *tls.Config // nil: as the URLs' scheme says, with the system's authorities
	Username  string      // empty: no authentication
	Password  string
	Log       *slog.Logger
}

// dialTimeout bounds the first contact with each member.
const dialTimeout = 5 * time.Second

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
		DialKeepAliveTimeout: 5 * time.Second,
		Logger:               zapTo(r.Log, zapcore.WarnLevel),
	})
	if err != nil {
		return nil, fmt.Errorf("etcd at %s: %w", strings.Join(r.Endpoints, ", "), err)
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	if _, err := client.Get(ctx, root, clientv3.WithCountOnly(), clientv3.WithPrefix()); err != nil {
		client.Close()
		return nil, fmt.Errorf("etcd at %s does not answer: %w", strings.Join(r.Endpoints, ", "), err)
	}
	return newStore(client, client.Close), nil
}
