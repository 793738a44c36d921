package stream_test

import (
	"crypto/tls"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"midonet.org/midonet/agent/session"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/cluster/stream/pki"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/id"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
	"midonet.org/midonet/topology/topologypb"
)

func TestOnlyJoinNeedsNoCertificate(t *testing.T) {
	c := newCluster(t)
	r, ctx := c.raw(), t.Context()
	calls := map[string]func() error{
		"Watch":     func() error { _, err := r.watch(t, ctx).Recv(); return err },
		"Report":    func() error { _, err := r.Report(ctx, &topologypb.ReportRequest{}); return err },
		"Bind":      func() error { _, err := r.Bind(ctx, &topologypb.BindRequest{}); return err },
		"Unbind":    func() error { _, err := r.Unbind(ctx, &topologypb.UnbindRequest{}); return err },
		"ListHosts": func() error { _, err := r.ListHosts(ctx, &topologypb.ListHostsRequest{}); return err },
		"Want":      func() error { _, err := r.Want(ctx, &topologypb.WantRequest{}); return err },
		"LeaseNAT":  func() error { _, err := r.LeaseNAT(ctx, &topologypb.LeaseNATRequest{}); return err },
		"Renew":     func() error { _, err := r.Renew(ctx, &topologypb.RenewRequest{}); return err },
	}
	if want := len(topologypb.Stream_ServiceDesc.Methods) + len(topologypb.Stream_ServiceDesc.Streams) - 1; len(calls) != want {
		t.Fatalf("the test makes %d calls and the service has %d beside Join", len(calls), want)
	}
	for name, call := range calls {
		if err := call(); status.Code(err) != codes.Unauthenticated {
			t.Errorf("%s without a certificate: %v", name, err)
		}
	}
}

func TestACertificateOfAnotherAuthorityIsRefused(t *testing.T) {
	c := newCluster(t)
	foreign, err := pki.Open(filepath.Join(t.TempDir(), "pki"))
	check(t, err)
	r := c.raw(certificate(t, foreign, id.New[topology.Host]()))
	if _, err := r.ListHosts(t.Context(), &topologypb.ListHostsRequest{}); status.Code(err) != codes.Unavailable {
		t.Errorf("the handshake went through: %v", err)
	}
	old := c.raw(certificate(t, c.authority, id.New[topology.Host]()))
	old.tls.MaxVersion = tls.VersionTLS12
	if _, err := tls.Dial("tcp", strings.TrimPrefix(c.addresses[0], "tcp://"), old.tls); err == nil {
		t.Error("TLS 1.2 is accepted")
	}
}

func TestJoinRefusals(t *testing.T) {
	c := newCluster(t)
	alive := c.newHost(filepath.Join(t.TempDir(), "a"))
	eventually(t, "alive", func() bool { l, err := alive.ListHosts(t.Context()); return err == nil && len(l) == 1 && l[0].Alive })
	token, err := topologypb.ParseJoinToken(c.token())
	check(t, err)
	_, csr := request(t)
	fresh := id.New[topology.Host]()
	taken := alive.HostID()
	for _, x := range []struct {
		name string
		req  *topologypb.JoinRequest
		code codes.Code
	}{
		{"right", &topologypb.JoinRequest{Secret: token.Secret, Host: fresh[:], HostName: "x", Csr: csr}, codes.OK},
		{"no token", &topologypb.JoinRequest{Host: fresh[:], HostName: "x", Csr: csr}, codes.Unauthenticated},
		{"wrong token", &topologypb.JoinRequest{Secret: make([]byte, 32), Host: fresh[:], HostName: "x", Csr: csr}, codes.Unauthenticated},
		{"no host", &topologypb.JoinRequest{Secret: token.Secret, HostName: "x", Csr: csr}, codes.InvalidArgument},
		{"bad host", &topologypb.JoinRequest{Secret: token.Secret, Host: []byte("x"), HostName: "x", Csr: csr}, codes.InvalidArgument},
		{"no name", &topologypb.JoinRequest{Secret: token.Secret, Host: fresh[:], Csr: csr}, codes.InvalidArgument},
		{"no request", &topologypb.JoinRequest{Secret: token.Secret, Host: fresh[:], HostName: "x"}, codes.InvalidArgument},
		{"a live host", &topologypb.JoinRequest{Secret: token.Secret, Host: taken[:], HostName: "x", Csr: csr}, codes.AlreadyExists},
	} {
		if _, err := c.raw().Join(t.Context(), x.req); status.Code(err) != x.code {
			t.Errorf("%s: %v, want %v", x.name, err, x.code)
		}
	}
}

