package ebpf

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"

	cilium "github.com/cilium/ebpf"
	"github.com/vishvananda/netlink"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/topology"
)

// plug is a plugged port.
type plug struct {
	datapath.Port
	ifindex uint32
	kind    uint8 // how packets are delivered to it: outputLocal or outputLocalPeer
}

// linkName is what the attachment to the port's interface is pinned as.
func (p *plug) linkName() string { return "port-" + strconv.Itoa(int(p.ifindex)) }

// SetPort implements datapath.Datapath. IPv6 is turned off on the interface, and stays so when the port is unplugged. A port that
// is set again gets its way of delivery found anew, which matters when the other end of its veth has moved to another namespace.
func (d *Datapath) SetPort(p datapath.Port) error {
	return d.inside.Do(func() error { return d.setPort(p) })
}

func (d *Datapath) setPort(p datapath.Port) error {
	next, err := d.newPlug(p)
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.checkFree(next); err != nil {
		return err
	}
	if err := d.clearWay(next); err != nil {
		return err
	}
	return d.plugIn(next)
}

// newPlug finds the interface and makes it ready to be a port's.
func (d *Datapath) newPlug(p datapath.Port) (*plug, error) {
	if p.TunnelKey > datapath.MaxTunnelKey {
		return nil, errs.New(errs.Invalid, "TunnelKeyInvalid", "tunnel key %d is over %d", p.TunnelKey, datapath.MaxTunnelKey)
	}
	l, err := find(p.Interface)
	if err != nil {
		return nil, fmt.Errorf("interface %s: %w", p.Interface, err)
	}
	if l == nil {
		return nil, errs.New(errs.NotFound, "InterfaceNotFound", "interface %s does not exist", p.Interface)
	}
	if l.Attrs().Flags&net.FlagLoopback != 0 || d.devices.own(uint32(l.Attrs().Index)) {
		return nil, errs.New(errs.Conflict, "InterfaceReserved", "interface %s is not for ports: the host or the datapath lives by it", p.Interface)
	}
	if err := silence(l); err != nil {
		return nil, err
	}
	return &plug{Port: p, ifindex: uint32(l.Attrs().Index), kind: deliveryTo(l, p.Watched)}, nil
}

// deliveryTo returns the fastest way that the kernel allows: straight to the other end where l is a veth whose other end is in
// another namespace. That way bypasses the packet sockets on l, so that a watched port is not delivered to by it.
func deliveryTo(l netlink.Link, watched bool) uint8 {
	if !watched && l.Type() == "veth" && l.Attrs().NetNsID >= 0 {
		return outputLocalPeer
	}
	return outputLocal
}

func (d *Datapath) checkFree(next *plug) error {
	if holder, ok := d.byIndex[next.ifindex]; ok && holder != next.ID {
		return errs.New(errs.Conflict, "InterfaceInUse", "interface %s is plugged into port %s", next.Interface, holder)
	}
	for _, other := range d.ports {
		if other.ID != next.ID && next.TunnelKey != 0 && other.TunnelKey == next.TunnelKey {
			return errs.New(errs.Conflict, "TunnelKeyInUse", "tunnel key %d is that of port %s", next.TunnelKey, other.ID)
		}
	}
	return nil
}

// clearWay removes what an earlier plug of the same port leaves wrong.
func (d *Datapath) clearWay(next *plug) error {
	old := d.ports[next.ID]
	switch {
	case old == nil:
		return nil
	case old.ifindex != next.ifindex:
		return errors.Join(d.unplug(old), d.sweep(usesAny(old.ifindex)))
	}
	var err error
	if old.kind != next.kind {
		err = d.sweep(usesAny(old.ifindex))
	}
	if old.TunnelKey != next.TunnelKey {
		err = errors.Join(err, d.removeTunnel(old))
	}
	return err
}

// plugIn makes the port known before its first packet can come, and records it only when that worked.
func (d *Datapath) plugIn(p *plug) error {
	entry := bpfPort{Id: p.ID, TunnelKey: p.TunnelKey, Kind: uint32(p.kind)}
	if err := d.objects.Ports.Put(p.ifindex, &entry); err != nil {
		return fmt.Errorf("port %s: %w", p.ID, err)
	}
	d.ports[p.ID], d.byIndex[p.ifindex] = p, p.ID
	err := d.addTunnel(p)
	if err == nil {
		err = d.attach(p.linkName(), p.ifindex, d.objects.FromPort, ingress)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("port %s: %w", p.ID, err), d.unplug(p), d.sweep(usesAny(p.ifindex)))
	}
	return nil
}

