package worker

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"midonet.org/midonet/topology"
)

// What a tunnel puts around a packet of the virtual network, octets: the inner Ethernet header, VXLAN (RFC 7348), UDP, and the outer
// IP header.
const (
	encapsulationIPv4 = 14 + 8 + 8 + 20
	encapsulationIPv6 = 14 + 8 + 8 + 40
)

// encapsulation is of the tunnels that a host with these endpoints prefers.
func encapsulation(endpoints []netip.Addr) int {
	if len(endpoints) > 0 && endpoints[0].Is6() {
		return encapsulationIPv6
	}
	return encapsulationIPv4
}

// tooLarge says of each bridge with a port here that its largest packets do not fit into the underlay. The caller holds mu.
func (w *Worker) tooLarge() map[topology.BridgeID]string {
	found := make(map[topology.BridgeID]string)
	if w.underlayMTU == 0 {
		return found
	}
	around := encapsulation(w.self.Endpoints)
	for _, p := range w.view.LocalPorts() {
		b := w.view.Bridge(p.Port.Bridge)
		if b == nil || b.MTU+around <= w.underlayMTU {
			continue
		}
		found[b.ID] = fmt.Sprintf("network %s (%s) has an MTU of %d, which makes packets of %d octets between hosts, and the "+
			"underlay's MTU is %d: large packets are cut up or lost; lower the network's MTU or raise the underlay's",
			b.Name, b.ID, b.MTU, b.MTU+around, w.underlayMTU)
	}
	return found
}

// warnTooLarge logs what is too large now and was not, or not by so much, when it was called last. The caller holds changing.
func (w *Worker) warnTooLarge() {
	w.mu.Lock()
	defer w.mu.Unlock()
	found := w.tooLarge()
	for id, text := range found {
		if w.warned[id] != text {
			w.log.Warn(text)
		}
	}
	w.warned = found
}

// problems returns what an operator should look into: ports that cannot be plugged in and networks with too large an MTU, in a
// fixed order. The caller holds mu.
func (w *Worker) problems() []string {
	all := slices.Collect(maps.Values(w.warned))
	for port, why := range w.refused {
		all = append(all, fmt.Sprintf("port %s cannot be plugged in: %s", port, why))
	}
	slices.Sort(all)
	return all
}
