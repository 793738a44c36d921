package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"time"

	"github.com/vishvananda/netlink"

	"midonet.org/midonet/agent/datapath/ebpf"
	"midonet.org/midonet/agent/flowstate"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/agent/view/viewtest"
	"midonet.org/midonet/agent/worker"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/topology"
)

// midonetOn runs the real agent's worker and datapath on so many hosts, one or two, which know the topology from the start.
func (l *lab) midonetOn(hosts int, name string, s service) (*path, error) {
	p, err := l.routed(name, s)
	if err != nil {
		return nil, err
	}
	var on []*namespace
	interfaces := [][]string{{"port-a", "port-b"}}
	if hosts == 1 {
		on, err = l.oneHost(p)
	} else {
		interfaces = [][]string{{"port"}, {"port"}}
		on, err = l.twoHosts(p)
	}
	if err != nil {
		return nil, err
	}
	if p, err = p.finish(); err != nil {
		return nil, err
	}
	objects, err := viewtest.Parse(s.on(hosts))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.title, err)
	}
	ctx, end := context.WithCancel(l.ctx)
	p.agent = &agent{end: end}
	for i, h := range on {
		d, err := l.openDatapath(p.agent, h)
		if err != nil {
			return nil, err
		}
		w, err := p.agent.worker(i, d)
		if err != nil {
			return nil, err
		}
		err = h.do(func() error {
			present, err := listInterfaces(interfaces[i])
			if err != nil {
				return err
			}
			w.SetInterfaces(present)
			if hosts > 1 {
				err = w.SetUnderlay([]netip.Addr{underlayIPv4(i)}, underlayMTU)
			}
			w.Apply(view.Delta{Puts: objects})
			return err
		})
		if err != nil {
			return nil, err
		}
		p.agent.running.Go(func() {
			if err := w.Run(ctx); ctx.Err() == nil {
				fmt.Fprintln(os.Stderr, "bench/datapath: agent:", err)
			}
		})
	}
	p.agent.from = p.agent.all[0]
	return p, nil
}

// worker makes the agent of the host with this number.
func (a *agent) worker(number int, d *ebpf.Datapath) (*worker.Worker, error) {
	name := fmt.Sprintf("h%d", number+1)
	id := viewtest.ID[topology.Host](name)
	states, err := flowstate.Open(flowstate.Config{Host: id}, time.Now())
	if err != nil {
		return nil, err
	}
	a.states = append(a.states, states)
	return worker.New(worker.Config{
		Host: id, HostName: name, Datapath: d, Cluster: noCluster{}, State: states,
		Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})), Now: time.Now,
	}), nil
}

// noCluster has nothing more to give: what its agents need they have been told.
type noCluster struct{}

func (noCluster) Want([]topology.RouterID) {}

func (noCluster) LeaseNAT(context.Context, topology.RouterID, netip.Addr, uint16, uint16) error {
	return errs.New(errs.Unavailable, "NoBlocks", "all blocks are given out")
}

// listInterfaces is to be called in the host's namespace.
func listInterfaces(names []string) ([]worker.Interface, error) {
	var all []worker.Interface
	for _, name := range names {
		l, err := netlink.LinkByName(name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, worker.Interface{
			Interface: topology.Interface{Name: name, Up: true}, Index: l.Attrs().Index, PeerNamespace: l.Attrs().NetNsID,
		})
	}
	return all, nil
}

// oneHost makes a host with both workloads.
func (l *lab) oneHost(p *path) ([]*namespace, error) {
	h, err := l.namespace("host")
	if err != nil {
		return nil, err
	}
	return []*namespace{h}, errors.Join(
		connect(h, "port-a", p.nsA, "eth0", workloadMTU), connect(h, "port-b", p.nsB, "eth0", workloadMTU))
}

func (l *lab) twoHosts(p *path) ([]*namespace, error) {
	hosts, err := l.hosts(p)
	return hosts[:], err
}
