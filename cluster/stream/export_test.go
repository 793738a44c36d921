package stream

import (
	"context"

	"midonet.org/midonet/cluster/nsdb"
)

// Door and NewDoor are for a test of the door alone.
type Door = door

var NewDoor = newDoor

// Await waits until what the server tells hosts has the step of the revision.
func (s *Server) Await(ctx context.Context, rev nsdb.Revision) error { return s.feed.await(ctx, rev) }
