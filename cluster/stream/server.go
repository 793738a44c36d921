package stream

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/cluster/nsdb/mirror"
	"midonet.org/midonet/cluster/stream/pki"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/topology"
	"midonet.org/midonet/topology/topologypb"
)

// LeaseTTL is how long a host that has fallen silent counts as alive, unless Config says otherwise.
const LeaseTTL = 10 * time.Second

// Limits that keep one host from taking the server's memory.
const (
	maxMessage       = 2 << 20 // octets of one request; a report has at most about so many
	maxCallsPerHost  = 64      // at a time, on one connection
	storeTimeout     = 5 * time.Second
	portGrace        = 2 * time.Second // how long a bind waits for its port
	handshakeTimeout = 10 * time.Second
	stopTimeout      = 2 * time.Second
)

// Config is what a Server needs.
type Config struct {
	Store     nsdb.Store
	Mirror    *mirror.Mirror // of Store; the caller runs it
	Authority *pki.Authority
	LeaseTTL  time.Duration // 0: the constant LeaseTTL
	// Behind reports whether Neutron has been told of something that the topology does not have yet; nil: never.
	Behind func(context.Context) (bool, error)
	Log    *slog.Logger
}

// Server serves topologypb.Stream.
type Server struct {
	topologypb.UnimplementedStreamServer
	Config
	feed     *feed
	ready    chan struct{} // closed when the feed has the first state
	stopping chan struct{}

	mu       sync.Mutex
	sessions map[topology.HostID]*session
	counts   map[topology.HostID]counted
}

// New returns a server that is not running yet.
func New(c Config) *Server {
	if c.LeaseTTL == 0 {
		c.LeaseTTL = LeaseTTL
	}
	return &Server{Config: c, feed: newFeed(c.Log), ready: make(chan struct{}), stopping: make(chan struct{}),
		sessions: map[topology.HostID]*session{}, counts: map[topology.HostID]counted{}}
}

// Run serves on the listeners until ctx ends or one of them fails, and closes them. It may be called once.
func (s *Server) Run(ctx context.Context, listeners ...net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	server := s.grpcServer()
	failed := make(chan error, len(listeners))
	var running sync.WaitGroup
	running.Go(func() { s.follow(ctx) })
	for _, l := range listeners {
		running.Go(func() { failed <- server.Serve(l) })
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	cancel()
	close(s.stopping)
	force := time.AfterFunc(stopTimeout, server.Stop)
	server.GracefulStop()
	force.Stop()
	running.Wait()
	return err
}

func (s *Server) grpcServer() *grpc.Server {
	server := grpc.NewServer(
		grpc.Creds(newDoor(credentials.NewTLS(s.Authority.TLS()), maxStrangers)),
		grpc.UnaryInterceptor(s.authenticateCall),
		grpc.StreamInterceptor(s.authenticateStream),
		grpc.MaxRecvMsgSize(maxMessage),
		grpc.MaxConcurrentStreams(maxCallsPerHost),
		grpc.ConnectionTimeout(handshakeTimeout),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: 10 * time.Second, Timeout: 5 * time.Second, MaxConnectionIdle: idleTime}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: time.Second, PermitWithoutStream: true}),
	)
	topologypb.RegisterStreamServer(server, s)
	return server
}

// follow runs the feed once the mirror has its first state.
func (s *Server) follow(ctx context.Context) {
	select {
	case <-s.Mirror.Ready():
	case <-ctx.Done():
		return
	}
	s.feed.run(ctx, s.Mirror, func() { close(s.ready) })
}

// awaitReady waits until the server knows the topology.
func (s *Server) awaitReady(ctx context.Context) error {
	select {
	case <-s.ready:
		return nil
	case <-s.stopping:
		return errStopping
	case <-ctx.Done():
		return errs.New(errs.Unavailable, "NotReady", "the cluster is still reading the topology").Wrap(ctx.Err())
	}
}

var errStopping = errs.New(errs.Unavailable, "Stopping", "the cluster's server is stopping")

// unavailable turns an error of the store into one that a host may see.
func unavailable(err error) error {
	var known *errs.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	return errs.New(errs.Unavailable, "StoreUnavailable", "the network state database did not take the change; try again").Wrap(err)
}
