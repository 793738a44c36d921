package main

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink"

	"midonet.org/midonet/mac"
)

// path is two workloads and what is between them.
type path struct {
	name string
	ends
	hopA, hopB mac.Addr   // what a and b send to
	nsA, nsB   *namespace // each with an interface eth0
	agent      *agent     // nil on the peers' paths
	helpers    []int      // processes beside the kernel that forward
	stop       func()     // ends them; nil where there are none
}

const (
	workloadMTU = 1500
	underlayMTU = 1600 // room for VXLAN over IPv6 around a workload's packet
)

func (p *path) close() {
	if p.agent != nil {
		p.agent.close()
	}
	if p.stop != nil {
		p.stop()
	}
}

func (p *path) helperThreads() (dirs []string) {
	for _, pid := range p.helpers {
		dirs = append(dirs, threadsOf(pid)...)
	}
	return dirs
}

// path makes the workloads' namespaces, on one network.
func (l *lab) path(name string) (*path, error) {
	a, err := l.namespace("a")
	if err != nil {
		return nil, err
	}
	b, err := l.namespace("b")
	return &path{name: name, ends: plain.ends, hopA: workloadB, hopB: workloadA, nsA: a, nsB: b}, err
}

// routed makes the workloads' namespaces, with what a service does between them.
func (l *lab) routed(name string, s service) (*path, error) {
	p, err := l.path(name)
	if err == nil && s.routerA.IsValid() {
		p.ends, p.hopA, p.hopB = s.ends, nextHopA, nextHopB
	}
	return p, err
}

// finish gives the workloads their addresses, once their interfaces are there. Each sends everything to its next hop.
func (p *path) finish() (*path, error) {
	for _, end := range []struct {
		ns      *namespace
		own     netip.Prefix
		hw, hop mac.Addr
	}{{p.nsA, p.ends.a, workloadA, p.hopA}, {p.nsB, p.ends.b, workloadB, p.hopB}} {
		err := errors.Join(
			end.ns.hardwareAddress("eth0", end.hw), end.ns.address("eth0", end.own),
			end.ns.defaultRoute("eth0", anyHop, end.hop))
		if err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (l *lab) veth(name string) (*path, error) {
	p, err := l.path(name)
	if err != nil {
		return nil, err
	}
	if err := connect(p.nsA, "eth0", p.nsB, "eth0", workloadMTU); err != nil {
		return nil, err
	}
	return p.finish()
}

func (l *lab) bridge(name string) (*path, error) {
	p, err := l.path(name)
	if err != nil {
		return nil, err
	}
	h, err := l.namespace("host")
	if err != nil {
		return nil, err
	}
	err = errors.Join(
		connect(h, "port-a", p.nsA, "eth0", workloadMTU), connect(h, "port-b", p.nsB, "eth0", workloadMTU),
		h.makeBridge("port-a", "port-b"))
	if err != nil {
		return nil, err
	}
	return p.finish()
}

func (ns *namespace) makeBridge(ports ...string) error {
	return ns.do(func() error {
		br := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "br0"}}
		if err := netlink.LinkAdd(br); err != nil {
			return fmt.Errorf("bridge: %w", err)
		}
		for _, name := range ports {
			port, err := netlink.LinkByName(name)
			if err != nil {
				return err
			}
			if err := netlink.LinkSetMaster(port, br); err != nil {
				return err
			}
		}
		return netlink.LinkSetUp(br)
	})
}

// hosts makes two hosts with a workload each and an underlay of both families between them.
func (l *lab) hosts(p *path) (hosts [2]*namespace, err error) {
	for i, end := range []*namespace{p.nsA, p.nsB} {
		if hosts[i], err = l.namespace(fmt.Sprintf("host%d", i)); err != nil {
			return hosts, err
		}
		if err := connect(hosts[i], "port", end, "eth0", workloadMTU); err != nil {
			return hosts, err
		}
	}
	if err := connect(hosts[0], "underlay", hosts[1], "underlay", underlayMTU); err != nil {
		return hosts, err
	}
	for i, h := range hosts {
		for _, a := range []netip.Prefix{netip.PrefixFrom(underlayIPv4(i), 24), netip.PrefixFrom(underlayIPv6(i), 64)} {
			if err := h.address("underlay", a); err != nil {
				return hosts, err
			}
		}
	}
	return hosts, nil
}

func underlayIPv4(i int) netip.Addr { return netip.AddrFrom4([4]byte{192, 0, 2, byte(i + 1)}) }

func underlayIPv6(i int) netip.Addr { return netip.AddrFrom16([16]byte{0: 0xfd, 15: byte(i + 1)}) }

func (l *lab) bridgesIPv4(name string) (*path, error) { return l.bridges(name, underlayIPv4) }

func (l *lab) bridgesIPv6(name string) (*path, error) { return l.bridges(name, underlayIPv6) }

func (l *lab) bridges(name string, underlay func(int) netip.Addr) (*path, error) {
	p, err := l.path(name)
	if err != nil {
		return nil, err
	}
	hosts, err := l.hosts(p)
	if err != nil {
		return nil, err
	}
	for i, h := range hosts {
		if err := errors.Join(h.makeVXLAN(underlay(i), underlay(1-i)), h.makeBridge("port", "vxlan")); err != nil {
			return nil, err
		}
	}
	return p.finish()
}

func (ns *namespace) makeVXLAN(from, to netip.Addr) error {
	const id, port = 7, 4789
	err := ns.do(func() error {
		return netlink.LinkAdd(&netlink.Vxlan{
			LinkAttrs: netlink.LinkAttrs{Name: "vxlan", MTU: workloadMTU},
			VxlanId:   id, Port: port, SrcAddr: from.AsSlice(), Group: to.AsSlice(), Learning: true,
		})
	})
	if err != nil {
		return fmt.Errorf("vxlan: %w", err)
	}
	return ns.up("vxlan")
}
