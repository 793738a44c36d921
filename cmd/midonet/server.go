package main

import (
	"context"

	"midonet.org/midonet/run"
)

type serverCmd struct {
	ConfigFile []string `name:"config-file" aliases:"config-dir" help:"oslo.config file (neutron.conf, ml2_conf.ini …), or a directory, of which the *.conf files are meant (--config-dir is the same); may be given several times, later ones win." type:"path" sep:"none"`
	StateDir   string   `default:"var" help:"Where the embedded database, store, certificates and sockets live." type:"path"`
	API        string   `name:"api-listen" help:"Address of the Networking API, host:port; default bind_host:bind_port of the configuration (127.0.0.1:9696)."`
	Stream     []string `name:"stream-listen" default:"127.0.0.1:8182" help:"Addresses that agents connect to: host:port or unix:/path; several are separated by commas."`
	MidoNetAPI string   `name:"midonet-api-listen" default:"127.0.0.1:8181" help:"Address of the MidoNet REST API, host:port or unix:/path; empty: not served."`
	Metrics    string   `name:"metrics-listen" default:"127.0.0.1:8183" help:"Address of /metrics and /healthz."`
	serverLogFlag
}

// Run serves until the context ends.
func (c serverCmd) Run(ctx context.Context) error {
	log, level := c.open()
	ctx, stop := serving(ctx, log, hasTerminal())
	defer stop()
	return run.Server(ctx, run.ServerConfig{
		ConfigFiles: c.ConfigFile, StateDir: c.StateDir, API: c.API, Stream: c.Stream, MidoNetAPI: c.MidoNetAPI, Metrics: c.Metrics,
		Log: log, Level: level,
	})
}
