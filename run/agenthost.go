package run

import (
	"context"
	"errors"
	"slices"
	"time"

	"midonet.org/midonet/agent/hostif"
	"midonet.org/midonet/agent/session"
	"midonet.org/midonet/agent/worker"
)

// hostPause is how long the host's interfaces are left alone after each reading, so that a burst of changes (a machine's start) costs
// a few readings and a single change is seen at once.
const hostPause = 20 * time.Millisecond

// hostRetry is how long after a failure the interfaces are read again, though nothing has changed.
const hostRetry = time.Second

// errWatchEnded says that the kernel no longer tells of changes; the agent would not see interfaces come and go.
var errWatchEnded = errors.New("the kernel's notifications of interface changes ended")

// followHost reads the host's interfaces after every change, and again where that failed.
func (a *agent) followHost(ctx context.Context) error {
	changes := a.host.Watch(ctx)
	var again <-chan time.Time // nil: the last reading did not fail
	for {
		open := true
		select {
		case _, open = <-changes:
		case <-again:
		}
		if ctx.Err() != nil {
			return ctx.Err()
		} else if !open {
			return errWatchEnded
		}
		again = nil
		if err := a.readHost(); err != nil {
			a.Log.Error("reading the host's interfaces", "error", err)
			again = time.After(hostRetry)
		}
		select {
		case <-time.After(hostPause):
		case <-ctx.Done():
		}
	}
}

// readHost tells the worker which interfaces there are and which addresses the tunnels use.
func (a *agent) readHost() error {
	interfaces, err := a.host.Interfaces()
	if err != nil {
		return err
	}
	present := make([]worker.Interface, len(interfaces))
	for i, one := range interfaces {
		present[i] = worker.Interface(one)
	}
	a.worker.SetInterfaces(present)
	defaults, err := a.host.DefaultInterfaces(interfaces)
	if err != nil {
		return err
	}
	underlay, err := hostif.Endpoints(interfaces, a.Underlay, defaults)
	a.warnMissing(err)
	if slices.Equal(underlay.Endpoints, a.underlay.Endpoints) && underlay.MTU == a.underlay.MTU {
		return nil
	}
	if err := a.worker.SetUnderlay(underlay.Endpoints, underlay.MTU); err != nil {
		return err
	}
	a.Log.Info("underlay", "endpoints", underlay.Endpoints, "mtu", underlay.MTU)
	a.underlay = underlay
	return nil
}

// warnMissing says once which of the configured underlay is not there, until that becomes another part or none.
func (a *agent) warnMissing(err error) {
	var missing string
	if err != nil {
		missing = err.Error()
	}
	if missing != "" && missing != a.missing {
		a.Log.Warn("part of the underlay is not there (yet)", "error", err)
	}
	a.missing = missing
}

// passChanges has the cluster told at once when the worker has something new to tell.
func (a *agent) passChanges(ctx context.Context) error {
	for {
		select {
		case <-a.worker.Changed():
			a.session.Changed()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// facts are the worker's facts as a session reports them.
func (a *agent) facts() session.Facts {
	f := a.worker.Report()
	report := session.Facts{
		Endpoints: f.Endpoints, Metadata: f.Metadata, Openings: f.Openings, Origins: f.Origins, Interfaces: f.Interfaces, Counts: f.Counts, Ports: f.Ports,
	}
	for _, l := range f.Learned {
		report.Learned = append(report.Learned, session.Station{Bridge: l.Bridge, Port: l.Port, MAC: l.MAC})
	}
	for _, n := range f.Found {
		report.Found = append(report.Found, session.Neighbour{Router: n.Router, Port: n.Port, Addr: n.Addr, MAC: n.MAC})
	}
	for _, b := range f.Blocks {
		report.Blocks = append(report.Blocks, session.Block{Router: b.Router, Addr: b.Addr, First: b.First})
	}
	return report
}
