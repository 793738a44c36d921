// Package hostif watches the network interfaces of the host: what there is, what comes and goes, and which addresses other hosts
// reach this one at.
//
// A Host belongs to the network namespace of the thread that opened it, whichever goroutine uses it later. It reads by rtnetlink(7)
// and changes nothing: plugging interfaces in is the datapath's business.
package hostif

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// Interface is an interface with what tells whether it is still the one that it was.
type Interface struct {
	topology.Interface
	Index         int // the kernel's number: two interfaces never have the same one, after one another either
	PeerNamespace int // the kernel's number of the namespace that the other end of a cable is in; -1: this one, or no other end
}

// Host reads the interfaces of one network namespace. Its methods are safe for use by several goroutines.
type Host struct {
	requests *netlink.Handle
	events   *nl.NetlinkSocket
}

// Open returns the host of the calling thread's network namespace. Changes are recorded from now on, so that what Interfaces says
// after Open and what Watch reports leave no gap between them.
func Open() (*Host, error) {
	requests, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("open the kernel's interface table: %w", err)
	}
	events, err := nl.Subscribe(unix.NETLINK_ROUTE, unix.RTNLGRP_LINK, unix.RTNLGRP_IPV4_IFADDR, unix.RTNLGRP_IPV6_IFADDR)
	if err != nil {
		requests.Close()
		return nil, fmt.Errorf("subscribe to interface changes: %w", err)
	}
	return &Host{requests: requests, events: events}, nil
}

// Close releases the kernel sockets and ends a Watch.
func (h *Host) Close() {
	h.events.Close()
	h.requests.Close()
}

// Interfaces returns every interface in order of name. An interface that vanishes meanwhile may be missing or lack addresses.
func (h *Host) Interfaces() ([]Interface, error) {
	links, err := dump(h.requests.LinkList)
	if err != nil {
		return nil, fmt.Errorf("list interfaces: %w", err)
	}
	addrs, err := dump(func() ([]netlink.Addr, error) { return h.requests.AddrList(nil, netlink.FAMILY_ALL) })
	if err != nil {
		return nil, fmt.Errorf("list addresses: %w", err)
	}
	byLink := usableAddrs(addrs)
	interfaces := make([]Interface, 0, len(links))
	for _, link := range links {
		interfaces = append(interfaces, describe(link.Attrs(), byLink[link.Attrs().Index]))
	}
	slices.SortFunc(interfaces, func(a, b Interface) int { return strings.Compare(a.Name, b.Name) })
	return interfaces, nil
}

// dump runs a listing again while the kernel says that its tables changed under it: such a listing may lack what was there all
// the time (NLM_F_DUMP_INTR). The last attempt's answer is taken as it is; a change follows then, and with it a notification.
func dump[T any](list func() ([]T, error)) ([]T, error) {
	const attempts = 8
	for i := 1; ; i++ {
		found, err := list()
		switch interrupted := errors.Is(err, netlink.ErrDumpInterrupted); {
		case err != nil && !interrupted:
			return nil, err
		case err == nil || i == attempts:
			return found, nil
		}
	}
}

func describe(link *netlink.LinkAttrs, addrs []netip.Addr) Interface {
	var hw mac.Addr
	if len(link.HardwareAddr) == len(hw) { // tunnels have none, or one of another length
		hw = mac.Addr(link.HardwareAddr)
	}
	return Interface{
		Interface: topology.Interface{Name: link.Name, MAC: hw, MTU: link.MTU, Up: operational(link.RawFlags), Addrs: addrs},
		Index:     link.Index, PeerNamespace: link.NetNsID,
	}
}

// operational reports whether an interface with these flags carries packets: administratively up, with carrier, and not held back
// by its driver (netdevice(7): IFF_RUNNING follows RFC 2863's operational state, IFF_LOWER_UP the carrier).
func operational(flags uint32) bool {
	const all = unix.IFF_UP | unix.IFF_RUNNING | unix.IFF_LOWER_UP
	return flags&all == all
}

// usableAddrs returns the addresses of each interface by its index, in the kernel's order. An IPv6 address that is still being
// checked for duplicates, or was found to be one (RFC 4862), cannot be used and is left out; the kernel notifies when that ends.
func usableAddrs(addrs []netlink.Addr) map[int][]netip.Addr {
	byLink := make(map[int][]netip.Addr)
	for _, a := range addrs {
		if a.Flags&(unix.IFA_F_TENTATIVE|unix.IFA_F_DADFAILED) != 0 {
			continue
		}
		if ip, ok := netip.AddrFromSlice(a.IP); ok {
			byLink[a.LinkIndex] = append(byLink[a.LinkIndex], ip.Unmap())
		}
	}
	return byLink
}
