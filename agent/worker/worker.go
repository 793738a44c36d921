// Package worker is the agent's loop: it takes the packets that the flow cache has no answer for, asks the simulator, puts the
// answer into the cache and sends the packets on; and when the topology changes it removes the answers that the change touches.
//
// # Order
//
// One mutex orders everything that decides: serving a batch of misses, replacing the view, removing flows, expiring. So between the
// moment an answer is computed and the moment it and its tags are recorded, no change of the view can happen; a change that comes
// later finds the recorded tags and removes the flow. An answer of an old view can therefore never outlive the change that made it
// old. Of the connections that the datapath begins by itself the worker is told a moment later, and judges them by the view of then
// (hearOfBirth): so one may outlive a change for as long as its word waits to be read, which is milliseconds. Waiting for packets,
// sending them and walking over the datapath's flows happen outside of the mutex, and what concerns many flows is done some at a time,
// so that misses are served in between. A second mutex has changes of the topology and of the host's
// interfaces, each of which takes several steps, one after another.
//
// # Restart
//
// The datapath outlives the agent, and goes on forwarding by the flows that the last agent installed. A new one changes nothing until
// it has its first complete view; then it simulates a packet of each flow that it finds, keeps the flows whose answer is still the
// same, and removes the others.
//
// # Bounds
//
// A batch is at most batchSize packets, taken in the order in which the datapath gives them; the datapath limits each port's misses
// and gives those of all ports in turn, so that no port can fill the batches of others, and packets to all have a limit of their own
// (floodRate). Flows are bounded by Config.MaxFlows, seeds by datapath.MaxSeeds, learned stations by maxLearnedPerPort, neighbours of routers by
// maxFoundPerPort, packets that wait by maxWaitingOctets.
package worker

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/flowstate"
	"midonet.org/midonet/agent/sim"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/topology"
)

// batchSize is how many misses are served under one hold of the mutex, and how long a packet waits for those before it: at ten to
// twenty microseconds each, about a millisecond. More at once are not served any faster.
const batchSize = 64

// sweepInterval is how often idle flows and learned stations are looked for.
const sweepInterval = 5 * time.Second

// defaultRoom is how many flows the eBPF datapath holds by default. The worker needs some 450 octets for each.
const defaultRoom = 1 << 17

// FlowsIn returns how many flows are to be remembered of a datapath that has room for so many; 0: for 131,072. The rest is for connections that
// it has begun and that the worker is not told of yet: where it had no room for them it would forget others, which are in use.
func FlowsIn(room int) int {
	room = cmp.Or(room, defaultRoom)
	return room - room/8
}

// Config is what a Worker is made of. All fields are required but Responders, Metadata and MaxFlows.
type Config struct {
	Host       topology.HostID
	HostName   string
	Datapath   datapath.Datapath
	Responders []sim.Responder // services of the agent that answer packets themselves, asked in this order
	Metadata   string          // the interface that leads to the agent's metadata service; empty: it has none
	MaxFlows   int             // how many flows are remembered; 0: those that a datapath with room for 131,072 may have (FlowsIn)
	Cluster    Cluster
	State      *flowstate.Table
	Log        *slog.Logger
	Now        func() time.Time
}

// Cluster is what the worker asks of the cluster; package session's Session has it.
type Cluster interface {
	// Want names every router that is needed beside those that this host's ports lead to. What belongs to them comes by Apply.
	Want(routers []topology.RouterID)
	// LeaseNAT asks for a block of source ports, which comes by Apply.
	LeaseNAT(ctx context.Context, router topology.RouterID, addr netip.Addr, first, last uint16) error
}

// Interface is an interface of the host with what tells whether it is still the one that it was.
type Interface struct {
	topology.Interface
	Index         int // the kernel's number: two interfaces never have the same one, after one another either
	PeerNamespace int // the kernel's number of the namespace that the other end of a cable is in; -1: this one, or no other end
}

// Worker is the loop and what it knows. Its methods are safe for use by several goroutines.
type Worker struct {
	cfg      Config
	log      *slog.Logger
	counters *counters
	changed  chan struct{}
	ready    chan struct{} // closed when the view is complete for the first time
	leases   chan sim.BlockWant
	reminded chan struct{} // has a token when there is something to be told later

	changing sync.Mutex // held through a change of the topology or of the interfaces; taken before mu

	mu          sync.Mutex // orders all decisions; see the package comment
	view        *view.View
	complete    bool // ready is closed
	self        *topology.Host
	underlayMTU int // octets; 0: not known
	interfaces  map[string]Interface
	plugged     map[topology.PortID]plug
	watched     map[topology.PortID]int      // how many captures of the port run
	active      map[topology.PortID]bool     // what Facts.Ports was when Changed was last told of it
	refused     map[topology.PortID]string   // why a port could not be plugged in, so that it is logged once
	warned      map[topology.BridgeID]string // what the log says of networks whose packets are too large
	floods      rates                        // of packets to all
	questions   rates                        // of connections to the metadata service
	refusals    rates                        // of ICMP errors
	flows       *book
	seeds       *seeds          // of connections that begin here
	answers     *seeds          // of answers to those that other hosts begin
	lots        map[uint64]*lot // that seeds here have, and have had lately, by their numbers
	given       given           // of the present simulation
	later       letters         // what other hosts are told soon
	ways        sim.Ways        // of the present view
	learned     *learnedTable
	found       *foundTable
	ceded       map[topology.Key]bool            // stations and neighbours that the next report leaves out: they have been other hosts'
	others      map[topology.Key]topology.Object // stations and neighbours as other hosts have them, by the cluster, of which this one knows better
	waiting     *waiting
	datagrams   datagrams
	wanted      map[topology.RouterID]time.Time // routers asked of the cluster, and when a packet last needed them
	leasing     map[sim.BlockWant]bool          // blocks that are being asked for
	ahead       map[sim.BlockWant]time.Time     // when blocks were last asked for before a packet waited for them
	blocks      map[topology.NATBlockID]*topology.NATBlock

	former    map[topology.PortID][topology.MaxFormer]topology.HostID // of this host's ports: hosts that had them before
	arrivals  arrivals
	inquiries inquiries
	post      post

	advertisements advertisements
}

