// Command midonet is MidoNet networking for OpenStack: each subcommand is a role or a tool.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"midonet.org/midonet/run"
)

// commands is the command line. Every struct's Run method calls package run and decides nothing.
type commands struct {
	Server  serverCmd  `cmd:"" help:"Serve the Networking API and the MidoNet cluster on this machine; with no option, on loopback with everything embedded."`
	API     apiCmd     `cmd:"" name:"api" help:"Serve the Networking API alone, on the database of a server: one of several behind a load balancer; or for a MidoNet elsewhere, see [midonet] client."`
	Cluster clusterCmd `cmd:"" help:"Serve the MidoNet cluster alone, for a Neutron elsewhere that speaks the MidoNet REST API."`
	Agent   agentCmd   `cmd:"" help:"Move this host's packets; the first start needs --join."`
	Sandbox sandboxCmd `cmd:"" help:"Hosts and workloads as network namespaces of this machine."`
	Status  statusCmd  `cmd:"" help:"Show a running server, its hosts, networks and ports."`
	Trace   traceCmd   `cmd:"" help:"Show the walk of a packet through the virtual network."`
	Tcpdump tcpdumpCmd `cmd:"" help:"Capture the packets of a virtual port of this host."`
	DB      dbCmd      `cmd:"" name:"db" help:"Look at what a server stores."`
	Join    joinCmd    `cmd:"" name:"join-token" help:"Print the line that adds a host."`
	Host    hostCmd    `cmd:"" help:"Say what hosts may do."`
	Version versionCmd `cmd:"" help:"Print the version."`

	ShowVersion kong.VersionFlag `name:"version" help:"Print the version."`
}

// misuse is the exit code for a command line that is not understood.
const misuse = 2

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	parser := mainParser(ctx)
	if calledAsManager() {
		parser = managerParser(ctx)
	}
	args := os.Args[1:]
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err := parser.Parse(args)
	if err != nil {
		fmt.Fprint(os.Stderr, whatIsWrong(parser.Model.Name, err))
		os.Exit(misuse)
	}
	if err := command.Run(); err != nil && !errors.Is(err, context.Canceled) {
		end(err)
	}
}

// mainParser is the command line of midonet.
func mainParser(ctx context.Context) *kong.Kong {
	return kong.Must(&commands{}, kong.Name("midonet"), kong.BindTo(ctx, (*context.Context)(nil)), stateDirHere(), kong.Vars{"version": "midonet " + run.Version},
		kong.Description("MidoNet networking for OpenStack: API server, cluster, agent and tools in one program."))
}

// whatIsWrong says what of a command line is not understood, and which help to read: the help itself would hide it.
func whatIsWrong(program string, err error) string {
	command := program
	var parsing *kong.ParseError
	if errors.As(err, &parsing) && parsing.Context.Selected() != nil {
		command = parsing.Context.Selected().FullPath()
	}
	return fmt.Sprintf("%s: %v\nSee %s --help.\n", program, err, command)
}

// end ends the program for the error. A command that ran in a workload and failed has said why itself: its exit code is passed on.
func end(err error) {
	var failed *exec.ExitError
	if errors.As(err, &failed) && failed.Exited() {
		os.Exit(failed.ExitCode())
	}
	fmt.Fprintln(os.Stderr, "midonet:", run.Explain(err))
	os.Exit(1)
}

type versionCmd struct{}

// Run prints the version.
func (versionCmd) Run() error {
	fmt.Println("midonet", run.Version)
	return nil
}
