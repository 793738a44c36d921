package stream

import (
	"context"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/topology"
)

// Door and NewDoor are for a test of the door alone.
type Door = door

var NewDoor = newDoor

// Await waits until what the server tells hosts has the step of the revision.
func (s *Server) Await(ctx context.Context, rev nsdb.Revision) error { return s.feed.await(ctx, rev) }

// Watches reports whether the host watches.
func (s *Server) Watches(host topology.HostID) bool {
	_, watches := s.feed.reaches(host, &topology.RouterNeighbour{})
	return watches
}
