// Package hosts tells Neutron which hosts there are, where they are and which are alive. Neutron shows them as agents and knows its
// availability zones from them.
//
// In return it learns which hosts an operator has deleted there: the cluster forgets those that are away, with their bindings.
//
// The job follows the network state database and writes through journal.HostSink: all the hosts when one of them changes, and now and
// then when none does, so that who looks at Neutron's database alone knows how old the news is.
package hosts

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"time"

	"midonet.org/midonet/cluster/nsdb/mirror"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/topology"
)

const (
	// DefaultInterval is how often the hosts are told when nothing changes (report_interval of Neutron's agents).
	DefaultInterval = 30 * time.Second
	// retryPause is how long after a failure they are told again.
	retryPause = time.Second
)

// Job keeps the sink up to date.
type Job struct {
	Mirror   *mirror.Mirror // of the network state database; the caller runs it
	Sink     journal.HostSink
	Hosts    Forgetter
	Log      *slog.Logger
	Interval time.Duration // 0: DefaultInterval
}

// Forgetter takes hosts out of the topology, as operators do by the MidoNet API.
type Forgetter interface {
	// UnbindFor removes the binding of the port to the host.
	UnbindFor(ctx context.Context, host topology.HostID, port topology.PortID) error
	// DeleteHost forgets a host, which must be away and have no bindings.
	DeleteHost(ctx context.Context, host topology.HostID) error
}

// Run works until ctx ends.
func (j *Job) Run(ctx context.Context) {
	select {
	case <-j.Mirror.Ready():
	case <-ctx.Done():
		return
	}
	_, changes := j.Mirror.Subscribe()
	defer changes.Close()
	interval := j.Interval
	if interval == 0 {
		interval = DefaultInterval
	}
	for ctx.Err() == nil {
		wait := interval
		deleted, err := j.Sink.SetHosts(ctx, Hosts(j.Mirror.State()))
		if err != nil && ctx.Err() == nil {
			j.Log.Error("Neutron could not be told of the hosts; trying again", "error", err, "after", retryPause)
			wait = retryPause
		}
		for _, host := range deleted {
			if err := j.forget(ctx, host); err != nil && ctx.Err() == nil {
				j.Log.Error("a host that was deleted as an agent is still known; trying again", "host", host, "error", err, "after", interval)
			}
		}
		awaitHosts(ctx, changes, wait)
	}
}

// forget takes a host out of the topology, and what is bound there, unless it is back meanwhile: Neutron shows it again then.
func (j *Job) forget(ctx context.Context, text string) error {
	host, err := id.Parse[topology.Host](text)
	if err != nil {
		return err
	}
	state := j.Mirror.State()
	if state.Get(topology.Key{Kind: topology.KindHostState, ID: host}) != nil {
		return nil
	}
	for binding := range state.Bindings(host) {
		if err := j.Hosts.UnbindFor(ctx, host, binding.Port); err != nil && !errs.Is(err, errs.NotFound) {
			return err
		}
	}
	if err := j.Hosts.DeleteHost(ctx, host); err != nil {
		return err
	}
	j.Log.Info("forgot a host that was deleted as an agent", "host", host)
	return nil
}

// awaitHosts returns when a host has changed, or after the wait.
func awaitHosts(ctx context.Context, changes *mirror.Subscription, wait time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	for {
		next, err := changes.Next(ctx)
		if err != nil || slices.ContainsFunc(next, ofHosts) {
			return
		}
	}
}

// ofHosts reports whether a change is of a host, or of whether it is alive.
func ofHosts(c mirror.Change) bool {
	is := func(k topology.Key) bool { return k.Kind == topology.KindHost || k.Kind == topology.KindHostState }
	return slices.ContainsFunc(c.Step.Puts, func(o topology.Object) bool { return is(o.Key()) }) || slices.ContainsFunc(c.Step.Deletes, is)
}

// Hosts returns all hosts, by name.
func Hosts(state *mirror.State) []journal.Host {
	var all []journal.Host
	for o := range state.ByKind(topology.KindHost) {
		host := o.(*topology.Host)
		h := journal.Host{ID: host.ID.String(), Name: host.Name, Zone: host.Zone, Endpoints: host.Endpoints}
		if alive := mirror.Lookup[*topology.HostState](state, topology.KindHostState, host.ID); alive != nil {
			h.Alive, h.Version, h.StartedAt = true, alive.Version, time.Unix(alive.StartedUnix, 0)
		}
		all = append(all, h)
	}
	slices.SortFunc(all, func(a, b journal.Host) int { return strings.Compare(a.Name, b.Name) })
	return all
}
