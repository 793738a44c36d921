package worker

import (
	"context"
	"net/netip"
	"time"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/flowstate"
)

// Accounts of ports go out a few messages at a time: a host takes some thousands a second of all others together, and what it loses of an
// account has it ask for all of it again.
const (
	postChunk    = 32
	postInterval = 4 * time.Millisecond
	// maxPosted is how many accounts may wait. Whoever misses one asks.
	maxPosted = 1024
)

// post is the accounts that are on their way to other hosts, in order.
type post struct {
	letters []letter
	added   chan struct{} // holds a token when there may be some
}

type letter struct {
	to      netip.Addr
	account *flowstate.Account
}

func newPost() post { return post{added: make(chan struct{}, 1)} }

func (p *post) add(to netip.Addr, a *flowstate.Account) {
	if len(p.letters) >= maxPosted {
		return
	}
	p.letters = append(p.letters, letter{to, a})
	leave(p.added)
}

// postRegularly sends accounts as they come, until ctx ends.
func (w *Worker) postRegularly(ctx context.Context) error {
	return paced(ctx, w.post.added, postInterval, w.postSome)
}

// postSome sends the next messages and reports whether there are others.
func (w *Worker) postSome() (more bool) {
	var packets []datapath.Packet
	w.mu.Lock()
	for room := postChunk; room > 0 && len(w.post.letters) > 0; {
		l := w.post.letters[0]
		frames := w.cfg.State.Next(l.account, room, w.stateMTU())
		room -= len(frames)
		packets = append(packets, toAgent(l.to, frames)...)
		if l.account.Done() {
			w.post.letters[0] = letter{}
			w.post.letters = w.post.letters[1:]
		}
	}
	more = len(w.post.letters) > 0
	w.mu.Unlock()
	w.execute(packets)
	return more
}

// toAgent returns the packets that bring the messages to the agent of the host with the underlay address.
func toAgent(peer netip.Addr, frames [][]byte) []datapath.Packet {
	packets := make([]datapath.Packet, len(frames))
	to := []flow.Output{{Peer: peer, TunnelKey: datapath.StateTunnelKey}}
	for i, frame := range frames {
		packets[i] = datapath.Packet{Frame: frame, Actions: flow.Actions{Outputs: to}}
	}
	return packets
}
