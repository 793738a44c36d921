package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"time"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/id"
	"midonet.org/midonet/topology"
)

// HostCertificate returns a certificate (DER) that names host, for the key that signed the request (PKCS #10, DER), issued now, or at
// the earliest time that it may have been. What the request says of itself is not looked at: who may be which host is the caller's business.
func (a *Authority) HostCertificate(host topology.HostID, csr []byte, earliest time.Time) ([]byte, error) {
	key, err := requestKey(csr)
	if err != nil {
		return nil, err
	}
	issued := a.now()
	if issued.Before(earliest) {
		issued = earliest
	}
	return a.sign(&x509.Certificate{
		Subject:     pkix.Name{CommonName: host.String()},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, issued, hostLife, key)
}

// Issued returns when a verified certificate was issued, to the second.
func Issued(c *x509.Certificate) time.Time { return c.NotBefore.Add(clockSkew) }

// HostOf returns the host that a verified certificate names.
func HostOf(c *x509.Certificate) (topology.HostID, error) {
	host, err := id.Parse[topology.Host](c.Subject.CommonName)
	if err != nil || host.IsZero() {
		return topology.HostID{}, errs.New(errs.Unauthorized, "NotAHost", "the certificate names no host")
	}
	return host, nil
}

// requestKey returns the key of a certificate request after checking that the sender has its private half. The agents make P-256
// keys; nothing else is signed.
func requestKey(csr []byte) (*ecdsa.PublicKey, error) {
	refused := errs.New(errs.Invalid, "BadCertificateRequest", "the certificate request is malformed or not signed by a P-256 key")
	req, err := x509.ParseCertificateRequest(csr)
	if err != nil {
		return nil, refused.Wrap(err)
	}
	key, ok := req.PublicKey.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, refused
	}
	if err := req.CheckSignature(); err != nil {
		return nil, refused.Wrap(err)
	}
	return key, nil
}

// keyHash identifies the key of a certificate request.
func keyHash(csr []byte) ([32]byte, error) {
	key, err := requestKey(csr)
	if err != nil {
		return [32]byte{}, err
	}
	der, err := x509.MarshalPKIXPublicKey(key)
	return sha256.Sum256(der), err
}
