package fake

import (
	"bytes"
	"context"
	"net/netip"
	"time"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/topology"
)

// tunnelled is a frame on its way to another host. It travels when no lock is held, so that two hosts may send to each other.
type tunnelled struct {
	output flow.Output
	frame  []byte
}

// Inject is a frame from the workload at the port. It is ignored where no such port is plugged in.
func (d *Datapath) Inject(id topology.PortID, frame []byte) {
	d.mu.Lock()
	var away []tunnelled
	if p := d.ports[id]; p != nil {
		away = d.enter(p, bytes.Clone(frame))
	}
	d.mu.Unlock()
	d.depart(away)
}

// Sent returns, and forgets, the frames that left by the port and that nobody has received.
func (d *Datapath) Sent(id topology.PortID) [][]byte {
	d.mu.Lock()
	p := d.ports[id]
	d.mu.Unlock()
	if p == nil {
		return nil
	}
	return p.wire.take()
}

func (d *Datapath) enter(in *port, frame []byte) []tunnelled {
	var p packet.Packet
	if err := packet.Parse(frame, &p); err != nil || p.EtherType == packet.EtherTypeARP {
		d.miss(in, frame)
		return nil
	}
	key := flow.KeyOf(&p, in.ID)
	e, word, was := d.find(key), flow.Flow{}, false
	if e == nil {
		e, was = d.answered(key)
	}
	if e == nil && !was {
		e, word = d.begin(in, &p)
	}
	if e == nil || datapath.Refuses(&e.Value.(*entry).actions, &p, datapath.Offload{}) {
		d.miss(in, frame)
		return nil
	}
	d.use(e, len(frame))
	d.counters.Hits++
	away := d.act(&p, e.Value.(*entry).actions, datapath.Offload{})
	if word.Seed != nil && word.Seed.Kind == flow.Leaves && len(away) == 1 {
		away[0].tell(word.Seed, key)
	}
	return away
}

// tell has the first packet of a connection of the seed, which had the key, tell the other host of it.
func (t *tunnelled) tell(s *flow.Seed, key flow.Key) {
	if s.Router.IsZero() {
		t.output.TunnelKey |= datapath.Opening
		return
	}
	t.frame = datapath.AppendOrigin(t.frame, t.output.TunnelKey, flow.Origin{
		Router: s.Router, Tracked: s.Tracked,
		Src: netip.AddrPortFrom(key.SrcIP, key.SrcPort), Dst: netip.AddrPortFrom(key.DstIP, key.DstPort),
	})
	t.output.TunnelKey = datapath.OriginTunnelKey
}

// act does the actions on p.Frame, which it may change, and returns what is for other hosts.
func (d *Datapath) act(p *packet.Packet, a flow.Actions, o datapath.Offload) (away []tunnelled) {
	if err := rewrite(p, &a.Rewrite, o); err != nil {
		d.counters.Errors++
		return nil
	}
	for _, out := range a.Outputs {
		if !out.Local() {
			away = append(away, tunnelled{out, bytes.Clone(p.Frame)})
			continue
		}
		if to := d.ports[out.Port]; to != nil {
			to.wire.put(bytes.Clone(p.Frame))
		} else {
			d.counters.Errors++
		}
	}
	return away
}

// depart needs d.mu not to be held.
func (d *Datapath) depart(away []tunnelled) {
	for _, t := range away {
		if !d.config.Underlay.carry(t) {
			d.mu.Lock()
			d.counters.Errors++
			d.mu.Unlock()
		}
	}
}

// arrive is a frame from another host.
func (d *Datapath) arrive(key uint32, frame []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if key == datapath.StateTunnelKey {
		d.state(frame)
		return
	}
	to, origin := key&^datapath.Opening, []byte(nil)
	if key == datapath.OriginTunnelKey {
		var ok bool
		if frame, origin, ok = datapath.CutOrigin(frame); !ok {
			d.counters.Errors++
			return
		}
		to, _ = datapath.ParseOrigin(origin, false)
	}
	for _, p := range d.ports {
		if p.TunnelKey == to && to != 0 {
			if key != to {
				d.open(p, frame, origin)
			}
			p.wire.put(frame)
			return
		}
	}
	d.counters.TunnelUnknown++
}

