package operator

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"midonet.org/midonet/cluster/nsdb/mirror"
	"midonet.org/midonet/topology"
)

// retryPause is how long after a failure everything is looked at again.
const retryPause = 5 * time.Second

// errBack says that what was gone is there again, so that nothing is to be removed for it.
var errBack = errors.New("it is there again")

// Job removes what operators have put on a rendered object when Neutron has removed that, and what was put on an object while that was
// being deleted. Every server may run one: what one has done the others find done.
type Job struct {
	Editor *Editor
	Log    *slog.Logger
}

// task is what is to be done because an object is gone.
type task struct {
	gone  topology.Key
	units []unit
}

// Run works until ctx ends.
func (j *Job) Run(ctx context.Context) {
	select {
	case <-j.Editor.mirror.Ready():
	case <-ctx.Done():
		return
	}
	state, changes := j.Editor.mirror.Subscribe()
	defer changes.Close()
	tasks := orphans(state)
	for ctx.Err() == nil {
		wait, cancel := ctx, context.CancelFunc(func() {})
		if !j.do(ctx, tasks) {
			wait, cancel = context.WithTimeout(ctx, retryPause)
		}
		next, err := changes.Next(wait)
		cancel()
		if err == nil {
			tasks = follow(j.Editor.mirror.State(), next)
		} else {
			tasks = orphans(j.Editor.mirror.State())
		}
	}
}

// do does the tasks, and reports whether it could.
func (j *Job) do(ctx context.Context, tasks []task) bool {
	done := true
	for _, t := range tasks {
		stillGone := unit{cost: 1, do: func(e *Edit) error {
			o, err := e.tx.Get(t.gone)
			if err == nil && o != nil {
				err = errBack
			}
			return err
		}}
		switch err := j.Editor.doAll(ctx, append([]unit{stillGone}, t.units...)); {
		case err == nil:
			j.Log.Info("removed what operators had put on an object that is gone", "object", t.gone, "changes", len(t.units))
		case errors.Is(err, errBack) || ctx.Err() != nil:
		default:
			j.Log.Warn("what operators had put on an object that is gone cannot be removed yet", "object", t.gone, "error", err)
			done = false
		}
	}
	return done
}

// follow returns what the changes make necessary, as things are now.
func follow(now *mirror.State, changes []mirror.Change) []task {
	var tasks []task
	for _, c := range changes {
		for _, k := range c.Step.Deletes {
			if was := c.Before.Get(k); was != nil && now.Get(k) == nil {
				if units := dependants(now, k, was); len(units) > 0 {
					tasks = append(tasks, task{k, units})
				}
			}
		}
		for _, o := range c.Step.Puts {
			tasks = append(tasks, orphan(now, o)...)
		}
	}
	return tasks
}

// orphans returns what is to be done because operators' objects refer to what is not there.
func orphans(s *mirror.State) []task {
	var tasks []task
	for o := range s.All() {
		tasks = append(tasks, orphan(s, o)...)
	}
	return tasks
}

// orphan is orphans for one object.
func orphan(s *mirror.State, o topology.Object) []task {
	var tasks []task
	if r, ok := o.(topology.Referrer); ok {
		for _, to := range r.References() {
			if s.Get(to.To) == nil {
				d := newDeletion(s)
				d.ofReference(r, to)
				tasks = append(tasks, task{to.To, d.units})
			}
		}
		return tasks
	}
	for _, k := range needs(o) {
		if k.ID == [16]byte{} || s.Get(k) != nil {
			continue
		}
		d := newDeletion(s)
		switch o := o.(type) {
		case *topology.Chain:
			if k.Kind == topology.KindTraceRequest {
				d.ofRules(func(r *topology.Rule) bool { return tracesFor(r, topology.TraceRequestID(k.ID)) })
			} else {
				d.ofJumps(topology.ChainID(k.ID))
			}
		case *topology.Router:
			d.ofJumps(topology.ChainID(k.ID))
		case *topology.Port:
			if k.Kind == topology.KindPort {
				d.add(3, func(e *Edit) error { return e.loosenFrom(o.ID, o.Peer) })
			} else {
				d.port(o)
			}
		default:
			d.gone(o.Key())
		}
		tasks = append(tasks, task{k, d.units})
	}
	return tasks
}

// needs returns the keys of what an operator's object, which is no Referrer, makes no sense without, in whole or in part.
func needs(o topology.Object) []topology.Key {
	var keys []topology.Key
	need := func(kind topology.Kind, id [16]byte) { keys = append(keys, topology.Key{Kind: kind, ID: id}) }
	if m, ok := o.(*topology.TunnelZoneHost); ok {
		need(topology.KindTunnelZone, m.Zone)
		need(topology.KindHost, m.Host)
		return keys
	}
	if !topology.ByOperator(o) {
		return nil
	}
	switch o := o.(type) {
	case *topology.Port:
		keys = append(keys, deviceOf(o))
		need(topology.KindPort, o.Peer)
	case *topology.Router:
		need(topology.KindChain, o.ForwardChain)
	case *topology.Route:
		need(topology.KindRouter, o.Router)
		need(topology.KindPort, o.Port)
	case *topology.DHCP:
		need(topology.KindBridge, o.Bridge)
	case *topology.DHCPHost:
		need(topology.KindDHCP, o.DHCP)
	case *topology.MACEntry:
		need(topology.KindBridge, o.Bridge)
		need(topology.KindPort, o.Port)
	case *topology.Neighbour:
		need(topology.KindBridge, o.Bridge)
		need(topology.KindPort, o.Port)
	case *topology.GroupMember:
		need(topology.KindAddrGroup, o.Group)
	case *topology.TunnelKey:
		need(topology.KindPort, o.Port)
	case *topology.Chain:
		for i := range o.Rules {
			need(topology.KindChain, o.Rules[i].Jump)
			if k := o.Rules[i].Kept; k != nil && k.Trace != nil {
				need(topology.KindTraceRequest, k.Trace.Request)
			}
		}
	}
	return keys
}

// loosenFrom makes the port an exterior one, if it is still wired to the peer.
func (e *Edit) loosenFrom(port, peer topology.PortID) error {
	p, err := get[*topology.Port](e, topology.KindPort, port)
	if err != nil || p == nil || p.Peer != peer {
		return err
	}
	return e.loosen(p)
}
