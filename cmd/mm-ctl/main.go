// Command mm-ctl ties virtual ports to network interfaces of this host: Nova and the Neutron agents' interface driver run it. It
// speaks to the agent over its local socket; package agent/control has the whole of it.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"midonet.org/midonet/agent/control"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := control.Command(ctx, os.Args[1:], os.Getenv(control.SocketVariable), os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
