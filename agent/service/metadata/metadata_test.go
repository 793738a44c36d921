package metadata

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/agent/view/viewtest"
	"midonet.org/midonet/test/freeport"
	"midonet.org/midonet/test/leaks"
)

func TestMain(m *testing.M) { leaks.Main(m) }

// patience is how long a test waits for what must come.
const patience = time.Minute

// cloud has two projects that use the same address, and ports that are nobody's.
const cloud = `
host h1 192.0.2.1 metadata
bridge blue
bridge red
port vm1 blue key 11 instance 8d3f0a5e-1111-4000-8000-000000000001 project alpha
port vm2 red key 12 instance 8d3f0a5e-1111-4000-8000-000000000002 project beta
port idle blue key 13
bind vm1 h1 tap1
bind vm2 h1 tap2
bind idle h1 tap3
mac blue fa:16:3e:00:00:01 vm1
mac red fa:16:3e:00:00:02 vm2
reserve s1 blue vm1 fa:16:3e:00:00:01 10.0.0.3 name=host-10-0-0-3
reserve s6 blue vm1 fa:16:3e:00:00:01 fd00::3 name=host-fd00--3
reserve s2 red vm2 fa:16:3e:00:00:02 10.0.0.3 name=host-10-0-0-3
`

// wire hands the service connections that come from and to whatever address a test likes.
type wire struct {
	accepted chan net.Conn
	closed   chan struct{}
}

func newWire() *wire { return &wire{accepted: make(chan net.Conn), closed: make(chan struct{})} }

func (w *wire) Accept() (net.Conn, error) {
	select {
	case c := <-w.accepted:
		return c, nil
	case <-w.closed:
		return nil, net.ErrClosed
	}
}

func (w *wire) Close() error {
	select {
	case <-w.closed:
	default:
		close(w.closed)
	}
	return nil
}

func (w *wire) Addr() net.Addr { return &net.TCPAddr{} }

// end is the service's end of a connection.
type end struct {
	net.Conn
	at, from *net.TCPAddr
}

func (e end) LocalAddr() net.Addr  { return e.at }
func (e end) RemoteAddr() net.Addr { return e.from }

// dial connects the port with the tunnel key to the service.
func (w *wire) dial(key uint32, from string) net.Conn {
	src := netip.MustParseAddrPort(from)
	client, service := net.Pipe()
	w.accepted <- end{service, net.TCPAddrFromAddrPort(netip.AddrPortFrom(view.MetadataAddr(key, src.Addr()), 80)), net.TCPAddrFromAddrPort(src)}
	return client
}

// serve runs a service until the test ends.
func serve(t *testing.T, a Answerer) (*wire, *Service) {
	t.Helper()
	v, w := viewtest.View(cloud), newWire()
	s := New(func() *view.View { return v }, a, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, w) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the service ended with %v", err)
		}
	})
	return w, s
}