func (d *Datapath) addTunnel(p *plug) error {
	if p.TunnelKey == 0 {
		return nil
	}
	return d.objects.Tunnels.Put(p.TunnelKey, &bpfDelivery{Ifindex: p.ifindex, Kind: uint32(p.kind)})
}

func (d *Datapath) removeTunnel(p *plug) error {
	if p.TunnelKey == 0 {
		return nil
	}
	return ignore(d.objects.Tunnels.Delete(p.TunnelKey), cilium.ErrKeyNotExist)
}

// RemovePorts implements datapath.Datapath. Packets stop first; the flows go afterwards, without the lock: none that names the
// ports can be installed any more, and one of a port that is set anew meanwhile costs a miss if it goes as well.
func (d *Datapath) RemovePorts(ports ...topology.PortID) error {
	gone, err := d.unplugAll(ports)
	if len(gone) == 0 {
		return err
	}
	return errors.Join(err, d.sweep(usesAny(gone...)))
}

// unplugAll returns the interfaces of the ports that were there.
func (d *Datapath) unplugAll(ports []topology.PortID) (gone []uint32, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, id := range ports {
		if p := d.ports[id]; p != nil {
			gone = append(gone, p.ifindex)
			err = errors.Join(err, d.unplug(p))
		}
	}
	return gone, err
}

// unplug takes the port out and leaves its flows, which are for the caller to sweep.
func (d *Datapath) unplug(p *plug) error {
	delete(d.ports, p.ID)
	delete(d.byIndex, p.ifindex)
	return errors.Join(
		d.detach(p.linkName()),
		d.removeTunnel(p),
		ignore(d.objects.Ports.Delete(p.ifindex), cilium.ErrKeyNotExist),
	)
}

// Ports implements datapath.Datapath.
func (d *Datapath) Ports() ([]datapath.Port, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	var all []datapath.Port
	for _, p := range d.ports {
		all = append(all, p.Port)
	}
	slices.SortFunc(all, func(a, b datapath.Port) int { return slices.Compare(a.ID[:], b.ID[:]) })
	return all, nil
}

// restorePorts takes over the ports of an earlier agent. One whose interface has gone since is removed; where the other end of its veth
// has moved to or from this namespace, what leads to it is made anew.
func (d *Datapath) restorePorts() error {
	var ifindex uint32
	var entry bpfPort
	var found []*plug
	entries := d.objects.Ports.Iterate()
	for entries.Next(&ifindex, &entry) {
		port := datapath.Port{ID: entry.Id, TunnelKey: entry.TunnelKey}
		found = append(found, &plug{Port: port, ifindex: ifindex, kind: uint8(entry.Kind)})
	}
	if err := entries.Err(); err != nil {
		return fmt.Errorf("reading the plugged ports: %w", err)
	}
	var stale []uint32 // interfaces that flows may lead to in a way that is no more
	for _, p := range found {
		same, err := d.restorePort(p)
		if err != nil {
			return err
		}
		if !same {
			stale = append(stale, p.ifindex)
		}
	}
	if len(stale) == 0 {
		return nil
	}
	return d.sweep(usesAny(stale...)) // when no program of the earlier agent makes flows any more
}

// restorePort takes over a port, and reports whether its packets are delivered as they were.
func (d *Datapath) restorePort(p *plug) (same bool, err error) {
	l, err := netlink.LinkByIndex(int(p.ifindex))
	if errors.As(err, new(netlink.LinkNotFoundError)) {
		d.log.Info("the interface of a plugged port has gone", "port", p.ID, "interface", p.ifindex)
		return false, d.unplug(p)
	}
	if err != nil {
		return false, fmt.Errorf("port %s: interface %d: %w", p.ID, p.ifindex, err)
	}
	was := p.kind
	p.Interface, p.kind = l.Attrs().Name, deliveryTo(l, p.Watched)
	return p.kind == was, d.plugIn(p)
}
