package stream_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"midonet.org/midonet/agent/session"
	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/cluster/stream"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/id"
	"midonet.org/midonet/test/leaks"
	"midonet.org/midonet/topology"
	"midonet.org/midonet/topology/topologypb"
)

func TestMain(m *testing.M) { leaks.Main(m) }

// TestARestartedServerDisturbsNobody stops the whole cluster under a host with an active port and starts it again. The host's old lease runs on
// then, and out.
func TestARestartedServerDisturbsNobody(t *testing.T) {
	t.Parallel()
	c := newClusterOf(t, stream.LeaseTTL)
	_, ports := c.network(2)
	h := c.newHost(filepath.Join(t.TempDir(), "a"))
	eventually(t, "runs", func() bool { return h.Status().Connected })
	h.bind(ports[0], "tap0")
	h.report(func(f *session.Facts) { f.Ports = map[topology.PortID]bool{ports[0]: true} })
	eventually(t, "ACTIVE", func() bool { return c.sink.isActive(ports[0]) })
	granted := c.leases.all()
	old := &topology.HostState{Host: id.New[topology.Host]()} // goes with the lease
	c.update(func(tx nsdb.Tx) { tx.PutLeased(old, granted[len(granted)-1]) })
	before := c.sink.history()

	c.stop()
	eventually(t, "the host notices", func() bool { s := h.Status(); return !s.Connected && strings.Contains(s.LastError, "connect:") })
	if !h.knows(key(topology.KindPort, ports[0])) {
		t.Fatal("the host forgot its port when the cluster went away")
	}
	if err := h.Bind(t.Context(), ports[1], "tap1"); !errs.Is(err, errs.Unavailable) || !strings.Contains(err.Error(), "connect:") {
		t.Errorf("a binding without a cluster: %v", err)
	}
	c.lease = longLease
	c.start()
	eventually(t, "the host is back", func() bool { return h.Status().Connected })
	h.bind(ports[1], "tap1")
	eventually(t, "a delta arrives over the new connection", func() bool { return h.knows(key(topology.KindBinding, ports[1])) })
	eventually(t, "the old lease has run out", func() bool { return c.mirror.State().Get(old.Key()) == nil })
	h.awaitReport()
	if after := c.sink.history(); !slices.Equal(after, before) {
		t.Errorf("the port's status flapped: %v, then %v", before, after)
	}
}

// TestARestartedAgentKeepsItsPortsActive starts an agent again that at first has not found its interfaces.
func TestARestartedAgentKeepsItsPortsActive(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	_, ports := c.network(2)
	dir := filepath.Join(t.TempDir(), "a")
	h := c.newHost(dir)
	eventually(t, "runs", func() bool { return h.Status().Connected })
	h.bind(ports[0], "tap0")
	h.bind(ports[1], "tap1")
	h.report(func(f *session.Facts) { f.Ports = map[topology.PortID]bool{ports[0]: true, ports[1]: true} })
	eventually(t, "ACTIVE", func() bool { return c.sink.isActive(ports[0]) && c.sink.isActive(ports[1]) })
	eventually(t, "the host knows", func() bool {
		return h.knows(key(topology.KindPortState, ports[0])) && h.knows(key(topology.KindPortState, ports[1]))
	})
	h.stop()
	found := false // at first it has not found its interfaces, and then one of them
	startHost(t, session.Config{StateDir: dir, HostName: "again", Facts: func() session.Facts {
		if !found {
			found = true
			return session.Facts{}
		}
		return session.Facts{Ports: map[topology.PortID]bool{ports[0]: true}}
	}})
	eventually(t, "DOWN what is not found in time", func() bool { return !c.sink.isActive(ports[1]) })
	name := ports[0].String()[:8]
	if slices.Contains(c.sink.history(), name+" false") {
		t.Errorf("the port flapped: %v", c.sink.history())
	}
}

