package ebpf

import (
	"errors"
	"fmt"
	"os"

	"github.com/vishvananda/netlink"

	"midonet.org/midonet/errs"
)

// devices are the interfaces that the datapath makes for itself, by index. They stay when the agent ends.
type devices struct {
	tunnel uint32 // VXLAN in collect-metadata mode: one device for all peers of both address families
	inject uint32 // a veth; what the agent sends on it is taken by a program before it reaches the other end
}

func (d devices) own(ifindex uint32) bool { return ifindex == d.tunnel || ifindex == d.inject }

const (
	// injectMTU is the largest that a veth takes, so that it refuses no frame.
	injectMTU = 65535
	// genModeNone is IN6_ADDR_GEN_MODE_NONE of linux/if_link.h: no link-local address, hence no router solicitations.
	genModeNone = 1
)

func ensureDevices(c Config) (devices, error) {
	tunnel, err := ensureTunnel(c.TunnelDevice, c.TunnelPort)
	if err != nil {
		return devices{}, fmt.Errorf("tunnel device %s: %w", c.TunnelDevice, err)
	}
	inject, err := ensureInject(c.InjectDevice)
	if err != nil {
		return devices{}, fmt.Errorf("inject device %s: %w", c.InjectDevice, err)
	}
	return devices{tunnel: uint32(tunnel), inject: uint32(inject)}, nil
}

func tunnelLink(name string, port int) *netlink.Vxlan {
	return &netlink.Vxlan{LinkAttrs: netlink.LinkAttrs{Name: name}, FlowBased: true, Learning: false, Port: port}
}

// ensureTunnel returns the index of the VXLAN device. One at another port is ours from an earlier configuration and is replaced.
func ensureTunnel(name string, port int) (int, error) {
	have, err := find(name)
	if err != nil {
		return 0, err
	}
	if have != nil {
		vxlan, ok := have.(*netlink.Vxlan)
		if !ok {
			return 0, errs.New(errs.Conflict, "DeviceInUse", "%s exists and is a %s, not a vxlan", name, have.Type())
		}
		if vxlan.FlowBased && vxlan.Port == port {
			return have.Attrs().Index, quietUp(have)
		}
		if err := netlink.LinkDel(have); err != nil {
			return 0, err
		}
	}
	return create(tunnelLink(name, port))
}

func ensureInject(name string) (int, error) {
	have, err := find(name)
	if err != nil {
		return 0, err
	}
	if have == nil {
		v := netlink.NewVeth(netlink.LinkAttrs{Name: name, MTU: injectMTU})
		v.PeerName = name + "-p"
		if _, err := create(v); err != nil {
			return 0, err
		}
	} else if have.Type() != "veth" {
		return 0, errs.New(errs.Conflict, "DeviceInUse", "%s exists and is a %s, not a veth", name, have.Type())
	}
	if _, err := upByName(name + "-p"); err != nil { // a veth carries packets when both ends are up
		return 0, err
	}
	return upByName(name)
}

func upByName(name string) (int, error) {
	l, err := netlink.LinkByName(name)
	if err != nil {
		return 0, err
	}
	return l.Attrs().Index, quietUp(l)
}

// find returns nil where no interface has the name.
func find(name string) (netlink.Link, error) {
	l, err := netlink.LinkByName(name)
	var missing netlink.LinkNotFoundError
	if errors.As(err, &missing) {
		return nil, nil
	}
	return l, err
}

func create(l netlink.Link) (int, error) {
	if err := netlink.LinkAdd(l); err != nil {
		return 0, err
	}
	return upByName(l.Attrs().Name)
}

// quietUp sets the interface up without IPv6, which would send packets of its own on it.
func quietUp(l netlink.Link) error {
	if err := silence(l); err != nil {
		return err
	}
	return netlink.LinkSetUp(l)
}

// silence turns IPv6 off on the interface, where this host's kernel would otherwise look for routers, check addresses for
// duplicates and report its groups (RFC 4861, 4862, 3810), all of it into the workload. Addresses that the interface has are lost.
func silence(l netlink.Link) error {
	name := l.Attrs().Name
	if name == "all" || name == "default" { // the kernel does no IPv6 on these; the settings of this name are everybody's
		return nil
	}
	err := os.WriteFile("/proc/sys/net/ipv6/conf/"+name+"/disable_ipv6", []byte("1"), 0)
	if err == nil {
		err = netlink.LinkSetIP6AddrGenMode(l, genModeNone)
	} else if errors.Is(err, os.ErrNotExist) {
		err = nil // a kernel without IPv6, or an interface whose MTU is too small for it
	}
	if err != nil {
		return fmt.Errorf("turning IPv6 off on %s: %w", name, err)
	}
	return nil
}
