package run

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"midonet.org/midonet/agent/control"
	"midonet.org/midonet/agent/datapath/ebpf"
	"midonet.org/midonet/agent/flowstate"
	"midonet.org/midonet/agent/hostif"
	"midonet.org/midonet/agent/service/dhcp"
	"midonet.org/midonet/agent/service/dhcp6"
	"midonet.org/midonet/agent/service/metadata"
	"midonet.org/midonet/agent/session"
	"midonet.org/midonet/agent/sim"
	"midonet.org/midonet/agent/worker"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/topology"
)

// AgentConfig is what `midonet agent` was told on the command line. Only StateDir and Log are required once the host has joined.
type AgentConfig struct {
	StateDir      string   // one agent at a time uses it
	HostIDFile    string   // empty: midonet_host_id.properties in StateDir
	HostName      string   // empty: the machine's
	Zone          string   // the availability zone that the host is in; empty: none
	JoinToken     string   // needed until the host has joined
	Servers       []string // host:port, tcp://host:port or unix:/path; none: those in the join token
	ControlSocket string   // where mm-ctl finds the agent; empty: control.DefaultSocket
	Underlay      []string // addresses or interfaces for the tunnels; none: those of the default routes' interfaces
	TunnelPort    int      // UDP; 0: MidoNet's 6677
	MaxFlows      int      // that the flow cache holds; 0: 131,072
	PinDir        string   // where the flow cache outlives the agent; empty: bpf in StateDir
	Monitor       string   // host:port or unix:/path of metrics and health; empty: monitor.sock in StateDir
	ConfigFiles   []string // Neutron's metadata_agent.ini and the like: the metadata service asks Nova as they say; none: there is none
	BuiltIn       bool     // the metadata service answers what the topology says; not with ConfigFiles
	Flush         bool     // leave nothing plugged in on a clean stop
	Log           *slog.Logger
}

// What a flow cache may be told to hold. A flow takes 1 KiB, in the kernel and in the agent together.
const minFlows, maxFlows = 1 << 10, 1 << 22

func (c AgentConfig) withDefaults() (AgentConfig, error) {
	if c.HostName == "" {
		name, err := os.Hostname()
		if err != nil {
			return c, err
		}
		c.HostName = name
	}
	c.ControlSocket = cmp.Or(c.ControlSocket, control.DefaultSocket)
	c.PinDir = cmp.Or(c.PinDir, filepath.Join(c.StateDir, "bpf"))
	c.Monitor = cmp.Or(c.Monitor, AgentMonitor(c.StateDir))
	if c.MaxFlows != 0 && (c.MaxFlows < minFlows || c.MaxFlows > maxFlows) {
		return c, errs.New(errs.Invalid, "BadMaxFlows", "a flow cache holds %d to %d flows, and not %d", minFlows, maxFlows, c.MaxFlows)
	}
	servers, err := dialable(c.Servers)
	c.Servers = servers
	return c, err
}

// Agent moves the packets of the host, in the network namespace that the process is in, until ctx ends. What it has put into the
// kernel stays there then and goes on forwarding, unless Flush is set.
func Agent(ctx context.Context, c AgentConfig) error {
	c, err := c.withDefaults()
	if err != nil {
		return err
	}
	dir, err := openStateDir(c.StateDir)
	if err != nil {
		return err
	}
	defer dir.Close()
	a := &agent{AgentConfig: c}
	defer a.close()
	if a.metadata.answerer, err = metadataAnswerer(c); err != nil {
		return err
	}
	if err := a.open(); err != nil {
		return err
	}
	err = a.run(ctx)
	if !c.Flush {
		c.Log.Info("agent stopped; the ports stay plugged in and known flows go on")
		return err
	}
	err = errors.Join(err, a.worker.Flush())
	c.Log.Info("agent stopped; the ports are unplugged")
	return err
}

// agent is the parts of a running agent.
type agent struct {
	AgentConfig
	host     *hostif.Host
	datapath *ebpf.Datapath
	session  *session.Session
	worker   *worker.Worker
	states   *flowstate.Table
	control  net.Listener
	metrics  net.Listener
	metadata metadataService
	underlay hostif.Underlay // as the worker knows it
	missing  string          // of the configured underlay
	captures atomic.Int32    // that run
}

// open makes the parts; nothing runs yet. The cheap ones come first, so that a mistake is told before the kernel is touched.
func (a *agent) open() (err error) {
	a.session, err = session.New(session.Config{
		StateDir: a.StateDir, HostIDFile: a.HostIDFile, HostName: a.HostName, Zone: a.Zone, JoinToken: a.JoinToken, Addresses: a.Servers,
		Version: Version, Facts: a.facts, Elsewhere: func(keys []topology.Key) { a.worker.SayAnew(keys) }, Log: a.Log,
	})
	if err != nil {
		return err
	}
	if a.control, err = control.Listen(a.ControlSocket); err != nil {
		return err
	}
	if a.metrics, err = listen("the agent's monitor", a.Monitor); err != nil {
		return err
	}
	if err = a.openMetadata(); err != nil {
		return err
	}
	if a.host, err = hostif.Open(); err != nil {
		return err
	}
	a.datapath, err = ebpf.Open(ebpf.Config{PinDir: a.PinDir, TunnelPort: a.TunnelPort, MaxFlows: a.MaxFlows, Log: a.Log})
	if err != nil {
		return err
	}
	a.states, err = flowstate.Open(flowstate.Config{Path: filepath.Join(a.StateDir, "connections"), Host: a.session.HostID()}, time.Now())
	if err != nil {
		return err
	}
	a.worker = worker.New(worker.Config{
		Host: a.session.HostID(), HostName: a.HostName, Datapath: a.datapath, Responders: responders(), Metadata: a.metadata.device(),
		MaxFlows: worker.FlowsIn(a.MaxFlows), Cluster: a.session, State: a.states, Log: a.Log, Now: time.Now,
	})
	if a.metadata.answerer != nil {
		a.metadata.service = metadata.New(a.worker.View, a.metadata.answerer, a.Log)
	}
	return a.readHost()
}

// responders are the services that an agent answers itself, in the order in which they are asked.
func responders() []sim.Responder { return []sim.Responder{dhcp.Responder{}, dhcp6.Responder{}} }

// close releases what open got, in any state.
func (a *agent) close() {
	a.metadata.close()
	for _, l := range []net.Listener{a.control, a.metrics} {
		if l != nil {
			l.Close() // again, where its server has closed it
		}
	}
	if a.host != nil {
		a.host.Close()
	}
	if a.states != nil {
		a.states.Close()
	}
	if a.datapath != nil {
		if err := a.datapath.Close(); err != nil {
			a.Log.Error("closing the datapath", "error", err)
		}
	}
}

// run runs every part until ctx ends or one of them fails; then all of them end.
func (a *agent) run(ctx context.Context) error {
	a.Log.Info("agent running", "version", Version, "host", a.session.HostID(), "name", a.HostName,
		"underlay", a.underlay.Endpoints, "control", a.ControlSocket, "monitor", a.Monitor)
	return runAll(ctx, []part{
		{"packets", a.worker.Run},
		{"session", func(ctx context.Context) error { return a.session.Run(ctx, a.worker.Apply) }},
		{"interfaces", a.followHost},
		{"reports", a.passChanges},
		{"control socket", a.serveControl},
		{"metadata service", a.serveMetadata},
		{"monitor", func(ctx context.Context) error { return serveHTTP(ctx, a.metrics, a.monitor(), a.Log) }},
	})
}
