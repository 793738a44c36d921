package sandbox

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"midonet.org/midonet/errs"
)

const (
	// maxHosts keeps the last part of an underlay address in one octet.
	maxHosts = 250
	// agentStart is how long an agent may take until it answers on its control socket and the cluster knows it.
	agentStart = time.Minute
)

// Up makes hosts host1 to host<n>, joined by an underlay, and waits until the cluster sees their agents alive. Hosts that are up
// already stay as they are, so that Up also adds hosts, starts agents that have died, and goes on where an interrupted Up stopped.
func (s *Sandbox) Up(ctx context.Context, hosts int) error {
	if hosts < 1 || hosts > maxHosts {
		return errs.New(errs.Invalid, "InvalidHosts", "%d hosts: a sandbox has 1 to %d", hosts, maxHosts)
	}
	if missing := Missing(); len(missing) > 0 {
		return errs.New(errs.Unavailable, "SandboxUnsupported", "this machine cannot run a sandbox: %s", strings.Join(missing, "; "))
	}
	if err := s.reachServer(ctx); err != nil {
		return err
	}
	return s.change(func(st *state) error { return s.up(ctx, st, hosts) })
}

func (s *Sandbox) up(ctx context.Context, st *state, hosts int) error {
	for number := 1; number <= hosts; number++ {
		name := fmt.Sprintf("host%d", number)
		if st.host(name) == nil {
			st.Hosts = append(st.Hosts, hostRecord{Name: name, Number: number, Underlay: s.underlayAddresses(number)})
		}
	}
	if err := s.save(st); err != nil {
		return err
	}
	if err := s.ensureUnderlay(); err != nil {
		return err
	}
	for i := range st.Hosts {
		if err := s.upHost(ctx, st, &st.Hosts[i]); err != nil {
			return fmt.Errorf("%s: %w", st.Hosts[i].Name, err)
		}
	}
	return s.waitAgents(ctx, st)
}

// upHost makes the host's namespace, its interface to the underlay and its agent, unless they are there.
func (s *Sandbox) upHost(ctx context.Context, st *state, h *hostRecord) error {
	if h.Agent.alive() {
		fmt.Fprintf(s.out, "%s is up already (agent %d)\n", h.Name, h.Agent.PID)
		return nil
	}
	if err := ensureNamespace(s.hostNamespace(h.Name)); err != nil {
		return err
	}
	if err := s.connectHost(h); err != nil {
		return err
	}
	if err := s.startAgent(ctx, h); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "%s: underlay %s, agent %d\n", h.Name, strings.Join(h.Underlay, " "), h.Agent.PID)
	return s.save(st)
}

// startAgent runs the agent inside the host's namespace. It outlives this program.
func (s *Sandbox) startAgent(ctx context.Context, h *hostRecord) error {
	if err := os.MkdirAll(s.hostDir(h.Name), 0o750); err != nil {
		return err
	}
	argv, err := s.agentCommand(ctx, h)
	if err != nil {
		return err
	}
	h.Agent, err = startDetached(s.hostNamespace(h.Name), s.agentLog(h.Name), append(asService(), argv...))
	return err
}

// agentCapabilities are those that an agent has as a service (CapabilityBoundingSet in systemd/midonet-agent.service), in setpriv's words.
var agentCapabilities = []string{"net_admin", "net_raw", "net_bind_service", "sys_admin"}

// asService is the command in front of an agent's that leaves it with what it may do as a service, so that whatever works here works there.
func asService() []string {
	return []string{"setpriv", "--no-new-privs", "--bounding-set=-all,+" + strings.Join(agentCapabilities, ",+"), "--"}
}

// agentCommand is the agent's command line. The token serves a host that has no certificate yet; the agent ignores it otherwise.
func (s *Sandbox) agentCommand(ctx context.Context, h *hostRecord) ([]string, error) {
	token, err := s.joinToken(ctx)
	if err != nil {
		return nil, err
	}
	argv := []string{
		s.cfg.Binary, "agent",
		"--state-dir", s.hostDir(h.Name),
		"--server", "unix:" + s.streamSocket(),
		"--join", token,
		"--host-name", h.Name,
		"--control-socket", s.controlSocket(h.Name),
		"--underlay", strings.Join(bareAddresses(h.Underlay), ","),
	}
	if s.cfg.MetadataConfig != "" {
		return append(argv, "--config-file", s.cfg.MetadataConfig), nil
	}
	return append(argv, "--built-in-metadata"), nil
}

// bareAddresses cuts the prefix lengths off.
func bareAddresses(prefixes []string) []string {
	bare := make([]string, len(prefixes))
	for i, p := range prefixes {
		bare[i], _, _ = strings.Cut(p, "/")
	}
	return bare
}

// waitAgents returns when every agent answers on its control socket and the cluster lists its host as alive.
func (s *Sandbox) waitAgents(ctx context.Context, st *state) error {
	ctx, cancel := context.WithTimeout(ctx, agentStart)
	defer cancel()
	for i := range st.Hosts {
		h := &st.Hosts[i]
		err := poll(ctx, 50*time.Millisecond, func() (bool, error) {
			if !h.Agent.alive() {
				return true, fmt.Errorf("its agent ended: %s", s.lastLogLine(h.Name))
			}
			err := s.hostListed(ctx, h.Name)
			return err == nil, err
		})
		if err != nil {
			return fmt.Errorf("%s: %w; the agent's log is %s", h.Name, err, s.agentLog(h.Name))
		}
	}
	return nil
}

// hostListed asks the host's agent, with mm-ctl, which hosts the cluster knows; nil means that this host is among those alive.
func (s *Sandbox) hostListed(ctx context.Context, host string) error {
	out, err := s.runMMCtl(ctx, host, "--list-hosts")
	if err != nil {
		return err
	}
	for line := range strings.Lines(out) {
		// The columns are ID, NAME, ALIVE and more. A host of the same name may be left, dead, from an earlier sandbox.
		if fields := strings.Fields(line); len(fields) >= 3 && fields[1] == host && fields[2] == "true" {
			return nil
		}
	}
	return fmt.Errorf("the cluster does not list it as alive")
}

// runMMCtl runs mm-ctl on the host, as Nova does, and returns its standard output.
func (s *Sandbox) runMMCtl(ctx context.Context, host string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, s.mmctl(), append([]string{"--socket", s.controlSocket(host)}, args...)...)
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("mm-ctl %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return stdout.String(), nil
}
