package session

import (
	"fmt"
	"reflect"

	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/topology"
	"midonet.org/midonet/topology/topologypb"
)

// replica is what the host knows of the topology. It turns updates, whether snapshots or deltas, into the difference they make.
type replica struct {
	objects  map[topology.Key]topology.Object
	revision uint64
	current  bool // objects are those of revision; false until this connection's snapshot has come
	parts    []*topologypb.Update
	updates  int // taken so far, each whole
	skipped  int // objects of the last update that this agent does not understand
}

func newReplica() *replica { return &replica{objects: map[topology.Key]topology.Object{}} }

// disconnected says that deltas which may still come do not apply any more.
func (r *replica) disconnected() { r.current, r.parts = false, nil }

// receive takes one update. whole is false while more parts of it are to come.
func (r *replica) receive(u *topologypb.Update) (d view.Delta, whole bool, err error) {
	if len(r.parts) > 0 && (r.parts[0].GetSnapshot() != u.GetSnapshot() || r.parts[0].GetRevision() != u.GetRevision()) {
		return d, false, fmt.Errorf("revision %d began before all of %d had come", u.GetRevision(), r.parts[0].GetRevision())
	}
	if !u.GetSnapshot() && (!r.current || u.GetBase() != r.revision) {
		return d, false, fmt.Errorf("a delta from revision %d came at revision %d", u.GetBase(), r.revision)
	}
	r.parts = append(r.parts, u)
	if u.GetMore() {
		return d, false, nil
	}
	puts, deletes := r.takeParts()
	if u.GetSnapshot() {
		deletes = r.missing(puts)
	}
	r.revision, r.current = u.GetRevision(), true
	r.updates++
	return r.apply(puts, deletes), true, nil
}

// takeParts reads the objects and keys of all parts. What a newer cluster sends and this agent does not understand is left out.
func (r *replica) takeParts() (puts []topology.Object, deletes []topology.Key) {
	r.skipped = 0
	for _, u := range r.parts {
		for _, x := range u.GetPut() {
			o, err := topologypb.FromProto(x)
			if err != nil {
				r.skipped++
				continue
			}
			puts = append(puts, o)
		}
		for _, x := range u.GetDelete() {
			if k, err := topologypb.KeyFromProto(x); err == nil {
				deletes = append(deletes, k)
			}
		}
	}
	r.parts = nil
	return puts, deletes
}

// missing returns the keys that the host has and the snapshot does not.
func (r *replica) missing(snapshot []topology.Object) []topology.Key {
	there := make(map[topology.Key]struct{}, len(snapshot))
	for _, o := range snapshot {
		there[o.Key()] = struct{}{}
	}
	var gone []topology.Key
	for k := range r.objects {
		if _, ok := there[k]; !ok {
			gone = append(gone, k)
		}
	}
	return gone
}

// apply makes the changes and returns those that change anything.
func (r *replica) apply(puts []topology.Object, deletes []topology.Key) view.Delta {
	var d view.Delta
	for _, k := range deletes {
		if r.objects[k] != nil {
			delete(r.objects, k)
			d.Deletes = append(d.Deletes, k)
		}
	}
	for _, o := range puts {
		if !reflect.DeepEqual(r.objects[o.Key()], o) {
			r.objects[o.Key()] = o
			d.Puts = append(d.Puts, o)
		}
	}
	return d
}
