package session

import (
	"context"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"pgregory.net/rapid"

	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/id"
	"midonet.org/midonet/topology"
	"midonet.org/midonet/topology/topologypb"
)

type objects = map[topology.Key]topology.Object

// cut makes one step into updates of at most n objects and keys each.
func cut(header *topologypb.Update, puts []topology.Object, deletes []topology.Key, n int) []*topologypb.Update {
	parts := []*topologypb.Update{{Snapshot: header.Snapshot, Base: header.Base, Revision: header.Revision}}
	room := func() *topologypb.Update {
		last := parts[len(parts)-1]
		if len(last.Put)+len(last.Delete) < n {
			return last
		}
		last.More = true
		parts = append(parts, &topologypb.Update{Snapshot: header.Snapshot, Base: header.Base, Revision: header.Revision})
		return parts[len(parts)-1]
	}
	for _, k := range deletes {
		u := room()
		u.Delete = append(u.Delete, topologypb.KeyToProto(k))
	}
	for _, o := range puts {
		u := room()
		u.Put = append(u.Put, topologypb.ToProto(o))
	}
	return parts
}

func anyObjects(t *rapid.T) []topology.Object {
	found := objects{}
	for range rapid.IntRange(0, 6).Draw(t, "objects") {
		name := string(rune('a' + rapid.IntRange(0, 5).Draw(t, "which")))
		o := &topology.Bridge{ID: id.Derive[topology.Bridge](topology.BridgeID{}, name), MTU: rapid.IntRange(1, 3).Draw(t, "mtu")}
		found[o.Key()] = o
	}
	return slices.Collect(maps.Values(found))
}

// TestTheDeltasAddUp plays a server that sends snapshots, deltas and reconnects at random, in one part or several, and asks that the
// deltas handed on always add up to what the server has, and never say what was known.
func TestTheDeltasAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, server, shown := newReplica(), objects{}, objects{}
		revision, n := uint64(1), rapid.IntRange(1, 4).Draw(t, "part size")
		snapshot := true
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			puts := anyObjects(t)
			header := &topologypb.Update{Snapshot: snapshot, Base: revision, Revision: revision + 1}
			var deletes []topology.Key
			if snapshot {
				server = objects{}
			} else {
				for k := range server {
					if rapid.Bool().Draw(t, "delete") && !slices.ContainsFunc(puts, func(o topology.Object) bool { return o.Key() == k }) {
						deletes = append(deletes, k)
					}
				}
			}
			change(server, view.Delta{Puts: puts, Deletes: deletes})
			revision++
			parts := cut(header, puts, deletes, n)
			for i, u := range parts {
				d, whole, err := r.receive(u)
				if err != nil || whole != (i == len(parts)-1) {
					t.Fatalf("part %d of %d: whole %v, %v", i+1, len(parts), whole, err)
				}
				for _, o := range d.Puts {
					if cmp.Equal(shown[o.Key()], o) {
						t.Fatalf("put of %v, which is known", o)
					}
				}
				change(shown, d)
			}
			if diff := cmp.Diff(server, shown); diff != "" {
				t.Fatalf("(-server +shown):\n%s", diff)
			}
			if snapshot = rapid.IntRange(0, 3).Draw(t, "reconnect") == 0; snapshot {
				r.disconnected()
			}
		}
	})
}

func change(to objects, d view.Delta) {
	for _, k := range d.Deletes {
		delete(to, k)
	}
	for _, o := range d.Puts {
		to[o.Key()] = o
	}
}

