package etcd

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/topology"
)

// TestDamagedDirectory damages a directory that holds data in ways that disks and people do. Each must give an error that names it.
func TestDamagedDirectory(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		damage func(t *testing.T, dir string)
	}{
		{"the database is garbage", func(t *testing.T, dir string) { overwrite(t, database(dir), []byte(strings.Repeat("garbage ", 8192))) }},
		{"the database is empty", func(t *testing.T, dir string) { overwrite(t, database(dir), nil) }},
		{"the database is cut short", func(t *testing.T, dir string) { truncate(t, database(dir), 3*4096) }},
		{"the log is garbage", func(t *testing.T, dir string) {
			overwrite(t, oldestLog(t, dir), []byte(strings.Repeat("garbage ", 8192)))
		}},
		{"the log has a flipped bit", func(t *testing.T, dir string) { flip(t, oldestLog(t, dir), 200) }},
		{"the log is gone", func(t *testing.T, dir string) { remove(t, filepath.Join(dir, "member", "wal")) }},
		{"the database is gone", func(t *testing.T, dir string) { remove(t, database(dir)) }},
		{"a file is in its place", func(t *testing.T, dir string) { remove(t, dir); overwrite(t, dir, []byte("x")) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := damagedDir(t)
			fill(t, dir)
			c.damage(t, dir)
			store, err := OpenEmbedded(t.Context(), Embedded{Dir: dir, Log: logTo(t)})
			if err == nil {
				snapshot, _ := store.View(t.Context())
				store.Close()
				t.Fatalf("the damaged directory was opened, with %d objects", len(snapshot.Objects))
			}
			if !strings.Contains(err.Error(), dir) {
				t.Errorf("the error does not name %s: %v", dir, err)
			}
		})
	}
}

// TestLogOfEmptyStoreIsGone: etcd's own entries count too. A store that opens without its log takes no write.
func TestLogOfEmptyStoreIsGone(t *testing.T) {
	t.Parallel()
	dir := damagedDir(t)
	if err := open(t, Embedded{Dir: dir}).Close(); err != nil {
		t.Fatal(err)
	}
	remove(t, filepath.Join(dir, "member", "wal"))
	store, err := OpenEmbedded(t.Context(), Embedded{Dir: dir, Log: logTo(t)})
	if err == nil {
		store.Close()
		t.Fatal("the directory was opened")
	}
	if !strings.Contains(err.Error(), "log") {
		t.Errorf("the error does not say that the log is missing: %v", err)
	}
}

func TestDirectoryInUse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open(t, Embedded{Dir: dir})
	store, err := OpenEmbedded(t.Context(), Embedded{Dir: dir, Log: logTo(t)})
	if err == nil {
		store.Close()
		t.Fatal("a directory that is in use was opened")
	}
	if !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "in use") {
		t.Errorf("the error does not say that %s is in use: %v", dir, err)
	}
}

// damagedDir returns where a store may be that cannot be opened. An etcd that has found its log damaged goes on for a moment with a file for the
// next one, which may come while the directory is removed.
func damagedDir(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "etcd")
	t.Cleanup(func() {
		var err error
		for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(time.Millisecond) {
			if err = os.RemoveAll(dir); err == nil {
				return
			}
		}
		t.Error(err)
	})
	return dir
}

// fill makes a directory with some data.
func fill(t *testing.T, dir string) {
	t.Helper()
	store := open(t, Embedded{Dir: dir})
	for i := range byte(50) {
		put(t, store, &topology.Bridge{ID: topology.BridgeID{i, 1}, Name: strings.Repeat("name", 100)})
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, store nsdb.Store, objects ...topology.Object) nsdb.Revision {
	t.Helper()
	rev, err := store.Update(t.Context(), func(tx nsdb.Tx) error {
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

func database(dir string) string { return filepath.Join(dir, "member", "snap", "db") }

func oldestLog(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "member", "wal", "*.wal"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no log: %v", err)
	}
	return files[0]
}

func overwrite(t *testing.T, file string, data []byte) {
	t.Helper()
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func truncate(t *testing.T, file string, size int64) {
	t.Helper()
	if err := os.Truncate(file, size); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}

func flip(t *testing.T, file string, offset int64) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, 1)
	if _, err := f.ReadAt(b, offset); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 0x40
	if _, err := f.WriteAt(b, offset); err != nil {
		t.Fatal(err)
	}
}
