package stream

import (
	"context"
	"time"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/cluster/nsdb/mirror"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/topology"
)

// clocksApart is how far the clocks of servers may be apart. A revocation reaches so far ahead, in case the host has just renewed its
// certificate at a server whose clock is ahead. It costs a host that joins again nothing: its certificate is issued after that.
const clocksApart = 24 * time.Hour

// Revoke takes the host's certificates back: from now on every server that follows the store refuses them, ends what the host watches, and
// gives it a new one only for a join token. It says nothing of whether there is such a host, since its certificates outlive it.
func (s *Server) Revoke(ctx context.Context, host topology.HostID) error {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	revocation := &topology.Revocation{Host: host, Unix: time.Now().Add(clocksApart).Unix()}
	revision, err := s.Store.Update(ctx, func(tx nsdb.Tx) error {
		tx.Put(revocation)
		return nil
	})
	if err == nil {
		_, err = s.Mirror.WaitFor(ctx, revision)
	}
	if err != nil {
		return unavailable(err)
	}
	s.Log.Warn("took a host's certificates back", "host", host)
	return nil
}

// checkRevoked returns an error where a certificate of the host, issued at that time, was taken back.
func (s *Server) checkRevoked(host topology.HostID, issued time.Time) error {
	if r := s.revocation(host); r != nil && issued.Unix() <= r.Unix {
		return errRevoked(r)
	}
	return nil
}

// earliest is when a certificate that is issued to the host may say that it was, so that it counts.
func (s *Server) earliest(host topology.HostID) time.Time {
	if r := s.revocation(host); r != nil {
		return time.Unix(r.Unix+1, 0)
	}
	return time.Time{}
}

func (s *Server) revocation(host topology.HostID) *topology.Revocation {
	return mirror.Lookup[*topology.Revocation](s.Mirror.State(), topology.KindRevocation, host)
}

func errRevoked(r *topology.Revocation) error {
	return errs.New(errs.Unauthorized, "CertificateRevoked", "the certificate of host %v was taken back; "+
		"make a join token on the server and start the agent with --join TOKEN", r.Host)
}
