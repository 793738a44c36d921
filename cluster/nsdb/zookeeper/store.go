// Package zookeeper keeps the network state database in a ZooKeeper ensemble, where MidoNet kept its own.
//
// ZooKeeper has versions of single nodes, one-shot watches and no history. A store needs more: reads of one state, steps that every
// watcher sees once and in order, and leases that outlive a connection. What gives it that is a log, one node for each step:
//
//	<root_key>/nsdb/head                the newest step's number, and how many octets the log has taken, as text
//	<root_key>/nsdb/log                 the oldest step's number, as text
//	<root_key>/nsdb/log/<revision>      record.Step: what the step did, with all values
//	<root_key>/nsdb/staged/<revision>-… pieces of a step that is too large for its own node
//	<root_key>/nsdb/objects/<kind>/<id> record.Cell: an object as the newest step left it
//	<root_key>/nsdb/leases/<lease>      a lease's time to live in seconds, as text; written again by each renewal
//	<root_key>/nsdb/leases/<lease>/<kind>.<id>  an empty node for each object that the lease holds
//
// An Update is one ZooKeeper transaction. It demands that the step it was computed from is still in the log, and creates the node of
// the next: two writers cannot both do that, so the log is one chain without gaps, and the revision is a plain count that survives
// moving the data to another ensemble. The objects change in the same transaction. A writer that lost the race reads what the winners
// did; only if they touched what it has read does it start again. A writer whose connection broke before the answer finds out from
// the log whether the step is its own, so nothing is written twice.
//
// A watcher reads step after step and waits for the creation of the next node. Whether its session lived or expired meanwhile makes
// no difference. A View reads the objects one by one while others write, and then applies the steps from before its first read to
// after its last, as ZooKeeper itself does with its snapshots.
//
// Every process sweeps: it removes steps beyond keepSteps and keepOctets, and ends leases. ZooKeeper's own ephemeral nodes would end
// with the session of one process, which the owner of a lease may well survive. A sweeper therefore watches each lease by its own
// monotonic clock, and ends one that it has seen unrenewed for its whole time, in a transaction that demands that this is still so.
// Clocks of different machines are never compared. While ZooKeeper is away no time passes for leases.
//
// No request is larger than ZooKeeper takes by default (commit.go). An ensemble whose jute.maxbuffer is less is refused at the start: it would
// drop the connection over the first large step, and over each further try.
package zookeeper

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-zookeeper/zk"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/topology"
)

// Remote says how to reach an ensemble.
type Remote struct {
	Hosts    []string    // host:port, several members
	RootKey  string      // the path below which everything is kept, such as /midonet
	TLS      *tls.Config // nil: plain connections
	Username string      // for the digest scheme; what is made is then this user's alone. Empty: open to all
	Password string
	Log      *slog.Logger
}

// Store is a network state database in ZooKeeper.
type Store struct {
	conn    *zk.Conn
	tree    tree
	acl     []zk.ACL
	log     *slog.Logger
	refusal atomic.Pointer[error] // why the last try to connect to a member failed
	commit  chan struct{}         // taken while a step is written, so that this process does not race itself

	closed     context.Context // ends with Close
	cancel     context.CancelFunc
	background sync.WaitGroup
}

var _ nsdb.Store = (*Store)(nil)

// Dial opens the network state database in an ensemble: it makes sure that the ensemble answers, and makes the nodes that everything
// hangs from.
func Dial(ctx context.Context, r Remote) (*Store, error) {
	s, err := connect(r)
	if err != nil {
		return nil, r.unusable(err)
	}
	if err := s.prepare(ctx, r); err != nil {
		s.Close()
		if refusal := s.refusal.Load(); refusal != nil && lost(err) {
			err = *refusal
		}
		return nil, r.unusable(err)
	}
	s.background.Go(func() { newSweeper(s).run(s.closed) })
	return s, nil
}

func (r Remote) unusable(err error) error {
	return errs.New(errs.Unavailable, "StoreUnavailable", "ZooKeeper at %s cannot be used", strings.Join(r.Hosts, ", ")).Wrap(err)
}

func connect(r Remote) (*Store, error) {
	if !strings.HasPrefix(r.RootKey, "/") || strings.HasSuffix(r.RootKey, "/") {
		return nil, fmt.Errorf("the root key %q is not of the form /midonet", r.RootKey)
	}
	log := r.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	closed, cancel := context.WithCancel(context.Background())
	s := &Store{tree: newTree(r.RootKey), acl: zk.WorldACL(zk.PermAll), log: log, commit: make(chan struct{}, 1),
		closed: closed, cancel: cancel}
	if r.Username != "" {
		s.acl = zk.AuthACL(zk.PermAll)
	}
	var err error
	s.conn, _, err = zk.Connect(r.Hosts, sessionTimeout,
		zk.WithDialer(s.dialer(r.TLS)), zk.WithLogger(logger{log}), zk.WithLogInfo(false))
	if err != nil { // a host's name has no address
		cancel()
		return nil, err
	}
	return s, nil
}

