package worker

import (
	"bytes"
	"cmp"
	"context"
	"maps"
	"net/netip"
	"slices"
	"time"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/flowstate"
	"midonet.org/midonet/agent/sim"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/topology"
)

// Of a port that comes from another host that host gives an account: what it knows of its connections. Where none has come soon, because that host's agent is away or a message
// was lost, this host asks all hosts that it knows of: those that were told of a connection, where its answers come in, tell it back
// (the original asks the host that had the port, whose flow states a process of their own keeps). Until then a packet waits that would
// otherwise be taken for the first of its connection and be given another port.
//
// A connection whose port is of another host's block keeps it: that host, if it is one that had the port, is told of the connection like the
// hosts of its answers, so that it gives the port to nobody else and does not give the block back.

// Bounds on asking and on answering.
const (
	// maxArrivals is how many ports may be waited for at a time. Connections of others begin anew where nobody tells of them.
	maxArrivals = 1024
	// maxArrivalAsks is how often other hosts are asked about a port, wantInterval apart.
	maxArrivalAsks = 2
	// maxAsked is how many hosts are asked about one: those that had it, then those of uplinks, then any.
	maxAsked = 512
	// maxInquiries is how many ports' accounts other hosts may wait for here. Whoever finds no room asks again.
	maxInquiries = 1024
	// accountInterval is how often the states are looked through for others at most.
	accountInterval = 100 * time.Millisecond
)

// arrivals are the ports that have come and of which all is not told yet.
type arrivals map[topology.PortID]*arrival

type arrival struct {
	from topology.HostID // which had the port
	asks int
	due  time.Time // when to ask, or to ask no more
}

func (a arrivals) of(port topology.PortID) bool { return len(a) > 0 && a[port] != nil }

// told ends the arrival of the port where the host that had it has told all that it knows, and reports whether it does.
func (a arrivals) told(port topology.PortID, by topology.HostID) bool {
	if x := a[port]; x == nil || x.from != by {
		return false
	}
	delete(a, port)
	return true
}

// comes returns the bindings of the delta that bring ports here from other hosts. What an earlier agent had plugged in already is here, with
// its connections.
func (w *Worker) comes(d view.Delta) (came []*topology.Binding) {
	for _, k := range d.Deletes {
		if k.Kind == topology.KindBinding {
			delete(w.former, k.ID)
		}
	}
	for _, o := range d.Puts {
		b, ok := o.(*topology.Binding)
		if !ok {
			continue
		}
		if b.Host != w.cfg.Host || b.Former[0].IsZero() {
			delete(w.former, b.Port)
			continue
		}
		w.former[b.Port] = b.Former
		if at, bound := w.view.Location(b.Port); !bound || !at.Local {
			came = append(came, b)
		}
	}
	if len(came) > 0 && !w.complete {
		plugged, err := w.cfg.Datapath.Ports()
		if err != nil {
			w.log.Warn("it is not known which ports were here before", "error", err)
		}
		came = slices.DeleteFunc(came, func(b *topology.Binding) bool {
			return slices.ContainsFunc(plugged, func(p datapath.Port) bool { return p.ID == b.Port })
		})
	}
	return came
}

// arrive begins to wait for accounts of the ports, and returns the packets of those that have gone on to another host meanwhile.
func (w *Worker) arrive(came []*topology.Binding) (ready []datapath.Miss) {
	for port := range w.arrivals {
		if at, bound := w.view.Location(port); !bound || !at.Local {
			ready = append(ready, w.settleArrival(port)...)
		}
	}
	for _, b := range came {
		if len(w.arrivals) >= maxArrivals {
			w.log.Warn("too many ports have come at once to ask about the connections of all", "port", b.Port)
		} else if !w.cfg.State.HasTold(b.Former[0], b.Port) {
			w.arrivals[b.Port] = &arrival{from: b.Former[0], due: w.cfg.Now().Add(askInterval)}
		}
	}
	return ready
}

// settleArrival waits for nothing more about the port, and returns the packets that did.
func (w *Worker) settleArrival(port topology.PortID) []datapath.Miss {
	delete(w.arrivals, port)
	return w.waiting.take(sim.Want{Arrival: port})
}

// askForArrivals asks about the ports of which nobody has told all, and lets those go on that were asked about for long enough.
func (w *Worker) askForArrivals() {
	w.mu.Lock()
	var questions []datapath.Packet
	var ready []datapath.Miss
	if len(w.arrivals) > 0 {
		questions, ready = w.overdueArrivals(w.cfg.Now())
	}
	w.mu.Unlock()
	w.execute(questions)
	w.settle(w.answer(ready, false))
}

