package run

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	midonetapi "midonet.org/midonet/cluster/api"
	"midonet.org/midonet/cluster/inspect"
	"midonet.org/midonet/cluster/nsdb/mirror"
	"midonet.org/midonet/cluster/operator"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/config"
	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/topology"
	"midonet.org/midonet/topology/topologypb"
)

// maxPendingShown bounds how many journal tasks a status counts.
const maxPendingShown = 1000

// adminOps joins the administration socket to the parts.
func (s *server) adminOps() adminOps {
	ops := adminOps{dump: s.dump, check: s.check, status: s.status, token: s.token, revoke: s.revoke, restore: s.restore}
	if s.APIOnly {
		ops.dump = func(context.Context, io.Writer) error { return errNoTopology }
		ops.check = func(context.Context) (CheckReport, error) { return CheckReport{}, errNoTopology }
		ops.restore = func(context.Context, io.Reader) (RestoreReply, error) { return RestoreReply{}, errNoTopology }
		ops.token = func(context.Context, TokenRequest) (TokenReply, error) { return TokenReply{}, errNoTopology }
		ops.revoke = func(context.Context, RevokeRequest) (RevokeReply, error) { return RevokeReply{}, errNoTopology }
	}
	return ops
}

var errNoTopology = errs.New(errs.Unavailable, "NoTopology",
	"this process serves the Networking API alone: ask the server that has the topology")

func (s *server) dump(_ context.Context, w io.Writer) error {
	return inspect.WriteDump(w, slices.Collect(s.mirror.State().All()))
}

func (s *server) restore(ctx context.Context, dump io.Reader) (RestoreReply, error) {
	copied, err := inspect.ReadDump(dump)
	if err != nil {
		return RestoreReply{}, errs.New(errs.Invalid, "BadDump", "the dump cannot be read: %v", err)
	}
	n, err := s.editor.Restore(ctx, copied)
	return RestoreReply{Objects: n}, err
}

func (s *server) check(ctx context.Context) (CheckReport, error) {
	report, err := s.importer.Check(ctx)
	if err != nil {
		return CheckReport{}, err
	}
	pending, err := s.pending(ctx)
	return CheckReport{Objects: report.Objects, Pending: pending, Differences: report.Differences}, err
}

func (s *server) pending(ctx context.Context) (int, error) {
	if s.ClusterOnly {
		return 0, nil
	}
	var reader journal.Reader = s.journal
	tasks, err := reader.Pending(ctx, maxPendingShown)
	return len(tasks), err
}

// behind reports whether tasks of the journal wait.
func (s *server) behind(ctx context.Context) (bool, error) {
	n, err := s.pending(ctx)
	return n > 0, err
}

func (s *server) status(ctx context.Context) (ServerStatus, error) {
	pending, err := s.pending(ctx)
	if err != nil {
		return ServerStatus{}, err
	}
	status := ServerStatus{
		Version: Version, StartedUnix: s.started.Unix(), API: webAddress(s.listeners.api, ""),
		MidoNetAPI: webAddress(s.listeners.midonet, midonetapi.Root), Stream: s.listeners.streamAddresses(), Database: s.databaseEngine(),
		JournalPending: pending,
	}
	status.Metrics, status.NoTopology = webAddress(s.listeners.metrics, "/metrics"), s.APIOnly
	if s.agents != nil {
		status.Hosts = s.agents.Counts()
	}
	if s.mirror != nil {
		status.Problems = append(hostsAway(s.mirror.State()), unheeded(s.mirror.State())...)
	}
	if err := s.dataStatus(ctx, &status); err != nil || s.backend == nil {
		return status, err
	}
	drain := s.backend.Status()
	status.TasksApplied = drain.Applied
	if !s.ClusterOnly && !s.APIOnly && !s.draining.Load() && s.options.NSDB.Engine == config.EngineEmbedded {
		status.Problems = append(status.Problems, "another server on this database applies its changes; the agents of this one get none meanwhile")
	}
	if drain.LastError != "" {
		status.Problems = append(status.Problems, "the journal is not being drained: "+drain.LastError)
	}
	status.Problems = append(status.Problems, drain.Problems...)
	for _, f := range drain.Failed {
		status.Problems = append(status.Problems, fmt.Sprintf("task %d, %s: %s", f.TaskID, f.Resource, f.Reason))
	}
	return status, nil
}

// maxNamed bounds how many hosts a problem names.
const maxNamed = 10

