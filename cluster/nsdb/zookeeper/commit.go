package zookeeper

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"

	"github.com/go-zookeeper/zk"
	"google.golang.org/protobuf/proto"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/cluster/nsdb/zookeeper/record"
)

const (
	// packet is the most that a request may have: jute.maxbuffer's default, 0xfffff, less room for what size does not count.
	packet = 0xfffff - 8<<10
	// inline is the most that a step and its objects have together for the step to be kept in its own node.
	inline = 256 << 10
	// pieceSize is the most that a node of a staged step has.
	pieceSize = 512 << 10
	// operationSize is what an operation takes in a request beside its path and data, creationSize what one takes that creates a node.
	operationSize = 21
	creationSize  = 64
)

// errUnknown says that the connection broke over a step, and the log has moved on so far that nobody can tell what became of it.
var errUnknown = errors.New("network state database: it is not known whether the step was written")

// errChain is what a transaction fails with when its step is not the next of the log.
var errChain = errors.New("not the next step")

// operation is a part of a transaction. refusal is what it means when ZooKeeper refuses this part, nil where that cannot happen.
type operation struct {
	request any
	refusal error
}

// commit writes the changes as the next step, with further operations before and after them. It fails with errOvertaken if a step
// of another writer has changed what the transaction read.
func (t *tx) commit(changes []change, before, after []operation) (nsdb.Revision, error) {
	select {
	case t.store.commit <- struct{}{}:
		defer func() { <-t.store.commit }()
	case <-t.ctx.Done():
		return 0, t.ctx.Err()
	}
	nonce := make([]byte, 16)
	rand.Read(nonce)
	for {
		rev := t.at.revision + 1
		step, err := t.step(rev, nonce, changes)
		if err != nil {
			return 0, err
		}
		operations := slices.Concat(t.chain(rev, step), before, t.operations(rev, changes), after)
		if size(operations) > packet {
			return 0, nsdb.ErrTooLarge
		}
		if err = t.append(rev, nonce, operations); err == nil {
			return rev, nil
		}
		if !errors.Is(err, errChain) {
			return 0, err
		}
		if _, err := t.advance(); err != nil {
			return 0, err
		}
	}
}

// append runs the transaction until its outcome is known. Running it again is safe: it demands that its step is the next.
func (t *tx) append(rev nsdb.Revision, nonce []byte, operations []operation) error {
	asked := false // whether an earlier run may have succeeded
	requests := make([]any, len(operations))
	for i, o := range operations {
		requests[i] = o.request
	}
	results, err := do(t.ctx, t.store, func(c *zk.Conn) ([]zk.MultiResponse, error) {
		results, err := c.Multi(requests...)
		asked = asked || lost(err)
		return results, err
	})
	if err == nil {
		return nil
	}
	i := slices.IndexFunc(results, func(r zk.MultiResponse) bool { return r.Error != nil })
	if i < 0 {
		return failure("write", err)
	}
	if operations[i].refusal == nil {
		return failure("write", fmt.Errorf("%T: %w", requests[i], err))
	}
	if operations[i].refusal == errChain && asked {
		return t.settle(rev, nonce)
	}
	return operations[i].refusal
}

// settle looks into the log for the outcome of a transaction whose answer was lost: nil if its step is there.
func (t *tx) settle(rev nsdb.Revision, nonce []byte) error {
	if err := t.store.sync(t.ctx); err != nil {
		return err
	}
	e, found, err := t.store.entry(t.ctx, rev)
	switch {
	case err != nil:
		return err
	case !found:
		return errUnknown
	case bytes.Equal(e.nonce, nonce):
		return nil
	default:
		return errChain
	}
}

// step returns the record of the step. Where the record and the objects do not fit into one request, it writes the record's changes
// to nodes of their own first; if the step is never written, the sweeper removes those.
func (t *tx) step(rev nsdb.Revision, nonce []byte, changes []change) (*record.Step, error) {
	recorded := &record.Changes{}
	for _, c := range changes {
		if c.value == nil {
			recorded.Delete = append(recorded.Delete, c.key)
		} else {
			recorded.Put = append(recorded.Put, &record.Changes_Put{Key: c.key, Object: c.value})
		}
	}
	text := marshal(recorded)
	step := &record.Step{Nonce: nonce, LogOctets: t.at.octets + uint64(len(text)), Changes: text}
	if len(text)+size(t.operations(rev, changes)) < inline {
		return step, nil
	}
	step.Changes = nil
	for piece := range slices.Chunk(text, pieceSize) {
		path := t.store.tree.piece(rev, nonce, int(step.Pieces))
		if err := t.store.create(t.ctx, path, piece); err != nil && !errors.Is(err, zk.ErrNodeExists) {
			return nil, failure("write", err)
		}
		step.Pieces++
	}
	return step, nil
}

// chain makes the step the next of the log: its predecessor is there, so the log has not been cut past it, and it itself is not.
func (t *tx) chain(rev nsdb.Revision, step *record.Step) []operation {
	tree, end := t.store.tree, head{rev, step.LogOctets}
	return []operation{
		{&zk.CheckVersionRequest{Path: tree.entry(rev - 1), Version: -1}, errChain},
		{t.store.creation(tree.entry(rev), marshal(step)), errChain},
		{&zk.SetDataRequest{Path: tree.head(), Data: end.format(), Version: -1}, nil},
	}
}

// operations bring the objects, and the nodes that say what each lease holds, to the state after the step.
func (t *tx) operations(rev nsdb.Revision, changes []change) []operation {
	var operations []operation
	add := func(request any) { operations = append(operations, operation{request: request}) }
	tree := t.store.tree
	for _, c := range changes {
		path := tree.object(c.key)
		data := marshal(&record.Cell{Object: c.value, Revision: uint64(rev), Lease: c.lease})
		switch {
		case c.value == nil:
			add(&zk.DeleteRequest{Path: path, Version: -1})
		case c.was.exists():
			add(&zk.SetDataRequest{Path: path, Data: data, Version: -1})
		default:
			add(t.store.creation(path, data))
		}
		if c.was.lease != 0 && c.was.lease != c.lease {
			add(&zk.DeleteRequest{Path: tree.held(c.was.lease, c.key), Version: -1})
		}
		if c.lease != 0 && c.was.lease != c.lease {
			add(t.store.creation(tree.held(c.lease, c.key), nil))
		}
	}
	return operations
}

// marshal returns the stored form of a record, none of which has a text that could be wrong.
func marshal(m proto.Message) []byte {
	b, err := proto.Marshal(m)
	if err != nil {
		panic(fmt.Sprintf("zookeeper: %T: %v", m, err))
	}
	return b
}

func (s *Store) creation(path string, data []byte) *zk.CreateRequest {
	return &zk.CreateRequest{Path: path, Data: data, Acl: s.acl}
}

// size is how many octets the operations take in a request, with a few more for the access control lists of creations.
func size(operations []operation) int {
	n := 0
	for _, o := range operations {
		switch r := o.request.(type) {
		case *zk.CreateRequest:
			n += len(r.Path) + len(r.Data) + creationSize
		case *zk.SetDataRequest:
			n += len(r.Path) + len(r.Data) + operationSize
		case *zk.DeleteRequest:
			n += len(r.Path) + operationSize
		case *zk.CheckVersionRequest:
			n += len(r.Path) + operationSize
		}
	}
	return n
}
