package run

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/cluster/nsdb/nsdbtest/servers"
	"midonet.org/midonet/neutron/config"
	"midonet.org/midonet/topology"
)

// TestStoreOverTLS reaches a member of each engine through a proxy that ends TLS and demands a certificate.
func TestStoreOverTLS(t *testing.T) {
	t.Parallel()
	ours, others := newAuthority(t), newAuthority(t)
	for _, engine := range []struct {
		name   string
		member string
		scheme string
	}{
		{config.EngineEtcd, servers.Etcd(t, 1).Addresses()[0], "https://"},
		{config.EngineZooKeeper, servers.ZooKeeper(t, 1).Addresses()[0], ""},
	} {
		good := config.NSDB{Engine: engine.name, RootKey: "/midonet", Endpoints: []string{engine.scheme + ours.proxy(t, engine.member)},
			CAFile: ours.file("ca.pem"), CertFile: ours.file("cert.pem"), KeyFile: ours.file("key.pem")}
		stranger, anonymous, missing := good, good, good
		stranger.CAFile = others.file("ca.pem")
		anonymous.CertFile, anonymous.KeyFile = "", ""
		missing.CertFile = "/nonexistent/cert.pem"
		for _, c := range []struct {
			name   string
			config config.NSDB
			want   string // a word of the refusal, empty for none
		}{
			{"with the right files", good, ""},
			{"with another authority", stranger, "unknown authority"},
			{"without a certificate", anonymous, good.Endpoints[0]},
			{"with a file that is missing", missing, "/nonexistent/cert.pem"},
		} {
			t.Run(engine.name+" "+c.name, func(t *testing.T) {
				t.Parallel()
				switch err := tryStore(t, c.config); {
				case c.want == "" && err != nil:
					t.Error(err)
				case c.want != "" && (err == nil || !strings.Contains(Explain(err), c.want)):
					t.Errorf("error %v, want one that says %q", err, c.want)
				}
			})
		}
	}
}

// TestStoreOfAUser logs in to an etcd that knows its users.
func TestStoreOfAUser(t *testing.T) {
	t.Parallel()
	endpoint := "http://" + servers.Etcd(t, 1).Addresses()[0]
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{endpoint}})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx := t.Context()
	for _, enable := range []func() error{
		func() error { _, err := client.UserAdd(ctx, "root", "r"); return err },
		func() error { _, err := client.UserGrantRole(ctx, "root", "root"); return err },
		func() error { _, err := client.UserAdd(ctx, "midonet", "secret"); return err },
		func() error { _, err := client.RoleAdd(ctx, "topology"); return err },
		func() error {
			_, err := client.RoleGrantPermission(ctx, "topology", "/midonet/", clientv3.GetPrefixRangeEnd("/midonet/"),
				clientv3.PermissionType(clientv3.PermReadWrite))
			return err
		},
		func() error { _, err := client.UserGrantRole(ctx, "midonet", "topology"); return err },
		func() error { _, err := client.AuthEnable(ctx); return err },
	} {
		if err := enable(); err != nil {
			t.Fatal(err)
		}
	}
	o := config.NSDB{Engine: config.EngineEtcd, RootKey: "/midonet", Endpoints: []string{endpoint},
		Username: "midonet", Password: "secret"}
	if err := tryStore(t, o); err != nil {
		t.Errorf("the user cannot use the store: %v", err)
	}
	o.Password = "wrong"
	if err := tryStore(t, o); err == nil || strings.Contains(err.Error(), "wrong") {
		t.Errorf("with a wrong password: %v, want a refusal that does not show it", err)
	}
}

// tryStore opens the store, and writes to it and reads it.
func tryStore(t *testing.T, o config.NSDB) error {
	t.Helper()
	store, err := openNSDB(t.Context(), &o, t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer store.Close()
	b := &topology.Bridge{ID: topology.BridgeID{1}, Name: "one"}
	if _, err := store.Update(t.Context(), func(tx nsdb.Tx) error { tx.Put(b); return nil }); err != nil {
		return err
	}
	snapshot, err := store.View(t.Context())
	if err == nil && snapshot.Objects[b.Key()] == nil {
		t.Error("what was written is not there")
	}
	return err
}

// authority is a directory with an authority's certificate, and a certificate of it with its key for 127.0.0.1.
type authority struct{ dir string }

func (a authority) file(name string) string { return filepath.Join(a.dir, name) }

func newAuthority(t *testing.T) authority {
	t.Helper()
	a := authority{t.TempDir()}
	parent := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign, NotAfter: time.Now().Add(time.Hour)}
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "leaf"}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}}
	parentKey, leafKey := newKey(t), newKey(t)
	a.write(t, "ca.pem", "CERTIFICATE", sign(t, parent, parent, parentKey, parentKey))
	a.write(t, "cert.pem", "CERTIFICATE", sign(t, leaf, parent, leafKey, parentKey))
	der, err := x509.MarshalECPrivateKey(leafKey)
	if err != nil {
		t.Fatal(err)
	}
	a.write(t, "key.pem", "EC PRIVATE KEY", der)
	return a
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func sign(t *testing.T, c, parent *x509.Certificate, key, parentKey *ecdsa.PrivateKey) []byte {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, parentKey)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func (a authority) write(t *testing.T, name, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(a.file(name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

// proxy ends TLS for a member, and lets in whom the authority has signed. It returns its own address.
func (a authority) proxy(t *testing.T, member string) string {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(a.file("cert.pem"), a.file("key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	authorities := x509.NewCertPool()
	text, err := os.ReadFile(a.file("ca.pem"))
	if err != nil || !authorities.AppendCertsFromPEM(text) {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", loopback, &tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: authorities,
		ClientAuth: tls.RequireAndVerifyClientCert, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go carry(conn, member)
		}
	}()
	return l.Addr().String()
}

func carry(conn net.Conn, member string) {
	defer conn.Close()
	to, err := net.Dial("tcp", member)
	if err != nil {
		return
	}
	defer to.Close()
	go func() {
		defer to.Close()
		io.Copy(to, conn)
	}()
	io.Copy(conn, to)
}