// hostsAway says which hosts have no agent that is alive.
func hostsAway(state *mirror.State) []string {
	var names []string
	for o := range state.ByKind(topology.KindHost) {
		h := o.(*topology.Host)
		if state.Get((&topology.HostState{Host: h.ID}).Key()) == nil {
			names = append(names, cmp.Or(topology.Shown(h.Name), h.ID.Short()))
		}
	}
	if names == nil {
		return nil
	}
	slices.Sort(names)
	text := fmt.Sprintf("%d of %d hosts away, with their ports DOWN: ", len(names), state.Count(topology.KindHost))
	if len(names) > maxNamed {
		names = append(names[:maxNamed], fmt.Sprintf("and %d more", len(names)-maxNamed))
	}
	return []string{text + strings.Join(names, ", ")}
}

// unheeded says what operators have stored that changes no packet.
func unheeded(state *mirror.State) []string {
	var kinds []string
	add := func(n int, what any) {
		if n > 0 {
			kinds = append(kinds, fmt.Sprintf("%d %v", n, what))
		}
	}
	for _, kind := range topology.Kinds() {
		if !kind.Heeded() {
			add(state.Count(kind), kind)
		}
	}
	for _, of := range operator.Unheeded(state) {
		add(of.Number, of.What)
	}
	if kinds == nil {
		return nil
	}
	return []string{"stored over the MidoNet API, and obeyed by no part of this MidoNet yet: " + strings.Join(kinds, ", ")}
}

// databaseEngine is the database's URL without what may be secret, "" where there is none.
func (s *server) databaseEngine() string {
	if s.ClusterOnly {
		return ""
	}
	url := databaseURL(s.options, s.StateDir)
	scheme, _, _ := strings.Cut(url, "://")
	if strings.Contains(url, "@") {
		return scheme
	}
	return url
}

func (s *server) token(_ context.Context, r TokenRequest) (TokenReply, error) {
	if r.ValidSeconds < 0 {
		return TokenReply{}, errs.New(errs.Invalid, "BadRequest", "valid_seconds is negative")
	}
	addresses, err := tokenAddresses(r.Addresses, s.listeners.streamAddresses())
	if err != nil {
		return TokenReply{}, err
	}
	token, err := s.authority.NewToken(addresses, time.Duration(r.ValidSeconds)*time.Second, !r.Reusable)
	if err != nil {
		return TokenReply{}, err
	}
	text, err := token.Text()
	return TokenReply{Token: text}, err
}

func (s *server) revoke(ctx context.Context, r RevokeRequest) (RevokeReply, error) {
	reply, err := hostNamed(s.mirror.State(), r.Host)
	if err != nil {
		return RevokeReply{}, err
	}
	return reply, s.agents.Revoke(ctx, reply.Host)
}

// hostNamed returns the host of that name or identifier. An identifier need not be known: a host that was forgotten may have a certificate.
func hostNamed(state *mirror.State, text string) (RevokeReply, error) {
	var found []RevokeReply
	for o := range state.ByKind(topology.KindHost) {
		if h := o.(*topology.Host); h.Name == text || h.ID.String() == text {
			found = append(found, RevokeReply{Host: h.ID, Name: h.Name})
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		host, err := id.Parse[topology.Host](text)
		if err != nil || host.IsZero() {
			return RevokeReply{}, errs.New(errs.NotFound, "NoSuchHost", "no host has the name or identifier %q; midonet status names them", text)
		}
		return RevokeReply{Host: host}, nil
	}
	return RevokeReply{}, errs.New(errs.Conflict, "ManyHosts", "%d hosts have the name %q; say which by its identifier, as openstack network agent list does",
		len(found), text)
}

// tokenAddresses are the addresses that a join token carries: those asked for, or those listened on, where "every address of this
// machine" becomes the machine's name.
func tokenAddresses(asked, listening []string) ([]string, error) {
	if len(asked) > 0 {
		return dialable(asked)
	}
	name, err := os.Hostname()
	if err != nil {
		return nil, err
	}
	addresses := make([]string, len(listening))
	for i, a := range listening {
		addresses[i] = a
		if host, port, err := net.SplitHostPort(strings.TrimPrefix(a, "tcp://")); err == nil && (host == "::" || host == "0.0.0.0") {
			addresses[i] = "tcp://" + net.JoinHostPort(name, port)
		}
	}
	return addresses, nil
}

// dialable returns addresses as the stream's clients want them, tcp://host:port or unix:/path. A plain host:port is TCP.
func dialable(given []string) ([]string, error) {
	addresses := make([]string, len(given))
	for i, a := range given {
		if !strings.Contains(a, "://") && !strings.HasPrefix(a, "unix:") {
			a = "tcp://" + a
		}
		if _, _, err := topologypb.SplitAddress(a); err != nil {
			return nil, err
		}
		addresses[i] = a
	}
	return addresses, nil
}
