package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"text/tabwriter"

	"midonet.org/midonet/run"
	"midonet.org/midonet/sandbox"
)

type sandboxCmd struct {
	Demo     demoCmd     `cmd:"" help:"Start a server, two hosts, a network and two workloads, show a ping, and remove it all at Ctrl-C. Without root: the server alone."`
	Up       upCmd       `cmd:"" help:"Start hosts, each with its agent, joined by an underlay network."`
	Status   sbStatusCmd `cmd:"" help:"Show hosts and workloads."`
	Uplink   uplinkCmd   `cmd:"" help:"Join the virtual network to a machine outside it, through an interface of a host."`
	Down     downCmd     `cmd:"" help:"Remove all that the sandbox made, also what a crash left."`
	Workload workloadCmd `cmd:"" help:"Workloads: namespaces plugged into a Neutron port."`
}

// sandboxFlags say which sandbox is meant.
type sandboxFlags struct {
	stateDirFlag
	URL string `name:"api-url" default:"http://127.0.0.1:9696" help:"Base URL of the Networking API."`
}

// open returns the sandbox with this program as its agents.
func (f sandboxFlags) open() (*sandbox.Sandbox, error) { return f.openOn(sandbox.Config{}) }

// openOn is open for what matters when hosts are made.
func (f sandboxFlags) openOn(c sandbox.Config) (*sandbox.Sandbox, error) {
	binary, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c.StateDir, c.Binary, c.API, c.Out, c.Log = f.StateDir, binary, f.URL, os.Stdout, logger("info")
	return sandbox.New(c)
}

type demoCmd struct {
	StateDir string `default:"var" help:"State directory of the server and the sandbox." type:"path"`
	API      string `name:"api-listen" default:"127.0.0.1:9696" help:"Address of the Networking API."`
}

// Run shows the whole system. It cleans up also when the terminal is closed, and when the reader of its output has gone: in
// `make run | tee log`, Ctrl-C ends tee as well.
func (c demoCmd) Run(ctx context.Context) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGHUP)
	defer stop()
	signal.Ignore(syscall.SIGPIPE)
	binary, err := os.Executable()
	if err != nil {
		return err
	}
	return run.Demo(ctx, run.DemoConfig{StateDir: c.StateDir, API: c.API, Binary: binary, Out: os.Stdout})
}

type upCmd struct {
	sandboxFlags
	Hosts    int    `default:"2" help:"How many hosts."`
	Metadata string `name:"metadata-config" help:"Neutron's metadata_agent.ini, by which the agents ask a Nova; without it they tell workloads themselves what the network knows of them." type:"existingfile"`
	Underlay string `default:"" enum:",4,6" help:"IP version that the hosts have between them: 4, 6, or both where it is left out."`
}

// Run starts the hosts.
func (c upCmd) Run(ctx context.Context) error {
	s, err := c.openOn(sandbox.Config{Underlay: sandbox.Families(c.Underlay), MetadataConfig: c.Metadata})
	if err != nil {
		return err
	}
	return s.Up(ctx, c.Hosts)
}

type uplinkCmd struct {
	sandboxFlags
	Host    string `default:"host1" help:"The host that gets the uplink."`
	Network string `default:"public" help:"Name of the external network that is reached through it; made where there is none."`
}

// Run adds an uplink and says what to do with it.
func (c uplinkCmd) Run(ctx context.Context) error {
	s, err := c.open()
	if err != nil {
		return err
	}
	up, err := s.AddUplink(ctx, sandbox.UplinkSpec{Host: c.Host, Network: c.Network})
	if err != nil {
		return err
	}
	fmt.Printf(`%s has an uplink: network %s (%s) is reached through router mn-edge
outside, in namespace %s: %s
Try:
  openstack router create r1 && openstack router set --external-gateway %s r1 && openstack router add subnet r1 SUBNET
  midonet sandbox workload exec NAME -- ping -c 3 %s
  openstack security group rule create --protocol icmp default    # or the outside's ping is kept out
  openstack floating ip create --port PORT %s && ip netns exec %s ping -c 3 FLOATING-IP
`, up.Host, c.Network, strings.Join(up.Ranges, ", "), up.Namespace, strings.Join(bare(up.Outside), ", "), c.Network,
		bare(up.Outside)[0], c.Network, up.Namespace)
	return nil
}

// bare cuts the prefix lengths off.
func bare(prefixes []string) []string {
	var addresses []string
	for _, p := range prefixes {
		address, _, _ := strings.Cut(p, "/")
		addresses = append(addresses, address)
	}
	return addresses
}

type downCmd struct{ sandboxFlags }

// Run removes the sandbox.
func (c downCmd) Run(ctx context.Context) error {
	s, err := c.open()
	if err != nil {
		return err
	}
	return s.Down(ctx)
}

type sbStatusCmd struct{ sandboxFlags }

// Run shows the sandbox.
func (c sbStatusCmd) Run(ctx context.Context) error {
	s, err := c.open()
	if err != nil {
		return err
	}
	status, err := s.Status(ctx)
	if err != nil {
		return err
	}
	out := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
	for _, h := range status.Hosts {
		state := "agent is not running"
		if h.Alive {
			state = fmt.Sprintf("agent %d", h.Agent)
		}
		fmt.Fprintf(out, "host %s\t%s\t%s\t%s\tlog %s\t%s\n", h.Name, strings.Join(h.Underlay, " "), state, plural(len(h.Ports), "port"), h.LogFile, h.LastError)
	}
	fmt.Fprintln(out)
	printWorkloads(out, status.Workloads)
	return out.Flush()
}

// plural returns "1 port", "2 ports".
func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
