package pki

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/id"
	"midonet.org/midonet/topology"
	"midonet.org/midonet/topology/topologypb"
)

// clock is a time that tests move.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func newAuthority(t *testing.T) (*Authority, *clock) {
	t.Helper()
	c := &clock{t: time.Now()}
	a, err := open(filepath.Join(t.TempDir(), "pki"), []string{"192.0.2.7", "cloud.example", "0.0.0.0"}, c.now)
	if err != nil {
		t.Fatal(err)
	}
	return a, c
}

func request(t *testing.T) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return must(x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key))(t)
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestTheAuthorityIsMadeOnceAndKept(t *testing.T) {
	a, _ := newAuthority(t)
	must(a.serverCertificate())(t)
	b := must(Open(a.dir, a.names...))(t)
	if a.Fingerprint() != b.Fingerprint() {
		t.Error("a second start made another authority")
	}
	if got := must(b.serverCertificate())(t); string(got.Certificate[0]) != string(a.server.Certificate[0]) {
		t.Error("a second start made another server certificate")
	}
	for _, f := range must(os.ReadDir(a.dir))(t) {
		if info := must(f.Info())(t); info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, want 0600", f.Name(), info.Mode().Perm())
		}
	}
}

func TestServerCertificateNamesAndRenewal(t *testing.T) {
	a, c := newAuthority(t)
	first := must(a.serverCertificate())(t)
	for _, name := range []string{topologypb.ServerName, "localhost", "127.0.0.1", "::1", "192.0.2.7", "cloud.example"} {
		pool := x509.NewCertPool()
		pool.AddCert(a.Certificate())
		if _, err := first.Leaf.Verify(x509.VerifyOptions{Roots: pool, DNSName: name}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	c.t = first.Leaf.NotAfter.Add(-serverLife/3 - time.Hour)
	if again := must(a.serverCertificate())(t); again != first {
		t.Error("renewed before it was due")
	}
	c.t = first.Leaf.NotAfter.Add(-serverLife/3 + time.Hour)
	if renewed := must(a.serverCertificate())(t); !renewed.Leaf.NotAfter.After(first.Leaf.NotAfter) {
		t.Error("not renewed when due")
	}
	more := must(open(a.dir, []string{"198.51.100.9"}, c.now))(t)
	if cert := must(more.serverCertificate())(t); cert.Leaf.VerifyHostname("198.51.100.9") != nil {
		t.Error("a new listen address is not in the certificate")
	}
}

func TestHostCertificate(t *testing.T) {
	a, c := newAuthority(t)
	host := id.New[topology.Host]()
	cert := must(x509.ParseCertificate(must(a.HostCertificate(host, request(t), time.Time{}))(t)))(t)
	pool := x509.NewCertPool()
	pool.AddCert(a.Certificate())
	opts := x509.VerifyOptions{Roots: pool, CurrentTime: c.t, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	if _, err := cert.Verify(opts); err != nil {
		t.Error(err)
	}
	opts.KeyUsages = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	if _, err := cert.Verify(opts); err == nil {
		t.Error("a host's certificate can pose as the server")
	}
	if got := must(HostOf(cert))(t); got != host {
		t.Errorf("names %v, want %v", got, host)
	}
	if _, err := HostOf(must(a.serverCertificate())(t).Leaf); err == nil {
		t.Error("the server's certificate names a host")
	}
}

func TestBadRequestsAreRefused(t *testing.T) {
	a, _ := newAuthority(t)
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	forged := request(t)
	forged[len(forged)-1] ^= 1
	for name, csr := range map[string][]byte{
		"empty":         nil,
		"not a CSR":     []byte("hello"),
		"another kind":  must(x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, ed))(t),
		"bad signature": forged,
	} {
		if _, err := a.HostCertificate(id.New[topology.Host](), csr, time.Time{}); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTokens(t *testing.T) {
	a, c := newAuthority(t)
	many := must(a.NewToken([]string{"tcp://192.0.2.7:8182"}, 0, false))(t)
	once := must(a.NewToken([]string{"tcp://192.0.2.7:8182"}, 0, true))(t)
	h1, h2, csr1, csr2 := id.New[topology.Host](), id.New[topology.Host](), request(t), request(t)
	steps := []struct {
		name   string
		secret []byte
		host   topology.HostID
		csr    []byte
		ok     bool
	}{
		{"many, first host", many.Secret, h1, csr1, true},
		{"many, second host", many.Secret, h2, csr2, true},
		{"once", once.Secret, h1, csr1, true},
		{"once, the same join again", once.Secret, h1, csr1, true},
		{"once, another host", once.Secret, h2, csr1, false},
		{"once, another key", once.Secret, h1, csr2, false},
		{"unknown", make([]byte, 32), h1, csr1, false},
		{"empty", nil, h1, csr1, false},
	}
	other := must(open(a.dir, nil, c.now))(t) // another process sees the same tokens
	for _, s := range steps {
		if err := other.Redeem(s.secret, s.host, s.csr); (err == nil) != s.ok || err != nil && !errs.Is(err, errs.Unauthorized) {
			t.Errorf("%s: %v", s.name, err)
		}
	}
	c.t = c.t.Add(TokenLife)
	if err := a.Redeem(many.Secret, h1, csr1); !errs.Is(err, errs.Unauthorized) {
		t.Errorf("after its life: %v", err)
	}
	stored := must(os.ReadFile(a.tokenFile()))(t)
	if strings.Contains(string(stored), string(many.Secret)) {
		t.Error("the secret itself is on disk")
	}
}

func TestTokenText(t *testing.T) {
	a, _ := newAuthority(t)
	token := must(a.NewToken([]string{"unix:/run/x.sock", "tcp://[2001:db8::1]:8182"}, time.Hour, true))(t)
	text := must(token.Text())(t)
	back := must(topologypb.ParseJoinToken(" " + text + "\n"))(t)
	if back.String() != token.String() {
		t.Errorf("%v came back as %v", token, back)
	}
	for _, bad := range []string{"", "mn1.", "mn2" + text[3:], text[:len(text)/2], text[:20] + "!" + text[21:]} {
		if _, err := topologypb.ParseJoinToken(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	if _, err := a.NewToken(nil, 0, false); !errs.Is(err, errs.Invalid) {
		t.Errorf("no address: %v", err)
	}
	if _, err := a.NewToken([]string{"x"}, -1, false); !errs.Is(err, errs.Invalid) {
		t.Errorf("negative life: %v", err)
	}
}

func TestACorruptDirectoryIsNamedAndKept(t *testing.T) {
	a, _ := newAuthority(t)
	whole := must(os.ReadFile(a.file()))(t)
	for _, broken := range [][]byte{nil, whole[:len(whole)/2], []byte("garbage")} {
		if err := os.WriteFile(a.file(), broken, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(a.dir); err == nil || !strings.Contains(err.Error(), a.file()) {
			t.Errorf("error %v does not name the file", err)
		}
		if got := must(os.ReadFile(a.file()))(t); string(got) != string(broken) {
			t.Error("the file was overwritten")
		}
	}
	if err := os.WriteFile(a.tokenFile(), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := a.NewToken([]string{"x"}, 0, false); err == nil || !strings.Contains(err.Error(), a.tokenFile()) {
		t.Errorf("error %v does not name the file", err)
	}
}
