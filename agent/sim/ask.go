package sim

import "midonet.org/midonet/agent/view"

// Ask returns the question who has an address on the link of a router's port, as a packet that waits for the answer would send it:
// for neighbours that may have gone. Nothing where the port is not here or has no address to ask from.
func Ask(v *view.View, want NeighbourWant) []Emit {
	w := newWalk(v, Input{})
	out := v.Port(want.Port)
	if out == nil {
		return nil
	}
	if src := addressFor(out, want.Addr); src.IsValid() {
		w.ask(out, src, want.Addr)
	}
	return w.result.Emit
}
