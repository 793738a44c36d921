package stream_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"midonet.org/midonet/agent/session"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/topology"
	"midonet.org/midonet/topology/topologypb"
)

// TestARevokedHostIsOut has a host's certificates taken back while it runs: it hears nothing more and can say nothing, nor has a thief of its
// key a call left; others do not notice.
func TestARevokedHostIsOut(t *testing.T) {
	t.Parallel()
	c := newClusterOf(t, shortLease)
	_, ports := c.network(2)
	stolen, other := c.newHost(filepath.Join(t.TempDir(), "a")), c.newHost(filepath.Join(t.TempDir(), "b"))
	for _, h := range []*host{stolen, other} {
		eventually(t, "it runs", func() bool { return h.Status().Connected })
	}
	stolen.bind(ports[0], "tap0")
	other.bind(ports[1], "tap0")
	thief := c.raw(certificate(t, c.authority, stolen.HostID()))
	_, csr := request(t)
	renew := func() error { _, err := thief.Renew(t.Context(), &topologypb.RenewRequest{Csr: csr}); return err }
	check(t, renew())
	watching := thief.watch(t, t.Context())
	_, err := watching.Recv()
	check(t, err)

	check(t, c.server.Revoke(t.Context(), stolen.HostID()))
	for err = nil; err == nil; _, err = watching.Recv() {
	}
	if status.Code(err) != codes.Unauthenticated || !strings.Contains(err.Error(), "taken back") {
		t.Errorf("what the host watched ended with: %v", err)
	}
	if _, err := thief.watch(t, t.Context()).Recv(); status.Code(err) != codes.Unauthenticated {
		t.Errorf("it watches again: %v", err)
	}
	if err := renew(); status.Code(err) != codes.Unauthenticated {
		t.Errorf("it renews its certificate: %v", err)
	}
	eventually(t, "the host says why", func() bool {
		s := stolen.Status()
		return !s.Connected && strings.Contains(s.LastError, "taken back")
	})
	eventually(t, "its lease has run out", func() bool { return c.mirror.State().Get(key(topology.KindHostState, stolen.HostID())) == nil })
	if !other.Status().Connected {
		t.Error("the other host is out as well")
	}
	check(t, other.Unbind(t.Context(), ports[1]))

	c.stop()
	c.start()
	if _, err := c.raw(certificate(t, c.authority, stolen.HostID())).ListHosts(t.Context(), &topologypb.ListHostsRequest{}); status.Code(err) != codes.Unauthenticated {
		t.Errorf("a server that is started again: %v", err)
	}
}

// TestARevokedHostJoinsAgain with a token: one that it is started with afterwards, or that it had and did not need.
func TestARevokedHostJoinsAgain(t *testing.T) {
	t.Parallel()
	c := newClusterOf(t, shortLease) // while its lease runs, it cannot join
	dir := filepath.Join(t.TempDir(), "a")
	h := c.newHost(dir)
	runs := func(h *host) {
		eventually(t, "it runs", func() bool { return h.Status().Connected && !h.Status().LastReport.IsZero() })
	}
	runs(h)
	lost := certificate(t, c.authority, h.HostID())
	check(t, c.server.Revoke(t.Context(), h.HostID()))
	eventually(t, "it is out", func() bool { s := h.Status(); return !s.Connected && strings.Contains(s.LastError, "taken back") })
	h.stop()
	if _, err := session.New(session.Config{StateDir: dir, Log: quiet}); !errs.Is(err, errs.Unauthorized) || !strings.Contains(err.Error(), "taken back") {
		t.Errorf("without a token it starts with: %v", err)
	}
	used := c.token()
	h = startHost(t, session.Config{StateDir: dir, HostName: "host-a", JoinToken: used})
	runs(h)
	h.stop()

	h = startHost(t, session.Config{StateDir: dir, HostName: "host-a", JoinToken: c.token()}) // of no use yet
	runs(h)
	revoked := time.Now()
	check(t, c.server.Revoke(t.Context(), h.HostID()))
	eventually(t, "it has joined again", func() bool { return h.Status().Connected && h.Status().Since.After(revoked) })
	h.stop()
	h = startHost(t, session.Config{StateDir: dir, HostName: "host-a", JoinToken: used})
	runs(h)
	check(t, c.server.Revoke(t.Context(), h.HostID()))
	eventually(t, "a token that was used is no help, and it goes on as it is", func() bool { return strings.Contains(h.Status().LastError, "taken back") })
	h.stop()
	if _, err := c.raw(lost).ListHosts(t.Context(), &topologypb.ListHostsRequest{}); status.Code(err) != codes.Unauthenticated {
		t.Errorf("a certificate from before: %v", err)
	}
}
