package pki

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"

	"midonet.org/midonet/atomicfile"
)

// pair is a private key and its certificate. They are kept in one PEM file, so that no crash can leave one without the other.
type pair struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func readPair(name string) (pair, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return pair{}, err
	}
	p, err := parsePair(data)
	if err != nil {
		return pair{}, fmt.Errorf("%s: %w", name, err)
	}
	return p, nil
}

func parsePair(data []byte) (pair, error) {
	var p pair
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		var err error
		switch block.Type {
		case "CERTIFICATE":
			p.cert, err = x509.ParseCertificate(block.Bytes)
		case "EC PRIVATE KEY":
			p.key, err = x509.ParseECPrivateKey(block.Bytes)
		}
		if err != nil {
			return pair{}, err
		}
	}
	if p.cert == nil || p.key == nil {
		return pair{}, fmt.Errorf("not a PEM file with a certificate and its EC private key")
	}
	if !p.key.PublicKey.Equal(p.cert.PublicKey) {
		return pair{}, fmt.Errorf("the private key is not the certificate's")
	}
	return p, nil
}

func (p pair) write(name string) error {
	key, err := x509.MarshalECPrivateKey(p.key)
	if err != nil {
		return err
	}
	var buf bytes.Buffer
	for _, b := range []pem.Block{{Type: "CERTIFICATE", Bytes: p.cert.Raw}, {Type: "EC PRIVATE KEY", Bytes: key}} {
		if err := pem.Encode(&buf, &b); err != nil {
			return err
		}
	}
	return atomicfile.Write(name, buf.Bytes(), 0o600)
}
