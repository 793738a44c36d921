package session

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"midonet.org/midonet/atomicfile"
	"midonet.org/midonet/topology"
	"midonet.org/midonet/topology/topologypb"
)

// identity is how the host proves who it is and whom it believes. It is kept in one file, so that its parts always fit together.
type identity struct {
	Addresses   []string `json:"addresses"`             // of the cluster
	Authority   []byte   `json:"authority,omitempty"`   // X.509, DER
	Certificate []byte   `json:"certificate,omitempty"` // X.509, DER; empty until the host has joined
	Revoked     bool     `json:"revoked,omitempty"`     // the cluster has said that it takes the certificate no more
	Key         []byte   `json:"key"`                   // SEC 1, DER

	key  *ecdsa.PrivateKey
	cert *x509.Certificate // nil until the host has joined
}

// newIdentity returns an identity with a new key and nothing else.
func newIdentity() (*identity, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalECPrivateKey(key)
	return &identity{Key: der, key: key}, err
}

// readIdentity returns what the file holds, nil where there is no file.
func readIdentity(name string, host topology.HostID) (*identity, error) {
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var i identity
	err = json.Unmarshal(data, &i)
	if err == nil {
		err = i.parse(host)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w; remove this file and join the host again", name, err)
	}
	return &i, nil
}

// parse reads the DER parts and checks that they are the host's.
func (i *identity) parse(host topology.HostID) (err error) {
	if i.key, err = x509.ParseECPrivateKey(i.Key); err != nil {
		return err
	}
	if len(i.Certificate) == 0 {
		return nil
	}
	if i.cert, err = x509.ParseCertificate(i.Certificate); err != nil {
		return err
	}
	if i.cert.Subject.CommonName != host.String() {
		return fmt.Errorf("the certificate is for host %s and this is host %s", i.cert.Subject.CommonName, host)
	}
	if !i.key.PublicKey.Equal(i.cert.PublicKey) {
		return errors.New("the certificate is for another key")
	}
	_, err = x509.ParseCertificate(i.Authority)
	return err
}

func (i *identity) write(name string) error {
	data, err := json.Marshal(i)
	if err != nil {
		return err
	}
	return atomicfile.Write(name, data, 0o600)
}

// joined reports whether the identity is good for talking to the cluster at the given time.
func (i *identity) joined(now time.Time) bool {
	return i != nil && i.cert != nil && now.Before(i.cert.NotAfter) && !i.Revoked
}

// due reports whether the certificate should be renewed: less than a third of its life remains.
func (i *identity) due(now time.Time) bool {
	life := i.cert.NotAfter.Sub(i.cert.NotBefore)
	return now.After(i.cert.NotAfter.Add(-life / 3))
}

// trusts reports whether the identity is of the cluster with the given authority.
func (i *identity) trusts(fingerprint []byte) bool {
	sum := sha256.Sum256(i.Authority)
	return string(sum[:]) == string(fingerprint)
}

// request returns a certificate request for the key, PKCS #10, DER.
func (i *identity) request() ([]byte, error) {
	return x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, i.key)
}

// tls returns the host's side of mutual TLS. Certificates are asked for at each handshake, so that a renewed one is used.
func (i *identity) tls(current func() *identity, now func() time.Time) (*tls.Config, error) {
	authority, err := x509.ParseCertificate(i.Authority)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AddCert(authority)
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		RootCAs:    pool,
		ServerName: topologypb.ServerName,
		Time:       now,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			own := current()
			return &tls.Certificate{Certificate: [][]byte{own.Certificate}, PrivateKey: own.key, Leaf: own.cert}, nil
		},
	}, nil
}
