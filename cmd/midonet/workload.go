package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"midonet.org/midonet/sandbox"
)

type workloadCmd struct {
	Add    workloadAddCmd    `cmd:"" help:"Make a workload on a host and give it its address by DHCP."`
	List   workloadListCmd   `cmd:"" help:"List the workloads."`
	Exec   workloadExecCmd   `cmd:"" help:"Run a command in a workload."`
	Delete workloadDeleteCmd `cmd:"" help:"Remove a workload, and its port if the sandbox made it."`
}

type workloadAddCmd struct {
	sandboxFlags
	Name    string `arg:"" help:"Name of the workload: small letters, digits, hyphens."`
	Host    string `default:"host1" help:"Host that it runs on."`
	Network string `xor:"where" required:"" help:"Network, by UUID or name, on which a port is made."`
	Port    string `xor:"where" required:"" help:"UUID of an existing port."`
}

// Run makes a workload.
func (c workloadAddCmd) Run(ctx context.Context) error {
	s, err := c.open()
	if err != nil {
		return err
	}
	w, err := s.AddWorkload(ctx, sandbox.WorkloadSpec{Name: c.Name, Host: c.Host, Network: c.Network, Port: c.Port})
	if err != nil {
		return err
	}
	addresses := "no address"
	if len(w.Addresses) > 0 {
		addresses = strings.Join(w.Addresses, ", ")
	}
	fmt.Printf("%s on %s: %s, port %s\n", w.Name, w.Host, addresses, w.Port)
	return nil
}

type workloadListCmd struct{ sandboxFlags }

// Run lists the workloads.
func (c workloadListCmd) Run(ctx context.Context) error {
	s, err := c.open()
	if err != nil {
		return err
	}
	workloads, err := s.ListWorkloads(ctx)
	if err != nil {
		return err
	}
	out := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
	printWorkloads(out, workloads)
	return out.Flush()
}

func printWorkloads(w io.Writer, workloads []sandbox.WorkloadStatus) {
	if len(workloads) == 0 {
		fmt.Fprintln(w, "no workloads")
	}
	for _, l := range workloads {
		fmt.Fprintf(w, "workload %s\ton %s\t%s\tport %s\t%s\t%s\n", l.Name, l.Host, strings.Join(l.Addresses, " "), l.Port, l.PortStatus, l.Ping)
	}
}

type workloadExecCmd struct {
	sandboxFlags
	Name string   `arg:"" help:"Name of the workload."`
	Argv []string `arg:"" passthrough:"" help:"Command and arguments, after --."`
}

// Run runs the command; its exit code becomes this program's.
func (c workloadExecCmd) Run(ctx context.Context) error {
	s, err := c.open()
	if err != nil {
		return err
	}
	argv := c.Argv
	if len(argv) > 0 && argv[0] == "--" {
		argv = argv[1:]
	}
	return s.Exec(ctx, c.Name, argv, sandbox.Stdio{In: os.Stdin, Out: os.Stdout, Err: os.Stderr})
}

type workloadDeleteCmd struct {
	sandboxFlags
	Name string `arg:"" help:"Name of the workload."`
}

// Run removes the workload.
func (c workloadDeleteCmd) Run(ctx context.Context) error {
	s, err := c.open()
	if err != nil {
		return err
	}
	return s.DeleteWorkload(ctx, c.Name)
}
