package session

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"time"

	"google.golang.org/grpc"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/topology"
	"midonet.org/midonet/topology/topologypb"
)

const (
	// ReportInterval is the time between two reports when nothing changes.
	ReportInterval = 2 * time.Second
	// callTimeout is how long one call to the cluster may take, the wait for a connection included.
	callTimeout = 5 * time.Second
	// bindPatience is how long a binding is asked for again while the cluster can be reached and cannot make it yet: its store is away, or the
	// port on its way from Neutron. Those who ask the agent wait for 30 seconds.
	bindPatience = 20 * time.Second
	bindPause    = 200 * time.Millisecond
	// settleTime is how long after its start an agent may take to find the interfaces that it had before.
	settleTime = 3 * time.Second
	// renewPause is the wait between tries to renew a certificate.
	renewPause = time.Minute
)

// keepReporting reports until ctx ends, from when the cluster has said what it knows.
func (s *Session) keepReporting(ctx context.Context, client topologypb.StreamClient) {
	select {
	case <-s.synced:
	case <-ctx.Done():
		return
	}
	start := startup{ends: time.Now().Add(settleTime)}
	tick := time.NewTicker(ReportInterval)
	defer tick.Stop()
	var renewAfter time.Time
	for ctx.Err() == nil {
		err := s.report(ctx, client, &start)
		if ctx.Err() != nil {
			return
		}
		s.status.reported(s.Log, err)
		if now := s.Now(); err == nil && s.identity.Load().due(now) && now.After(renewAfter) {
			renewAfter = now.Add(renewPause)
			s.tryRenew(ctx, client)
		}
		select {
		case <-tick.C:
		case <-s.changed:
		case <-ctx.Done():
		}
	}
}

func (s *Session) report(ctx context.Context, client topologypb.StreamClient, start *startup) error {
	facts := s.Facts()
	if time.Now().Before(start.ends) {
		facts.Ports = start.ports(facts.Ports, s.activeBefore())
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	reply, err := client.Report(ctx, s.request(facts), grpc.WaitForReady(true))
	if err != nil {
		return topologypb.FromStatus(err)
	}
	var elsewhere []topology.Key
	for _, x := range reply.GetElsewhere() {
		if k, err := topologypb.KeyFromProto(x); err == nil {
			elsewhere = append(elsewhere, k)
		}
	}
	if len(elsewhere) > 0 && s.Elsewhere != nil {
		s.Elsewhere(elsewhere)
	}
	return nil
}

func (s *Session) tryRenew(ctx context.Context, client topologypb.StreamClient) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if err := s.renew(ctx, client); err != nil {
		s.Log.Error("the host's certificate could not be renewed", "expires", s.identity.Load().cert.NotAfter, "error", err)
	}
}

// startup is what an agent that has just started has found of its ports.
type startup struct {
	ends  time.Time
	found map[topology.PortID]bool // active at some time since the start
}

// ports returns the ports with those kept active that were so before the start and that the agent has not found yet: it takes a moment
// to find all interfaces, while the datapath in the kernel forwards for them as before. A port that was found and is down is down.
func (u *startup) ports(now map[topology.PortID]bool, before []topology.PortID) map[topology.PortID]bool {
	if u.found == nil {
		u.found = map[topology.PortID]bool{}
	}
	kept := map[topology.PortID]bool{}
	for p, active := range now {
		kept[p] = active
		if active {
			u.found[p] = true
		}
	}
	for _, p := range before {
		if !u.found[p] {
			kept[p] = true
		}
	}
	return kept
}

// activeBefore returns the ports that the cluster has as active on this host.
func (s *Session) activeBefore() []topology.PortID {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ports []topology.PortID
	for _, o := range s.replica.objects {
		if p, ok := o.(*topology.PortState); ok && p.Host == s.host && p.Active {
			ports = append(ports, p.Port)
		}
	}
	return ports
}

