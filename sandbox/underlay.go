package sandbox

import (
	"errors"
	"fmt"
	"net"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
)

const (
	bridgeName = "br0"
	// underlayIfc is the host's interface to the other hosts.
	underlayIfc = "underlay0"
	// underlayMTU leaves room for VXLAN around packets of 1500 bytes, over IPv4 (50 bytes more) and IPv6 (70 bytes more).
	underlayMTU = 1600
)

// underlayAddresses are the addresses of the host of a number, with prefix lengths. They exist inside the sandbox's namespaces
// alone: the block is RFC 5737's for documentation and the IPv6 prefix is a unique local one (RFC 4193).
func (s *Sandbox) underlayAddresses(number int) []string {
	v4 := fmt.Sprintf("192.0.2.%d/24", number)
	v6 := fmt.Sprintf("fd6d:6964:6f6e::%x/64", number)
	switch s.cfg.Underlay {
	case IPv4Only:
		return []string{v4}
	case IPv6Only:
		return []string{v6}
	default:
		return []string{v4, v6}
	}
}

// ensureUnderlay makes the namespace and the bridge that stand for the data centre's network.
func (s *Sandbox) ensureUnderlay() error {
	if err := ensureNamespace(s.underlayNamespace()); err != nil {
		return err
	}
	h, err := links(s.underlayNamespace())
	if err != nil {
		return err
	}
	defer h.Close()
	bridge := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: bridgeName, MTU: underlayMTU}}
	if err := ensureLink(h, bridge); err != nil {
		return err
	}
	return h.LinkSetUp(bridge)
}

// connectHost gives the host's namespace its interface to the underlay.
func (s *Sandbox) connectHost(host *hostRecord) error {
	outer := fmt.Sprintf("to-%s", host.Name)
	if err := vethBetween(s.underlayNamespace(), outer, s.hostNamespace(host.Name), underlayIfc, underlayMTU, nil); err != nil {
		return err
	}
	if err := joinBridge(s.underlayNamespace(), outer); err != nil {
		return err
	}
	return setAddresses(s.hostNamespace(host.Name), underlayIfc, host.Underlay)
}

// joinBridge makes the interface a port of the underlay's bridge and sets it up.
func joinBridge(namespace, ifc string) error {
	h, err := links(namespace)
	if err != nil {
		return err
	}
	defer h.Close()
	bridge, err := h.LinkByName(bridgeName)
	if err != nil {
		return err
	}
	port, err := h.LinkByName(ifc)
	if err != nil {
		return err
	}
	if err := h.LinkSetMaster(port, bridge); err != nil {
		return err
	}
	return h.LinkSetUp(port)
}

// setAddresses sets the interface up with the addresses. Duplicate address detection is left out: the sandbox chose them.
func setAddresses(namespace, ifc string, addresses []string) error {
	h, err := links(namespace)
	if err != nil {
		return err
	}
	defer h.Close()
	link, err := h.LinkByName(ifc)
	if err != nil {
		return err
	}
	if err := h.LinkSetUp(link); err != nil {
		return err
	}
	for _, a := range addresses {
		addr, err := netlink.ParseAddr(a)
		if err != nil {
			return err
		}
		if addr.IP.To4() == nil {
			addr.Flags = ifaFlagNoDAD
		}
		if err := h.AddrReplace(link, addr); err != nil {
			return fmt.Errorf("address %s on %s of %s: %w", a, ifc, namespace, err)
		}
	}
	return nil
}

// ifaFlagNoDAD is IFA_F_NODAD of linux/if_addr.h: the address is usable at once.
const ifaFlagNoDAD = 0x02

// vethBetween makes a pair of joined interfaces, one end in each namespace, unless it is there. mac, where not nil, is the inner
// end's address.
func vethBetween(outerNS, outer, innerNS, inner string, mtu int, mac net.HardwareAddr) error {
	h, err := links(outerNS)
	if err != nil {
		return err
	}
	defer h.Close()
	if _, err := h.LinkByName(outer); err == nil {
		return nil
	}
	ns, err := netns.GetFromName(innerNS)
	if err != nil {
		return err
	}
	defer ns.Close()
	veth := &netlink.Veth{
		LinkAttrs:        netlink.LinkAttrs{Name: outer, MTU: mtu},
		PeerName:         inner,
		PeerMTU:          uint32(mtu),
		PeerHardwareAddr: mac,
		PeerNamespace:    netlink.NsFd(ns),
	}
	if err := h.LinkAdd(veth); err != nil {
		return fmt.Errorf("veth %s in %s to %s in %s: %w", outer, outerNS, inner, innerNS, err)
	}
	return nil
}

// ensureLink makes the interface unless one of its name is there, and fills in its index.
func ensureLink(h *netlink.Handle, link netlink.Link) error {
	found, err := h.LinkByName(link.Attrs().Name)
	if err == nil {
		link.Attrs().Index = found.Attrs().Index
		return nil
	}
	if notFound := (netlink.LinkNotFoundError{}); !errors.As(err, &notFound) {
		return err
	}
	return h.LinkAdd(link)
}
