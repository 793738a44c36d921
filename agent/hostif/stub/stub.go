// Package stub makes a stub network: a network namespace of the agent's own, which a cable joins to the host and to nothing else. The
// other end of the cable is an interface of the host like any workload's, so that the datapath can have it as a port. What comes over
// it meets the sockets that the agent opens inside, and neither the host's own, nor its routes, nor its packet filter.
//
// Every address of the prefixes that the network is made with is its own (Linux calls it AnyIP), and every other address is behind
// the cable: a socket may be reached at any of the former from any of the latter. Nothing is asked by ARP or neighbour discovery:
// frames leave to and from Config.MAC, for the datapath to write the right addresses.
//
// The network is the process's: it goes with it, however it ends.
package stub

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"strconv"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"midonet.org/midonet/agent/netns"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/mac"
)

// Config is what a network is made of.
type Config struct {
	Interface string         // the host's end of the cable; a veth of this name is replaced
	MAC       mac.Addr       // of the other end
	Prefixes  []netip.Prefix // whose addresses are the network's
}

// Network is a stub network. Its methods are safe for use by several goroutines.
type Network struct {
	config Config
	inside netns.Namespace
}

// inner is the name of the cable's inner end.
const inner = "stub"

// Next hops for all that is behind the cable. Nobody has them: one entry in the kernel's table of neighbours then serves everybody.
var (
	hopIPv4 = netip.AddrFrom4([4]byte{241, 0, 0, 1})
	hopIPv6 = netip.AddrFrom16([16]byte{0: 0xfe, 1: 0x80, 15: 1})
)

// Open makes the network, with the cable's other end in the calling thread's namespace, up and without addresses.
func Open(c Config) (*Network, error) {
	inside, err := netns.New()
	if err != nil {
		return nil, err
	}
	n := &Network{config: c, inside: inside}
	err = n.lay()
	if err == nil {
		err = inside.Do(n.furnish)
	}
	if err != nil {
		inside.Close()
		return nil, fmt.Errorf("the network behind %s: %w", c.Interface, err)
	}
	return n, nil
}

// lay lays the cable. One that an agent left which has just ended is in the way until the kernel has cleared it off.
func (n *Network) lay() error {
	if err := n.clear(); err != nil {
		return err
	}
	v := netlink.NewVeth(netlink.LinkAttrs{Name: n.config.Interface})
	v.PeerName, v.PeerNamespace, v.PeerHardwareAddr = inner, netlink.NsFd(n.inside.Fd()), n.config.MAC[:]
	if err := netlink.LinkAdd(v); err != nil {
		return err
	}
	return netlink.LinkSetUp(v)
}

func (n *Network) clear() error {
	old, err := netlink.LinkByName(n.config.Interface)
	var missing netlink.LinkNotFoundError
	switch {
	case errors.As(err, &missing):
		return nil
	case err != nil:
		return err
	case old.Type() != "veth":
		return errs.New(errs.Conflict, "DeviceInUse", "%s exists and is a %s, not a veth", n.config.Interface, old.Type())
	}
	if err := netlink.LinkDel(old); err != nil && !errors.Is(err, unix.ENODEV) {
		return err
	}
	return nil
}

// furnish is called inside.
func (n *Network) furnish() error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	cable, err := netlink.LinkByName(inner)
	if err != nil {
		return err
	}
	if err := n.quieten(); err != nil {
		return err
	}
	if err := errors.Join(netlink.LinkSetARPOff(cable), netlink.LinkSetUp(lo), netlink.LinkSetUp(cable)); err != nil {
		return err
	}
	for _, p := range n.config.Prefixes {
		if err := n.own(lo, cable, p); err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
	}
	return nil
}

// quieten leaves the kernel nothing to say or to pass on of itself. Some settings of a new namespace are those of the machine's first.
func (n *Network) quieten() error {
	for name, value := range map[string]string{
		"ipv4/ip_forward":                        "0",
		"ipv4/conf/" + inner + "/rp_filter":      "0",
		"ipv6/conf/" + inner + "/addr_gen_mode":  "1", // IN6_ADDR_GEN_MODE_NONE
		"ipv6/conf/" + inner + "/accept_ra":      "0",
		"ipv6/conf/" + inner + "/disable_ipv6":   "0",
		"ipv6/conf/all/forwarding":               "0",
		"ipv4/conf/" + inner + "/accept_local":   "0",
		"ipv4/conf/" + inner + "/send_redirects": "0",
	} {
		err := os.WriteFile("/proc/sys/net/"+name, []byte(value), 0)
		if err != nil && !(errors.Is(err, fs.ErrNotExist) && name[:4] == "ipv6") { // a kernel without IPv6
			return err
		}
	}
	return nil
}

// own makes the prefix the network's, and the way out for answers of its family. A kernel without IPv6 has no use for its prefixes.
func (n *Network) own(lo, cable netlink.Link, p netip.Prefix) error {
	local := &netlink.Route{LinkIndex: lo.Attrs().Index, Table: unix.RT_TABLE_LOCAL, Type: unix.RTN_LOCAL, Scope: unix.RT_SCOPE_HOST, Dst: prefix(p)}
	out := &netlink.Route{LinkIndex: cable.Attrs().Index, Gw: hopIPv4.AsSlice(), Flags: int(netlink.FLAG_ONLINK)}
	if p.Addr().Is6() {
		out.Gw = hopIPv6.AsSlice()
	}
	err := netlink.RouteReplace(local)
	if err == nil {
		err = netlink.RouteReplace(out)
	}
	if p.Addr().Is6() && (errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EAFNOSUPPORT)) {
		return nil
	}
	return err
}

func prefix(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Masked().Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

// Listen opens a TCP socket inside at every address that the network has.
func (n *Network) Listen(port int) (l net.Listener, err error) {
	err = n.inside.Do(func() error {
		l, err = net.Listen("tcp", ":"+strconv.Itoa(port))
		return err
	})
	return l, err
}

// Close gives up the network, which is gone once the sockets inside are closed as well.
func (n *Network) Close() { n.inside.Close() }