// prepare logs in and makes the nodes that are missing.
func (s *Store) prepare(ctx context.Context, r Remote) error {
	if r.Username != "" {
		if _, err := do(ctx, s, func(c *zk.Conn) (struct{}, error) {
			return struct{}{}, c.AddAuth("digest", []byte(r.Username+":"+r.Password))
		}); err != nil {
			return err
		}
	}
	if err := s.takesPackets(ctx); err != nil {
		return err
	}
	for _, path := range s.tree.skeleton() {
		if err := s.ensure(ctx, path); err != nil {
			return fmt.Errorf("making %s: %w", path, err)
		}
	}
	_, err := do(ctx, s, func(c *zk.Conn) ([]zk.MultiResponse, error) { return c.Multi(s.tree.empty(s.acl)...) })
	if err != nil && !errors.Is(err, zk.ErrNodeExists) {
		return fmt.Errorf("making %s: %w", s.tree.log(), err)
	}
	return nil
}

// takesPackets makes sure that the member which the process is connected to takes requests as large as there are, by asking for a node with a
// long name: nothing is written, and nothing else is asked of the ensemble.
func (s *Store) takesPackets(ctx context.Context) error {
	exists := func(path string) error {
		_, err := once(ctx, s, func(c *zk.Conn) (bool, error) {
			found, _, err := c.Exists(path)
			return found, err
		})
		return err
	}
	name := "/" + strings.Repeat("x", packet)
	for range packetTries {
		err := exists(name)
		if !lost(err) {
			return err
		}
		if err := s.sync(ctx); err != nil { // it is away, and not the request too large
			return err
		}
	}
	return fmt.Errorf("its jute.maxbuffer is less than ZooKeeper's default of a mebibyte: a request of %d octets ends the connection", packet)
}

// packetTries is how often a connection must end over a large request, while small ones are answered, to be no accident.
const packetTries = 3

// ensure makes a node if it is missing. It does not just try, since the parent of what is there may be closed to us. Nodes above the
// root key are open to all, for other clouds of other users beside this one.
func (s *Store) ensure(ctx context.Context, path string) error {
	acl := s.acl
	if !strings.HasPrefix(path, s.tree.rootKey) {
		acl = zk.WorldACL(zk.PermAll)
	}
	_, err := do(ctx, s, func(c *zk.Conn) (string, error) {
		if exists, _, err := c.Exists(path); exists || err != nil {
			return path, err
		}
		return c.Create(path, nil, 0, acl)
	})
	if errors.Is(err, zk.ErrNodeExists) {
		return nil
	}
	return err
}

// Close ends all watches and the session; it may be called again.
func (s *Store) Close() error {
	s.cancel()
	s.background.Wait()
	s.conn.Close()
	return nil
}

// View returns every object, as of one revision. It reads each object by itself, since ZooKeeper has no way to read many.
func (s *Store) View(ctx context.Context) (*nsdb.Snapshot, error) {
	for {
		snapshot, err := s.view(ctx)
		if !errors.Is(err, nsdb.ErrCompacted) {
			return snapshot, err
		}
	}
}

// view fails with ErrCompacted if the steps that were made while it read have been removed again.
func (s *Store) view(ctx context.Context) (*nsdb.Snapshot, error) {
	if err := s.sync(ctx); err != nil {
		return nil, err
	}
	before, err := s.head(ctx)
	if err != nil {
		return nil, err
	}
	snapshot := &nsdb.Snapshot{Objects: map[topology.Key]topology.Object{}}
	for _, kind := range topology.StoredKinds() {
		if err := s.viewKind(ctx, kind, snapshot.Objects); err != nil {
			return nil, err
		}
	}
	after, err := s.head(ctx)
	if err != nil {
		return nil, err
	}
	snapshot.Revision = max(before.revision, after.revision)
	for rev := before.revision + 1; rev <= snapshot.Revision; rev++ {
		if err := s.replay(ctx, rev, snapshot.Objects); err != nil {
			return nil, err
		}
	}
	return snapshot, nil
}

func (s *Store) viewKind(ctx context.Context, kind topology.Kind, objects map[topology.Key]topology.Object) error {
	names, err := do(ctx, s, func(c *zk.Conn) ([]string, error) {
		names, _, err := c.Children(s.tree.object(kind.String()))
		return names, err
	})
	if err != nil {
		return failure("list the objects", err)
	}
	for i, name := range names {
		names[i] = kind.String() + "/" + name
	}
	cells, err := s.cells(ctx, names)
	if err != nil {
		return err
	}
	for _, c := range cells {
		if c.object != nil { // else it went since the listing, and the steps say so
			objects[c.object.Key()] = c.object
		}
	}
	return nil
}

// replay does to the objects what a step did to the store.
func (s *Store) replay(ctx context.Context, rev nsdb.Revision, objects map[topology.Key]topology.Object) error {
	e, found, err := s.entry(ctx, rev)
	if err != nil {
		return err
	}
	if !found {
		return nsdb.ErrCompacted
	}
	step, err := e.step()
	for _, key := range step.Deletes {
		delete(objects, key)
	}
	for _, o := range step.Puts {
		objects[o.Key()] = o
	}
	return err
}

// failure says in which operation the engine failed. The cause stays in the tree, so that callers can tell it apart.
func failure(operation string, err error) error {
	return fmt.Errorf("network state database: %s: %w", operation, err)
}

// pause waits, or returns the error of the context that ends first.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
