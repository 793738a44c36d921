package session

import (
	"context"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"

	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
	"midonet.org/midonet/topology/topologypb"
)

// The files in the state directory.
const (
	hostIDFile   = "midonet_host_id.properties"
	identityFile = "identity.json"
	topologyFile = "topology.pb"
)

// Config is what a Session needs.
type Config struct {
	// StateDir is made if missing. One session uses it at a time.
	StateDir string
	// HostIDFile holds the host's UUID; empty: midonet_host_id.properties in StateDir. MidoNet's is /etc/midonet_host_id.properties.
	HostIDFile string
	HostName   string // empty: the machine's
	Zone       string // the availability zone that the host is in; empty: none
	// JoinToken is needed until the host has joined; afterwards it is ignored unless it is from another cluster.
	JoinToken string
	// Addresses ("tcp://host:port", "unix:/path") take the place of those in the join token.
	Addresses []string
	Version   string // of the agent
	// Now is the host's clock; nil: time.Now. Certificates are good or not by it, and nothing else is.
	Now func() time.Time
	// Facts returns what the host knows of itself now. It is called every ReportInterval and after Changed.
	Facts func() Facts
	// Elsewhere, if it is not nil, is called with the stations and neighbours of a report that the cluster has as another host's.
	Elsewhere func([]topology.Key)
	Log       *slog.Logger
}

// Facts is what a host reports of itself.
type Facts struct {
	Endpoints  []netip.Addr // underlay addresses for tunnels, at most one of each family
	Metadata   bool         // the agent has a metadata service
	Openings   bool         // topology.Host's, like the next
	Origins    bool
	Interfaces []topology.Interface
	Counts     topology.Counts
	// Ports are the bound ports whose interface is present; true where it is also up and in the datapath.
	Ports   map[topology.PortID]bool
	Learned []Station
	Found   []Neighbour
	// Blocks are those that are still in use; one that is left out is given back.
	Blocks []Block
}

// Neighbour is who has an address on the link of a router port, as the host has found out.
type Neighbour struct {
	Router topology.RouterID
	Port   topology.PortID
	Addr   netip.Addr
	MAC    mac.Addr
}

// Block names a topology.NATBlock.
type Block struct {
	Router topology.RouterID
	Addr   netip.Addr
	First  uint16
}

// Station is a MAC that the host has seen behind one of its ports.
type Station struct {
	Bridge topology.BridgeID
	Port   topology.PortID
	MAC    mac.Addr
}

// Session is a host's link to the cluster. Its methods are safe for use by several goroutines.
type Session struct {
	Config
	host     topology.HostID
	token    *topologypb.JoinToken // nil once the host has joined
	spare    *topologypb.JoinToken // of a host that had joined before: for joining again, should its certificate be refused; Run's alone
	next     *identity             // with which the spare token is used: the same key each time; Run's alone
	identity atomic.Pointer[identity]
	started  time.Time
	changed  chan struct{} // has room for one token
	dirty    chan struct{} // the same: the replica should be written to disk
	wanting  chan struct{} // the same: the cluster should be told which routers are wanted
	status   statusKeeper

	synced   chan struct{} // closed when the first snapshot has come
	syncOnce sync.Once

	mu      sync.Mutex
	conn    *grpc.ClientConn // nil before the host has joined and after Run
	replica *replica
	updated chan struct{} // closed, and replaced, after each update
	wanted  [][]byte      // see Want

	writing sync.Mutex // one writes the cache at a time; taken before mu
	written int        // how many updates the cache has
}

// New reads the host's identity, or makes the host a new one. It fails when the host has not joined and there is no token to join
// with, or when a file in the state directory is damaged; the error names the file.
func New(c Config) (*Session, error) {
	if err := os.MkdirAll(c.StateDir, 0o700); err != nil {
		return nil, err
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.HostIDFile == "" {
		c.HostIDFile = filepath.Join(c.StateDir, hostIDFile)
	}
	if c.HostName == "" {
		name, err := os.Hostname()
		if err != nil {
			return nil, err
		}
		c.HostName = name
	}
	s := &Session{Config: c, started: time.Now(), replica: newReplica(),
		changed: make(chan struct{}, 1), dirty: make(chan struct{}, 1), wanting: make(chan struct{}, 1), synced: make(chan struct{}), updated: make(chan struct{})}
	var err error
	if s.host, err = hostID(c.HostIDFile); err != nil {
		return nil, err
	}
	return s, s.identify()
}

// HostID returns the host's identifier.
func (s *Session) HostID() topology.HostID { return s.host }

// Changed says that Facts would now return something else, so that the cluster hears of it at once.
func (s *Session) Changed() { signal(s.changed) }

// Run joins the cluster if need be and keeps the session until ctx ends. handle gets every change of what the host needs to know,
// from one goroutine: first what was known when the agent last ran, then what is different; a first word of the cluster that
// changes nothing, since nothing is known on either side, is handed on too. Run returns nil when ctx ends, and an
// error only when the cluster refuses the host for good.
func (s *Session) Run(ctx context.Context, handle func(view.Delta)) error {
	s.restore(handle)
	if s.token != nil {
		if err := s.join(ctx); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
	}
	for ctx.Err() == nil {
		if err := s.attend(ctx, handle); err != nil {
			return err
		}
	}
	return nil
}

// attend keeps the session over one connection until ctx ends, or the host has joined again and needs another one.
func (s *Session) attend(ctx context.Context, handle func(view.Delta)) error {
	ctx, end := context.WithCancel(ctx)
	defer end()
	config, err := s.identity.Load().tls(s.identity.Load, s.Now)
	if err != nil {
		return err
	}
	conn, err := dial(s.addresses(), config)
	if err != nil {
		return err
	}
	s.setConn(conn)
	defer func() {
		s.setConn(nil)
		conn.Close()
	}()
	client := topologypb.NewStreamClient(conn)
	var running sync.WaitGroup
	running.Go(func() { s.keepReporting(ctx, client) })
	running.Go(func() { s.keepWriting(ctx) })
	running.Go(func() { s.keepWanting(ctx) })
	s.keepWatching(ctx, client, handle)
	end()
	running.Wait()
	return nil
}

func (s *Session) file(name string) string { return filepath.Join(s.StateDir, name) }

// addresses returns where the cluster is.
func (s *Session) addresses() []string {
	if len(s.Addresses) > 0 {
		return s.Addresses
	}
	return s.identity.Load().Addresses
}

func (s *Session) setConn(conn *grpc.ClientConn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conn = conn
}

// signal leaves a token in a channel with room for one.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
