package sim

import (
	"fmt"
	"io"
	"text/tabwriter"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/view"
)

var verdictNames = map[Verdict]string{Forward: "forward", Drop: "drop", Consumed: "consumed", Wait: "wait", Error: "error"}

// String returns the name that traces use.
func (v Verdict) String() string {
	if s, ok := verdictNames[v]; ok {
		return s
	}
	return fmt.Sprintf("verdict(%d)", uint8(v))
}

// Format prints the walk and where it ended, as `midonet trace` shows it. The result should be of an Input with Trace set; v is the
// view that it was simulated with.
func Format(out io.Writer, r Result, v *view.View) error {
	t := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	for _, s := range r.Steps {
		fmt.Fprintf(t, "%s\t%s\n", s.Device, s.Text)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	w := newWalk(v, Input{})
	_, err := fmt.Fprintf(out, "=> %s\n", w.ending(r))
	return err
}

// ending returns the verdict and what leaves, one line each.
func (w *walk) ending(r Result) string {
	text := r.Verdict.String()
	for _, o := range r.Actions.Outputs {
		text += "\n   " + w.destination(o)
	}
	for _, e := range r.Emit {
		for _, o := range e.Outputs {
			text += fmt.Sprintf("\n   %s: %s", w.sent(r, o), Describe(e.Frame))
		}
	}
	if rewrite := r.Actions.Rewrite.String(); rewrite != "" {
		text += "\n   with " + rewrite
	}
	if r.Actions.MTU > 0 {
		text += fmt.Sprintf("\n   up to %d octets", r.Actions.MTU)
	}
	for _, want := range r.Wants {
		text += "\n   waits for " + w.wanted(want)
	}
	for _, f := range r.Found {
		text += fmt.Sprintf("\n   found %s at %s on the link of %s", f.Addr, f.MAC, w.portDevice(f.Port))
	}
	for _, s := range r.State {
		text += "\n   remember " + remembered(s)
	}
	for _, p := range r.StatePeers {
		text += fmt.Sprintf("\n   tell %s", p)
	}
	for _, l := range r.Learn {
		text += fmt.Sprintf("\n   learn %s behind %s", l.MAC, w.portDevice(l.Port))
	}
	if r.Cache && r.Hard > 0 {
		return text + fmt.Sprintf("\n   for the whole flow, for %s", r.Hard)
	}
	if r.Cache {
		return text + fmt.Sprintf("\n   for the whole flow, until it is unused for %s", r.Idle)
	}
	return text + "\n   for this packet only"
}

// remembered is a state in words. Where it keeps the number of an IPv6 client, people are told the address that workloads see.
func remembered(s flow.State) string {
	if s.Value.Addr == poolBase {
		s.Value = flow.StateValue{Addr: clientAddr(s.Value.Port)}
	}
	if s.Key.Conn.Dst == poolBase {
		s.Key.Conn.Dst, s.Key.Conn.DstPort = clientAddr(s.Key.Conn.DstPort), 0
	}
	return s.String()
}

// sent says where a frame of the result goes: an answer goes back, anything else is the packet or what it led to.
func (w *walk) sent(r Result, o flow.Output) string {
	switch {
	case r.Verdict == Consumed && o.Local():
		return "answer to " + w.portDevice(o.Port).String()
	case o.Local():
		return "send to " + w.portDevice(o.Port).String()
	}
	return fmt.Sprintf("send to %s through the tunnel to %s with key %d", w.portDevice(o.Port), o.Peer, o.TunnelKey)
}

func (w *walk) wanted(want Want) string {
	switch want.Kind() {
	case WantNeighbour:
		return fmt.Sprintf("%s on the link of %s", want.Neighbour.Addr, w.portDevice(want.Neighbour.Port))
	case WantBlock:
		return fmt.Sprintf("a block of ports of %s", want.Block.Addr)
	case WantFirst:
		return fmt.Sprintf("the first fragment of %d from %s to %s", want.First.ID, want.First.Src, want.First.Dst)
	case WantArrival:
		return fmt.Sprintf("what other hosts know of connections of %s", w.portDevice(want.Arrival))
	default:
		return fmt.Sprintf("router %s", want.Router.Short())
	}
}

// destination says where the output goes, and what the host at the other end of a tunnel does, which is all decided here: it looks
// the key up and nothing else.
func (w *walk) destination(o flow.Output) string {
	if o.Port == view.MetadataPort {
		return "to the metadata service of " + w.here()
	}
	at, _ := w.view.Location(o.Port)
	port := w.portDevice(o.Port).String()
	if !at.Active {
		port += ", which is not reported to be up"
	}
	if o.Local() {
		return fmt.Sprintf("to interface %s of %s, for %s", at.Interface, w.here(), port)
	}
	return fmt.Sprintf("through the tunnel to %s with key %d, which %s hands to interface %s, for %s",
		o.Peer, o.TunnelKey, w.hostName(at.Host), at.Interface, port)
}

// Describe returns a frame in a few words: "arp 10.0.0.3 is at fa:16:3e:00:00:03", or its addresses and what it carries.
func Describe(frame []byte) string {
	var p packet.Packet
	if err := packet.Parse(frame, &p); err != nil {
		return err.Error()
	}
	if p.ND.Target.IsValid() && p.SrcPort == packet.NDNeighbourAdvertisement {
		return fmt.Sprintf("nd %s is at %s", p.ND.Target, p.ND.LinkLayer)
	}
	return describe(&p)
}
