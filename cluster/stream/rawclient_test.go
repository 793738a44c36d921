package stream_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"midonet.org/midonet/cluster/stream/pki"
	"midonet.org/midonet/topology"
	"midonet.org/midonet/topology/topologypb"
)

// rawClient speaks to the server without package session, so that it can misbehave.
type rawClient struct {
	topologypb.StreamClient
	tls *tls.Config
}

// certificate makes a key and has the authority sign it for the host.
func certificate(t *testing.T, a *pki.Authority, host topology.HostID) tls.Certificate {
	t.Helper()
	key, csr := request(t)
	der, err := a.HostCertificate(host, csr, time.Time{})
	check(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func request(t *testing.T) (*ecdsa.PrivateKey, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	check(t, err)
	return key, csr
}

// raw connects over TCP with the given certificates, or none.
func (c *cluster) raw(certs ...tls.Certificate) *rawClient {
	c.t.Helper()
	return c.rawAt(strings.TrimPrefix(c.addresses[0], "tcp://"), certs...)
}

func (c *cluster) rawAt(address string, certs ...tls.Certificate) *rawClient {
	c.t.Helper()
	config := clientTLS(c.authority, certs...)
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(credentials.NewTLS(config)),
		grpc.WithStaticStreamWindowSize(64<<10), grpc.WithStaticConnWindowSize(64<<10))
	check(c.t, err)
	c.t.Cleanup(func() { conn.Close() })
	return &rawClient{StreamClient: topologypb.NewStreamClient(conn), tls: config}
}

// clientTLS is that of a client of the authority's servers with the given certificates, or none.
func clientTLS(a *pki.Authority, certs ...tls.Certificate) *tls.Config {
	pool := x509.NewCertPool()
	pool.AddCert(a.Certificate())
	config := &tls.Config{RootCAs: pool, ServerName: topologypb.ServerName, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2"}}
	if len(certs) > 0 {
		// Shown whether or not the server asks for one of its own authority's.
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &certs[0], nil }
	}
	return config
}

// watch begins a Watch call.
func (r *rawClient) watch(t *testing.T, ctx context.Context) grpc.ServerStreamingClient[topologypb.Update] {
	t.Helper()
	s, err := r.Watch(ctx, &topologypb.WatchRequest{Version: "raw"})
	check(t, err)
	return s
}
