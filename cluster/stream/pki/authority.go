package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// How long certificates live. A certificate is renewed when less than a third of its life remains.
const (
	authorityLife = 20 * 365 * 24 * time.Hour
	serverLife    = 90 * 24 * time.Hour
	hostLife      = 365 * 24 * time.Hour
	// clockSkew is how far a host's clock may be behind the server's when a certificate is made. It gives nothing away: the key that the
	// certificate is for was made just now.
	clockSkew = 7 * 24 * time.Hour
)

// Authority signs the certificates of one cloud. Its methods are safe for use by several goroutines, and several processes may
// have the same directory open.
type Authority struct {
	dir   string
	names []string // what the server's certificate is for
	now   func() time.Time
	cert  *x509.Certificate
	key   *ecdsa.PrivateKey

	mu     sync.Mutex
	server *tls.Certificate // the present one, nil before the first use
}

// Open returns the authority kept in dir and makes it, and the directory, if there is none yet. names are the addresses and host
// names under which hosts reach this server, beside the machine's own name and loopback, which are always in the certificate.
func Open(dir string, names ...string) (*Authority, error) {
	return open(dir, names, time.Now)
}

func open(dir string, names []string, now func() time.Time) (*Authority, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	a := &Authority{dir: dir, names: names, now: now}
	unlock, err := a.lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	if err := a.load(); errors.Is(err, fs.ErrNotExist) {
		return a, a.create()
	} else if err != nil {
		return nil, fmt.Errorf("%w; restore this file from a copy, or remove it: then every host must join again", err)
	}
	return a, nil
}

// Certificate returns the authority's own certificate, which hosts trust.
func (a *Authority) Certificate() *x509.Certificate { return a.cert }

// Fingerprint returns the SHA-256 of the authority's certificate, as join tokens carry it.
func (a *Authority) Fingerprint() [32]byte { return sha256.Sum256(a.cert.Raw) }

func (a *Authority) file() string { return filepath.Join(a.dir, "authority.pem") }

func (a *Authority) load() error {
	p, err := readPair(a.file())
	if err != nil {
		return err
	}
	a.cert, a.key = p.cert, p.key
	if !a.cert.IsCA {
		return fmt.Errorf("%s: the certificate is not an authority's", a.file())
	}
	return nil
}

func (a *Authority) create() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	var tag [4]byte
	rand.Read(tag[:])
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: "MidoNet authority " + hex.EncodeToString(tag[:])},
		NotBefore:             a.now().Add(-clockSkew),
		NotAfter:              a.now().Add(authorityLife),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		IsCA:                  true,
		BasicConstraintsValid: true,
		MaxPathLenZero:        true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		return err
	}
	a.key = key
	return pair{cert: a.cert, key: key}.write(a.file())
}

// sign returns the certificate for the public key, DER, as issued at that time.
func (a *Authority) sign(template *x509.Certificate, issued time.Time, life time.Duration, public any) ([]byte, error) {
	template.NotBefore, template.NotAfter = issued.Add(-clockSkew), issued.Add(life)
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.BasicConstraintsValid = true
	return x509.CreateCertificate(rand.Reader, template, a.cert, public, a.key)
}
