package stream

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"time"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/cluster/nsdb/mirror"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/topology"
	"midonet.org/midonet/topology/topologypb"
)

// blockGrace is how long after a lease of a block the host's reports may still leave it out: they were made before.
const blockGrace = 10 * time.Second

// maxBlockTries is how many blocks are tried that others take at the same moment.
const maxBlockTries = 8

// LeaseNAT implements topologypb.StreamServer. A block is chosen at random among those that nobody has had, so that hosts which ask at one
// moment seldom want the same, and where there are none it is the one that has been free for longest (the original's ZkNatBlockAllocator):
// connections may live that are translated to ports of a block whose host is gone. Unavailable: all are taken.
func (s *Server) LeaseNAT(ctx context.Context, req *topologypb.LeaseNATRequest) (*topologypb.LeaseNATReply, error) {
	want, err := readLease(caller(ctx), req)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	session := s.session(want.Host)
	session.mu.Lock()
	defer session.mu.Unlock()
	if session.lease == nil {
		return nil, errs.New(errs.Unavailable, "NotReported", "a host reports before it leases")
	}
	for range maxBlockTries {
		state := s.Mirror.State()
		if err := s.feed.await(ctx, state.Revision); err != nil { // else it may not know of what became free last
			return nil, unavailable(err)
		}
		block, err := want.choose(state, s.feed.freedAt)
		if err != nil {
			return nil, err
		}
		if ok, err := s.lease(ctx, session, block); err != nil || ok {
			return &topologypb.LeaseNATReply{Block: topologypb.ToProto(block).GetNatBlock()}, unavailable(err)
		}
	}
	return nil, errs.New(errs.Unavailable, "BlocksContended", "other hosts lease ports of %v at the same moment; try again", want.addr)
}

// blockWant is what a host asks for.
type blockWant struct {
	Host        topology.HostID
	router      topology.RouterID
	addr        netip.Addr
	first, last uint32
}

func readLease(host topology.HostID, req *topologypb.LeaseNATRequest) (blockWant, error) {
	w := blockWant{Host: host, first: req.GetFirst(), last: req.GetLast()}
	var err error
	if w.router, err = parseID[topology.Router]("router", req.GetRouter()); err != nil {
		return w, err
	}
	addr, ok := netip.AddrFromSlice(req.GetAddr())
	if !ok || w.last > 65535 || w.first > w.last {
		return w, errs.New(errs.Invalid, "BadLease", "%d octets, ports %d to %d: no address and ports", len(req.GetAddr()), w.first, w.last)
	}
	w.addr = addr
	return w, nil
}

// maxFreed is how many blocks are remembered that hosts have had.
const maxFreed = 1 << 16

// freed is the blocks that hosts have had since the server started: in which order they became free.
type freed struct {
	at   map[blockName]uint64
	last uint64
}

type blockName struct {
	router topology.RouterID
	addr   netip.Addr
	first  uint16
}

func nameOf(b *topology.NATBlock) blockName { return blockName{b.Router, b.Addr, b.First} }

// note takes a step: the objects are as before it.
func (f *freed) note(objects map[topology.Key]topology.Object, puts []topology.Object, deletes []topology.Key) {
	for _, k := range deletes {
		b, ok := objects[k].(*topology.NATBlock)
		if !ok {
			continue
		}
		if len(f.at) >= maxFreed {
			clear(f.at)
		}
		f.last++
		f.at[nameOf(b)] = f.last
	}
	for _, o := range puts {
		if b, ok := o.(*topology.NATBlock); ok {
			delete(f.at, nameOf(b))
		}
	}
}

// choose returns a block that no host holds and that lies wholly within the ports asked for. When is the place of a block in the order in
// which blocks became free, 0 for those that nobody has had.
func (w blockWant) choose(state *mirror.State, when func(blockName) uint64) (*topology.NATBlock, error) {
	if state.Get(topology.Key{Kind: topology.KindRouter, ID: w.router}) == nil &&
		state.Get(topology.Key{Kind: topology.KindBridge, ID: w.router}) == nil {
		return nil, errs.New(errs.NotFound, "RouterNotFound", "there is no router %v", w.router)
	}
	taken := map[uint32]bool{}
	for b := range state.NATBlocks(w.router) {
		if b.Addr == w.addr {
			taken[uint32(b.First)] = true
		}
	}
	var free []uint16 // all with the same place, the first
	var since uint64
	const size = topology.NATBlockSize
	for first := (w.first + size - 1) / size * size; first+size-1 <= w.last; first += size {
		if taken[first] {
			continue
		}
		switch at := when(blockName{w.router, w.addr, uint16(first)}); {
		case len(free) == 0 || at < since:
			free, since = append(free[:0], uint16(first)), at
		case at == since:
			free = append(free, uint16(first))
		}
	}
	if len(free) == 0 {
		return nil, errs.New(errs.Unavailable, "NoBlocks", "every block of ports %d to %d of %v is leased", w.first, w.last, w.addr)
	}
	return topology.NewNATBlock(w.router, w.addr, free[rand.N(len(free))], w.Host), nil
}

// lease writes the block under the host's lease; false: another host has taken it meanwhile.
func (s *Server) lease(ctx context.Context, session *session, block *topology.NATBlock) (ok bool, err error) {
	rev, err := s.Store.Update(ctx, func(tx nsdb.Tx) (err error) {
		ok, err = putIfFree(tx, block, session.lease)
		return err
	})
	if err != nil {
		return false, err
	}
	if ok {
		session.held[block.Key()] = struct{}{}
		if session.granted == nil {
			session.granted = map[topology.Key]time.Time{}
		}
		session.granted[block.Key()] = time.Now()
	}
	_, err = s.Mirror.WaitFor(ctx, rev)
	return ok, err
}

// putIfFree puts the block unless another host holds it.
func putIfFree(tx nsdb.Tx, b *topology.NATBlock, lease nsdb.Lease) (bool, error) {
	o, err := tx.Get(b.Key())
	if err != nil {
		return false, err
	}
	if held, ok := o.(*topology.NATBlock); ok && held.Host != b.Host {
		return false, nil
	}
	tx.PutLeased(b, lease)
	return true, nil
}
