package stream

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"

	"midonet.org/midonet/cluster/stream/pki"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/topology"
	"midonet.org/midonet/topology/topologypb"
)

// hostKey is the context key under which the calling host is kept.
type hostKey struct{}

// caller returns the host that makes the call. The interceptors below have put it there, for every method but Join.
func caller(ctx context.Context) topology.HostID { return ctx.Value(hostKey{}).(topology.HostID) }

// authenticateCall lets a call through when it comes from a host, or joins one, and gives failures their form on the wire. A host's call is
// made when the server knows the topology.
func (s *Server) authenticateCall(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if info.FullMethod != topologypb.Stream_Join_FullMethodName {
		host, err := s.identify(ctx)
		if err != nil {
			return nil, topologypb.ToStatus(err)
		}
		ctx = context.WithValue(ctx, hostKey{}, host)
	}
	reply, err := next(ctx, req)
	if err != nil && errs.KindOf(err) == errs.Internal && ctx.Err() == nil {
		s.Log.Error("call failed", "method", info.FullMethod, "error", err)
	}
	return reply, topologypb.ToStatus(err)
}

// authenticateStream is authenticateCall for Watch.
func (s *Server) authenticateStream(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	host, err := s.identify(stream.Context())
	if err != nil {
		return topologypb.ToStatus(err)
	}
	ctx := context.WithValue(stream.Context(), hostKey{}, host)
	return topologypb.ToStatus(next(srv, hostStream{stream, ctx}))
}

// hostStream is a stream whose context knows the host.
type hostStream struct {
	grpc.ServerStream
	ctx context.Context
}

func (s hostStream) Context() context.Context { return s.ctx }

// identify returns the host that the caller's certificate names, which must not have been taken back. TLS has verified the certificate if
// there is one.
func (s *Server) identify(ctx context.Context) (topology.HostID, error) {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return topology.HostID{}, errs.New(errs.Unauthorized, "NoCertificate", "the call has no peer")
	}
	if !hasCertificate(p.AuthInfo) {
		return topology.HostID{}, errs.New(errs.Unauthorized, "NoCertificate",
			"this call needs the certificate that a host gets when it joins")
	}
	certificate := p.AuthInfo.(credentials.TLSInfo).State.VerifiedChains[0][0]
	host, err := pki.HostOf(certificate)
	if err != nil {
		return topology.HostID{}, err
	}
	if err := s.awaitReady(ctx); err != nil {
		return topology.HostID{}, err
	}
	return host, s.checkRevoked(host, pki.Issued(certificate))
}