// TestAHostMayGoToAnotherServerAndBack reports in turn to two servers of one store, and is back late, or soon. What one server's lease holds passes
// to the other's, and the end of a lease that nobody renews must take nothing with it.
func TestAHostMayGoToAnotherServerAndBack(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		lease time.Duration // of server a
		back  func(a *rawClient)
	}{
		"late": {stream.LeaseTTL, func(*rawClient) { time.Sleep(stream.LeaseTTL / 2) }}, // until server a gives its own lease up
		"soon": {longLease, func(a *rawClient) {
			if _, err := a.watch(t, t.Context()).Recv(); err != nil {
				t.Error(err)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t)
			_, ports := c.network(2)
			h, elsewhere := id.New[topology.Host](), id.New[topology.Host]()
			c.put(&topology.Binding{Port: ports[0], Host: h, Interface: "tap0"}, &topology.Binding{Port: ports[1], Host: elsewhere, Interface: "tap0"})
			cert := certificate(t, c.authority, h)
			aAddress, aLeases := c.another(test.lease)
			bAddress, bLeases := c.another(longLease)
			a, b := c.rawAt(aAddress, cert), c.rawAt(bAddress, cert)
			report := func(r *rawClient) {
				t.Helper()
				_, err := r.Report(t.Context(), &topologypb.ReportRequest{
					Host:  topologypb.ToProto(&topology.Host{ID: h, Name: "h"}).GetHost(),
					State: topologypb.ToProto(&topology.HostState{Host: h, Version: "1"}).GetHostState(),
					Ports: []*topologypb.PortState{topologypb.ToProto(&topology.PortState{Port: ports[0], Host: h, Active: true}).GetPortState()},
				})
				check(t, err)
			}
			report(a)
			eventually(t, "ACTIVE", func() bool { return c.sink.isActive(ports[0]) })
			report(b)
			test.back(a)
			report(a)
			check(t, aLeases.all()[0].Revoke(t.Context()))
			check(t, bLeases.all()[0].Revoke(t.Context()))

			// The status of a port elsewhere comes after whatever has become of the host's.
			c.put(&topology.HostState{Host: elsewhere}, &topology.PortState{Port: ports[1], Host: elsewhere, Active: true})
			eventually(t, "the other port is ACTIVE", func() bool { return c.sink.isActive(ports[1]) })
			name := ports[0].String()[:8]
			if slices.Contains(c.sink.history(), name+" false") {
				t.Errorf("the port's status flapped: %v", c.sink.history())
			}
		})
	}
}

// another runs one more server of the cluster's store, and returns its address.
func (c *cluster) another(lease time.Duration) (address string, granted *leases) {
	c.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(c.t, err)
	granted = &leases{Store: c.store}
	server := stream.New(stream.Config{Store: granted, Mirror: c.mirror, Authority: c.authority, LeaseTTL: lease, Log: quiet})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- server.Run(ctx, l) }()
	c.t.Cleanup(func() { cancel(); check(c.t, <-done) })
	return l.Addr().String(), granted
}

// TestAnAgentStartsWithoutACluster shows what a restarted agent knows while nobody answers.
func TestAnAgentStartsWithoutACluster(t *testing.T) {
	c := newCluster(t)
	bridge, ports := c.network(2)
	dir := filepath.Join(t.TempDir(), "a")
	h := c.newHost(dir)
	eventually(t, "runs", func() bool { return h.Status().Connected })
	h.bind(ports[0], "tap0")
	eventually(t, "knows its network", func() bool { return h.count() == 9 })
	token := h.JoinToken
	h.stop()
	c.stop()

	again := restartHost(t, dir, token, h.HostID())
	eventually(t, "what was known is known", func() bool { return again.count() == 9 })
	c.start()
	c.remove(key(topology.KindBridge, bridge))
	eventually(t, "the difference arrives", func() bool { return again.count() == 8 && !again.knows(key(topology.KindBridge, bridge)) })
	again.stop()

	// A damaged cache costs the knowledge, not the start.
	cache := filepath.Join(dir, "topology.pb")
	data, err := os.ReadFile(cache)
	check(t, err)
	data[len(data)/2] ^= 1
	check(t, os.WriteFile(cache, data, 0o600))
	third := restartHost(t, dir, token, h.HostID())
	eventually(t, "known again from the cluster", func() bool { return third.count() == 8 })
}

