package sim

import (
	"fmt"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/topology"
)

// chooseRoute returns the route that takes the packet: of those that cover its source and destination and whose port is active the one
// with the longest destination, then the lowest weight; of several equal ones the connection's own share. nil where there is none.
func (w *walk) chooseRoute(r *view.Router) *topology.Route {
	var room [8]view.Routes
	covering := r.RoutesTo(w.packet.DstIP, room[:0])
	for i := len(covering) - 1; i >= 0; i-- {
		if t, equal := w.bestOf(covering[i]); t != nil {
			w.tagRoute(r, t.Destination.Bits())
			if equal > 1 {
				t = w.share(covering[i], t.Weight, equal)
			}
			return t
		}
	}
	w.tagRoute(r, 0)
	return nil
}

// tagRoute notes that the routes to the packet's destination decided, of which the longest prefix has so many bits.
func (w *walk) tagRoute(r *view.Router, bits int) {
	t := flow.AddrTag(flow.TagRoute, r.ID, w.packet.DstIP)
	t.Bits = uint8(bits)
	w.tags = append(w.tags, t)
}

// bestOf returns the first of the usable routes with the lowest weight, and how many such there are.
func (w *walk) bestOf(routes view.Routes) (best *topology.Route, equal int) {
	for _, t := range routes {
		switch {
		case best != nil && t.Weight > best.Weight || !w.usable(t):
		case best == nil || t.Weight < best.Weight:
			best, equal = t, 1
		default:
			equal++
		}
	}
	return best, equal
}

// share returns the route of the packet's connection among equal ones.
func (w *walk) share(routes view.Routes, weight uint32, equal int) *topology.Route {
	w.looksAt(flow.BothPorts)
	n := int(connectionHash(&w.packet.Header) % uint64(equal))
	for _, t := range routes {
		if t.Weight != weight || !w.usable(t) {
			continue
		}
		if n == 0 {
			return t
		}
		n--
	}
	return nil // equal of them are usable
}

// usable reports whether the route takes packets from the source, and its port is active.
func (w *walk) usable(t *topology.Route) bool {
	if t.Source.IsValid() && !t.Source.Contains(w.packet.SrcIP) {
		return false
	}
	if t.Kind != topology.RouteForward {
		return true
	}
	w.tag(flow.TagPort, t.Port)
	p := w.view.Port(t.Port)
	if p == nil || p.Interior() {
		return p == nil || p.AdminUp // a port that is missing is an error, which route tells
	}
	at, bound := w.view.Location(t.Port)
	return p.AdminUp && bound && at.Active
}

// connectionHash returns a number that is the same for all packets of a connection in one direction, on every host. Fragments are
// told apart by their addresses alone, so that all of a packet go one way.
func connectionHash(h *packet.Header) uint64 {
	const offset, prime = 14695981039346656037, 1099511628211 // FNV-1a
	sum := uint64(offset)
	add := func(b byte) { sum = (sum ^ uint64(b)) * prime }
	for _, a := range [][16]byte{h.SrcIP.As16(), h.DstIP.As16()} {
		for _, b := range a {
			add(b)
		}
	}
	add(h.Proto)
	if h.Fragment == packet.Unfragmented && !h.IsError() {
		if !h.IsEcho() {
			add(byte(h.SrcPort >> 8))
			add(byte(h.SrcPort))
		}
		add(byte(h.DstPort >> 8))
		add(byte(h.DstPort))
	}
	return sum ^ sum>>32
}

func describeRoute(t *topology.Route) string {
	text := "to " + t.Destination.String()
	if t.Source.IsValid() {
		text += fmt.Sprintf(" from %s", t.Source)
	}
	if t.NextHop.IsValid() && !t.NextHop.IsUnspecified() {
		text += fmt.Sprintf(" via %s", t.NextHop)
	}
	return text
}
