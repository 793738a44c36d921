package main

import (
	"context"
	"os"

	"midonet.org/midonet/run"
)

type traceCmd struct {
	stateDirFlag
	Dump   string   `help:"Walk through the topology of this file, which midonet db dump wrote, rather than of a running server." type:"existingfile"`
	Port   string   `arg:"" help:"Where the packet enters: a port's UUID or the beginning of it, name or address."`
	Packet []string `arg:"" help:"The packet: PROTO [[SRC[:PORT]] to DST[:PORT]] [smac MAC] [dmac MAC] [vlan N] [type N] [code N] [ttl N] [tos N], such as: icmp to 10.0.0.4 (from the port's own address), tcp [fd00::3]:1025 to [fd00::4]:80, dhcp."`
}

// Run prints the walk.
func (c traceCmd) Run(ctx context.Context) error {
	return run.Trace(ctx, run.TraceConfig{StateDir: c.StateDir, Dump: c.Dump, Port: c.Port, Packet: c.Packet}, os.Stdout)
}