// TestABindingIsOnDiskWhenItIsAnswered takes a copy of the host's state right after each answer, as a crash would leave it.
func TestABindingIsOnDiskWhenItIsAnswered(t *testing.T) {
	c := newCluster(t)
	_, ports := c.network(4)
	dir := filepath.Join(t.TempDir(), "a")
	h := c.newHost(dir)
	eventually(t, "runs", func() bool { return h.Status().Connected })
	copies := make([]string, len(ports))
	for i, p := range ports {
		h.bind(p, fmt.Sprintf("tap%d", i))
		copies[i] = copyState(t, dir)
	}
	check(t, h.Unbind(t.Context(), ports[0]))
	unbound := copyState(t, dir)
	token := h.JoinToken
	h.stop()
	c.stop()
	binding := func(i int) topology.Key { return key(topology.KindBinding, ports[i]) }
	for i, d := range copies {
		again := restartHost(t, d, token, h.HostID())
		eventually(t, fmt.Sprintf("binding %d is known", i), func() bool { return again.knows(binding(i)) })
		again.stop()
	}
	again := restartHost(t, unbound, token, h.HostID())
	eventually(t, "the last binding is known", func() bool { return again.knows(binding(3)) })
	if again.knows(binding(0)) {
		t.Error("the port is unbound, and bound again after a restart")
	}
}

// copyState copies the files of an agent, each of which is as it was at some moment, and returns the directory of the copies. Others in the
// directory are about to become one of them, and may be gone at any time.
func copyState(t *testing.T, dir string) string {
	t.Helper()
	copied := t.TempDir()
	for _, name := range []string{"midonet_host_id.properties", "identity.json", "topology.pb"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		check(t, err)
		check(t, os.WriteFile(filepath.Join(copied, name), data, 0o600))
	}
	return copied
}

// restartHost starts an agent on the state of one that ran before.
func restartHost(t *testing.T, dir, token string, want topology.HostID) *host {
	t.Helper()
	h := startHost(t, session.Config{StateDir: dir, HostName: "again", JoinToken: token})
	if h.HostID() != want {
		t.Fatalf("the host is %v now and was %v", h.HostID(), want)
	}
	return h
}

// TestASlowHostIsCutOff has a host that does not read while its network changes all the time.
func TestASlowHostIsCutOff(t *testing.T) {
	c := newCluster(t)
	bridge, ports := c.network(1)
	slow := id.New[topology.Host]()
	c.put(&topology.Binding{Port: ports[0], Host: slow, Interface: "tap0"})
	r := c.raw(certificate(t, c.authority, slow))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	updates := r.watch(t, ctx)
	if first, err := updates.Recv(); err != nil || !first.GetSnapshot() {
		t.Fatalf("%v, %v", first, err)
	}
	for i := range 350 { // 256 may wait in the queue, and less than 64 KiB on the connection
		c.put(&topology.Bridge{ID: bridge, Name: fmt.Sprintf("%d %s", i, strings.Repeat("x", 2000))})
	}
	revision, err := uint64(0), error(nil)
	for err == nil {
		var u *topologypb.Update
		if u, err = updates.Recv(); err == nil {
			revision = u.GetRevision()
		}
	}
	if status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "keep up") {
		t.Fatalf("the slow host's call ended with %v", err)
	}
	if now := uint64(c.mirror.State().Revision); revision >= now {
		t.Errorf("it was cut off only after it had everything, revision %d of %d", revision, now)
	}
	again, err := r.watch(t, ctx).Recv()
	if err != nil || !again.GetSnapshot() || again.GetRevision() <= revision {
		t.Errorf("it cannot start again: %v, %v", again.GetRevision(), err)
	}
}

