package importer

import (
	"context"
	"errors"
	"fmt"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/cluster/translate"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/id"
	"midonet.org/midonet/topology"
)

// requestIdentity stands for the journal's identity in a topology that requests feed.
const requestIdentity = "midonet-api"

// overtakenRetries is how often a request is tried again because another process has written meanwhile.
const overtakenRetries = 5

// The most that one request may write: objects, and octets of their JSON together.
const (
	MaxWrites     = 5000
	MaxWriteBytes = 8 << 20
)

// Verb is what a Write does.
type Verb uint8

// The verbs, with what MidoNet's Neutron API does where the object is, or is not, there already (NeutronZoomPlugin.scala).
const (
	Create  Verb = iota + 1 // a Conflict if it is there
	Replace                 // NotFound if it is not
	Amend                   // the same, but what the object names may be gone: it named that before
	Delete                  // nothing if it is not
)

// Write is one change of a Neutron object that a request asks for.
type Write struct {
	Owner translate.Owner
	Verb  Verb
	JSON  []byte // package model's form of the object as it will be; nil with Delete
}

// Plan says what to write, given what there is. It may be called more than once for a request, and must only read.
type Plan func(now translate.View) ([]Write, error)

// request is a call of Apply on its way to the goroutine that has the state.
type request struct {
	plan Plan
	done chan<- outcome
}

type outcome struct {
	revision nsdb.Revision
	err      error
}

// Apply makes the writes, all or none, and returns when they are stored, with the revision that has them (0 where there was nothing to
// do). It is for an importer without a journal, while that runs.
//
// A topology has one source, for what the other source does not know would be deleted or overwritten by it: so an importer that has a
// journal answers Conflict. Other errors say that a write cannot be made as things are (Invalid, NotFound, Conflict, TooLarge), or that
// the store is away or ctx ended, when the writes may have been made or not (Unavailable).
func (i *Importer) Apply(ctx context.Context, writes []Write) (nsdb.Revision, error) {
	return i.ApplyPlan(ctx, func(translate.View) ([]Write, error) { return writes, nil })
}

// ApplyPlan is Apply for a request whose writes depend on what there is: nothing else is written between the plan and its writes. An
// error of the plan's that says that it cannot be is returned as it is.
func (i *Importer) ApplyPlan(ctx context.Context, plan Plan) (nsdb.Revision, error) {
	if i.reader != nil {
		return 0, errs.New(errs.Conflict, "TopologyFedByJournal", "The topology of this server is made from its own Networking API; "+
			"write there, or run `midonet cluster`, whose topology is made from this one")
	}
	done := make(chan outcome, 1)
	select {
	case i.requests <- request{plan: plan, done: done}:
	case <-ctx.Done():
		return 0, unavailable(ctx.Err())
	}
	select {
	case o := <-done:
		return o.revision, o.err
	case <-ctx.Done():
		return 0, unavailable(ctx.Err())
	}
}

func unavailable(err error) error {
	return errs.New(errs.Unavailable, "StoreUnavailable", "The network state database does not answer").Wrap(err)
}

