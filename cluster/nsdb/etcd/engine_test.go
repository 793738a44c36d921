package etcd

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/topology"
)

// writerDir names the directory in which this test binary, started once more, is to write until it is killed.
const writerDir = "MIDONET_TEST_ETCD_WRITER_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(writerDir); dir != "" {
		writeForEver(dir)
	}
	os.Exit(m.Run())
}

// writeForEver commits numbered objects and prints each number when its Update has returned.
func writeForEver(dir string) {
	ctx := context.Background()
	store, err := OpenEmbedded(ctx, Embedded{Dir: dir})
	for n := int64(1); err == nil; n++ {
		_, err = store.Update(ctx, func(tx nsdb.Tx) error {
			tx.Put(&topology.Progress{Journal: "a", LastTaskID: n})
			tx.Put(&topology.Progress{Journal: "b", LastTaskID: n})
			return nil
		})
		fmt.Println(n)
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// TestKilledProcessLosesNothing kills a writing process several times. What it was told is committed must be there, and each
// Update must be there as a whole.
func TestKilledProcessLosesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for round := range 3 {
		told := writeUntilKilled(t, dir, 20+round*17)
		store := open(t, Embedded{Dir: dir})
		snapshot, err := store.View(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		a := snapshot.Objects[(&topology.Progress{Journal: "a"}).Key()].(*topology.Progress).LastTaskID
		b := snapshot.Objects[(&topology.Progress{Journal: "b"}).Key()].(*topology.Progress).LastTaskID
		if a != b || a < told {
			t.Errorf("round %d: told that %d is committed; found %d and %d", round, told, a, b)
		}
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// writeUntilKilled runs a writer, kills it after some lines, and returns the last number that it printed.
func writeUntilKilled(t *testing.T, dir string, lines int) (last int64) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	writer := exec.CommandContext(t.Context(), self)
	writer.Env = append(os.Environ(), writerDir+"="+dir)
	writer.Stderr = t.Output()
	out, err := writer.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := writer.Start(); err != nil {
		t.Fatal(err)
	}
	read := 0
	for scanner := bufio.NewScanner(out); scanner.Scan(); read++ {
		if _, err := fmt.Sscan(scanner.Text(), &last); err != nil {
			t.Fatalf("the writer said %q", scanner.Text())
		}
		if read == lines {
			writer.Process.Kill()
		}
	}
	if read < lines {
		t.Fatalf("the writer ended by itself after %d lines", read)
	}
	writer.Wait()
	return last
}

func TestReopenedStoreContinues(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	store := open(t, Embedded{Dir: dir})
	before := put(t, store, &topology.Bridge{ID: topology.BridgeID{1}, Name: "first"})
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	store = open(t, Embedded{Dir: dir})
	after := put(t, store, &topology.Bridge{ID: topology.BridgeID{2}, Name: "second"})
	if after <= before {
		t.Errorf("revision %d after the store was opened again, %d before", after, before)
	}
	steps, failure := store.Watch(t.Context(), before)
	select {
	case step := <-steps:
		if step.Revision != after {
			t.Errorf("watching after %d gave revision %d (%v), want %d", before, step.Revision, failure(), after)
		}
	case <-time.After(time.Minute):
		t.Error("no step")
	}
}

func TestWatchOfCompactedRevision(t *testing.T) {
	t.Parallel()
	store := open(t, Embedded{Dir: t.TempDir()})
	first := put(t, store, &topology.Bridge{ID: topology.BridgeID{1}})
	put(t, store, &topology.Bridge{ID: topology.BridgeID{2}})
	last := put(t, store, &topology.Bridge{ID: topology.BridgeID{3}})
	if _, err := store.client.Compact(t.Context(), int64(last)); err != nil {
		t.Fatal(err)
	}
	steps, failure := store.Watch(t.Context(), first)
	for step := range steps {
		t.Errorf("step %+v from before the compaction", step)
	}
	if err := failure(); !errors.Is(err, nsdb.ErrCompacted) {
		t.Errorf("the watch ended with %v, want ErrCompacted", err)
	}
	if snapshot, err := store.View(t.Context()); err != nil || len(snapshot.Objects) != 3 {
		t.Errorf("View after a compaction: %+v, %v", snapshot, err)
	}
}

// TestWatchSurvivesReconnect stops and starts the server under a client's watch.
func TestWatchSurvivesReconnect(t *testing.T) {
	t.Parallel()
	e := Embedded{Dir: t.TempDir(), listenClients: []url.URL{{Scheme: "unix", Path: filepath.Join(t.TempDir(), "etcd")}}}
	server := open(t, e)
	client, err := Dial(t.Context(), Remote{Endpoints: []string{e.listenClients[0].String()}, RootKey: DefaultRootKey, Log: logTo(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	steps, failure := client.Watch(t.Context(), put(t, server, &topology.Bridge{ID: topology.BridgeID{1}}))
	want := put(t, server, &topology.Bridge{ID: topology.BridgeID{2}})
	for range 2 {
		select {
		case step, ok := <-steps:
			if !ok || step.Revision != want || len(step.Puts) != 1 {
				t.Fatalf("step %+v, want revision %d (%v)", step, want, failure())
			}
		case <-time.After(time.Minute):
			t.Fatal("no step")
		}
		if err := server.Close(); err != nil {
			t.Fatal(err)
		}
		server = open(t, e)
		want = put(t, server, &topology.Bridge{ID: topology.BridgeID{3}})
	}
}

func TestDialWhereNobodyListens(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 10*patience)
	defer cancel()
	var log bytes.Buffer
	_, err := Dial(ctx, Remote{Endpoints: []string{"http://127.0.0.1:1"}, RootKey: DefaultRootKey, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if !errs.Is(err, errs.Unavailable) || !strings.Contains(err.Error(), "refused") {
		t.Errorf("Dial: %v, want the reason", err)
	}
	if log.Len() > 0 {
		t.Errorf("the log tells of each try: %s", log.String())
	}
	if ctx.Err() != nil {
		t.Error("Dial does not give up by itself")
	}
}

// A key of a kind that this program does not know is not ours to read; anything else that is wrong is an error.
func TestForeignAndDamagedKeys(t *testing.T) {
	t.Parallel()
	store := open(t, Embedded{Dir: t.TempDir()})
	put(t, store, &topology.Bridge{ID: topology.BridgeID{1}})
	if _, err := store.client.Put(t.Context(), string(store.root)+"teapot/00000000-0000-4000-8000-000000000001", "x"); err != nil {
		t.Fatal(err)
	}
	if snapshot, err := store.View(t.Context()); err != nil || len(snapshot.Objects) != 1 {
		t.Errorf("with a key of a newer program: %+v, %v", snapshot, err)
	}
	damaged := topology.Key{Kind: topology.KindBridge, ID: [16]byte{7}}
	if _, err := store.client.Put(t.Context(), store.root.path(damaged), "\xff"); err != nil {
		t.Fatal(err)
	}
	if _, err := store.View(t.Context()); err == nil {
		t.Error("a damaged object was passed over")
	}
}
