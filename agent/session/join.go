package session

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"sync/atomic"
	"time"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/topology/topologypb"
)

var (
	// errWrongCluster says that whoever answered is not the cluster that made the token.
	errWrongCluster = errs.New(errs.Unauthorized, "WrongCluster",
		"the server's certificate is not from the authority that the join token names; make a new token on the right server")
	// errNoToken says that the host has never joined.
	errNoToken = errs.New(errs.Unauthorized, "NotJoined",
		"this host has no certificate; make a join token on the server and start the agent with --join TOKEN")

	// errRevoked says that the host's certificate was taken back.
	errRevoked = errs.New(errs.Unauthorized, "NotJoined",
		"this host's certificate was taken back; make a join token on the server and start the agent with --join TOKEN")
)

// useless says why the host's certificate is of no use: it was taken back, or the host has joined too long ago or has a clock that is ahead.
func (i *identity) useless(now time.Time) error {
	if i.Revoked {
		return errRevoked
	}
	return errs.New(errs.Unauthorized, "NotJoined", "this host's certificate was good until %s, and its clock says %s; if the clock is right "+
		"make a join token on the server and start the agent with --join TOKEN", i.cert.NotAfter.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339))
}

// wrongClock says that the server's certificate is not good yet, or no longer, as the host's clock has it. The server renews its
// certificates by its own clock. The host tries on: its clock may not have been set yet.
func wrongClock(server *x509.Certificate, now time.Time) error {
	return errs.New(errs.Unavailable, "WrongClock", "the server's certificate is good from %s to %s, and this host's clock says %s; set the clock",
		server.NotBefore.UTC().Format(time.RFC3339), server.NotAfter.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339))
}

// identify reads the host's identity. Where that is missing, has expired or is of another cluster than the join token's, it
// prepares a new one, and joining is left to Run.
func (s *Session) identify() error {
	stored, err := readIdentity(s.file(identityFile), s.host)
	if err != nil {
		return err
	}
	if s.JoinToken != "" {
		if s.token, err = topologypb.ParseJoinToken(s.JoinToken); err != nil {
			return errs.New(errs.Invalid, "BadJoinToken", "%v", err)
		}
	}
	switch {
	case stored.joined(s.Now()) && (s.token == nil || stored.trusts(s.token.GetAuthoritySha256())):
		s.spare, s.token = s.token, nil // has done its work before, unless the certificate was taken back meanwhile
		s.identity.Store(stored)
		return nil
	case s.token == nil && stored != nil && stored.cert != nil:
		return stored.useless(s.Now())
	case s.token == nil:
		return errNoToken
	}
	return s.prepareToJoin(stored)
}

