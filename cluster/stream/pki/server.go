package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"net"
	"os"
	"path/filepath"
	"slices"

	"midonet.org/midonet/topology/topologypb"
)

// TLS returns the server's side of mutual TLS 1.3. A client may come without a certificate (to join); one that it shows must be
// from this authority. The server's certificate is renewed as it is used.
func (a *Authority) TLS() *tls.Config {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return &tls.Config{
		MinVersion:     tls.VersionTLS13,
		ClientAuth:     tls.VerifyClientCertIfGiven,
		ClientCAs:      pool,
		Time:           a.now,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return a.serverCertificate() },
	}
}

// serverCertificate returns the present certificate: the one in use, the one on disk, or a new one, the first that will do.
func (a *Authority) serverCertificate() (*tls.Certificate, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.server != nil && a.serves(a.server.Leaf) {
		return a.server, nil
	}
	file := filepath.Join(a.dir, "server.pem")
	p, err := readPair(file)
	if err != nil || !a.serves(p.cert) {
		if p, err = a.newServerPair(); err != nil {
			return nil, err
		}
		if err := p.write(file); err != nil {
			return nil, err
		}
	}
	a.server = &tls.Certificate{Certificate: [][]byte{p.cert.Raw, a.cert.Raw}, PrivateKey: p.key, Leaf: p.cert}
	return a.server, nil
}

// serves reports whether the certificate is ours, names this server and is not due for renewal.
func (a *Authority) serves(c *x509.Certificate) bool {
	dns, ips := a.serverNames()
	for _, ip := range ips {
		dns = append(dns, ip.String())
	}
	if !a.now().Before(c.NotAfter.Add(-serverLife/3)) || c.CheckSignatureFrom(a.cert) != nil {
		return false
	}
	return !slices.ContainsFunc(dns, func(name string) bool { return c.VerifyHostname(name) != nil })
}

func (a *Authority) newServerPair() (pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return pair{}, err
	}
	dns, ips := a.serverNames()
	der, err := a.sign(&x509.Certificate{
		Subject:     pkix.Name{CommonName: topologypb.ServerName},
		DNSNames:    dns,
		IPAddresses: ips,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, a.now(), serverLife, key.Public())
	if err != nil {
		return pair{}, err
	}
	cert, err := x509.ParseCertificate(der)
	return pair{cert: cert, key: key}, err
}

// serverNames are what the server's certificate is valid for.
func (a *Authority) serverNames() (dns []string, ips []net.IP) {
	names := append([]string{topologypb.ServerName, "localhost", "127.0.0.1", "::1"}, a.names...)
	if machine, err := os.Hostname(); err == nil {
		names = append(names, machine)
	}
	for _, n := range names {
		switch ip := net.ParseIP(n); {
		case ip == nil && n != "":
			dns = append(dns, n)
		case ip != nil && !ip.IsUnspecified():
			ips = append(ips, ip)
		}
	}
	return dns, ips
}
