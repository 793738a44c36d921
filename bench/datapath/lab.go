package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"midonet.org/midonet/mac"
)

// namePrefix is of every namespace's name; what has it is ours to remove.
const namePrefix = "mnb-"

// namedNamespaces is where ip(8) keeps them.
const namedNamespaces = "/run/netns"

// lab makes namespaces and paths between them.
type lab struct {
	ctx   context.Context // ends the agents
	dir   string          // for pinned maps
	count int
}

func newLab(ctx context.Context) (*lab, error) {
	if err := removeNamespaces(namePrefix); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", namePrefix)
	if err != nil {
		return nil, err
	}
	return &lab{ctx: ctx, dir: dir}, nil
}

func (l *lab) close() {
	if err := errors.Join(removeNamespaces(namePrefix), os.RemoveAll(l.dir)); err != nil {
		fmt.Fprintln(os.Stderr, "bench/datapath: cleaning up:", err)
	}
}

// removeNamespaces deletes those whose name has the prefix.
func removeNamespaces(prefix string) error {
	names, err := filepath.Glob(filepath.Join(namedNamespaces, prefix+"*"))
	for _, name := range names {
		err = errors.Join(err, netns.DeleteNamed(filepath.Base(name)))
	}
	return err
}

// namespace is a named network namespace.
type namespace struct {
	name   string
	handle netns.NsHandle
}

func (l *lab) namespace(role string) (*namespace, error) {
	l.count++
	name := fmt.Sprintf("%s%d-%s", namePrefix, l.count, role)
	// ip(8) prepares /run/netns so that its namespaces and those of others do not cover each other; netns.NewNamed does not.
	if out, err := exec.Command("ip", "netns", "add", name).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("ip netns add %s: %w: %s", name, err, bytes.TrimSpace(out))
	}
	handle, err := netns.GetFromName(name)
	if err != nil {
		return nil, err
	}
	ns := &namespace{name: name, handle: handle}
	return ns, ns.do(setUpNamespace)
}

// setUpNamespace keeps the kernel from sending packets of its own.
func setUpNamespace() error {
	err := errors.Join(
		os.WriteFile("/proc/sys/net/ipv6/conf/default/accept_dad", []byte("0"), 0),
		os.WriteFile("/proc/sys/net/ipv6/conf/default/router_solicitations", []byte("0"), 0))
	lo, linkErr := netlink.LinkByName("lo")
	if linkErr != nil {
		return errors.Join(err, linkErr)
	}
	return errors.Join(err, netlink.LinkSetUp(lo))
}

// do calls f on a thread that is in the namespace.
func (ns *namespace) do(f func() error) error {
	runtime.LockOSThread()
	origin, err := netns.Get()
	if err != nil {
		return err
	}
	defer origin.Close()
	if err := netns.Set(ns.handle); err != nil {
		return err
	}
	err = f()
	if back := netns.Set(origin); back != nil {
		return errors.Join(err, back) // the thread stays locked, and ends with its goroutine
	}
	runtime.UnlockOSThread()
	return err
}

// connect makes a veth between two namespaces and sets both ends up.
func connect(a *namespace, aName string, b *namespace, bName string, mtu int) error {
	v := netlink.NewVeth(netlink.LinkAttrs{Name: aName, MTU: mtu})
	v.PeerName, v.PeerMTU, v.PeerNamespace = bName, uint32(mtu), netlink.NsFd(b.handle)
	if err := a.do(func() error { return netlink.LinkAdd(v) }); err != nil {
		return err
	}
	return errors.Join(a.up(aName), b.up(bName))
}

func (ns *namespace) up(name string) error {
	return ns.withLink(name, netlink.LinkSetUp)
}

func (ns *namespace) withLink(name string, f func(netlink.Link) error) error {
	return ns.do(func() error {
		l, err := netlink.LinkByName(name)
		if err != nil {
			return fmt.Errorf("%s in %s: %w", name, ns.name, err)
		}
		return f(l)
	})
}

func (ns *namespace) address(name string, p netip.Prefix) error {
	mask := net.CIDRMask(p.Bits(), p.Addr().BitLen())
	return ns.withLink(name, func(l netlink.Link) error {
		return netlink.AddrAdd(l, &netlink.Addr{IPNet: &net.IPNet{IP: p.Addr().AsSlice(), Mask: mask}, Flags: unix.IFA_F_NODAD})
	})
}

// anyHop stands for whatever packets are sent to: only its hardware address is ever used.
var anyHop = netip.MustParseAddr("169.254.0.1")

// defaultRoute sends everything that leaves the namespace, to neighbours as well, to one hardware address, so that nobody asks.
func (ns *namespace) defaultRoute(name string, hop netip.Addr, hw mac.Addr) error {
	return ns.withLink(name, func(l netlink.Link) error {
		index := l.Attrs().Index
		routes, err := netlink.RouteList(l, netlink.FAMILY_V4)
		for _, r := range routes {
			err = errors.Join(err, netlink.RouteDel(&r))
		}
		return errors.Join(err,
			netlink.NeighAdd(&netlink.Neigh{
				LinkIndex: index, State: netlink.NUD_PERMANENT, IP: hop.AsSlice(), HardwareAddr: net.HardwareAddr(hw[:]),
			}),
			netlink.RouteAdd(&netlink.Route{
				LinkIndex: index, Gw: hop.AsSlice(), Flags: int(netlink.FLAG_ONLINK),
			}))
	})
}

// neighbour tells the namespace where an address is, so that nobody asks.
func (ns *namespace) neighbour(name string, a netip.Addr, hw mac.Addr) error {
	return ns.withLink(name, func(l netlink.Link) error {
		return netlink.NeighAdd(&netlink.Neigh{
			LinkIndex: l.Attrs().Index, State: netlink.NUD_PERMANENT, IP: a.AsSlice(), HardwareAddr: net.HardwareAddr(hw[:]),
		})
	})
}

func (ns *namespace) hardwareAddress(name string, hw mac.Addr) error {
	return ns.withLink(name, func(l netlink.Link) error { return netlink.LinkSetHardwareAddr(l, hw[:]) })
}

// received returns how many IPv4 packets the namespace's stack has received.
func (ns *namespace) received() (n uint64, err error) {
	err = ns.do(func() error {
		text, err := os.ReadFile("/proc/thread-self/net/snmp")
		if err != nil {
			return err
		}
		_, values, _ := strings.Cut(strings.TrimPrefix(string(text), "Ip:"), "Ip:")
		_, err = fmt.Sscan(values, new(int), new(int), &n)
		return err
	})
	return n, err
}

// repeatedSYNs returns how many first packets of TCP connections the namespace's stack has sent again.
func (ns *namespace) repeatedSYNs() (n uint64, err error) {
	err = ns.do(func() error {
		text, err := os.ReadFile("/proc/thread-self/net/netstat")
		if err != nil {
			return err
		}
		lines := strings.SplitN(string(text), "\n", 3) // names and values
		values := strings.Fields(lines[1])
		for i, name := range strings.Fields(lines[0]) {
			if name == "TCPSynRetrans" {
				_, err = fmt.Sscan(values[i], &n)
				return err
			}
		}
		return errors.New("the kernel does not count TCPSynRetrans")
	})
	return n, err
}

// index needs to be called in the namespace.
func (ns *namespace) index(name string) (int, error) {
	l, err := netlink.LinkByName(name)
	if err != nil {
		return 0, fmt.Errorf("%s in %s: %w", name, ns.name, err)
	}
	return l.Attrs().Index, nil
}
