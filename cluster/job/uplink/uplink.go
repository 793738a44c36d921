// Package uplink plugs the ports of uplinks into the interfaces that Neutron names: those of routers on a network of type uplink, whose
// binding:host_id is a host's name and whose binding:profile has interface_name. Nothing on the host has to be told (MidoNet's
// RouterInterfaceTranslator.scala did the same while it translated).
//
// The job follows the network state database. A host that has not joined yet, or a name that several hosts have, leaves the port
// unplugged, which the log says once; it is plugged in when that changes.
package uplink

import (
	"context"
	"log/slog"
	"maps"
	"time"

	"midonet.org/midonet/cluster/nsdb/mirror"
	"midonet.org/midonet/topology"
)

// retryPause is how long after a failure the bindings are tried again, should nothing change before.
const retryPause = 5 * time.Second

// Binder makes bindings; package stream's Server is one.
type Binder interface {
	Plug(ctx context.Context, want topology.Binding) error
}

// Job keeps uplinks plugged in.
type Job struct {
	Mirror *mirror.Mirror // of the network state database; the caller runs it
	Binder Binder
	Log    *slog.Logger

	told map[topology.PortID]string // why a port is not plugged in, as the log has it
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
	j.told = map[topology.PortID]string{}
	plugs, hosts := plugsOf(state), hostsOf(state)
	for {
		failed := j.plugAll(ctx, plugs, hosts)
		wait := ctx
		cancel := func() {}
		if failed {
			wait, cancel = context.WithTimeout(ctx, retryPause)
		}
		next, err := changes.Next(wait)
		cancel()
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			continue // it is time to try again
		}
		for _, c := range next {
			plugs.follow(c)
			hosts.follow(c)
		}
	}
}

// plugAll makes the bindings that are not as wanted, and reports whether one could not be made.
func (j *Job) plugAll(ctx context.Context, plugs plugs, hosts hosts) (failed bool) {
	state := j.Mirror.State()
	for port, plug := range plugs {
		named := hosts[plug.HostName]
		if len(named) != 1 {
			j.tell(port, plug, map[bool]string{true: "no host has that name", false: "several hosts have that name"}[len(named) == 0])
			continue
		}
		for host := range named {
			want := topology.Binding{Port: port, Host: host, Interface: plug.Interface}
			present := mirror.Lookup[*topology.Binding](state, topology.KindBinding, port)
			if present != nil && present.SamePlace(&want) {
				continue
			}
			if err := j.Binder.Plug(ctx, want); err != nil {
				j.tell(port, plug, err.Error())
				failed = true
				continue
			}
			delete(j.told, port)
			j.Log.Info("uplink plugged in", "port", port, "host", plug.HostName, "interface", plug.Interface)
		}
	}
	maps.DeleteFunc(j.told, func(p topology.PortID, _ string) bool { _, ok := plugs[p]; return !ok })
	return failed
}

func (j *Job) tell(port topology.PortID, plug topology.Plug, why string) {
	if j.told[port] != why {
		j.told[port] = why
		j.Log.Warn("an uplink is not plugged in", "port", port, "host", plug.HostName, "interface", plug.Interface, "reason", why)
	}
}

// plugs are the ports that Neutron wants plugged in.
type plugs map[topology.PortID]topology.Plug

func plugsOf(state *mirror.State) plugs {
	p := plugs{}
	for o := range state.ByKind(topology.KindPort) {
		p.put(o)
	}
	return p
}

func (p plugs) put(o topology.Object) {
	port, ok := o.(*topology.Port)
	switch {
	case !ok:
	case port.Plug == nil:
		delete(p, port.ID)
	default:
		p[port.ID] = *port.Plug
	}
}

func (p plugs) follow(c mirror.Change) {
	for _, k := range c.Step.Deletes {
		if k.Kind == topology.KindPort {
			delete(p, k.ID)
		}
	}
	for _, o := range c.Step.Puts {
		p.put(o)
	}
}

// hosts are the hosts by name.
type hosts map[string]map[topology.HostID]struct{}

func hostsOf(state *mirror.State) hosts {
	h := hosts{}
	for o := range state.ByKind(topology.KindHost) {
		h.put(o)
	}
	return h
}

func (h hosts) put(o topology.Object) {
	host, ok := o.(*topology.Host)
	if !ok {
		return
	}
	h.remove(host.ID)
	if h[host.Name] == nil {
		h[host.Name] = map[topology.HostID]struct{}{}
	}
	h[host.Name][host.ID] = struct{}{}
}

func (h hosts) remove(host topology.HostID) {
	for name, ids := range h {
		if delete(ids, host); len(ids) == 0 {
			delete(h, name)
		}
	}
}

func (h hosts) follow(c mirror.Change) {
	for _, k := range c.Step.Deletes {
		if k.Kind == topology.KindHost {
			h.remove(k.ID)
		}
	}
	for _, o := range c.Step.Puts {
		h.put(o)
	}
}
