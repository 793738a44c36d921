// Package nsdb is the network state database: where the cluster keeps the topology.
//
// A Store is an engine that already exists (embedded or external etcd, ZooKeeper) behind the few operations that the cluster
// needs. Every engine passes the one suite in package nsdbtest. No back-references are stored: whoever needs an index builds it
// in memory from View and Watch.
//
// Consistency: an Update is one atomic step, and all watchers of all processes see the steps in one order, each whole. A View is
// the state after some step. Revisions grow with every step of a store's life, not necessarily by one.
//
// What an engine takes in one step is bounded. Package staging makes of an engine the Large store that the cluster works on, in which
// a change of any size is one step too.
package nsdb

import (
	"context"
	"errors"
	"time"

	"midonet.org/midonet/topology"
)

// Revision numbers the steps of a store.
type Revision uint64

// MaxObjects is the largest number of objects that one Update may touch, by reading or writing. It is etcd's default transaction limit
// (--max-txn-ops 128) less room for conditions. Larger is UpdateLarge.
const MaxObjects = 96

// EngineObjects is what an engine takes in one Update: one more, for the object that package staging reads in each.
const EngineObjects = MaxObjects + 1

// MaxBytes is the most octets that the objects which one Update puts may have, all together, in their stored form. It leaves an engine
// room for keys and conditions below a mebibyte, which is what ZooKeeper takes by default (jute.maxbuffer).
const MaxBytes = 1000000

// MaxObjectBytes is the most octets that one object may have in its stored form. It leaves room for what a large change is told beside it.
const MaxObjectBytes = MaxBytes - 4<<10

// Errors that callers tell apart.
var (
	// ErrCompacted says that the store no longer has the steps after the wanted revision: take a View and watch from there.
	ErrCompacted = errors.New("the network state database no longer has the requested revision")
	// ErrTooLarge says that an Update touched more than MaxObjects objects, wrote more than MaxBytes, or gave a lease more objects
	// than an engine can delete in one step. Nothing was written.
	ErrTooLarge = errors.New("the change touches too many objects for one transaction")
	// ErrSuperseded says that another large change took the place of one that was being prepared. Nothing was written.
	ErrSuperseded = errors.New("another large change took the place of this one")
	// ErrLeaseLost says that a lease has run out: what it held is gone and it can hold nothing more.
	ErrLeaseLost = errors.New("the lease has expired")
)

// Store is a network state database. All methods are safe for use by several goroutines.
type Store interface {
	// View returns every object, as of one revision.
	View(ctx context.Context) (*Snapshot, error)

	// Update runs fn and writes what it put and deleted in one atomic step, provided that nothing fn read has changed since;
	// otherwise it runs fn again on the newer state, so fn must have no other effect. An error from fn is returned as it is and
	// nothing is written. It returns the revision of the step; an fn that changed nothing makes no step, and the revision is then one that has
	// the objects which it read, and that watchers come to.
	//
	// Any other error is the engine's: it did not answer for some seconds, and it is not known whether the step was made. An Update
	// that returned no error was made once and stays.
	Update(ctx context.Context, fn func(Tx) error) (Revision, error)

	// Watch delivers the steps after the given revision in order, none left out and none twice, across reconnects to the engine.
	// The channel closes when ctx ends or the watch cannot go on; the function then tells why (ErrCompacted: start again from View).
	// Until then it returns nil.
	Watch(ctx context.Context, after Revision) (<-chan Step, func() error)

	// Grant returns a lease that lives for ttl after its last Renew. ttl is rounded up to seconds.
	Grant(ctx context.Context, ttl time.Duration) (Lease, error)

	// Close ends all watches and releases the engine. Leases are left to run out.
	Close() error
}

// Large is a Store that makes a change of any size one step.
type Large interface {
	Store

	// UpdateLarge puts and deletes all that the change says in one step, provided that the change's Guard agrees in that step, and
	// returns the step's revision. A Guard that does not agree leaves nothing behind; its error is returned as it is. ErrTooLarge
	// says that a single object is larger than MaxObjectBytes.
	//
	// What is put and deleted is not read: it is for objects that nobody else writes unless what the Guard reads changes too.
	// Kinds that leases hold cannot be among it. It takes as long as writing takes; there is one large change of a store at a time.
	UpdateLarge(ctx context.Context, c LargeChange) (Revision, error)

	// Settle completes a large change whose maker went away after it was made, and removes what is left of one whose maker went away
	// before. Both would be done anyway when they are in the way of another.
	Settle(ctx context.Context) error
}

// LargeChange is what UpdateLarge does.
type LargeChange struct {
	Writes map[topology.Key]topology.Object // nil deletes
	// Guard may read a few objects and write others than those in Writes. It is run as the function of an Update is.
	Guard func(Tx) error
	// Prepared is told how many of the writes are prepared; the step comes after the last. Its error ends the change, which leaves
	// nothing behind, and is returned as it is. nil: nobody wants to know.
	Prepared func(done int) error
}

// Tx reads and writes within an Update. Reads see the writes made before them in the same Tx.
type Tx interface {
	// Get returns the object with the key, nil where there is none.
	Get(key topology.Key) (topology.Object, error)
	// Put stores the object in place of any with the same key. The object stays until it is deleted. An object with the zero
	// identifier makes the Update fail.
	Put(o topology.Object)
	// PutLeased is Put for an object that goes when the lease does.
	PutLeased(o topology.Object, l Lease)
	// Delete removes the object with the key, if there is one.
	Delete(key topology.Key)
}

// Lease holds objects while its owner lives. It is named by ID, so that a process that takes over can find it again.
type Lease interface {
	ID() int64
	// Renew starts the time to live afresh, or returns ErrLeaseLost.
	Renew(ctx context.Context) error
	// Revoke ends the lease now; what it holds is deleted in one step.
	Revoke(ctx context.Context) error
}

// Snapshot is every object as of a revision.
type Snapshot struct {
	Revision Revision
	Objects  map[topology.Key]topology.Object
}

// Step is what one Update (or the end of a lease) did.
type Step struct {
	Revision Revision
	Puts     []topology.Object
	Deletes  []topology.Key
}
