package stream

import (
	"context"
	"unicode/utf8"

	"midonet.org/midonet/cluster/nsdb/mirror"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/id"
	"midonet.org/midonet/topology"
	"midonet.org/midonet/topology/topologypb"
)

// maxName is the length that a host's name may have, octets (RFC 1035's limit for a domain name).
const maxName = 255

// Join implements topologypb.StreamServer. A host that is alive cannot be joined again: its identity is in use, and a token must
// not be enough to take it over.
func (s *Server) Join(ctx context.Context, req *topologypb.JoinRequest) (*topologypb.JoinReply, error) {
	host, err := hostID(req.GetHost())
	if err != nil {
		return nil, err
	}
	if err := checkName(req.GetHostName()); err != nil {
		return nil, err
	}
	if err := s.awaitReady(ctx); err != nil {
		return nil, err
	}
	if err := s.Authority.Redeem(req.GetSecret(), host, req.GetCsr()); err != nil {
		return nil, err
	}
	if s.alive(host) {
		return nil, errs.New(errs.Conflict, "HostAlive",
			"host %v is alive under this identity; stop its agent, wait for %v and join again", host, s.LeaseTTL)
	}
	cert, err := s.Authority.HostCertificate(host, req.GetCsr(), s.earliest(host))
	if err != nil {
		return nil, err
	}
	s.Log.Info("host joined", "host", host, "name", req.GetHostName())
	return &topologypb.JoinReply{Certificate: cert, Authority: s.Authority.Certificate().Raw}, nil
}

// Renew implements topologypb.StreamServer.
func (s *Server) Renew(ctx context.Context, req *topologypb.RenewRequest) (*topologypb.RenewReply, error) {
	cert, err := s.Authority.HostCertificate(caller(ctx), req.GetCsr(), s.earliest(caller(ctx)))
	if err != nil {
		return nil, err
	}
	s.Log.Info("renewed a host's certificate", "host", caller(ctx))
	return &topologypb.RenewReply{Certificate: cert}, nil
}

// ListHosts implements topologypb.StreamServer: every host that has ever reported, in order of identifier.
func (s *Server) ListHosts(_ context.Context, _ *topologypb.ListHostsRequest) (*topologypb.ListHostsReply, error) {
	state := s.Mirror.State()
	reply := &topologypb.ListHostsReply{}
	for o := range state.ByKind(topology.KindHost) {
		entry := &topologypb.ListHostsReply_Entry{Host: topologypb.ToProto(o).GetHost()}
		if live := mirror.Lookup[*topology.HostState](state, topology.KindHostState, o.Key().ID); live != nil {
			entry.Alive, entry.Version = true, live.Version
		}
		reply.Hosts = append(reply.Hosts, entry)
	}
	return reply, nil
}

// alive reports whether the host's agent is.
func (s *Server) alive(host topology.HostID) bool {
	return s.Mirror.State().Get(topology.Key{Kind: topology.KindHostState, ID: host}) != nil
}

func hostID(b []byte) (topology.HostID, error) { return parseID[topology.Host]("host", b) }

func parseID[T any](what string, b []byte) (id.ID[T], error) {
	if len(b) != 16 || id.ID[T](b).IsZero() {
		return id.ID[T]{}, errs.New(errs.Invalid, "BadIdentifier", "the %s's identifier must be a UUID of 16 octets", what)
	}
	return id.ID[T](b), nil
}

func checkName(name string) error {
	if name == "" || len(name) > maxName || !utf8.ValidString(name) {
		return errs.New(errs.Invalid, "BadHostName", "a host's name has 1 to %d octets of UTF-8", maxName)
	}
	return nil
}
