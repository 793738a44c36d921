package main

import (
	"context"

	"midonet.org/midonet/run"
)

type agentCmd struct {
	StateDir      string   `default:"/var/lib/midolman" help:"Where the host's identity, its last known topology and the pinned flow cache live." type:"path"`
	HostIDFile    string   `name:"host-id-file" help:"File with the host's UUID; default midonet_host_id.properties in the state directory." type:"path"`
	HostName      string   `help:"Name of the host, which binding:host_id of its ports has; default: the machine's."`
	Zone          string   `name:"availability-zone" default:"nova" help:"The availability zone that the host is in, as networks and routers may ask for; empty: none."`
	Join          string   `name:"join" placeholder:"TOKEN" env:"MIDONET_JOIN" help:"Token that midonet join-token printed; needed the first time."`
	Server        []string `help:"Addresses of the cluster, host:port or unix:/path, in place of those in the token."`
	ControlSocket string   `default:"/run/midolman/midolman.sock" help:"Where mm-ctl finds the agent." type:"path"`
	Underlay      []string `help:"Addresses or interfaces for the tunnels; default: those of the default route."`
	TunnelPort    int      `default:"6677" help:"UDP port of the tunnels."`
	MaxFlows      int      `default:"131072" help:"How many flows the flow cache holds, 1 KiB each. A full one forgets those that were used longest ago."`
	PinDir        string   `help:"Where the flow cache outlives the agent; default bpf in the state directory." type:"path"`
	Monitor       string   `help:"Address of metrics, health and status, host:port or unix:/path; default monitor.sock in the state directory."`
	ConfigFile    []string `name:"config-file" aliases:"config-dir" help:"Neutron's metadata_agent.ini, or another file with its options, or a directory, of which the *.conf files are meant (--config-dir is the same); may be given several times, later ones win. With one, workloads that ask 169.254.169.254 who they are get Nova's answer." type:"path" sep:"none"`
	BuiltIn       bool     `name:"built-in-metadata" help:"Answer workloads at 169.254.169.254 without Nova, from what the network knows of them; for a sandbox."`
	Flush         bool     `help:"Unplug everything on a clean stop, rather than leave it forwarding."`
	LogLevel      string   `default:"info" enum:"debug,info,warn,error" help:"Least severe level that is logged: ${enum}."`
}

// Run moves packets until the context ends.
func (c agentCmd) Run(ctx context.Context) error {
	log := logger(c.LogLevel)
	ctx, stop := serving(ctx, log, hasTerminal())
	defer stop()
	return run.Agent(ctx, run.AgentConfig{
		StateDir: c.StateDir, HostIDFile: c.HostIDFile, HostName: c.HostName, Zone: c.Zone, JoinToken: c.Join, Servers: c.Server,
		ControlSocket: c.ControlSocket, Underlay: c.Underlay, TunnelPort: c.TunnelPort, MaxFlows: c.MaxFlows, PinDir: c.PinDir, Monitor: c.Monitor,
		ConfigFiles: c.ConfigFile, BuiltIn: c.BuiltIn, Flush: c.Flush, Log: log,
	})
}
