package main

import (
	"context"

	"midonet.org/midonet/run"
)

type clusterCmd struct {
	ConfigFile []string `name:"config-file" aliases:"config-dir" help:"oslo.config file, or a directory, of which the *.conf files are meant (--config-dir is the same); may be given several times, later ones win." type:"path" sep:"none"`
	StateDir   string   `default:"var" help:"Where the embedded store, certificates and sockets live." type:"path"`
	MidoNetAPI string   `name:"midonet-api-listen" default:"127.0.0.1:8181" help:"Address of the MidoNet REST API, host:port or unix:/path."`
	Stream     []string `name:"stream-listen" default:"127.0.0.1:8182" help:"Addresses that agents connect to: host:port or unix:/path; several are separated by commas."`
	Metrics    string   `name:"metrics-listen" default:"127.0.0.1:8183" help:"Address of /metrics and /healthz."`
	serverLogFlag
}

// Run serves until the context ends.
func (c clusterCmd) Run(ctx context.Context) error {
	log, level := c.open()
	ctx, stop := serving(ctx, log, hasTerminal())
	defer stop()
	return run.Server(ctx, run.ServerConfig{
		ClusterOnly: true, ConfigFiles: c.ConfigFile, StateDir: c.StateDir, MidoNetAPI: c.MidoNetAPI, Stream: c.Stream,
		Metrics: c.Metrics, Log: log, Level: level,
	})
}
