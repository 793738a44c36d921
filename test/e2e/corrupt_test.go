package e2e

import (
	"context"
	"crypto/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestCorruptStateDirectory: a server whose files were damaged says which, ends, and starts again once they are as they were.
func TestCorruptStateDirectory(t *testing.T) {
	t.Parallel()
	for name, pattern := range map[string]string{
		"the database":         "neutron.db",
		"the store's log":      "etcd/member/wal/*.wal",
		"the store's snapshot": "etcd/member/snap/db",
		"the authority":        "pki/authority.pem",
	} {
		t.Run(name, func(t *testing.T) {
			c := startServer(t)
			net := c.network("blue", "10.40.0.0/24")
			c.stop()
			whole := filepath.Join(c.dir, "whole")
			copyTree(t, c.dir, whole)
			files, err := filepath.Glob(filepath.Join(c.dir, pattern))
			if err != nil || len(files) == 0 {
				t.Fatalf("nothing matches %s: %v", pattern, err)
			}
			damage(t, files[0])

			out := c.refusesToStart()
			// The store is named by its directory: which of its files is wrong is for its engine to know.
			if part := filepath.Join(c.dir, strings.Split(pattern, "/")[0]); !strings.Contains(out, part) {
				t.Errorf("the message does not name %s:\n%s", part, out)
			}
			if strings.Contains(out, "goroutine ") {
				t.Errorf("the server crashed:\n%s", out)
			}
			for _, part := range []string{"neutron.db", "neutron.db-wal", "neutron.db-shm", "etcd", "pki"} {
				if err := os.RemoveAll(filepath.Join(c.dir, part)); err != nil {
					t.Fatal(err)
				}
			}
			copyTree(t, whole, c.dir)
			c.start()
			if !c.exists("networks/" + net) {
				t.Error("the network is lost after the files were put back")
			}
		})
	}
}

// stop ends the server in an orderly way.
func (c *cloud) stop() {
	c.t.Helper()
	if err := c.server.Process.Signal(os.Interrupt); err != nil {
		c.t.Fatal(err)
	}
	if err := c.server.Wait(); err != nil {
		c.t.Fatalf("the server did not end cleanly: %v", err)
	}
}

// refusesToStart starts the server, which must end with an error soon, and returns what it printed.
func (c *cloud) refusesToStart() string {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	out, err := output(exec.CommandContext(ctx, filepath.Join(binDir, "midonet"), c.args...))
	if err == nil || ctx.Err() != nil {
		c.t.Fatalf("the server started (%v):\n%s", err, out)
	}
	return out
}

// damage overwrites the beginning of a file with noise.
func damage(t *testing.T, file string) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	noise := make([]byte, 16<<10)
	rand.Read(noise)
	if _, err := f.Write(noise); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// copyTree copies the files of one directory into another, with their modes; sockets and what is in `to` itself are left out.
func copyTree(t *testing.T, from, to string) {
	t.Helper()
	entries, err := os.ReadDir(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(to, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		source, target := filepath.Join(from, e.Name()), filepath.Join(to, e.Name())
		switch {
		case source == to:
		case e.IsDir():
			copyTree(t, source, target)
		case e.Type().IsRegular():
			text, err := os.ReadFile(source)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(target, text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}
