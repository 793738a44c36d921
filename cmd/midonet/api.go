package main

import (
	"context"

	"midonet.org/midonet/run"
)

type apiCmd struct {
	ConfigFile []string `name:"config-file" aliases:"config-dir" help:"oslo.config file (neutron.conf, ml2_conf.ini …), or a directory, of which the *.conf files are meant (--config-dir is the same); may be given several times, later ones win." type:"path" sep:"none"`
	StateDir   string   `default:"var-api" help:"Where the administration socket lives, and without [database] connection the database for a MidoNet elsewhere; not that of a server." type:"path"`
	API        string   `name:"api-listen" help:"Address of the Networking API, host:port; default bind_host:bind_port of the configuration (127.0.0.1:9696)."`
	Metrics    string   `name:"metrics-listen" default:"127.0.0.1:8184" help:"Address of /metrics and /healthz."`
	serverLogFlag
}

// Run serves until the context ends.
func (c apiCmd) Run(ctx context.Context) error {
	log, level := c.open()
	ctx, stop := serving(ctx, log, hasTerminal())
	defer stop()
	return run.Server(ctx, run.ServerConfig{
		APIOnly: true, ConfigFiles: c.ConfigFile, StateDir: c.StateDir, API: c.API, Metrics: c.Metrics, Log: log, Level: level,
	})
}
