package main

import (
	"context"
	"os"

	"midonet.org/midonet/run"
)

type tcpdumpCmd struct {
	Socket string `help:"The agent's control socket; that of a sandbox's host is sandbox/HOST/agent.sock in the state directory." env:"MIDONET_AGENT_SOCKET" placeholder:"PATH"`
	File   string `short:"w" help:"Write the packets to this file as pcap, - for the standard output; else a line for each is printed." placeholder:"FILE"`
	Count  int    `short:"c" help:"End after so many packets." placeholder:"N"`
	Port   string `arg:"" help:"The port: its UUID, the beginning of it, or its name."`
}

// Run captures until it has enough or is interrupted.
func (c tcpdumpCmd) Run(ctx context.Context) error {
	return run.Tcpdump(ctx, run.TcpdumpConfig{Socket: c.Socket, Port: c.Port, File: c.File, Count: c.Count}, os.Stdout)
}