func TestGapsAreNoticed(t *testing.T) {
	whole := &topologypb.Update{Snapshot: true, Revision: 5}
	for name, updates := range map[string][]*topologypb.Update{
		"a delta first":                   {{Base: 4, Revision: 5}},
		"a delta from elsewhere":          {whole, {Base: 4, Revision: 6}},
		"a snapshot that ends as a delta": {{Snapshot: true, More: true, Revision: 5}, {Base: 5, Revision: 6}},
		"parts of two revisions":          {{Snapshot: true, More: true, Revision: 5}, {Snapshot: true, Revision: 6}},
	} {
		r := newReplica()
		var err error
		for _, u := range updates {
			if err != nil {
				t.Fatalf("%s: an early error: %v", name, err)
			}
			_, _, err = r.receive(u)
		}
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	r := newReplica()
	if _, _, err := r.receive(whole); err != nil {
		t.Fatal(err)
	}
	r.disconnected()
	if _, _, err := r.receive(&topologypb.Update{Base: 5, Revision: 6}); err == nil {
		t.Error("a delta was taken after the connection had been lost")
	}
}

func TestWhatIsNotUnderstoodIsLeftOut(t *testing.T) {
	r := newReplica()
	bridge := &topology.Bridge{ID: id.New[topology.Bridge]()}
	d, _, err := r.receive(&topologypb.Update{Snapshot: true, Revision: 1, Put: []*topologypb.Object{{}, topologypb.ToProto(bridge)}})
	if err != nil || len(d.Puts) != 1 || r.skipped != 1 {
		t.Errorf("%v, %v, skipped %d", d, err, r.skipped)
	}
}

func TestCache(t *testing.T) {
	file := filepath.Join(t.TempDir(), "topology.pb")
	if u, err := readCache(file); u != nil || err != nil {
		t.Fatalf("no file gave %v, %v", u, err)
	}
	bridge := &topology.Bridge{ID: id.New[topology.Bridge](), Name: "net"}
	if err := writeCache(file, 7, objects{bridge.Key(): bridge}); err != nil {
		t.Fatal(err)
	}
	u, err := readCache(file)
	if err != nil || u.GetRevision() != 7 || len(u.GetPut()) != 1 || u.GetPut()[0].GetBridge().GetName() != "net" {
		t.Errorf("read %v, %v", u, err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i := range data {
		broken := slices.Clone(data)
		broken[i] ^= 0x40
		if _, err := decodeCache(broken); err == nil {
			t.Fatalf("a changed octet %d was not noticed", i)
		}
		if _, err := decodeCache(data[:i]); err == nil {
			t.Fatalf("a file cut to %d octets was not noticed", i)
		}
	}
}

// updates is a stream that has some updates and then ends.
type updates struct {
	grpc.ServerStreamingClient[topologypb.Update]
	coming []*topologypb.Update
}

func (u *updates) Recv() (*topologypb.Update, error) {
	if len(u.coming) == 0 {
		return nil, io.EOF
	}
	next := u.coming[0]
	u.coming = u.coming[1:]
	return next, nil
}

func (u *updates) Context() context.Context { return context.Background() }

// streamer is a cluster that says the same each time.
type streamer struct {
	topologypb.StreamClient
	says []*topologypb.Update
}

func (s streamer) Watch(context.Context, *topologypb.WatchRequest, ...grpc.CallOption) (
	grpc.ServerStreamingClient[topologypb.Update], error) {
	return &updates{coming: s.says}, nil
}

// TestAnEmptyTopologyIsNews has a cluster that knows nothing for the host: an agent that lost what it knew has to hear of it, or it
// would wait for ever with the ports of the agent before it.
func TestAnEmptyTopologyIsNews(t *testing.T) {
	s := listening()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	heard := 0
	s.keepWatching(ctx, streamer{says: []*topologypb.Update{{Snapshot: true, Revision: 1}}}, func(d view.Delta) {
		if heard++; len(d.Puts)+len(d.Deletes) > 0 {
			t.Errorf("an empty topology came as %+v", d)
		}
		cancel()
	})
	if heard != 1 {
		t.Errorf("heard of the empty topology %d times, want once", heard)
	}
}

// listening returns a session that has heard nothing yet.
func listening() *Session {
	return &Session{
		Config: Config{Log: slog.New(slog.DiscardHandler)}, replica: newReplica(), changed: make(chan struct{}, 1),
		dirty: make(chan struct{}, 1), wanting: make(chan struct{}, 1), synced: make(chan struct{}), updated: make(chan struct{}),
	}
}

// inBetween is a cluster that is told what a host wants after the host has asked for the topology, and before it watches: it does not hear.
type inBetween struct {
	streamer
	tell func()
}

func (c inBetween) Watch(ctx context.Context, r *topologypb.WatchRequest, o ...grpc.CallOption) (
	grpc.ServerStreamingClient[topologypb.Update], error) {
	c.tell()
	return c.streamer.Watch(ctx, r, o...)
}

func TestWhatIsWantedIsSaidAgainToThoseWhoMayNotHaveHeard(t *testing.T) {
	s := listening()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cluster := inBetween{streamer{says: []*topologypb.Update{{Snapshot: true, Revision: 1}}}, func() {
		s.Want([]topology.RouterID{id.New[topology.Router]()})
		<-s.wanting // told, and not heard
	}}
	s.keepWatching(ctx, cluster, func(view.Delta) { cancel() })
	select {
	case <-s.wanting:
	default:
		t.Error("the cluster is not told again")
	}
}

func TestHostID(t *testing.T) {
	file := filepath.Join(t.TempDir(), "midonet_host_id.properties")
	first, err := hostID(file)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := hostID(file); err != nil || again != first {
		t.Errorf("%v, then %v, %v", first, again, err)
	}
	// As java.util.Properties writes it.
	java := "#Mon Nov 23 06:00:00 UTC 2026\nhost_uuid=5a4e2d0c-0000-4000-8000-000000000001\n"
	if err := os.WriteFile(file, []byte(java), 0o644); err != nil {
		t.Fatal(err)
	}
	if got, err := hostID(file); err != nil || got.String() != "5a4e2d0c-0000-4000-8000-000000000001" {
		t.Errorf("MidoNet's file gave %v, %v", got, err)
	}
	for _, broken := range []string{"", "host_uuid=", "host_uuid=x", "uuid=5a4e2d0c-0000-4000-8000-000000000001"} {
		if err := os.WriteFile(file, []byte(broken), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := hostID(file); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("%q: error %v does not name the file", broken, err)
		}
		if got, _ := os.ReadFile(file); string(got) != broken {
			t.Error("the file was overwritten")
		}
	}
}

func TestIdentityFile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, identityFile)
	host := id.New[topology.Host]()
	i, err := newIdentity()
	if err != nil {
		t.Fatal(err)
	}
	i.Addresses = []string{"unix:/run/x"}
	if err := i.write(file); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	back, err := readIdentity(file, host)
	if err != nil || !back.key.Equal(i.key) || back.joined(time.Now()) {
		t.Errorf("read %+v, %v", back, err)
	}
	for _, broken := range []string{"", "{", `{"key":"AAAA"}`} {
		if err := os.WriteFile(file, []byte(broken), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := New(Config{StateDir: dir, HostName: "x"}); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("%q: error %v does not name the file", broken, err)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		token string
		kind  errs.Kind
	}{
		"no token":      {"", errs.Unauthorized},
		"no such token": {"mn1.xyz", errs.Invalid},
	} {
		if _, err := New(Config{StateDir: t.TempDir(), HostName: "x", JoinToken: c.token}); !errs.Is(err, c.kind) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
