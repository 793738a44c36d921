package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"

	"midonet.org/midonet/mac"
)

// path is two workloads and what is between them.
type path struct {
	name  string
	a, b  *namespace // each with an interface eth0
	macA  mac.Addr
	macB  mac.Addr
	agent *agent // nil on the peers' paths
}

const (
	workloadMTU = 1500
	underlayMTU = 1600 // room for VXLAN over IPv6 around a workload's packet
)

var (
	addressA = netip.MustParsePrefix("10.99.0.1/24")
	addressB = netip.MustParsePrefix("10.99.0.2/24")
)

func (p *path) close() {
	if p.agent != nil {
		p.agent.close()
	}
}

// ends makes the workloads' namespaces.
func (l *lab) ends(name string) (*path, error) {
	a, err := l.namespace("a")
	if err != nil {
		return nil, err
	}
	b, err := l.namespace("b")
	return &path{name: name, a: a, b: b}, err
}

// finish gives the workloads their addresses, once their interfaces are there.
func (p *path) finish() (*path, error) {
	for _, end := range []struct {
		ns  *namespace
		own netip.Prefix
		hw  *mac.Addr
	}{{p.a, addressA, &p.macA}, {p.b, addressB, &p.macB}} {
		err := end.ns.withLink("eth0", func(l netlink.Link) error {
			*end.hw = mac.Addr(l.Attrs().HardwareAddr)
			return nil
		})
		if err := errors.Join(err, end.ns.address("eth0", end.own)); err != nil {
			return nil, err
		}
	}
	return p, errors.Join(
		p.a.neighbour("eth0", addressB.Addr(), net.HardwareAddr(p.macB[:])),
		p.b.neighbour("eth0", addressA.Addr(), net.HardwareAddr(p.macA[:])))
}

func (l *lab) veth(name string) (*path, error) {
	p, err := l.ends(name)
	if err != nil {
		return nil, err
	}
	if err := connect(p.a, "eth0", p.b, "eth0", workloadMTU); err != nil {
		return nil, err
	}
	return p.finish()
}

func (l *lab) bridge(name string) (*path, error) {
	p, err := l.ends(name)
	if err != nil {
		return nil, err
	}
	h, err := l.namespace("host")
	if err != nil {
		return nil, err
	}
	err = errors.Join(
		connect(h, "port-a", p.a, "eth0", workloadMTU), connect(h, "port-b", p.b, "eth0", workloadMTU),
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
	for i, end := range []*namespace{p.a, p.b} {
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
	p, err := l.ends(name)
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
