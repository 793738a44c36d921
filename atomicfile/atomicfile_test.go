package atomicfile

import (
	"os"
	"path/filepath"
	"testing"
)

func TestWriteReplacesTheFileAndItsPermissions(t *testing.T) {
	name := filepath.Join(t.TempDir(), "key")
	for _, c := range []struct {
		data string
		perm os.FileMode
	}{{"first, and longer", 0o644}, {"second", 0o600}} {
		if err := Write(name, []byte(c.data), c.perm); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(name)
		if err != nil || string(got) != c.data {
			t.Errorf("read %q, %v; want %q", got, err, c.data)
		}
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != c.perm {
			t.Errorf("mode %v, %v; want %v", info.Mode(), err, c.perm)
		}
	}
}

func TestAFailedWriteLeavesNothingBehind(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "taken")
	if err := os.MkdirAll(filepath.Join(name, "child"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := Write(name, []byte("x"), 0o600); err == nil {
		t.Fatal("a file replaced a directory")
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("the directory holds %v, want the old entry alone", entries)
	}
}
