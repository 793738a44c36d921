package session

import (
	"context"
	"net/netip"
	"time"

	"google.golang.org/grpc"

	"midonet.org/midonet/topology"
	"midonet.org/midonet/topology/topologypb"
)

// wantPause is how long after a failed try the cluster is told again what is wanted.
const wantPause = time.Second

// Want says which routers the host needs beside those that its ports lead to: all of them, in place of those of the call before. It
// returns at once; what belongs to them comes as any other change does.
func (s *Session) Want(routers []topology.RouterID) {
	wanted := make([][]byte, 0, len(routers))
	for _, r := range routers[:min(len(routers), topologypb.MaxWantedRouters)] {
		wanted = append(wanted, r[:])
	}
	s.mu.Lock()
	s.wanted = wanted
	s.mu.Unlock()
	signal(s.wanting)
}

func (s *Session) wantedNow() [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.wanted
}

// keepWanting tells the cluster what is wanted whenever that changes, until it has heard it. A cluster that is away hears it when the
// topology is asked for again.
func (s *Session) keepWanting(ctx context.Context) {
	for {
		select {
		case <-s.wanting:
		case <-ctx.Done():
			return
		}
		err := s.call(ctx, func(ctx context.Context, client topologypb.StreamClient) error {
			_, err := client.Want(ctx, &topologypb.WantRequest{Routers: s.wantedNow()}, grpc.WaitForReady(true))
			return err
		})
		if err == nil || ctx.Err() != nil {
			continue
		}
		s.Log.Debug("the cluster has not heard which routers are wanted", "error", err)
		select {
		case <-time.After(wantPause):
			signal(s.wanting)
		case <-ctx.Done():
		}
	}
}

// LeaseNAT asks for a block of source ports, first … last, of an address of a router. The block comes as a topology.NATBlock, by the
// time LeaseNAT returns or soon after. Unavailable: there is none, or no cluster.
func (s *Session) LeaseNAT(ctx context.Context, router topology.RouterID, addr netip.Addr, first, last uint16) error {
	return s.call(ctx, func(ctx context.Context, client topologypb.StreamClient) error {
		_, err := client.LeaseNAT(ctx, &topologypb.LeaseNATRequest{
			Router: router[:], Addr: addr.AsSlice(), First: uint32(first), Last: uint32(last),
		}, grpc.WaitForReady(true))
		return err
	})
}
