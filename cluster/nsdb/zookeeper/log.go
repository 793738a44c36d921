package zookeeper

import (
	"context"
	"fmt"

	"google.golang.org/protobuf/proto"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/cluster/nsdb/zookeeper/record"
	"midonet.org/midonet/topology"
	"midonet.org/midonet/topology/topologypb"
)

// head is the end of the log.
type head struct {
	revision nsdb.Revision
	octets   uint64 // that the log has taken since the store began, removed steps included
}

func (h head) format() []byte { return fmt.Appendf(nil, "%d %d", h.revision, h.octets) }

// head returns the end of the log as the connected server knows it.
func (s *Store) head(ctx context.Context) (h head, err error) {
	data, _, found, err := s.read(ctx, s.tree.head())
	if err != nil {
		return head{}, err
	}
	if _, err := fmt.Sscanf(string(data), "%d %d", &h.revision, &h.octets); err != nil || !found {
		return head{}, fmt.Errorf("network state database: %s is damaged: %q", s.tree.head(), data)
	}
	return h, nil
}

// entry is a step as the log has it.
type entry struct {
	revision nsdb.Revision
	nonce    []byte
	octets   uint64 // of the log up to here
	changes  *record.Changes
}

// entry reads a step; found is false if the log does not have it, not yet or no longer.
func (s *Store) entry(ctx context.Context, rev nsdb.Revision) (e *entry, found bool, err error) {
	data, _, found, err := s.read(ctx, s.tree.entry(rev))
	if err != nil || !found {
		return nil, false, err
	}
	var step record.Step
	if err := proto.Unmarshal(data, &step); err != nil {
		return nil, false, fmt.Errorf("network state database: step %d is damaged: %w", rev, err)
	}
	changes := step.GetChanges()
	for n := range int(step.GetPieces()) {
		piece, _, found, err := s.read(ctx, s.tree.piece(rev, step.GetNonce(), n))
		if err != nil || !found { // it has been removed with its step
			return nil, false, err
		}
		changes = append(changes, piece...)
	}
	e = &entry{revision: rev, nonce: step.GetNonce(), octets: step.GetLogOctets(), changes: &record.Changes{}}
	if err := proto.Unmarshal(changes, e.changes); err != nil {
		return nil, false, fmt.Errorf("network state database: step %d is damaged: %w", rev, err)
	}
	return e, true, nil
}

// keys calls fn with the key of each object that the step changed.
func (e *entry) keys(fn func(key string)) {
	for _, put := range e.changes.GetPut() {
		fn(put.GetKey())
	}
	for _, key := range e.changes.GetDelete() {
		fn(key)
	}
}

// step is the entry as watchers see it, less what is of kinds that this program does not know.
func (e *entry) step() (nsdb.Step, error) {
	step := nsdb.Step{Revision: e.revision}
	for _, put := range e.changes.GetPut() {
		o, err := decode(put.GetKey(), put.GetObject())
		if err != nil {
			return step, err
		}
		if o != nil {
			step.Puts = append(step.Puts, o)
		}
	}
	for _, text := range e.changes.GetDelete() {
		key, ok, err := parseKey(text)
		if err != nil {
			return step, err
		}
		if ok {
			step.Deletes = append(step.Deletes, key)
		}
	}
	return step, nil
}

// decode reads a stored object and makes sure that it is the one that its key says. It returns nil for an unknown kind.
func decode(text string, value []byte) (topology.Object, error) {
	key, ok, err := parseKey(text)
	if !ok || err != nil {
		return nil, err
	}
	o, err := topologypb.Unmarshal(value)
	if err != nil {
		return nil, fmt.Errorf("network state database: %v is damaged: %w", key, err)
	}
	if o.Key() != key {
		return nil, fmt.Errorf("network state database: %v is damaged: it holds %v", key, o.Key())
	}
	return o, nil
}
