package stream

import (
	"context"
	"net/netip"
	"slices"
	"time"
	"unicode/utf8"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/topology"
	"midonet.org/midonet/topology/topologypb"
)

// report is a ReportRequest that has been checked: everything in it speaks of the reporting host.
type report struct {
	host    *topology.Host
	state   *topology.HostState
	ports   []*topology.PortState
	learned []*topology.LearnedMAC
	found   []*topology.RouterNeighbour
	blocks  []*topology.NATBlock
	counts  topology.Counts
}

// Report implements topologypb.StreamServer.
func (s *Server) Report(ctx context.Context, req *topologypb.ReportRequest) (*topologypb.ReportReply, error) {
	r, err := readReport(caller(ctx), req)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	session := s.session(r.host.ID)
	session.mu.Lock()
	defer session.mu.Unlock()
	s.count(r.host.ID, r.counts)
	elsewhere, err := s.write(ctx, session, r)
	if err != nil {
		s.Log.Warn("a report was not stored", "host", r.host.ID, "error", err)
		return nil, unavailable(err)
	}
	reply := &topologypb.ReportReply{LeaseSeconds: uint32(s.LeaseTTL.Seconds())}
	for _, k := range elsewhere {
		reply.Elsewhere = append(reply.Elsewhere, topologypb.KeyToProto(k))
	}
	return reply, nil
}

// readReport checks a request of the host.
func readReport(host topology.HostID, req *topologypb.ReportRequest) (*report, error) {
	if len(req.GetPorts()) > topologypb.MaxReportedPorts || len(req.GetLearned()) > topologypb.MaxReportedStations ||
		len(req.GetState().GetInterfaces()) > topologypb.MaxReportedInterfaces ||
		len(req.GetNeighbours()) > topologypb.MaxReportedNeighbours || len(req.GetBlocks()) > topologypb.MaxReportedBlocks {
		return nil, errs.New(errs.TooLarge, "ReportTooLarge",
			"a report has at most %d interfaces, %d ports, %d learned addresses, %d neighbours and %d blocks",
			topologypb.MaxReportedInterfaces, topologypb.MaxReportedPorts, topologypb.MaxReportedStations,
			topologypb.MaxReportedNeighbours, topologypb.MaxReportedBlocks)
	}
	var r report
	var err error
	if r.host, err = req.GetHost().Topology(); err != nil {
		return nil, malformed(err)
	}
	if r.state, err = req.GetState().Topology(); err != nil {
		return nil, malformed(err)
	}
	if r.ports, err = topologies(req.GetPorts()); err != nil {
		return nil, err
	}
	if r.learned, err = topologies(req.GetLearned()); err != nil {
		return nil, err
	}
	if r.found, err = topologies(req.GetNeighbours()); err != nil {
		return nil, err
	}
	if r.blocks, err = topologies(req.GetBlocks()); err != nil {
		return nil, err
	}
	r.counts = req.GetCounts().Topology()
	return r.checked(host)
}

// topologies returns the values of wire objects.
func topologies[X interface{ Topology() (T, error) }, T any](xs []X) ([]T, error) {
	var values []T
	for _, x := range xs {
		v, err := x.Topology()
		if err != nil {
			return nil, malformed(err)
		}
		values = append(values, v)
	}
	return values, nil
}

func malformed(err error) error {
	return errs.New(errs.Invalid, "BadReport", "the report is malformed: %v", err)
}