// ask sends a request as it is and returns the status, the body and the headers of the answer.
func ask(t *testing.T, c net.Conn, request string) (status int, body string, header http.Header) {
	t.Helper()
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	go io.WriteString(c, request)
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatalf("%.60q: %v", request, err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, string(b), r.Header
}

const get = "GET /latest/meta-data/instance-id?x=1 HTTP/1.1\r\nHost: 169.254.169.254\r\nConnection: close\r\n" +
	"X-Instance-ID: 00000000-0000-4000-8000-000000000000\r\nX-Tenant-ID: gamma\r\nX-Instance-ID-Signature: 00\r\nX-Forwarded-For: 10.9.9.9\r\n\r\n"

// told is what a fake Nova was asked.
type told struct {
	Method, URI, Body                      string
	Forwarded, Instance, Tenant, Signature string
	Extra                                  string // a header that clients have no business to pass
}

// fakeNova stands for Nova's metadata service: it notes what it is asked and answers with the status and body.
func fakeNova(t *testing.T, answer http.HandlerFunc) (*Options, func() told) {
	t.Helper()
	var last told
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		h := r.Header
		last = told{r.Method, r.RequestURI, string(body), strings.Join(h["X-Forwarded-For"], " "), strings.Join(h["X-Instance-Id"], " "),
			strings.Join(h["X-Tenant-Id"], " "), strings.Join(h["X-Instance-Id-Signature"], " "), h.Get("Cookie")}
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	at := server.Listener.Addr().(*net.TCPAddr)
	return &Options{Host: at.IP.String(), Port: at.Port, Protocol: "http", Secret: "secret"}, func() told { return last }
}

func nova(t *testing.T, o *Options) *Nova {
	t.Helper()
	n, err := NewNova(o, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.client.CloseIdleConnections)
	return n
}

// TestSign has a vector of RFC 4231 (test case 2), and what Python's hmac makes of a secret and an instance, which is what Nova compares
// with: hmac.new(b"secret", b"8d3f0a5e-1111-4000-8000-000000000001", hashlib.sha256).hexdigest().
func TestSign(t *testing.T) {
	for _, c := range []struct{ secret, text, want string }{
		{"Jefe", "what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
		{"secret", "8d3f0a5e-1111-4000-8000-000000000001", "8823fe06c00417d66383e00bcbc165aef05213db58629b24c9969ee2a6c74619"},
		{"", "8d3f0a5e-1111-4000-8000-000000000001", "f40a70506b798f77febe61ad041ea7d57af6f6eec62b4c6eb403ebdfe1052364"},
	} {
		if got := Sign([]byte(c.secret), c.text); got != c.want {
			t.Errorf("Sign(%q, %q) = %s, want %s", c.secret, c.text, got, c.want)
		}
	}
}

// TestAsksNova: what Nova is told of a client follows from its port and address alone, whatever the client says, and two clients with
// one address are two.
func TestAsksNova(t *testing.T) {
	o, last := fakeNova(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=UTF-8")
		io.WriteString(w, r.Header.Get("X-Instance-ID"))
	})
	w, _ := serve(t, nova(t, o))
	for _, c := range []struct {
		key  uint32
		from string
		want told
	}{
		{11, "10.0.0.3:1025", told{Forwarded: "10.0.0.3", Instance: "8d3f0a5e-1111-4000-8000-000000000001", Tenant: "alpha", Signature: "8823fe06c00417d66383e00bcbc165aef05213db58629b24c9969ee2a6c74619"}},
		{12, "10.0.0.3:1025", told{Forwarded: "10.0.0.3", Instance: "8d3f0a5e-1111-4000-8000-000000000002", Tenant: "beta", Signature: "0f65600c27f65ad798e983f6f986ce4979e5c1a9f38aa04aece111464ecac078"}},
		{11, "[fe80::1%stub]:1025", told{Forwarded: "fe80::1", Instance: "8d3f0a5e-1111-4000-8000-000000000001", Tenant: "alpha", Signature: "8823fe06c00417d66383e00bcbc165aef05213db58629b24c9969ee2a6c74619"}},
	} {
		c.want.Method, c.want.URI = "GET", "/latest/meta-data/instance-id?x=1"
		status, body, header := ask(t, w.dial(c.key, c.from), get)
		if status != 200 || body != c.want.Instance || header.Get("Content-Type") != "text/plain; charset=UTF-8" {
			t.Errorf("%s of %d: %d %q %v", c.from, c.key, status, body, header)
		}
		if d := cmp.Diff(c.want, last()); d != "" {
			t.Errorf("%s of %d: Nova is told (-want +got):\n%s", c.from, c.key, d)
		}
	}
}

// TestPost passes a body on, as a workload posts its password.
func TestPost(t *testing.T) {
	o, last := fakeNova(t, func(w http.ResponseWriter, r *http.Request) {})
	w, _ := serve(t, nova(t, o))
	status, _, _ := ask(t, w.dial(11, "10.0.0.3:1"), "POST /openstack/2013-04-04/password HTTP/1.1\r\nHost: x\r\nConnection: close\r\nCookie: a\r\nContent-Length: 6\r\n\r\ncipher")
	if got := last(); status != 200 || got.Method != "POST" || got.Body != "cipher" || got.URI != "/openstack/2013-04-04/password" || got.Extra != "" {
		t.Errorf("%d, Nova got %+v", status, got)
	}
}

// TestFailures are those of Nova, in the words of Neutron's metadata agent.
func TestFailures(t *testing.T) {
	var status int
	o, _ := fakeNova(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "http://192.0.2.1/")
		w.WriteHeader(status)
		io.WriteString(w, "what Nova says")
	})
	w, s := serve(t, nova(t, o))
	for from, want := range map[int]struct {
		status int
		text   string
	}{
		400: {400, passedOn[400]}, 403: {403, "Access was denied to this resource."}, 404: {404, "The resource could not be found."},
		409: {409, passedOn[409]}, 500: {500, "Remote metadata server experienced an internal server error."},
		502: {502, passedOn[502]}, 503: {503, passedOn[503]}, 504: {504, passedOn[504]},
		302: {500, unknownError}, 401: {500, unknownError}, 418: {500, unknownError},
	} {
		status = from
		code, body, header := ask(t, w.dial(11, "10.0.0.3:1"), get)
		if code != want.status || body != fmt.Sprintf("%d %s\n\n%s\n", want.status, http.StatusText(want.status), want.text) || header.Get("Location") != "" {
			t.Errorf("Nova's %d becomes %d %q", from, code, body)
		}
	}
	if n := s.Status().Requests; n[500] != 4 || n[404] != 1 {
		t.Errorf("counted %v", n)
	}
}

