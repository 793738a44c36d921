package run

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"os"
	"path/filepath"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/cluster/nsdb/etcd"
	"midonet.org/midonet/cluster/nsdb/staging"
	"midonet.org/midonet/cluster/nsdb/zookeeper"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/config"
)

// openNSDB opens the network state database that the configuration names. A cluster of the operator's must answer now; later it may
// be away, and the server goes on when it is back.
func openNSDB(ctx context.Context, o *config.NSDB, stateDir string, log *slog.Logger) (nsdb.Large, error) {
	engine, err := openEngine(ctx, o, stateDir, log)
	if err != nil {
		return nil, err
	}
	return staging.Over(engine), nil
}

func openEngine(ctx context.Context, o *config.NSDB, stateDir string, log *slog.Logger) (nsdb.Store, error) {
	if o.Engine == config.EngineEmbedded {
		return opened(etcd.OpenEmbedded(ctx, etcd.Embedded{Dir: filepath.Join(stateDir, "etcd"), Log: log}))
	}
	secure, err := clientTLS(o)
	if err != nil {
		return nil, err
	}
	if o.Engine == config.EngineZooKeeper {
		return opened(zookeeper.Dial(ctx, zookeeper.Remote{Hosts: o.Endpoints, RootKey: o.RootKey, TLS: secure,
			Username: o.Username, Password: o.Password, Log: log}))
	}
	return opened(etcd.Dial(ctx, etcd.Remote{Endpoints: o.Endpoints, RootKey: o.RootKey, TLS: secure,
		Username: o.Username, Password: o.Password, Log: log}))
}

// opened keeps the nil pointer of a failure out of the interface.
func opened[S nsdb.Store](s S, err error) (nsdb.Store, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}

// clientTLS is how the members of a cluster are spoken to: nil where no file says so. The certificate is read anew for each
// connection, so that it may be renewed under a running server.
func clientTLS(o *config.NSDB) (*tls.Config, error) {
	if !o.TLS() {
		return nil, nil
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if o.CAFile != "" {
		authorities, err := os.ReadFile(o.CAFile)
		if err != nil {
			return nil, badFile("ca_file", o.CAFile, err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(authorities) {
			return nil, badFile("ca_file", o.CAFile, errors.New("it has no certificate in PEM form"))
		}
	}
	if o.CertFile != "" {
		read := func() (tls.Certificate, error) { return tls.LoadX509KeyPair(o.CertFile, o.KeyFile) }
		if _, err := read(); err != nil {
			return nil, badFile("cert_file", o.CertFile, err)
		}
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			pair, err := read()
			return &pair, err
		}
	}
	return c, nil
}

func badFile(option, name string, err error) error {
	return errs.New(errs.Invalid, "BadOption", "[nsdb] %s = %s cannot be used", option, name).Wrap(err)
}