// View returns the topology as it is now.
func (w *Worker) View() *view.View {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.view
}

// New returns a worker with the empty view. It plugs nothing in and serves nothing before Run.
func New(cfg Config) *Worker {
	cfg.MaxFlows = cmp.Or(cfg.MaxFlows, FlowsIn(0))
	w := &Worker{
		cfg:            cfg,
		log:            cfg.Log,
		counters:       newCounters(),
		changed:        make(chan struct{}, 1),
		ready:          make(chan struct{}),
		view:           view.New(cfg.Host),
		self:           &topology.Host{ID: cfg.Host, Name: cfg.HostName, Metadata: cfg.Metadata != "", Openings: true, Origins: true},
		interfaces:     map[string]Interface{},
		plugged:        map[topology.PortID]plug{},
		watched:        map[topology.PortID]int{},
		refused:        map[topology.PortID]string{},
		floods:         newRates(floodRate),
		questions:      newRates(questionRate),
		refusals:       newRates(errorRate),
		seeds:          newSeeds(),
		answers:        newSeeds(),
		lots:           map[uint64]*lot{},
		later:          letters{},
		reminded:       make(chan struct{}, 1),
		learned:        newLearnedTable(),
		found:          newFoundTable(),
		ceded:          map[topology.Key]bool{},
		others:         map[topology.Key]topology.Object{},
		waiting:        newWaiting(),
		datagrams:      datagrams{},
		wanted:         map[topology.RouterID]time.Time{},
		leasing:        map[sim.BlockWant]bool{},
		ahead:          map[sim.BlockWant]time.Time{},
		blocks:         map[topology.NATBlockID]*topology.NATBlock{},
		former:         map[topology.PortID][topology.MaxFormer]topology.HostID{},
		arrivals:       arrivals{},
		inquiries:      newInquiries(),
		post:           newPost(),
		advertisements: advertisements{},
		leases:         make(chan sim.BlockWant, maxLeases),
	}
	w.flows = newBook(w.letGo)
	return w
}

// Run serves misses and expires flows until ctx ends, whose error it then returns, or the datapath fails. It is called once.
func (w *Worker) Run(ctx context.Context) error {
	if err := w.withholdPorts(); err != nil {
		return fmt.Errorf("reading what an earlier agent has left: %w", err)
	}
	w.attend()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return w.serveMisses(ctx) })
	group.Go(func() error { return w.sweepRegularly(ctx) })
	group.Go(func() error { return w.adoptWhenReady(ctx) })
	group.Go(func() error { return w.askRegularly(ctx) })
	group.Go(func() error { return w.lease(ctx) })
	group.Go(func() error { return w.accountRegularly(ctx) })
	group.Go(func() error { return w.postRegularly(ctx) })
	group.Go(func() error { return w.tellLater(ctx) })
	return group.Wait()
}

func (w *Worker) serveMisses(ctx context.Context) error {
	batch := make([]datapath.Miss, batchSize)
	for {
		n, err := w.cfg.Datapath.Receive(ctx, batch)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("receive missed packets: %w", err)
		}
		w.serve(batch[:n])
	}
}

func (w *Worker) sweepRegularly(ctx context.Context) error {
	ticker := time.NewTicker(sweepInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
			if err := w.sweep(); err != nil {
				w.log.Warn("looking for idle flows", "error", err)
			}
		}
	}
}

// Changed returns a channel that holds a token when Facts would say something new that others wait for: a port became active or
// inactive, came or went, a station was learned or forgotten, the endpoints changed. What nobody waits for, such as counts and
// other interfaces, can be told whenever there is a report.
func (w *Worker) Changed() <-chan struct{} { return w.changed }

func (w *Worker) signal() {
	leave(w.changed)
}

// leave leaves a token in a channel that has room for one, if none is there.
func leave(tokens chan<- struct{}) {
	select {
	case tokens <- struct{}{}:
	default:
	}
}

// paced calls some whenever there is a token, and again at the pace for as long as it says that there is more, until ctx ends.
func paced(ctx context.Context, tokens <-chan struct{}, pace time.Duration, some func() (more bool)) error {
	ticker := time.NewTicker(pace)
	defer ticker.Stop()
	for {
		select {
		case <-tokens:
		case <-ctx.Done():
			return ctx.Err()
		}
		for some() {
			select {
			case <-ticker.C:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
}
