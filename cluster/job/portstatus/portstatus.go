// Package portstatus tells Neutron which ports work: the one fact about the hosts that travels upward.
//
// A port is ACTIVE when, and only when, it is bound to a host, that host is alive, and the host says that the interface is up and
// in the datapath. It is DOWN otherwise, from the moment that any of these ends; a host that falls silent takes its ports with it
// when its lease runs out. (midonet/midonet writes the same to the replicated "active" key of a port; nothing told Neutron there.)
//
// The job follows the network state database and writes through journal.StatusSink. On its start it states every port once, since
// it cannot know what happened while it was not there. A sink that fails is asked again until it takes the statuses; it is then
// told what holds at that time.
package portstatus

import (
	"context"
	"log/slog"
	"time"

	"midonet.org/midonet/cluster/nsdb/mirror"
	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/topology"
)

const (
	// maxBatch is how many ports are written to the sink at a time.
	maxBatch = 256
	// firstPause and longPause bound the waits between tries of a sink that fails.
	firstPause = 100 * time.Millisecond
	longPause  = 10 * time.Second
)

// Job keeps the sink up to date.
type Job struct {
	Mirror *mirror.Mirror // of the network state database; the caller runs it
	Sink   journal.StatusSink
	Log    *slog.Logger
}

// Run works until ctx ends.
func (j *Job) Run(ctx context.Context) {
	select {
	case <-j.Mirror.Ready():
	case <-ctx.Done():
		return
	}
	state, changes := j.Mirror.Subscribe()
	defer changes.Close()
	w := work{}
	for o := range state.ByKind(topology.KindPort) {
		w[o.Key().ID] = struct{}{}
	}
	for {
		if !j.flush(ctx, w, changes) {
			return
		}
		next, err := changes.Next(ctx)
		if err != nil {
			return
		}
		w.addChanges(next)
	}
}

// flush writes everything that is due, and takes in what changes meanwhile. It returns false when ctx ends first.
func (j *Job) flush(ctx context.Context, w work, changes *mirror.Subscription) bool {
	pause := firstPause
	for len(w) > 0 {
		ports := w.batch()
		statuses := Statuses(j.Mirror.State(), ports)
		if len(statuses) > 0 {
			if err := j.Sink.SetPortStatus(ctx, statuses); err != nil {
				if !j.wait(ctx, pause, err) {
					return false
				}
				pause = min(2*pause, longPause)
				w.addChanges(changes.Pending())
				continue
			}
		}
		pause = firstPause
		w.done(ports)
	}
	return true
}

// wait waits for the next try after a failure of the sink. It returns false when ctx ends first.
func (j *Job) wait(ctx context.Context, pause time.Duration, err error) bool {
	if ctx.Err() != nil {
		return false
	}
	j.Log.Error("the status of ports could not be written; trying again", "error", err, "after", pause)
	select {
	case <-time.After(pause):
		return true
	case <-ctx.Done():
		return false
	}
}

// Statuses returns the status of each port that exists.
func Statuses(state *mirror.State, ports []topology.PortID) []journal.PortStatus {
	var statuses []journal.PortStatus
	for _, p := range ports {
		if exists(state, topology.KindPort, p) {
			statuses = append(statuses, journal.PortStatus{PortID: p.String(), Active: active(state, p)})
		}
	}
	return statuses
}

// active reports whether packets can reach the port's interface.
func active(state *mirror.State, port topology.PortID) bool {
	bound := mirror.Lookup[*topology.Binding](state, topology.KindBinding, port)
	said := mirror.Lookup[*topology.PortState](state, topology.KindPortState, port)
	return bound != nil && said != nil && said.Active && said.Host == bound.Host && exists(state, topology.KindHostState, bound.Host)
}

func exists(state *mirror.State, kind topology.Kind, id [16]byte) bool {
	return state.Get(topology.Key{Kind: kind, ID: id}) != nil
}
