package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
)

// linuxRouter is the kernel's own routing with nftables, in a namespace between the workloads.
func (l *lab) linuxRouter(name string, s service) (*path, error) {
	p, err := l.routed(name, s)
	if err != nil {
		return nil, err
	}
	hosts, err := l.oneHost(p)
	if err != nil {
		return nil, err
	}
	if err := hosts[0].route(p, s, "port-a", "port-b"); err != nil {
		return nil, err
	}
	return p.finish()
}

// linuxRouters is the same on the first of two hosts, from where the kernel's VXLAN leads to a bridge on the second.
func (l *lab) linuxRouters(name string, s service) (*path, error) {
	p, err := l.routed(name, s)
	if err != nil {
		return nil, err
	}
	hosts, err := l.hosts(p)
	if err != nil {
		return nil, err
	}
	err = errors.Join(
		hosts[0].makeVXLAN(underlayIPv4(0), underlayIPv4(1)), hosts[1].makeVXLAN(underlayIPv4(1), underlayIPv4(0)))
	if err != nil {
		return nil, err
	}
	if err := errors.Join(hosts[1].makeBridge("port", "vxlan"), hosts[0].route(p, s, "port", "vxlan")); err != nil {
		return nil, err
	}
	return p.finish()
}

// route makes the namespace a router between a's interface and b's.
func (ns *namespace) route(p *path, s service, toA, toB string) error {
	err := errors.Join(
		ns.hardwareAddress(toA, nextHopA), ns.hardwareAddress(toB, nextHopB),
		ns.address(toA, s.routerA), ns.address(toB, s.routerB),
		ns.neighbour(toA, s.a.Addr(), workloadA), ns.neighbour(toB, s.b.Addr(), workloadB), ns.neighbour(toB, s.behind, workloadB))
	if err != nil {
		return err
	}
	return ns.do(func() error {
		if err := os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0); err != nil {
			return err
		}
		if s.ruleset == "" {
			return nil
		}
		nft := exec.Command("nft", "-f", "-")
		nft.Stdin = bytes.NewBufferString("table ip bench {\n" + s.ruleset + "\n}\n")
		if out, err := nft.CombinedOutput(); err != nil {
			return fmt.Errorf("nft: %w: %s", err, bytes.TrimSpace(out))
		}
		return nil
	})
}
