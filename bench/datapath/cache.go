package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/datapath/ebpf"
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/flowstate"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/id"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// agent is what a path of ours has on its hosts. The one that start gives a path decides nothing: every packet's destination is in a
// table. What it costs is the datapath's own.
type agent struct {
	all     []*ebpf.Datapath
	pins    []string
	states  []*flowstate.Table
	from    *ebpf.Datapath // of the workload that sends
	end     context.CancelFunc
	running sync.WaitGroup
}

// without the limit on misses, which is there to be reached in a flood.
const unlimited = 1_000_000_000

func (l *lab) openDatapath(a *agent, h *namespace) (*ebpf.Datapath, error) {
	pins := filepath.Join(l.dir, h.name)
	var d *ebpf.Datapath
	err := h.do(func() (err error) {
		d, err = ebpf.Open(ebpf.Config{PinDir: pins, MissRate: unlimited, MissBurst: unlimited})
		return err
	})
	if err != nil {
		return nil, err
	}
	a.all, a.pins = append(a.all, d), append(a.pins, pins)
	return d, nil
}

func plug(h *namespace, d *ebpf.Datapath, name string, tunnelKey uint32) (topology.PortID, error) {
	p := datapath.Port{ID: id.New[topology.Port](), Interface: name, TunnelKey: tunnelKey}
	return p.ID, h.do(func() error { return d.SetPort(p) })
}

func (l *lab) cacheLocal(name string) (*path, error) {
	p, err := l.path(name)
	if err != nil {
		return nil, err
	}
	h, err := l.namespace("host")
	if err != nil {
		return nil, err
	}
	p.agent = &agent{}
	if p.agent.from, err = l.openDatapath(p.agent, h); err != nil {
		return nil, err
	}
	err = errors.Join(
		connect(h, "port-a", p.nsA, "eth0", workloadMTU), connect(h, "port-b", p.nsB, "eth0", workloadMTU))
	if err != nil {
		return nil, err
	}
	portA, errA := plug(h, p.agent.from, "port-a", 0)
	portB, errB := plug(h, p.agent.from, "port-b", 0)
	if err := errors.Join(errA, errB); err != nil {
		return nil, err
	}
	return l.start(p, [][2]flow.Output{{{Port: portA}, {Port: portB}}})
}

func (l *lab) cacheIPv4(name string) (*path, error) { return l.cacheTunnel(name, underlayIPv4) }

func (l *lab) cacheIPv6(name string) (*path, error) { return l.cacheTunnel(name, underlayIPv6) }

func (l *lab) cacheTunnel(name string, underlay func(int) netip.Addr) (*path, error) {
	p, err := l.path(name)
	if err != nil {
		return nil, err
	}
	hosts, err := l.hosts(p)
	if err != nil {
		return nil, err
	}
	p.agent = &agent{}
	var ports [2]topology.PortID
	for i, h := range hosts {
		d, err := l.openDatapath(p.agent, h)
		if err != nil {
			return nil, err
		}
		if ports[i], err = plug(h, d, "port", uint32(i+1)); err != nil {
			return nil, err
		}
	}
	p.agent.from = p.agent.all[0]
	far := func(i int) flow.Output {
		return flow.Output{Port: ports[i], Peer: underlay(i), TunnelKey: uint32(i + 1)}
	}
	return l.start(p, [][2]flow.Output{{{Port: ports[0]}, far(1)}, {far(0), {Port: ports[1]}}})
}

// start runs each host's agent, given the outputs to the two workloads from that host.
func (l *lab) start(p *path, outputs [][2]flow.Output) (*path, error) {
	if _, err := p.finish(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(l.ctx)
	p.agent.end = cancel
	for i, d := range p.agent.all {
		table := map[mac.Addr]flow.Output{workloadA: outputs[i][0], workloadB: outputs[i][1]}
		p.agent.running.Go(func() {
			if err := serve(ctx, d, table); ctx.Err() == nil {
				fmt.Fprintln(os.Stderr, "bench/datapath: agent:", err)
			}
		})
	}
	return p, nil
}

// serve is the shortest agent: a batch of misses, their flows, the packets. It ends with an error, at last with ctx's.
func serve(ctx context.Context, d datapath.Datapath, table map[mac.Addr]flow.Output) error {
	const batch = 64
	misses, flows, packets := make([]datapath.Miss, batch), make([]flow.Flow, 0, batch), make([]datapath.Packet, 0, batch)
	for {
		n, err := d.Receive(ctx, misses)
		if err != nil {
			return err
		}
		flows, packets = flows[:0], packets[:0]
		for _, m := range misses[:n] {
			var p packet.Packet
			output, known := table[mac.Addr(m.Frame[:6])]
			if err := packet.Parse(m.Frame, &p); err != nil || !known {
				continue
			}
			f := flow.Flow{Key: flow.KeyOf(&p, m.InPort), Actions: flow.Actions{Outputs: []flow.Output{output}}}
			flows = append(flows, f)
			packets = append(packets, datapath.Packet{InPort: m.InPort, Frame: m.Frame, Offload: m.Offload, Actions: f.Actions})
		}
		if err := errors.Join(d.Install(flows), d.Execute(packets)); err != nil {
			return err
		}
	}
}

func (a *agent) close() {
	if a.end != nil {
		a.end()
	}
	a.running.Wait()
	for _, d := range a.all {
		d.Close()
	}
	for _, t := range a.states {
		t.Close()
	}
	for _, dir := range a.pins {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			fmt.Fprintln(os.Stderr, "bench/datapath: unmounting", dir, err)
		}
	}
}