func TestNovaAway(t *testing.T) {
	w, _ := serve(t, nova(t, &Options{Host: "127.0.0.1", Port: freeport.Port(t), Protocol: "http"}))
	status, body, _ := ask(t, w.dial(11, "10.0.0.3:1"), get)
	if status != 503 || !strings.Contains(body, "The remote metadata server is temporarily unavailable. Please try again later.") {
		t.Errorf("%d %q", status, body)
	}
}

// TestRefused is what never reaches Nova.
func TestRefused(t *testing.T) {
	o, last := fakeNova(t, func(w http.ResponseWriter, r *http.Request) {})
	w, _ := serve(t, nova(t, o))
	large := func(n int) string {
		return fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", n, strings.Repeat("x", n))
	}
	for name, c := range map[string]struct {
		key     uint32
		request string
		want    int
	}{
		"a port without an instance": {13, get, 404},
		"a port that is not here":    {99, get, 404},
		"a method of no service":     {11, "TRACE / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 405},
		"a method that nobody has":   {11, "BREW / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 405},
		"a tunnel":                   {11, "CONNECT 192.0.2.1:80 HTTP/1.1\r\nHost: 192.0.2.1:80\r\nConnection: close\r\n\r\n", 405},
		"no HTTP":                    {11, "\x16\x03\x01\r\n\r\n", 400},
		"a body beyond the limit":    {11, large(maxBody + 1), 413},
		"headers beyond the limit":   {11, "GET / HTTP/1.1\r\nHost: x\r\nA: " + strings.Repeat("x", 2*maxHeader) + "\r\n\r\n", 431},
	} {
		if status, body, _ := ask(t, w.dial(c.key, "10.0.0.3:1"), c.request); status != c.want {
			t.Errorf("%s: %d %q, want %d", name, status, body, c.want)
		}
		if got := last(); got != (told{}) {
			t.Fatalf("%s: Nova got %+v", name, got)
		}
	}
	if status, _, _ := ask(t, w.dial(11, "10.0.0.3:1"), large(maxBody)); status != 200 || len(last().Body) != maxBody {
		t.Errorf("a body of just the limit: %d, Nova got %d octets", status, len(last().Body))
	}
}

// TestAnotherTarget: a client cannot have the agent ask somebody else than Nova.
func TestAnotherTarget(t *testing.T) {
	o, last := fakeNova(t, func(w http.ResponseWriter, r *http.Request) {})
	w, _ := serve(t, nova(t, o))
	for request, uri := range map[string]string{
		"GET http://192.0.2.1/secret HTTP/1.1": "/secret", "GET //192.0.2.1/secret HTTP/1.1": "//192.0.2.1/secret",
		"GET /a%2fb/../c HTTP/1.1": "/a%2fb/../c", "GET /?a=%26&b HTTP/1.1": "/?a=%26&b",
	} {
		status, _, _ := ask(t, w.dial(11, "10.0.0.3:1"), request+"\r\nHost: 192.0.2.1\r\nConnection: close\r\n\r\n")
		if got := last(); status != 200 || got.URI != uri {
			t.Errorf("%s: %d, Nova is asked for %q", request, status, got.URI)
		}
	}
}

// TestConnectionsAreBounded for each client alone; one that leaves makes room.
func TestConnectionsAreBounded(t *testing.T) {
	w, s := serve(t, BuiltIn{})
	var held []net.Conn
	for range maxPerClient {
		held = append(held, w.dial(11, "10.0.0.3:1"))
	}
	over := w.dial(11, "10.0.0.3:2")
	over.SetDeadline(time.Now().Add(patience))
	if _, err := over.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("one connection more ends with %v", err)
	}
	over.Close()
	if status, _, _ := ask(t, w.dial(12, "10.0.0.3:1"), get); status != 200 {
		t.Errorf("another client gets %d", status)
	}
	if got := s.Status(); got.Connections < maxPerClient || got.Refused != 1 {
		t.Errorf("%+v", got)
	}
	for _, c := range held {
		c.Close()
	}
	deadline := time.Now().Add(patience)
	for s.Status().Connections > 0 {
		if time.Now().After(deadline) {
			t.Fatalf("%d connections are still counted", s.Status().Connections)
		}
		time.Sleep(time.Millisecond)
	}
	if status, _, _ := ask(t, w.dial(11, "10.0.0.3:3"), get); status != 200 {
		t.Errorf("with room again: %d", status)
	}
}

// TestSlowClientHoldsNobodyUp: while one sends its request an octet at a time, and another does not read, others are answered.
func TestSlowClientHoldsNobodyUp(t *testing.T) {
	w, _ := serve(t, BuiltIn{})
	slow, deaf := w.dial(11, "10.0.0.3:1"), w.dial(11, "10.0.0.3:2")
	defer slow.Close()
	defer deaf.Close()
	io.WriteString(slow, "GET / HT")
	io.WriteString(deaf, get)
	if status, _, _ := ask(t, w.dial(12, "10.0.0.3:1"), get); status != 200 {
		t.Errorf("another client gets %d", status)
	}
}

func TestBuiltIn(t *testing.T) {
	w, _ := serve(t, BuiltIn{})
	for path, want := range map[string]string{
		"/":                                    "2009-04-04/\nlatest/\nopenstack/",
		"/latest":                              "meta-data/",
		"/latest/meta-data/":                   "hostname\ninstance-id\nipv6\nlocal-hostname\nlocal-ipv4\nmac",
		"/latest/meta-data/instance-id":        "8d3f0a5e-1111-4000-8000-000000000001",
		"/2009-04-04/meta-data/local-ipv4":     "10.0.0.3",
		"/latest/meta-data/ipv6":               "fd00::3",
		"/latest/meta-data/mac":                "fa:16:3e:00:00:01",
		"/latest/meta-data/hostname":           "host-10-0-0-3",
		"/openstack":                           "2012-08-10/\nlatest/",
		"/openstack/latest/meta_data.json":     `{"uuid":"8d3f0a5e-1111-4000-8000-000000000001","name":"host-10-0-0-3","hostname":"host-10-0-0-3","project_id":"alpha"}`,
		"/openstack/2012-08-10/meta_data.json": `{"uuid":"8d3f0a5e-1111-4000-8000-000000000001","name":"host-10-0-0-3","hostname":"host-10-0-0-3","project_id":"alpha"}`,
	} {
		status, body, _ := ask(t, w.dial(11, "10.0.0.3:1"), "GET "+path+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		if status != 200 || body != want {
			t.Errorf("%s: %d %q, want %q", path, status, body, want)
		}
	}
	for request, want := range map[string]int{"GET /latest/user-data": 404, "GET /latest/meta-data/instance": 404, "POST /": 405} {
		if status, _, _ := ask(t, w.dial(11, "10.0.0.3:1"), request+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); status != want {
			t.Errorf("%s: %d, want %d", request, status, want)
		}
	}
}

// TestTLS: Nova's certificate must be of the given authority, unless any is taken, and Nova sees the agent's.
func TestTLS(t *testing.T) {
	var peers int
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { peers = len(r.TLS.PeerCertificates) }))
	server.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.StartTLS()
	defer server.Close()
	dir := t.TempDir()
	write := func(name, kind string, der []byte) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	key, err := x509.MarshalPKCS8PrivateKey(server.TLS.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	own, ownKey := write("cert.pem", "CERTIFICATE", server.Certificate().Raw), write("key.pem", "PRIVATE KEY", key)
	at := server.Listener.Addr().(*net.TCPAddr)
	options := func(change func(*Options)) *Options {
		o := &Options{Host: at.IP.String(), Port: at.Port, Protocol: "https", Secret: "secret"}
		change(o)
		return o
	}
	for name, c := range map[string]struct {
		options *Options
		want    int
		peers   int
	}{
		"an unknown authority":  {options(func(o *Options) {}), 503, 0},
		"its authority":         {options(func(o *Options) { o.CACert = own }), 200, 0},
		"insecure":              {options(func(o *Options) { o.Insecure = true }), 200, 0},
		"with a certificate":    {options(func(o *Options) { o.CACert, o.ClientCert, o.ClientKey = own, own, ownKey }), 200, 1},
		"a certificate, no key": {options(func(o *Options) { o.CACert, o.ClientCert = own, own }), 200, 0},
	} {
		w, _ := serve(t, nova(t, c.options))
		if status, _, _ := ask(t, w.dial(11, "10.0.0.3:1"), get); status != c.want || status == 200 && peers != c.peers {
			t.Errorf("%s: %d with %d certificates, want %d with %d", name, status, peers, c.want, c.peers)
		}
	}
	if _, err := NewNova(options(func(o *Options) { o.CACert = ownKey }), slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a file without a certificate is taken for an authority")
	}
}

func TestOptions(t *testing.T) {
	file := filepath.Join(t.TempDir(), "metadata_agent.ini")
	load := func(text string) (*Options, int, error) {
		if err := os.WriteFile(file, []byte("[DEFAULT]\n"+text), 0o600); err != nil {
			t.Fatal(err)
		}
		o, warnings, err := Load(file)
		return o, len(warnings), err
	}
	o, warnings, err := load("nova_metadata_host = nova.example\nmetadata_proxy_shared_secret = a$$b\nmetadata_workers = 4\ndebug = true\n[cache]\nenabled = 1\n")
	if err != nil || warnings != 0 || o.Host != "nova.example" || o.Port != 8775 || o.Protocol != "http" || o.Secret != "a$b" {
		t.Errorf("%+v, %d warnings, %v", o, warnings, err)
	}
	if o, _, _ := load("nova_metadata_ip = 192.0.2.1\n"); o.Host != "192.0.2.1" {
		t.Errorf("nova_metadata_ip gives %q", o.Host)
	}
	if b := (&Options{Host: "2001:db8::1", Port: 1, Protocol: "http"}).base(); b.String() != "http://[2001:db8::1]:1" {
		t.Errorf("an IPv6 address gives %s", b.String())
	}
	if _, warnings, _ := load("nova_metadata_hst = x\n"); warnings != 1 {
		t.Errorf("%d warnings about an option that does not exist", warnings)
	}
	for _, wrong := range []string{"nova_metadata_protocol = ftp", "nova_metadata_port = 0", "nova_metadata_port = 65536", "nova_metadata_port = x", "nova_metadata_host ="} {
		if _, _, err := load(wrong + "\n"); err == nil {
			t.Errorf("%q is taken", wrong)
		}
	}
}