func TestAgentsRefuseAnotherCluster(t *testing.T) {
	c, impostor := newCluster(t), newCluster(t)
	s, err := session.New(session.Config{StateDir: t.TempDir(), HostName: "x", JoinToken: c.token(), Addresses: impostor.addresses,
		Facts: func() session.Facts { return session.Facts{} }, Log: quiet})
	check(t, err)
	err = s.Run(t.Context(), func(view.Delta) {})
	if !errs.Is(err, errs.Unauthorized) || !strings.Contains(err.Error(), "authority") {
		t.Errorf("joined a cluster that the token does not name: %v", err)
	}
	if _, err := session.New(session.Config{StateDir: t.TempDir(), HostName: "x", Log: quiet}); !errs.Is(err, errs.Unauthorized) {
		t.Errorf("without a token: %v", err)
	}
}

func TestAHostSpeaksOfItselfAlone(t *testing.T) {
	c := newCluster(t)
	bridge, ports := c.network(2)
	me, other := id.New[topology.Host](), id.New[topology.Host]()
	c.put(&topology.Binding{Port: ports[0], Host: me, Interface: "tap0"}, &topology.Binding{Port: ports[1], Host: other, Interface: "tap0"})
	r := c.raw(certificate(t, c.authority, me))
	good := func() *topologypb.ReportRequest {
		return &topologypb.ReportRequest{
			Host:  topologypb.ToProto(&topology.Host{ID: me, Name: "me"}).GetHost(),
			State: topologypb.ToProto(&topology.HostState{Host: me, Version: "1"}).GetHostState(),
		}
	}
	station := mac.MustParse("02:00:00:00:00:01")
	learned := func(port topology.PortID, host topology.HostID) *topologypb.LearnedMAC {
		return topologypb.ToProto(topology.NewLearnedMAC(bridge, station, port, host)).GetLearnedMac()
	}
	state := func(port topology.PortID, host topology.HostID) *topologypb.PortState {
		return topologypb.ToProto(&topology.PortState{Port: port, Host: host, Active: true}).GetPortState()
	}
	for _, x := range []struct {
		name   string
		change func(*topologypb.ReportRequest)
		code   codes.Code
	}{
		{"its own", func(q *topologypb.ReportRequest) { q.Ports = append(q.Ports, state(ports[0], me)) }, codes.OK},
		{"another host", func(q *topologypb.ReportRequest) { q.Host.Id = other[:] }, codes.PermissionDenied},
		{"another's state", func(q *topologypb.ReportRequest) { q.State.Host = other[:] }, codes.PermissionDenied},
		{"a port in another's name", func(q *topologypb.ReportRequest) { q.Ports = append(q.Ports, state(ports[1], other)) }, codes.PermissionDenied},
		{"a station in another's name", func(q *topologypb.ReportRequest) { q.Learned = append(q.Learned, learned(ports[1], other)) }, codes.PermissionDenied},
		{"a station under a false key", func(q *topologypb.ReportRequest) {
			l := learned(ports[0], me)
			l.Mac = []byte{2, 0, 0, 0, 0, 2}
			q.Learned = append(q.Learned, l)
		}, codes.InvalidArgument},
		{"two endpoints of one family", func(q *topologypb.ReportRequest) { q.Host.Endpoints = [][]byte{{192, 0, 2, 1}, {192, 0, 2, 2}} }, codes.InvalidArgument},
		{"no name", func(q *topologypb.ReportRequest) { q.Host.Name = "" }, codes.InvalidArgument},
		{"nothing", func(q *topologypb.ReportRequest) { q.Host, q.State = nil, nil }, codes.InvalidArgument},
		{"too many ports", func(q *topologypb.ReportRequest) { q.Ports = make([]*topologypb.PortState, 5000) }, codes.ResourceExhausted},
		{"too large", func(q *topologypb.ReportRequest) { q.State.Version = strings.Repeat("x", 2<<20) }, codes.ResourceExhausted},
		// Bindings change while reports are under way, so these are no errors; they are not stored.
		{"another's port", func(q *topologypb.ReportRequest) { q.Ports = append(q.Ports, state(ports[1], me)) }, codes.OK},
		{"a station behind another's port", func(q *topologypb.ReportRequest) { q.Learned = append(q.Learned, learned(ports[1], me)) }, codes.OK},
	} {
		req := good()
		x.change(req)
		if _, err := r.Report(t.Context(), req); status.Code(err) != x.code {
			t.Errorf("%s: %v, want %v", x.name, err, x.code)
		}
	}
	if c.mirror.State().Get(key(topology.KindPortState, ports[1])) != nil {
		t.Error("a host's word on another's port was stored")
	}
	for range c.mirror.State().LearnedMACs(bridge) {
		t.Error("a station behind another's port was stored")
	}
}

