package stream

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/topology"
	"midonet.org/midonet/topology/topologypb"
)

// maxUpdate is the size at which a step is cut into several updates, octets; well under what a host accepts in one message.
const maxUpdate = 256 << 10

// Watch implements topologypb.StreamServer.
func (s *Server) Watch(req *topologypb.WatchRequest, stream grpc.ServerStreamingServer[topologypb.Update]) error {
	ctx := stream.Context()
	routers, err := readWanted(req.GetRouters())
	if err != nil {
		return err
	}
	snapshot, rev, w := s.feed.watch(caller(ctx), routers)
	defer s.feed.leave(w)
	if _, err := s.identify(ctx); err != nil { // again: what has come between, the feed has told nobody
		return err
	}
	s.session(w.host).returned.Store(true) // before it has the snapshot, upon which it reports
	s.Log.Info("host connected", "host", w.host, "agent", req.GetVersion(), "objects", len(snapshot))
	defer s.Log.Info("host disconnected", "host", w.host)
	first := sender{stream: stream, snapshot: true, revision: rev}
	if err := first.send(delta{puts: snapshot}); err != nil {
		return err
	}
	return s.sendSteps(ctx, stream, w)
}

// Want implements topologypb.StreamServer.
func (s *Server) Want(ctx context.Context, req *topologypb.WantRequest) (*topologypb.WantReply, error) {
	routers, err := readWanted(req.GetRouters())
	if err != nil {
		return nil, err
	}
	s.feed.want(caller(ctx), routers)
	return &topologypb.WantReply{}, nil
}

func readWanted(ids [][]byte) ([]topology.RouterID, error) {
	if len(ids) > topologypb.MaxWantedRouters {
		return nil, errs.New(errs.TooLarge, "TooManyWanted", "a host may want at most %d routers", topologypb.MaxWantedRouters)
	}
	var routers []topology.RouterID
	for _, b := range ids {
		r, err := parseID[topology.Router]("router", b)
		if err != nil {
			return nil, err
		}
		routers = append(routers, r)
	}
	return routers, nil
}

func (s *Server) sendSteps(ctx context.Context, stream grpc.ServerStreamingServer[topologypb.Update], w *watcher) error {
	for {
		select {
		case next := <-w.queue:
			out := sender{stream: stream, base: next.base, revision: next.revision}
			if err := out.send(next.delta); err != nil {
				return err
			}
		case <-w.gone:
			return w.why
		case <-s.stopping:
			return errStopping
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Why a watcher gets nothing more.
var (
	errSlow     = errs.New(errs.Unavailable, "TooSlow", "the host did not keep up with the changes and must start again")
	errReplaced = errs.New(errs.Conflict, "Replaced", "another agent watches as this host")
)

// sender sends one step, cut into updates of about maxUpdate.
type sender struct {
	stream         grpc.ServerStreamingServer[topologypb.Update]
	snapshot       bool
	base, revision nsdb.Revision

	next *topologypb.Update
	size int
}

func (s *sender) send(d delta) error {
	s.start()
	for _, k := range d.deletes {
		key := topologypb.KeyToProto(k)
		if err := s.makeRoom(proto.Size(key)); err != nil {
			return err
		}
		s.next.Delete = append(s.next.Delete, key)
	}
	for _, o := range d.puts {
		object := topologypb.ToProto(o)
		if err := s.makeRoom(proto.Size(object)); err != nil {
			return err
		}
		s.next.Put = append(s.next.Put, object)
	}
	return s.stream.Send(s.next)
}

func (s *sender) start() {
	s.next = &topologypb.Update{Snapshot: s.snapshot, Base: uint64(s.base), Revision: uint64(s.revision)}
	s.size = 0
}

// makeRoom sends what there is when size more octets would be too many.
func (s *sender) makeRoom(size int) error {
	if s.size > 0 && s.size+size > maxUpdate {
		s.next.More = true
		if err := s.stream.Send(s.next); err != nil {
			return err
		}
		s.start()
	}
	s.size += size
	return nil
}
