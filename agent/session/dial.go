package session

import (
	"context"
	"crypto/tls"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"

	"midonet.org/midonet/topology/topologypb"
)

// How eagerly a lost connection is made anew. The longest pause is well under a lease (cluster/stream.LeaseTTL, 10 s), so that a
// host finds a server that restarted before its ports are given up; it is what a bind may have to wait after that.
const (
	firstPause  = 100 * time.Millisecond
	longPause   = time.Second
	dialTimeout = 3 * time.Second
	// maxMessage is what the agent accepts in one message, octets. The cluster cuts its updates far smaller.
	maxMessage = 16 << 20
)

// dial returns a connection to the first of the addresses that answers. It is made when it is first used, and again when lost.
func dial(addresses []string, config *tls.Config) (*grpc.ClientConn, error) {
	var state resolver.State
	for _, a := range addresses {
		if _, _, err := topologypb.SplitAddress(a); err != nil {
			return nil, err
		}
		state.Addresses = append(state.Addresses, resolver.Address{Addr: a})
	}
	cluster := manual.NewBuilderWithScheme("midonet")
	cluster.InitialState(state)
	return grpc.NewClient("midonet:///cluster",
		grpc.WithResolvers(cluster),
		grpc.WithContextDialer(dialAddress),
		grpc.WithTransportCredentials(credentials.NewTLS(config)),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: firstPause, Multiplier: 1.6, Jitter: 0.2, MaxDelay: longPause},
			MinConnectTimeout: dialTimeout,
		}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 10 * time.Second, Timeout: 3 * time.Second}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage)),
		grpc.WithIdleTimeout(0),
	)
}

func dialAddress(ctx context.Context, address string) (net.Conn, error) {
	network, where, err := topologypb.SplitAddress(address)
	if err != nil {
		return nil, err
	}
	return new(net.Dialer).DialContext(ctx, network, where)
}