// TestAHostWithAnotherClock: a host may be days off. One that is further off says so, and tries on until its clock is set.
func TestAHostWithAnotherClock(t *testing.T) {
	c := newCluster(t)
	_, ports := c.network(1)
	for _, off := range []time.Duration{-25 * time.Hour, 25 * time.Hour} {
		dir := filepath.Join(t.TempDir(), "a")
		config := session.Config{StateDir: dir, HostName: "off", JoinToken: c.token(), Now: func() time.Time { return time.Now().Add(off) }}
		h := startHost(t, config)
		eventually(t, "it joins", func() bool { return h.Status().Connected })
		h.bind(ports[0], "tap0")
		h.report(func(f *session.Facts) { f.Ports = map[topology.PortID]bool{ports[0]: true} })
		eventually(t, "its port is ACTIVE", func() bool { return c.sink.isActive(ports[0]) })
		h.stop()
		again := startHost(t, config)
		eventually(t, "it comes back", func() bool { return again.Status().Connected && again.Status().LastError == "" })
		check(t, again.Unbind(t.Context(), ports[0]))
		again.stop()
	}
	var off atomic.Int64
	for _, years := range []int64{-3, 3} {
		off.Store(years)
		h := startHost(t, session.Config{StateDir: filepath.Join(t.TempDir(), "a"), HostName: "far-off", JoinToken: c.token(),
			Now: func() time.Time { return time.Now().AddDate(int(off.Load()), 0, 0) }})
		eventually(t, "it says that its clock is wrong", func() bool { return strings.Contains(h.Status().LastError, "set the clock") })
		if h.Status().Joined {
			t.Errorf("a host whose clock is %d years off has joined", years)
		}
		off.Store(0)
		eventually(t, "it joins when its clock is right", func() bool { return h.Status().Connected })
		h.stop()
	}
}

// TestAHostOfTheFuture has joined, and its clock is behind all its certificates then.
func TestAHostOfTheFuture(t *testing.T) {
	c := newCluster(t)
	dir := filepath.Join(t.TempDir(), "a")
	h := c.newHost(dir)
	eventually(t, "runs", func() bool { return h.Status().Connected })
	h.stop()
	_, err := session.New(session.Config{StateDir: dir, Log: quiet, Now: func() time.Time { return time.Now().AddDate(3, 0, 0) }})
	if !errs.Is(err, errs.Unauthorized) || !strings.Contains(err.Error(), "its clock says") {
		t.Errorf("a host whose certificate is over: %v", err)
	}
}