// serve answers requests until one fails for a reason other than what it asks for. What other processes write it learns from the mirror, so
// that it costs what they write, and not what there is.
func (i *Importer) serve(ctx context.Context) error {
	f, err := i.sideBySide(ctx)
	if err != nil {
		return err
	}
	defer f.close()
	for {
		select {
		case r := <-i.requests:
			revision, err := i.answer(ctx, f, r.plan)
			if err != nil && !refusal(err) {
				r.done <- outcome{err: unavailable(err)}
				return err
			}
			r.done <- outcome{revision, err}
			i.reportProgress(f.state)
		case <-f.changes.Arrived():
			if err := f.take(); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// sideBySide loads what is stored, and follows what other processes make of it.
func (i *Importer) sideBySide(ctx context.Context) (*follower, error) {
	select {
	case <-i.standby.mirror.Ready():
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	_, changes := i.standby.mirror.Subscribe() // before loading, so that nothing falls between the two
	s, err := i.load(ctx)
	if err != nil {
		changes.Close()
		return nil, err
	}
	_, revision, err := i.beginTurn(ctx, s.journal, func(*topology.Progress) error { return nil })
	if err != nil {
		changes.Close()
		return nil, err
	}
	i.begun(s, revision)
	return &follower{state: s, changes: changes, after: s.viewed}, nil
}

// refusal reports whether the error is about the request itself, so that nothing has changed in memory or in the store.
func refusal(err error) bool {
	switch errs.KindOf(err) {
	case errs.Invalid, errs.NotFound, errs.Conflict, errs.TooLarge:
		return true
	}
	return false
}

// answer makes the plan's writes, and learns first what another process has written where it has.
func (i *Importer) answer(ctx context.Context, f *follower, plan Plan) (nsdb.Revision, error) {
	for try := 0; ; try++ {
		revision, err := i.attempt(ctx, f.state, plan)
		if !errors.Is(err, errOvertaken) || try == overtakenRetries {
			return revision, err
		}
		if err := i.catchUp(ctx, f); err != nil {
			return 0, err
		}
	}
}

// catchUp learns all that is stored.
func (i *Importer) catchUp(ctx context.Context, f *follower) error {
	var stored topology.Object
	_, err := i.store.Update(ctx, func(tx nsdb.Tx) (err error) {
		stored, err = tx.Get((&topology.Progress{Journal: f.state.journal}).Key())
		return err
	})
	if err != nil {
		return err
	}
	there, ok := stored.(*topology.Progress)
	if !ok { // the topology is gone
		return errOvertaken
	}
	return f.until(ctx, func() bool { return f.state.hasSeen(there) })
}

func (i *Importer) attempt(ctx context.Context, s *state, plan Plan) (nsdb.Revision, error) {
	writes, refused := plan(s.set)
	if refused != nil && !refusal(refused) {
		return 0, refused
	}
	var changes []planned
	if refused == nil {
		changes, refused = s.check(writes)
	}
	if refused != nil || len(changes) == 0 {
		return 0, i.confirm(ctx, s, refused)
	}
	all, undo, err := s.applyAll(changes)
	if refusal(err) {
		return 0, i.confirm(ctx, s, err)
	}
	if err != nil {
		return 0, err
	}
	if err := i.commit(ctx, s, all, s.afterRequest(len(changes)), nil); err != nil {
		if errors.Is(err, errOvertaken) { // nothing was written
			undo()
		}
		return 0, err
	}
	s.freeKeys(all)
	return s.revision, nil
}

// confirm returns what was decided from memory, provided that the store has nothing newer.
func (i *Importer) confirm(ctx context.Context, s *state, decided error) error {
	if _, err := i.store.Update(ctx, s.stillOurs); err != nil {
		return err
	}
	return decided
}

// afterRequest returns the progress once so many writes are made.
func (s *state) afterRequest(writes int) *topology.Progress {
	next := s.copyProgress()
	next.Applied += uint64(writes)
	return next
}

// planned is a write that has been found to be possible.
type planned struct {
	change translate.Change
	source *topology.Source // nil for a deletion
}

// check checks the writes and leaves out the deletions of what is not there.
func (s *state) check(writes []Write) ([]planned, error) {
	if err := checkSize(writes); err != nil {
		return nil, err
	}
	var changes []planned
	seen, made := map[[16]byte]bool{}, map[translate.Owner]bool{}
	for _, w := range writes {
		if seen[w.Owner.ID] {
			return nil, exists(w.Owner)
		}
		seen[w.Owner.ID] = true
		there := s.set.ResourceOf(w.Owner.ID)
		if w.Verb == Delete {
			if there == w.Owner.Resource {
				changes = append(changes, planned{change: translate.Deletion(w.Owner)})
			}
			continue
		}
		p, err := s.planPut(w, there, made)
		if err != nil {
			return nil, err
		}
		changes = append(changes, p)
		made[w.Owner] = true
	}
	return changes, nil
}

// checkSize bounds the work that one request is.
func checkSize(writes []Write) error {
	size := 0
	for _, w := range writes {
		size += len(w.JSON)
	}
	if len(writes) > MaxWrites || size > MaxWriteBytes {
		return errs.New(errs.TooLarge, "TooManyObjects", "One request may write %d objects of %d octets together; this one has %d of %d",
			MaxWrites, MaxWriteBytes, len(writes), size)
	}
	return nil
}

// planPut checks a Create, Replace or Amend; there is which resource has the identifier at present, and made is what the request has put before.
func (s *state) planPut(w Write, there translate.Resource, made map[translate.Owner]bool) (planned, error) {
	switch {
	case w.Verb == Create && there != "", there != "" && there != w.Owner.Resource:
		return planned{}, exists(w.Owner)
	case w.Verb != Create && there == "":
		return planned{}, missing(w.Owner)
	}
	c, err := translate.Decode(w.Owner, w.JSON)
	if err != nil {
		return planned{}, errs.New(errs.Invalid, "BadObject", "%v", err)
	}
	if w.Verb != Amend {
		if err := s.namesWhatIs(c, made); err != nil {
			return planned{}, err
		}
	}
	return planned{c, &topology.Source{Resource: string(w.Owner.Resource), ID: w.Owner.ID, JSON: w.JSON}}, nil
}

// namesWhatIs refuses an object that names another which is not there and was not put by the same request, as the original's translators do.
// The journal's tasks are not held to it: they may arrive in any order.
func (s *state) namesWhatIs(c translate.Change, made map[translate.Owner]bool) error {
	for _, o := range c.Needs() {
		if s.set.ResourceOf(o.ID) != o.Resource && !made[o] {
			return missing(o)
		}
	}
	return nil
}

// The words are those of the original's storage (ZoomExceptions.scala).
func missing(o translate.Owner) error {
	return errs.New(errs.NotFound, "NotFound", "There is no %s with ID %s.", Class(o.Resource), id.ID[Write](o.ID))
}

func exists(o translate.Owner) error {
	return errs.New(errs.Conflict, "ObjectExists", "A(n) %s with ID %s already exists.", Class(o.Resource), id.ID[Write](o.ID))
}

// classes are the original's names for kinds of Neutron objects (nsdb/src/main/proto/neutron.proto).
var classes = map[translate.Resource]string{
	translate.Network: "NeutronNetwork", translate.Subnet: "NeutronSubnet", translate.Port: "NeutronPort",
	translate.Router: "NeutronRouter", translate.FloatingIP: "FloatingIp",
	translate.SecurityGroup: "SecurityGroup", translate.SecurityGroupRule: "SecurityGroupRule",
	translate.AddressGroup: "AddressGroup", translate.PortForwarding: "PortForwarding",
}

// Class is the original's name for a kind of Neutron object; of those that it does not know, ours.
func Class(r translate.Resource) string { return classes[r] }

// sourceInWords names what feeds a topology.
func sourceInWords(identity string) string {
	if identity == requestIdentity {
		return "the clients of a MidoNet API"
	}
	return fmt.Sprintf("the Neutron database %s", identity)
}