// checked returns the report as it may be stored, or what is wrong with it. Counts are not stored: every report would be a write.
func (r *report) checked(host topology.HostID) (*report, error) {
	foreign := r.host.ID != host || r.state.Host != host
	for _, p := range r.ports {
		foreign = foreign || p.Host != host
	}
	for _, l := range r.learned {
		foreign = foreign || l.Host != host
		if l.ID != topology.NewLearnedMAC(l.Bridge, l.MAC, l.Port, host).ID || l.MAC.IsZero() || l.MAC.IsMulticast() {
			return nil, errs.New(errs.Invalid, "BadReport", "learned address %v on bridge %v is no station", l.MAC, l.Bridge)
		}
	}
	for _, n := range r.found {
		foreign = foreign || n.Host != host
		if n.ID != topology.NewRouterNeighbour(n.Router, n.Port, n.Addr, n.MAC, host).ID || n.MAC.IsZero() || n.MAC.IsMulticast() ||
			!n.Addr.IsValid() || n.Addr.IsMulticast() || n.Addr.IsUnspecified() {
			return nil, errs.New(errs.Invalid, "BadReport", "%v at %v is no neighbour of router %v", n.Addr, n.MAC, n.Router)
		}
	}
	for _, b := range r.blocks {
		foreign = foreign || b.Host != host
		if *b != *topology.NewNATBlock(b.Router, b.Addr, b.First, b.Host) || b.First%topology.NATBlockSize != 0 {
			return nil, errs.New(errs.Invalid, "BadReport", "%v, port %d, is no block", b.Addr, b.First)
		}
	}
	if foreign {
		return nil, errs.New(errs.Forbidden, "NotYours", "host %v may report of itself alone", host)
	}
	if err := checkName(r.host.Name); err != nil {
		return nil, err
	}
	if err := checkZone(r.host.Zone); err != nil {
		return nil, err
	}
	if err := checkEndpoints(r.host.Endpoints); err != nil {
		return nil, err
	}
	if err := checkCounts(r.counts); err != nil {
		return nil, err
	}
	return r, checkState(r.state)
}

// maxReasons is how many reasons there may be to drop packets.
const maxReasons = 32

// counted is what an agent has counted, and when it said so.
type counted struct {
	topology.Counts
	at time.Time
}

func (s *Server) count(host topology.HostID, c topology.Counts) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts[host] = counted{c, time.Now()}
}

// Counts returns what the agents that report to this server have counted, by the last report of each. What others count, and those that
// have been silent for longer than their lease, is not known.
func (s *Server) Counts() map[topology.HostID]topology.Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[topology.HostID]topology.Counts{}
	for host, c := range s.counts {
		if time.Since(c.at) < s.LeaseTTL {
			all[host] = c.Counts
		}
	}
	return all
}

// checkCounts wants few reasons, in words that can be shown.
func checkCounts(c topology.Counts) error {
	bad := func(d topology.Drop) bool { return len(d.Reason) > maxName || !utf8.ValidString(d.Reason) }
	if len(c.Drops) > maxReasons || slices.ContainsFunc(c.Drops, bad) {
		return errs.New(errs.Invalid, "BadReport", "an agent drops packets for at most %d reasons, of at most %d octets of UTF-8", maxReasons, maxName)
	}
	return nil
}

// checkZone wants a name that Neutron can show.
func checkZone(zone string) error {
	if len(zone) > maxName || !utf8.ValidString(zone) {
		return errs.New(errs.Invalid, "BadReport", "the name of a host's availability zone has at most %d octets of UTF-8", maxName)
	}
	return nil
}

// checkEndpoints wants unicast addresses, at most one of each family.
func checkEndpoints(addrs []netip.Addr) error {
	families := map[bool]bool{}
	for _, a := range addrs {
		if families[a.Is4()] || a.IsUnspecified() || a.IsMulticast() || a.Is4In6() {
			return errs.New(errs.Invalid, "BadEndpoint",
				"a host has at most one unicast tunnel endpoint of each address family; %v is one too many or no such address", a)
		}
		families[a.Is4()] = true
	}
	return nil
}

func checkState(state *topology.HostState) error {
	if len(state.Version) > maxName || !utf8.ValidString(state.Version) {
		return errs.New(errs.Invalid, "BadReport", "the agent's version has more than %d octets", maxName)
	}
	for _, i := range state.Interfaces {
		if !topology.ValidInterfaceName(i.Name) || len(i.Addrs) > topologypb.MaxReportedAddrs {
			return errs.New(errs.Invalid, "BadReport", "interface %q has an impossible name or more than %d addresses", i.Name, topologypb.MaxReportedAddrs)
		}
	}
	return nil
}