// overdueArrivals returns the questions that are due, about as many ports as one message is, and the packets of ports about which there are
// no more.
func (w *Worker) overdueArrivals(now time.Time) (questions []datapath.Packet, ready []datapath.Miss) {
	var due []topology.PortID
	for port, a := range w.arrivals {
		if !now.Before(a.due) {
			due = append(due, port)
		}
	}
	if len(due) == 0 {
		return nil, nil
	}
	slices.SortFunc(due, func(x, y topology.PortID) int {
		return cmp.Or(w.arrivals[x].due.Compare(w.arrivals[y].due), bytes.Compare(x[:], y[:]))
	})
	due = due[:min(len(due), flowstate.MaxPorts)]
	hosts := w.askable(due)
	about := map[netip.Addr][]topology.PortID{}
	for _, port := range due {
		a := w.arrivals[port]
		open := slices.DeleteFunc(slices.Clone(hosts), func(h asked) bool { return w.cfg.State.HasTold(h.id, port) })
		others := slices.ContainsFunc(open, func(h asked) bool { return h.id != a.from })
		if a.asks == maxArrivalAsks || a.asks > 0 && !others {
			ready = append(ready, w.settleArrival(port)...)
			continue
		}
		a.asks++
		a.due = now.Add(wantInterval)
		for _, h := range open {
			about[h.at] = append(about[h.at], port)
		}
	}
	for _, peer := range slices.SortedFunc(maps.Keys(about), netip.Addr.Compare) {
		questions = append(questions, toAgent(peer, [][]byte{w.cfg.State.Question(about[peer])})...)
	}
	return questions, ready
}

// asked is a host that may know of connections, and where it hears this one.
type asked struct {
	id topology.HostID
	at netip.Addr
}

// askable returns the hosts to ask about the ports.
func (w *Worker) askable(ports []topology.PortID) []asked {
	var all []asked
	for h := range w.view.Hosts() {
		if at, ok := w.endpointOf(h.ID); ok && h.ID != w.cfg.Host {
			all = append(all, asked{h.ID, at})
		}
	}
	if len(all) > maxAsked {
		worth := w.worthAsking(ports)
		slices.SortFunc(all, func(x, y asked) int {
			return cmp.Or(cmp.Compare(worth[y.id], worth[x.id]), bytes.Compare(x.id[:], y.id[:]))
		})
		all = all[:maxAsked]
	}
	return all
}

// worthAsking returns which hosts are most likely to know of connections of the ports: 2 for those that had one, 1 for those with an uplink.
func (w *Worker) worthAsking(ports []topology.PortID) map[topology.HostID]int {
	worth := map[topology.HostID]int{}
	for o := range w.view.Objects() {
		if b, ok := o.(*topology.Binding); ok {
			if p := w.view.Port(b.Port); p != nil && !p.Router.IsZero() {
				worth[b.Host] = 1
			}
		}
	}
	for _, port := range ports {
		for _, h := range w.former[port] {
			worth[h] = 2
		}
	}
	return worth
}

// lenders returns the hosts that had the port before, where one of the states is of a block that this host does not hold.
func (w *Worker) lenders(port topology.PortID, r *sim.Result) (peers []netip.Addr) {
	former, moved := w.former[port]
	if !moved || !slices.ContainsFunc(r.State, w.cfg.State.Borrowed) {
		return nil
	}
	for _, h := range former {
		if at, ok := w.endpointOf(h); ok && !slices.Contains(r.StatePeers, at) {
			peers = append(peers, at)
		}
	}
	return peers
}

// inquiries are ports of other hosts, which want to know of their connections.
type inquiries struct {
	open  map[topology.PortID]topology.HostID
	order []topology.PortID
	added chan struct{} // holds a token when there are some
}

func newInquiries() inquiries {
	return inquiries{open: map[topology.PortID]topology.HostID{}, added: make(chan struct{}, 1)}
}

// inquire notes that the host asks about the port, where it is known here to be the host's.
func (w *Worker) inquire(host topology.HostID, port topology.PortID) {
	q := &w.inquiries
	at, bound := w.view.Location(port)
	if !bound || at.Host != host || at.Local || len(q.open) >= maxInquiries {
		return
	}
	if _, known := q.open[port]; !known {
		q.order = append(q.order, port)
	}
	q.open[port] = host
	select {
	case q.added <- struct{}{}:
	default:
	}
}

// take returns some of the ports.
func (q *inquiries) take(limit int) (ports []topology.PortID, hosts []topology.HostID) {
	n := min(limit, len(q.order))
	ports, q.order = slices.Clone(q.order[:n]), q.order[n:]
	for _, p := range ports {
		hosts = append(hosts, q.open[p])
		delete(q.open, p)
	}
	return ports, hosts
}

// accountRegularly answers what other hosts ask, until ctx ends.
func (w *Worker) accountRegularly(ctx context.Context) error {
	pace := time.NewTicker(accountInterval)
	defer pace.Stop()
	for {
		select {
		case <-w.inquiries.added:
		case <-ctx.Done():
			return ctx.Err()
		}
		for w.accountForSome() {
			select {
			case <-pace.C:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
}

// accountForSome gives an account of some of the ports that others have asked about, and reports whether there are more.
func (w *Worker) accountForSome() (more bool) {
	w.mu.Lock()
	ports, hosts := w.inquiries.take(flowstate.MaxPorts)
	v := w.view
	w.mu.Unlock()
	if len(ports) == 0 {
		return false
	}
	search := flowstate.NewSearch(Moving(v, ports...))
	for end := false; !end; {
		w.mu.Lock()
		end = w.cfg.State.Continue(search, statesChunk)
		w.mu.Unlock()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, port := range ports {
		if peer, ok := w.endpointOf(hosts[i]); ok {
			w.post.add(peer, flowstate.NewAccount(port, search.States(i), false))
		}
	}
	return true
}
