package worker

import (
	"bytes"
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

// Of a port that comes from another host that host gives an account: what it knows of its connections. Where none has come soon, because that
// host's agent is away or a message was lost, it is asked. And a packet that would be taken for the first of its connection, and be given another
// port than the connection has, waits until those hosts have been asked that would have been told of it, where its answers come in (the original
// asks the host that had the port alone, whose flow states a process of their own keeps).
//
// A connection whose port is of another host's block keeps it: that host, if it is one that had the port, is told of the connection like the
// hosts of its answers, so that it gives the port to nobody else and does not give the block back.

// Bounds on asking and on answering.
const (
	// maxArrivals is how many ports may be waited for at a time. Connections of others begin anew where nobody tells of them.
	maxArrivals = 1024
	// arrivalLife is how long a port is one that has come where the host that had it does not say all: a workload may come long after its port.
	arrivalLife = 10 * time.Minute
	// maxArrivalAsks is how often a host is asked about a port, wantInterval apart.
	maxArrivalAsks = 2
	// maxAsked is how many hosts are asked about a port beside the one that had it. Connections whose hosts are others begin anew.
	maxAsked = 64
	// maxInquiries is how many ports' accounts other hosts may wait for here. Whoever finds no room asks again.
	maxInquiries = 1024
	// accountInterval is how often the states are looked through for others at most.
	accountInterval = 100 * time.Millisecond
)

// arrivals are the ports that have come and of which the hosts that had them have not told all.
type arrivals map[topology.PortID]*arrival

type arrival struct {
	from   topology.HostID // which had the port
	since  time.Time
	former inquest                 // of that host
	peers  map[netip.Addr]*inquest // of hosts that may have been told of connections, by their underlay addresses
}

// inquest is how far the asking of a host is.
type inquest struct {
	asks int
	due  time.Time // when to ask, or to ask no more
	done bool      // it has told all, or was asked often enough
}

func (a arrivals) of(port topology.PortID) bool { return len(a) > 0 && a[port] != nil }

// toldOf notes that the host has told all that it knows of the port, and reports whether there may be packets that need not wait any more.
func (w *Worker) toldOf(port topology.PortID, by topology.HostID) bool {
	a := w.arrivals[port]
	if a == nil {
		return false
	}
	if a.from == by {
		delete(w.arrivals, port)
		return true
	}
	at, _ := w.endpointOf(by)
	q := a.peers[at]
	if q == nil || q.done {
		return false
	}
	q.done = true
	return true
}

// nobodyKnows reports whether everybody has been asked who would have been told of the connection of a packet that waits for what is known
// of the port. Those who have not been will be.
func (w *Worker) nobodyKnows(port topology.PortID, r *sim.Result, now time.Time) bool {
	if r.Wants[0].Arrival != port {
		return false
	}
	a := w.arrivals[port]
	settled := a.former.done
	for _, peer := range r.StatePeers {
		q := a.peers[peer]
		if q == nil && len(a.peers) < maxAsked {
			q = &inquest{due: a.former.due}
			if now.After(q.due) || a.former.asks > 0 {
				q.due = now
			}
			a.peers[peer] = q
		}
		settled = settled && (q == nil || q.done)
	}
	return settled
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
	now := w.cfg.Now()
	for _, b := range came {
		if len(w.arrivals) >= maxArrivals {
			w.log.Warn("too many ports have come at once to ask about the connections of all", "port", b.Port)
		} else if !w.cfg.State.HasTold(b.Former[0], b.Port) {
			w.arrivals[b.Port] = &arrival{from: b.Former[0], since: now, former: inquest{due: now.Add(askInterval)}, peers: map[netip.Addr]*inquest{}}
		}
	}
	return ready
}

// settleArrival waits for nothing more about the port, and returns the packets that did.
func (w *Worker) settleArrival(port topology.PortID) []datapath.Miss {
	delete(w.arrivals, port)
	return w.waiting.take(sim.Want{Arrival: port})
}

// askForArrivals asks about the ports of which not all is told, and lets packets go on that have waited for who does not answer.
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

// overdueArrivals returns the questions that are due, to each host about as many ports as one message is, and the packets of ports about
// which somebody is asked no more.
func (w *Worker) overdueArrivals(now time.Time) (questions []datapath.Packet, ready []datapath.Miss) {
	about := map[netip.Addr][]topology.PortID{}
	for _, port := range slices.SortedFunc(maps.Keys(w.arrivals), func(x, y topology.PortID) int { return bytes.Compare(x[:], y[:]) }) {
		a := w.arrivals[port]
		if now.Sub(a.since) >= arrivalLife {
			ready = append(ready, w.settleArrival(port)...)
			continue
		}
		former, known := w.endpointOf(a.from)
		ended := a.former.next(now, port, former, about, known)
		for peer, q := range a.peers {
			ended = q.next(now, port, peer, about, true) || ended
		}
		if ended {
			ready = append(ready, w.waiting.take(sim.Want{Arrival: port})...)
		}
	}
	for _, peer := range slices.SortedFunc(maps.Keys(about), netip.Addr.Compare) {
		questions = append(questions, toAgent(peer, [][]byte{w.cfg.State.Question(about[peer])})...)
	}
	return questions, ready
}

// next adds the port to those that the host is to be asked about where it is time, and reports whether it is now asked no more. A host that
// nobody knows cannot be asked.
func (q *inquest) next(now time.Time, port topology.PortID, host netip.Addr, about map[netip.Addr][]topology.PortID, known bool) (ended bool) {
	switch {
	case q.done || now.Before(q.due) || len(about[host]) >= flowstate.MaxPorts:
		return false
	case q.asks >= maxArrivalAsks:
		q.done = true
		return true
	case known:
		about[host] = append(about[host], port)
	}
	q.asks++
	q.due = now.Add(wantInterval)
	return false
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
	leave(q.added)
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
	return paced(ctx, w.inquiries.added, accountInterval, w.accountForSome)
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