// TestTheLastToWatchIsTheHost has a host come back before the server noticed that it was away.
func TestTheLastToWatchIsTheHost(t *testing.T) {
	c := newCluster(t)
	bridge, ports := c.network(1)
	h := id.New[topology.Host]()
	c.put(&topology.Binding{Port: ports[0], Host: h, Interface: "tap0"})
	r := c.raw(certificate(t, c.authority, h))
	old := r.watch(t, t.Context())
	_, err := old.Recv()
	check(t, err)
	now := r.watch(t, t.Context())
	_, err = now.Recv()
	check(t, err)
	if _, err := old.Recv(); status.Code(err) != codes.AlreadyExists {
		t.Errorf("the older call ended with %v", err)
	}
	c.put(&topology.Bridge{ID: bridge, Name: "renamed"})
	for renamed := false; !renamed; { // the first update may have come before the network was known
		u, err := now.Recv()
		check(t, err)
		renamed = slices.ContainsFunc(u.GetPut(), func(o *topologypb.Object) bool { return o.GetBridge().GetName() == "renamed" })
	}
}

// TestLargeStepsAreCut asks for messages of bounded size, in a snapshot and in the delta by which a host comes to a large network.
func TestLargeStepsAreCut(t *testing.T) {
	c := newCluster(t)
	bridge := id.New[topology.Bridge]()
	first := &topology.Port{ID: id.New[topology.Port](), Bridge: bridge}
	c.put(&topology.Bridge{ID: bridge}, first)
	for range 50 {
		c.put(&topology.Port{ID: id.New[topology.Port](), Bridge: bridge, Name: strings.Repeat("n", 20_000)})
	}
	h := id.New[topology.Host]()
	r := c.raw(certificate(t, c.authority, h))
	updates := r.watch(t, t.Context())
	if u, err := updates.Recv(); err != nil || len(u.GetPut()) != 0 {
		t.Fatalf("%v, %v", u, err)
	}
	if _, err := r.Bind(t.Context(), &topologypb.BindRequest{Port: first.ID[:], Interface: "tap0"}); err != nil {
		t.Fatal(err)
	}
	if parts, objects, _ := receive(t, updates); parts < 4 || objects != 53 { // 1 MB in parts of 256 KiB; bridge, 51 ports, binding
		t.Errorf("%d objects came in %d parts of a delta", objects, parts)
	}
	if parts, objects, _ := receive(t, r.watch(t, t.Context())); parts < 4 || objects != 53 {
		t.Errorf("%d objects came in %d parts of a snapshot", objects, parts)
	}
}

// TestALargeChangeIsOneDelta replaces half of a large network and renames the other half, while the host's own port stays as it is. The
// host is sent that in one delta, whatever messages it takes, and nothing of how it was stored.
func TestALargeChangeIsOneDelta(t *testing.T) {
	c := newCluster(t)
	bridge, own := id.New[topology.Bridge](), id.New[topology.Port]()
	c.put(&topology.Bridge{ID: bridge}, &topology.Port{ID: own, Bridge: bridge})
	const half = 1000
	old, replaced := map[topology.Key]topology.Object{}, map[topology.Key]topology.Object{}
	for n := range 2 * half {
		p := &topology.Port{ID: id.New[topology.Port](), Bridge: bridge, Name: strings.Repeat("n", 500)}
		renamed := *p
		renamed.Name = "renamed" + p.Name
		old[p.Key()], replaced[p.Key()] = p, &renamed
		if n < half {
			instead := &topology.Port{ID: id.New[topology.Port](), Bridge: bridge, Name: p.Name}
			replaced[p.Key()], replaced[instead.Key()] = nil, instead
		}
	}
	c.replace(old)
	h := id.New[topology.Host]()
	r := c.raw(certificate(t, c.authority, h))
	_, err := r.Bind(t.Context(), &topologypb.BindRequest{Port: own[:], Interface: "tap0"})
	check(t, err)
	updates := r.watch(t, t.Context())
	parts, puts, _ := receive(t, updates)
	if parts < 3 || puts != 2*half+3 { // 1 MB in parts of 256 KiB; bridge, own port, binding
		t.Fatalf("the snapshot has %d objects in %d parts", puts, parts)
	}
	c.replace(replaced)
	parts, puts, deletes := receive(t, updates)
	if parts < 3 || puts != 2*half || deletes != half {
		t.Errorf("the delta has %d objects and %d deletions in %d parts; want %d and %d", puts, deletes, parts, 2*half, half)
	}
	c.put(&topology.Bridge{ID: bridge, Name: "renamed"})
	if parts, puts, deletes = receive(t, updates); parts != 1 || puts != 1 || deletes != 0 {
		t.Errorf("after it came %d objects and %d deletions in %d parts; want the bridge", puts, deletes, parts)
	}
}