// request puts the facts in the form of a report.
func (s *Session) request(facts Facts) *topologypb.ReportRequest {
	host := &topology.Host{ID: s.host, Name: s.HostName, Endpoints: facts.Endpoints, Zone: s.Zone, Metadata: facts.Metadata,
		Openings: facts.Openings, Origins: facts.Origins}
	state := &topology.HostState{Host: s.host, Version: s.Version, StartedUnix: s.started.Unix(),
		Interfaces: reportable(facts.Interfaces)}
	r := &topologypb.ReportRequest{Host: topologypb.ToProto(host).GetHost(), State: topologypb.ToProto(state).GetHostState(),
		Counts: topologypb.FromCounts(facts.Counts)}
	ports := slices.SortedFunc(maps.Keys(facts.Ports), func(a, b topology.PortID) int { return bytes.Compare(a[:], b[:]) })
	for _, port := range ports[:min(len(ports), topologypb.MaxReportedPorts)] { // the same ones each time
		p := &topology.PortState{Port: port, Host: s.host, Active: facts.Ports[port]}
		r.Ports = append(r.Ports, topologypb.ToProto(p).GetPortState())
	}
	for _, l := range facts.Learned[:min(len(facts.Learned), topologypb.MaxReportedStations)] {
		r.Learned = append(r.Learned, topologypb.ToProto(topology.NewLearnedMAC(l.Bridge, l.MAC, l.Port, s.host)).GetLearnedMac())
	}
	for _, n := range facts.Found[:min(len(facts.Found), topologypb.MaxReportedNeighbours)] {
		r.Neighbours = append(r.Neighbours,
			topologypb.ToProto(topology.NewRouterNeighbour(n.Router, n.Port, n.Addr, n.MAC, s.host)).GetRouterNeighbour())
	}
	for _, b := range facts.Blocks[:min(len(facts.Blocks), topologypb.MaxReportedBlocks)] {
		r.Blocks = append(r.Blocks, topologypb.ToProto(topology.NewNATBlock(b.Router, b.Addr, b.First, s.host)).GetNatBlock())
	}
	return r
}

// reportable returns the interfaces that a report may have, with as many addresses as it may have.
func reportable(all []topology.Interface) []topology.Interface {
	told := make([]topology.Interface, 0, min(len(all), topologypb.MaxReportedInterfaces))
	for _, i := range all {
		if len(told) == topologypb.MaxReportedInterfaces {
			break
		}
		if topology.ValidInterfaceName(i.Name) {
			i.Addrs = i.Addrs[:min(len(i.Addrs), topologypb.MaxReportedAddrs)]
			told = append(told, i)
		}
	}
	return told
}

// Bind plugs an interface of this host into the port, and returns when that is on this host's disk as well. The errors are those of
// the cluster: NotFound, Conflict, Unavailable; the last where it cannot be reached, or was not able to for bindPatience.
func (s *Session) Bind(ctx context.Context, port topology.PortID, iface string) error {
	err := s.askToBind(ctx, port, iface)
	for end := time.Now().Add(bindPatience); errs.Is(err, errs.Unavailable) && s.status.get().Connected && time.Now().Before(end); {
		select {
		case <-ctx.Done():
			return err
		case <-time.After(bindPause):
		}
		err = s.askToBind(ctx, port, iface)
	}
	if err == nil {
		s.keepBinding(ctx, port, func(b *topology.Binding) bool { return b != nil && b.Host == s.host && b.Interface == iface })
	}
	return err
}

func (s *Session) askToBind(ctx context.Context, port topology.PortID, iface string) error {
	return s.call(ctx, func(ctx context.Context, client topologypb.StreamClient) error {
		_, err := client.Bind(ctx, &topologypb.BindRequest{Port: port[:], Interface: iface}, grpc.WaitForReady(true))
		return err
	})
}

// Unbind takes the interface out of the port if the port is bound on this host. Like Bind it returns when the disk has it.
func (s *Session) Unbind(ctx context.Context, port topology.PortID) error {
	err := s.call(ctx, func(ctx context.Context, client topologypb.StreamClient) error {
		_, err := client.Unbind(ctx, &topologypb.UnbindRequest{Port: port[:]}, grpc.WaitForReady(true))
		return err
	})
	if err == nil {
		s.keepBinding(ctx, port, func(b *topology.Binding) bool { return b == nil || b.Host != s.host })
	}
	return err
}

// KnownHost is one host of the cloud.
type KnownHost struct {
	Host    *topology.Host
	Alive   bool
	Version string // of its agent; empty when it is not alive
}

// ListHosts returns every host that has ever reported, in order of identifier.
func (s *Session) ListHosts(ctx context.Context) (hosts []KnownHost, err error) {
	err = s.call(ctx, func(ctx context.Context, client topologypb.StreamClient) error {
		reply, err := client.ListHosts(ctx, &topologypb.ListHostsRequest{}, grpc.WaitForReady(true))
		if err != nil {
			return err
		}
		for _, e := range reply.GetHosts() {
			host, err := e.GetHost().Topology()
			if err != nil {
				return err
			}
			hosts = append(hosts, KnownHost{Host: host, Alive: e.GetAlive(), Version: e.GetVersion()})
		}
		return nil
	})
	return hosts, err
}

// call makes one call to the cluster. When that fails for want of a connection, the error says why there is none.
func (s *Session) call(ctx context.Context, fn func(context.Context, topologypb.StreamClient) error) error {
	s.mu.Lock()
	conn := s.conn
	s.mu.Unlock()
	if conn == nil {
		return s.status.unavailable("the agent has not joined the cluster yet")
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	err := topologypb.FromStatus(fn(ctx, topologypb.NewStreamClient(conn)))
	if errs.Is(err, errs.Unavailable) && !s.status.get().Connected {
		return s.status.unavailable("the cluster cannot be reached")
	}
	return err
}