func (d *Datapath) miss(in *port, frame []byte) {
	if !d.withinRate(in) || !d.withinShare(in.ID) {
		d.counters.MissesLost++
		return
	}
	d.counters.Misses++
	d.queue(datapath.Miss{InPort: in.ID, Frame: frame})
}

func (d *Datapath) state(frame []byte) {
	if !d.mayTell(1) {
		d.counters.StatesLost++
		return
	}
	d.counters.States++
	d.queue(datapath.Miss{Frame: frame, State: true})
}

// mayTell reports whether there is room for one more message of other hosts, or a part of one.
func (d *Datapath) mayTell(part int) bool {
	return d.waiting[topology.PortID{}] < part*d.config.StateBurst
}

func (d *Datapath) queue(m datapath.Miss) {
	d.misses = append(d.misses, m)
	d.waiting[m.InPort]++
	d.wake()
}

// withinShare reports whether one more miss of the port may wait: where half of the queue is taken, no port may have more than its
// part of it, of which there is one more than there are ports.
func (d *Datapath) withinShare(port topology.PortID) bool {
	half, waiting := d.config.MissQueue/2, len(d.misses)-d.waiting[topology.PortID{}]
	switch {
	case waiting >= d.config.MissQueue:
		return false
	case waiting < half:
		return true
	}
	return d.waiting[port] <= half/(len(d.waiting)+1)
}

// withinRate is the generic cell rate algorithm, as in the kernel's datapath.
func (d *Datapath) withinRate(in *port) bool {
	if d.config.MissRate == 0 {
		return true
	}
	interval := time.Second / time.Duration(d.config.MissRate)
	now := d.config.Now()
	due := in.missDue
	if due.Before(now) {
		due = now
	}
	if due.Sub(now) > interval*time.Duration(d.config.MissBurst) {
		return false
	}
	in.missDue = due.Add(interval)
	return true
}

func (d *Datapath) wake() {
	select {
	case d.ready <- struct{}{}:
	default:
	}
}

// Receive implements datapath.Datapath.
func (d *Datapath) Receive(ctx context.Context, buf []datapath.Miss) (int, error) {
	for {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		if n := d.takeMisses(buf); n > 0 {
			return n, nil
		}
		select {
		case <-ctx.Done():
		case <-d.ready:
		}
	}
}

func (d *Datapath) takeMisses(buf []datapath.Miss) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := copy(buf, d.misses)
	for _, m := range d.misses[:n] {
		if d.waiting[m.InPort]--; d.waiting[m.InPort] == 0 {
			delete(d.waiting, m.InPort)
		}
	}
	d.misses = d.misses[n:]
	return n
}

// Execute implements datapath.Datapath.
func (d *Datapath) Execute(packets []datapath.Packet) error {
	d.mu.Lock()
	var away []tunnelled
	for i := range packets {
		away = append(away, d.execute(&packets[i])...)
	}
	d.mu.Unlock()
	d.depart(away)
	return nil
}

// ethernetLen is the least that an interface carries.
const ethernetLen = 14

func (d *Datapath) execute(out *datapath.Packet) []tunnelled {
	if out.Actions.Drop() {
		return nil
	}
	var p packet.Packet
	err := packet.Parse(bytes.Clone(out.Frame), &p)
	short := len(out.Frame) < ethernetLen
	looked := out.Actions.Rewrite.Fields != 0 || out.Actions.MTU != 0
	if short || looked && (err != nil || datapath.Refuses(&out.Actions, &p, out.Offload)) {
		d.counters.Errors++
		return nil
	}
	return d.act(&p, out.Actions, out.Offload)
}