// prepareToJoin writes down the key before it is used: should the answer be lost, the host asks again with the same key, which a
// token for one use allows. What another cluster said is forgotten.
func (s *Session) prepareToJoin(stored *identity) error {
	fresh := stored
	if fresh == nil || fresh.cert != nil {
		var err error
		if fresh, err = newIdentity(); err != nil {
			return err
		}
	}
	if stored == nil || !stored.trusts(s.token.GetAuthoritySha256()) {
		if err := os.Remove(s.file(topologyFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	fresh.Addresses = s.token.GetAddresses()
	s.identity.Store(fresh)
	return fresh.write(s.file(identityFile))
}

// join gets the host its certificate. It repeats while the cluster cannot be reached or takes the host for alive, and returns
// when the host has joined, was refused, or ctx ended.
func (s *Session) join(ctx context.Context) error {
	for pause := newPauses(); ; {
		joined, err := s.tryJoin(ctx, s.token, s.identity.Load())
		switch {
		case err == nil:
			s.identity.Store(joined)
			s.Log.Info("joined the cluster", "host", s.host)
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case !errs.Is(err, errs.Unavailable) && !errs.Is(err, errs.Conflict):
			return err
		}
		s.status.failed(s.Log, "cannot join yet", err)
		pause.wait(ctx)
	}
}

// tryJoin gets a certificate for the token and the identity's key, and writes it down.
func (s *Session) tryJoin(ctx context.Context, token *topologypb.JoinToken, i *identity) (*identity, error) {
	csr, err := i.request()
	if err != nil {
		return nil, err
	}
	contact := &firstContact{fingerprint: token.GetAuthoritySha256(), now: s.Now}
	conn, err := dial(s.addresses(), contact.tls())
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	reply, err := topologypb.NewStreamClient(conn).Join(ctx, &topologypb.JoinRequest{
		Secret: token.GetSecret(), Host: s.host[:], HostName: s.HostName, Csr: csr,
	})
	if wrong := contact.wrong.Load(); wrong != nil {
		return nil, *wrong
	}
	if err != nil {
		return nil, topologypb.FromStatus(err)
	}
	joined := *i
	joined.Certificate, joined.Authority = reply.GetCertificate(), reply.GetAuthority()
	if err := joined.parse(s.host); err != nil {
		return nil, err
	}
	if !joined.trusts(contact.fingerprint) {
		return nil, errWrongCluster
	}
	return &joined, joined.write(s.file(identityFile))
}

// joinAgain gets the host another certificate in place of one that the cluster has refused, where there is a token that the agent has not
// needed yet, and reports whether it has. That the old one is of no use is written down first: a later start needs a token.
func (s *Session) joinAgain(ctx context.Context) bool {
	if old := s.identity.Load(); !old.Revoked {
		revoked := *old
		revoked.Revoked = true
		s.identity.Store(&revoked)
		if err := revoked.write(s.file(identityFile)); err != nil {
			s.Log.Error("that the certificate was taken back could not be written down", "error", err)
		}
	}
	if s.spare == nil {
		return false
	}
	if s.next == nil {
		next, err := newIdentity()
		if err != nil {
			s.Log.Error("no key could be made to join again with", "error", err)
			return false
		}
		next.Addresses, s.next = s.spare.GetAddresses(), next
	}
	joined, err := s.tryJoin(ctx, s.spare, s.next)
	switch {
	case err == nil:
		s.identity.Store(joined)
		s.spare, s.next = nil, nil
		s.Log.Info("joined the cluster again", "host", s.host)
		return true
	case ctx.Err() == nil && !errs.Is(err, errs.Unavailable) && !errs.Is(err, errs.Conflict):
		s.spare, s.next = nil, nil
		s.Log.Error("the join token is of no use to join again", "error", err)
	}
	return false
}

// renew replaces the certificate by one for a new key.
func (s *Session) renew(ctx context.Context, client topologypb.StreamClient) error {
	next, err := newIdentity()
	if err != nil {
		return err
	}
	csr, err := next.request()
	if err != nil {
		return err
	}
	reply, err := client.Renew(ctx, &topologypb.RenewRequest{Csr: csr})
	if err != nil {
		return topologypb.FromStatus(err)
	}
	old := s.identity.Load()
	next.Addresses, next.Authority, next.Certificate = old.Addresses, old.Authority, reply.GetCertificate()
	if err := next.parse(s.host); err != nil {
		return err
	}
	if err := next.write(s.file(identityFile)); err != nil {
		return err
	}
	s.identity.Store(next)
	s.Log.Info("renewed the host's certificate", "expires", next.cert.NotAfter)
	return nil
}

// firstContact verifies a server of which nothing is known but the hash of its authority's certificate.
type firstContact struct {
	fingerprint []byte
	now         func() time.Time
	wrong       atomic.Pointer[error] // with whoever answered; nil: nothing, or nobody did
}

// tls turns off Go's own verification, which has no authority to go by yet, and puts the one below in its place.
func (f *firstContact) tls() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, ServerName: topologypb.ServerName, InsecureSkipVerify: true, VerifyConnection: f.verify,
	}
}

func (f *firstContact) verify(state tls.ConnectionState) error {
	pool := x509.NewCertPool()
	for _, c := range state.PeerCertificates[1:] {
		if sum := sha256.Sum256(c.Raw); string(sum[:]) == string(f.fingerprint) {
			pool.AddCert(c)
		}
	}
	server, now := state.PeerCertificates[0], f.now()
	_, err := server.Verify(x509.VerifyOptions{Roots: pool, DNSName: topologypb.ServerName, CurrentTime: now})
	if err == nil {
		return nil
	}
	wrong := error(errWrongCluster)
	if invalid := (x509.CertificateInvalidError{}); errors.As(err, &invalid) && invalid.Reason == x509.Expired {
		wrong = wrongClock(server, now)
	}
	f.wrong.Store(&wrong)
	return err
}
