package zookeeper

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/google/go-cmp/cmp"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/cluster/nsdb/nsdbtest/servers"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/topology"
)

// TestEngine tests what is particular to this engine, on one member.
func TestEngine(t *testing.T) {
	t.Parallel()
	host := servers.ZooKeeper(t, 1).Addresses()[0]
	for i, c := range []struct {
		name string
		test func(*testing.T, Remote)
	}{
		{"an answer that is lost is found in the log", lostAnswer},
		{"a watch outlives its session", expiredSession},
		{"an old log is removed, and who needs it is told", removedSteps},
		{"a watch of a log that has been put back is told", restoredLog},
		{"a step as large as a request", largestStep},
		{"pieces that belong to no step are removed", orphanPieces},
		{"a lease ends though its owner's process is gone", orphanLease},
		{"a lease is not ended by a process that slept", sleepySweeper},
		{"a lease holds no more than can be deleted at once", largestLease},
		{"steps of others that concern nothing read cost no second run", unrelatedSteps},
		{"what a newer program has written is passed over, and damage is not", foreignAndDamaged},
		{"a user's store is closed to others", digest},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.test(t, Remote{Hosts: []string{host}, RootKey: fmt.Sprintf("/midonet/engine-%d", i)})
		})
	}
}

func put(t *testing.T, s nsdb.Store, objects ...topology.Object) nsdb.Revision {
	t.Helper()
	rev, err := s.Update(t.Context(), func(tx nsdb.Tx) error {
		for _, o := range objects {
			tx.Put(o)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return rev
}

func view(t *testing.T, s nsdb.Store) *nsdb.Snapshot {
	t.Helper()
	snapshot, err := s.View(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return snapshot
}

func next(t *testing.T, steps <-chan nsdb.Step, failure func() error) nsdb.Step {
	t.Helper()
	select {
	case step, ok := <-steps:
		if !ok {
			t.Fatalf("the watch ended: %v", failure())
		}
		return step
	case <-time.After(time.Minute):
		t.Fatal("no step")
	}
	panic("unreachable")
}

// await waits until the condition holds.
func await(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !condition(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("still not so: %s", what)
		}
	}
}

func bridge(n byte) *topology.Bridge { return &topology.Bridge{ID: topology.BridgeID{n, 15: 1}} }

// lostAnswer breaks the connection after the request has gone to the server and before the answer comes, for every request that
// commits. The Update must return the one step that was made.
func lostAnswer(t *testing.T, r Remote) {
	line := newLine(t, r.Hosts[0])
	direct := open(t, r)
	r.Hosts = []string{line.address}
	s := open(t, r)
	for n := range byte(5) {
		line.breakAfterMulti()
		rev := put(t, s, bridge(n+1))
		if want := genesis + 1 + nsdb.Revision(n); rev != want {
			t.Errorf("update %d returned revision %d, want %d", n, rev, want)
		}
	}
	if broken := line.broken.Load(); broken != 5 {
		t.Errorf("the connection was broken %d times, want 5", broken)
	}
	if got, err := direct.head(t.Context()); err != nil || got.revision != genesis+5 {
		t.Errorf("the log ends at %d, %v; want %d: one step for each update", got.revision, err, genesis+5)
	}
}

// expiredSession closes the session of a watching store from another connection's point of view: the server ends it.
func expiredSession(t *testing.T, r Remote) {
	line := newLine(t, r.Hosts[0])
	direct := open(t, r)
	r.Hosts = []string{line.address}
	s := open(t, r)
	steps, failure := s.Watch(t.Context(), genesis)
	put(t, direct, bridge(1))
	next(t, steps, failure)
	mark := "/session-of-" + path.Base(r.RootKey) // goes with the session
	if _, err := s.conn.Create(mark, nil, zk.FlagEphemeral, zk.WorldACL(zk.PermAll)); err != nil {
		t.Fatal(err)
	}
	line.cut()
	for n := byte(2); n < 5; n++ {
		put(t, direct, bridge(n))
	}
	await(t, "the session has expired", func() bool {
		there, _, err := direct.conn.Exists(mark)
		return err == nil && !there
	})
	line.mend()
	for n := byte(2); n < 5; n++ {
		if step := next(t, steps, failure); len(step.Puts) != 1 || step.Puts[0].Key() != bridge(n).Key() {
			t.Errorf("step %+v, want bridge %d", step, n)
		}
	}
	want := put(t, direct, bridge(9))
	if step := next(t, steps, failure); step.Revision != want {
		t.Errorf("step %d, want %d", step.Revision, want)
	}
}

func removedSteps(t *testing.T, r Remote) {
	s := open(t, r)
	first := put(t, s, bridge(1))
	for n := range byte(20) {
		put(t, s, bridge(n+2))
	}
	small := newSweeper(s)
	small.keepSteps = 5
	if err := small.trim(t.Context()); err != nil {
		t.Fatal(err)
	}
	names, _, err := s.conn.Children(s.tree.log())
	if err != nil || len(names) != 6 {
		t.Errorf("%d steps are left, %v; want 5 and the newest", len(names), err)
	}
	steps, failure := s.Watch(t.Context(), first)
	for step := range steps {
		t.Errorf("step %+v from before the removal", step)
	}
	if err := failure(); !errors.Is(err, nsdb.ErrCompacted) {
		t.Errorf("the watch ended with %v, want ErrCompacted", err)
	}
	steps, failure = s.Watch(t.Context(), view(t, s).Revision)
	want := put(t, s, bridge(1))
	if got := next(t, steps, failure).Revision; got != want || len(view(t, s).Objects) != 21 {
		t.Errorf("after the removal: step %d, want %d; %d objects", got, want, len(view(t, s).Objects))
	}
	small.keepSteps, small.keepOctets = 1000, 1
	if err := small.trim(t.Context()); err != nil {
		t.Fatal(err)
	}
	if names, _, err := s.conn.Children(s.tree.log()); err != nil || len(names) != 1 {
		t.Errorf("%d steps are left where octets are short, %v; want the newest", len(names), err)
	}
}

func restoredLog(t *testing.T, r Remote) {
	s := open(t, r)
	rev := put(t, s, bridge(1))
	steps, failure := s.Watch(t.Context(), rev+100)
	for step := range steps {
		t.Errorf("step %+v", step)
	}
	if err := failure(); !errors.Is(err, nsdb.ErrCompacted) {
		t.Errorf("the watch from a revision that has never been ended with %v, want ErrCompacted", err)
	}
}

// largestStep writes as much as the contract allows, in many objects with long keys and in one.
func largestStep(t *testing.T, r Remote) {
	s := open(t, r)
	steps, failure := s.Watch(t.Context(), genesis)
	lease, err := s.Grant(t.Context(), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{1, nsdb.MaxObjects} {
		var objects []topology.Object
		for i := range n {
			source := &topology.Source{Resource: "port", ID: [16]byte{byte(i), 15: byte(n)}, JSON: noise(nsdb.MaxBytes/n - 100)}
			objects = append(objects, source)
		}
		for _, hold := range []bool{false, true} {
			rev, err := s.Update(t.Context(), func(tx nsdb.Tx) error {
				for _, o := range objects {
					if hold {
						tx.PutLeased(o, lease)
					} else {
						tx.Put(o)
					}
				}
				return nil
			})
			if err != nil {
				t.Fatalf("%d objects, leased %v: %v", n, hold, err)
			}
			step := next(t, steps, failure)
			if step.Revision != rev || len(step.Puts) != n || !cmp.Equal(step.Puts[0], objects[0]) {
				t.Errorf("%d objects came as step %d with %d", n, step.Revision, len(step.Puts))
			}
		}
	}
	if got := len(view(t, s).Objects); got != 1+nsdb.MaxObjects {
		t.Errorf("%d objects in the store", got)
	}
}

func noise(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

func orphanPieces(t *testing.T, r Remote) {
	s := open(t, r)
	ofNobody := s.tree.piece(genesis+1, []byte("nobody's"), 0)
	if err := s.create(t.Context(), ofNobody, nil); err != nil {
		t.Fatal(err)
	}
	put(t, s, &topology.Source{Resource: "port", ID: [16]byte{1}, JSON: noise(nsdb.MaxBytes / 2)})
	small := newSweeper(s)
	small.keepSteps = 1
	for n := range byte(3) {
		put(t, s, bridge(n+1))
	}
	if err := small.trim(t.Context()); err != nil {
		t.Fatal(err)
	}
	if names, _, err := s.conn.Children(s.tree.staged()); err != nil || len(names) != 0 {
		t.Errorf("pieces %v are left, %v", names, err)
	}
}

func orphanLease(t *testing.T, r Remote) {
	owner, other := open(t, r), open(t, r)
	lease, err := owner.Grant(t.Context(), 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	rev, err := owner.Update(t.Context(), func(tx nsdb.Tx) error { tx.PutLeased(bridge(1), lease); return nil })
	if err != nil {
		t.Fatal(err)
	}
	owner.Close()
	steps, failure := other.Watch(t.Context(), rev)
	if step := next(t, steps, failure); len(step.Deletes) != 1 || step.Deletes[0] != bridge(1).Key() {
		t.Errorf("step %+v, want the deletion of what the lease held", step)
	}
	if names, _, err := other.conn.Children(other.tree.leases()); err != nil || len(names) != 0 {
		t.Errorf("leases %v are left, %v", names, err)
	}
}

// sleepySweeper has a sweeper that looks at a lease, does not look for longer than the lease lives, and looks again.
func sleepySweeper(t *testing.T, r Remote) {
	s := open(t, r)
	s.cancel() // its own sweeper rests
	s.background.Wait()
	s.closed = context.Background()
	lease, err := s.Grant(t.Context(), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	w := newSweeper(s)
	for range 2 {
		if err := w.leases(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2500 * time.Millisecond)
	}
	if err := lease.Renew(t.Context()); err != nil {
		t.Errorf("Renew: %v; a process that was not looking cannot know that nobody renewed", err)
	}
	await(t, "the lease has been watched for its whole time, and is over", func() bool {
		if err := w.leases(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, _, found, err := s.read(t.Context(), s.tree.lease(lease.ID()))
		return err == nil && !found
	})
	if err := lease.Renew(t.Context()); !errors.Is(err, nsdb.ErrLeaseLost) {
		t.Errorf("Renew: %v, want ErrLeaseLost", err)
	}
}

func largestLease(t *testing.T, r Remote) {
	s := open(t, r)
	lease, err := s.Grant(t.Context(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	const each = 64
	steps := 0
	for ; err == nil; steps++ {
		_, err = s.Update(t.Context(), func(tx nsdb.Tx) error {
			for i := range each {
				tx.PutLeased(&topology.LearnedMAC{ID: topology.LearnedMACID{byte(steps >> 8), byte(steps), byte(i), 15: 1}}, lease)
			}
			return nil
		})
	}
	held := (steps - 1) * each
	if !errors.Is(err, nsdb.ErrTooLarge) || held < 3500 || held > s.tree.maxHeld() {
		t.Errorf("after %d objects: %v, want ErrTooLarge after at most %d", held, err, s.tree.maxHeld())
	}
	watched, failure := s.Watch(t.Context(), view(t, s).Revision)
	if err := lease.Revoke(t.Context()); err != nil {
		t.Fatal(err)
	}
	if step := next(t, watched, failure); len(step.Deletes) != held || len(view(t, s).Objects) != 0 {
		t.Errorf("the end of the lease deletes %d of %d objects in its step", len(step.Deletes), held)
	}
}

func unrelatedSteps(t *testing.T, r Remote) {
	mine, other := open(t, r), open(t, r)
	put(t, mine, bridge(1))
	runs := 0
	_, err := mine.Update(t.Context(), func(tx nsdb.Tx) error {
		runs++
		for _, n := range []byte{1, 2} { // one that is there and one that is not
			if _, err := tx.Get(bridge(n).Key()); err != nil {
				return err
			}
			put(t, other, bridge(100+n))
		}
		tx.Put(bridge(1))
		return nil
	})
	if err != nil || runs != 1 {
		t.Errorf("the function ran %d times, %v; want once", runs, err)
	}
	runs = 0
	_, err = mine.Update(t.Context(), func(tx nsdb.Tx) error {
		o, err := tx.Get(bridge(1).Key())
		if runs++; runs == 1 {
			put(t, other, &topology.Bridge{ID: bridge(1).ID, Name: "changed"})
		} else if o.(*topology.Bridge).Name != "changed" {
			t.Errorf("the second run reads %+v", o)
		}
		tx.Put(bridge(3))
		return err
	})
	if err != nil || runs != 2 {
		t.Errorf("with a change of what was read the function ran %d times, %v; want twice", runs, err)
	}
}

func foreignAndDamaged(t *testing.T, r Remote) {
	s := open(t, r)
	put(t, s, bridge(1))
	if err := errors.Join(s.create(t.Context(), s.tree.object("teapot"), nil),
		s.create(t.Context(), s.tree.object("teapot/00000000-0000-4000-8000-000000000001"), []byte("x"))); err != nil {
		t.Fatal(err)
	}
	if got := view(t, s); len(got.Objects) != 1 {
		t.Errorf("with an object of a newer program the view is %+v", got)
	}
	if err := s.create(t.Context(), s.tree.object(bridge(7).Key().String()), []byte("\xff")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.View(t.Context()); err == nil || !strings.Contains(err.Error(), bridge(7).Key().String()) {
		t.Errorf("a damaged object gives %v, want an error that names it", err)
	}
}

func digest(t *testing.T, r Remote) {
	r.RootKey, r.Username, r.Password = "/clouds/one", "midonet", "secret"
	s := open(t, r)
	put(t, s, bridge(1))
	if got := view(t, open(t, r)); len(got.Objects) != 1 {
		t.Errorf("the same user sees %+v", got)
	}
	beside := Remote{Hosts: r.Hosts, RootKey: "/clouds/two", Username: "another", Password: "secret"}
	put(t, open(t, beside), bridge(2))
	r.Password = "wrong"
	stranger, err := connect(r)
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	if _, err := stranger.View(t.Context()); !errors.Is(err, zk.ErrNoAuth) {
		t.Errorf("a stranger's view gives %v, want %v", err, zk.ErrNoAuth)
	}
}

func TestDialWhereNobodyListens(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 10*patience)
	defer cancel()
	_, err := Dial(ctx, Remote{Hosts: []string{"127.0.0.1:1"}, RootKey: "/midonet"})
	if !errs.Is(err, errs.Unavailable) || !strings.Contains(err.Error(), "127.0.0.1:1") {
		t.Errorf("Dial: %v, want one that names the address", err)
	}
	if ctx.Err() != nil {
		t.Error("Dial does not give up by itself")
	}
	if _, err := Dial(t.Context(), Remote{Hosts: []string{"127.0.0.1:1"}, RootKey: "midonet/"}); err == nil {
		t.Error("a root key that is no path was taken")
	}
}
