package config

import (
	"slices"
	"strings"
)

// The engines of the network state database.
const (
	EngineEmbedded  = "embedded"
	EngineEtcd      = "etcd"
	EngineZooKeeper = "zookeeper"
)

var engines = []string{EngineEmbedded, EngineEtcd, EngineZooKeeper}

// NSDB says where the network state database is. Neutron has no such group; it is our own.
type NSDB struct {
	Engine    string   `oslo:"nsdb/engine" default:"embedded" help:"Where the topology is kept: embedded, an etcd inside the server with its data in the state directory; etcd or zookeeper, a cluster of yours."`
	Endpoints []string `oslo:"nsdb/endpoints" help:"The cluster's members: URLs such as https://10.0.0.1:2379 for etcd, host:port for ZooKeeper."`
	RootKey   string   `oslo:"nsdb/root_key" default:"/midonet" help:"What all keys in the cluster begin with; one for each cloud that shares it."`
	CAFile    string   `oslo:"nsdb/ca_file" help:"The authorities that may vouch for the members, PEM; empty: the system's. With ZooKeeper this or a certificate turns TLS on."`
	CertFile  string   `oslo:"nsdb/cert_file" help:"The server's certificate for the members, PEM; read again for each connection."`
	KeyFile   string   `oslo:"nsdb/key_file" help:"The key of cert_file, PEM."`
	Username  string   `oslo:"nsdb/username" help:"The user to log in as; with ZooKeeper by the digest scheme. Empty: nobody."`
	Password  string   `oslo:"nsdb/password" secret:"true" help:"The user's password."`
}

// TLS reports whether any file for TLS is named.
func (n *NSDB) TLS() bool { return n.CAFile != "" || n.CertFile != "" || n.KeyFile != "" }

// check refuses what cannot be meant: an engine that would be left unused, or reached in the clear although files for TLS are there.
func (n *NSDB) check() []*refusal {
	if unknown := refuseUnknown("nsdb/engine", []string{n.Engine}, engines); unknown != nil {
		return unknown // what the rest means is the engine's
	}
	var refusals []*refusal
	refuse := func(option, format string, args ...any) { refusals = append(refusals, bad(option, format, args...)) }
	if n.Engine == EngineEmbedded && len(n.Endpoints) > 0 {
		refuse("nsdb/endpoints", " are given, and engine = embedded uses none: write engine = etcd or zookeeper")
	}
	if n.Engine != EngineEmbedded && len(n.Endpoints) == 0 {
		refuse("nsdb/engine", " = %s needs endpoints", n.Engine)
	}
	if !strings.HasPrefix(n.RootKey, "/") || strings.HasSuffix(n.RootKey, "/") || strings.Contains(n.RootKey, "//") {
		refuse("nsdb/root_key", " = %s: write a path such as /midonet", n.RootKey)
	}
	if (n.CertFile == "") != (n.KeyFile == "") {
		refuse("nsdb/cert_file", " and key_file go together")
	}
	if n.Password != "" && n.Username == "" {
		refuse("nsdb/password", " is given without username")
	}
	return append(refusals, n.checkEndpoints()...)
}

func (n *NSDB) checkEndpoints() []*refusal {
	for _, e := range n.Endpoints {
		scheme, rest, isURL := strings.Cut(e, "://")
		switch {
		case n.Engine == EngineZooKeeper && isURL:
			return []*refusal{bad("nsdb/endpoints", ": %s: write host:port for ZooKeeper", e)}
		case n.Engine == EngineEtcd && (!slices.Contains([]string{"http", "https"}, scheme) || rest == ""):
			return []*refusal{bad("nsdb/endpoints", ": %s: write http://host:port or https://host:port for etcd", e)}
		case scheme == "http" && n.TLS():
			return []*refusal{bad("nsdb/endpoints", ": %s: files for TLS are given, so write https", e)}
		}
	}
	return nil
}