// receive takes one update, in however many parts it comes, and returns how many those are, and what is in them.
func receive(t *testing.T, updates grpc.ServerStreamingClient[topologypb.Update]) (parts, puts, deletes int) {
	t.Helper()
	for more := true; more; parts++ {
		u, err := updates.Recv()
		check(t, err)
		puts, deletes, more = puts+len(u.GetPut()), deletes+len(u.GetDelete()), u.GetMore()
	}
	return parts, puts, deletes
}

func TestTheStatusJobRepeatsUntilItIsHeard(t *testing.T) {
	c := newCluster(t)
	_, ports := c.network(1)
	h := c.newHost(filepath.Join(t.TempDir(), "a"))
	eventually(t, "runs", func() bool { return h.Status().Connected })
	c.sink.fail(true)
	h.bind(ports[0], "tap0")
	h.report(func(f *session.Facts) { f.Ports = map[topology.PortID]bool{ports[0]: true} })
	eventually(t, "stored", func() bool { return c.mirror.State().Get(key(topology.KindPortState, ports[0])) != nil })
	if c.sink.isActive(ports[0]) {
		t.Fatal("the failing sink took a status")
	}
	c.sink.fail(false)
	eventually(t, "ACTIVE once the sink works", func() bool { return c.sink.isActive(ports[0]) })
}

// TestACertificateIsRenewed gives a host a certificate that has little of its life left.
func TestACertificateIsRenewed(t *testing.T) {
	c := newCluster(t)
	dir := filepath.Join(t.TempDir(), "a")
	h := c.newHost(dir)
	eventually(t, "runs", func() bool { return h.Status().Connected })
	h.stop()
	ageCertificate(t, filepath.Join(c.dir, "pki", "authority.pem"), filepath.Join(dir, "identity.json"), h.HostID())
	again := restartHost(t, dir, "", h.HostID())
	eventually(t, "a year's certificate", func() bool { return time.Until(again.Status().CertificateExpires) > 300*24*time.Hour })
	again.stop()
	third := restartHost(t, dir, "", h.HostID())
	eventually(t, "the new certificate works", func() bool { return third.Status().Connected && third.Status().LastError == "" })
}

// ageCertificate replaces the certificate in an agent's identity file by one that ends in half an hour.
func ageCertificate(t *testing.T, authorityFile, identityFile string, h topology.HostID) {
	t.Helper()
	data, err := os.ReadFile(authorityFile)
	check(t, err)
	block, rest := pem.Decode(data)
	ca, err := x509.ParseCertificate(block.Bytes)
	check(t, err)
	block, _ = pem.Decode(rest)
	caKey, err := x509.ParseECPrivateKey(block.Bytes)
	check(t, err)

	data, err = os.ReadFile(identityFile)
	check(t, err)
	var identity map[string]json.RawMessage
	check(t, json.Unmarshal(data, &identity))
	var keyDER []byte
	check(t, json.Unmarshal(identity["key"], &keyDER))
	key, err := x509.ParseECPrivateKey(keyDER)
	check(t, err)
	identity["certificate"], err = json.Marshal(sign(t, ca, caKey, key, h))
	check(t, err)
	data, err = json.Marshal(identity)
	check(t, err)
	check(t, os.WriteFile(identityFile, data, 0o600))
}

func sign(t *testing.T, ca *x509.Certificate, caKey, key *ecdsa.PrivateKey, h topology.HostID) []byte {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: h.String()},
		NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: time.Now().Add(30 * time.Minute),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, ca, key.Public(), caKey)
	check(t, err)
	return der
}
