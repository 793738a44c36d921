package sandbox

import (
	"context"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// patience is how long a thing that must happen may take, on a machine that is busy with other tests.
const patience = time.Minute

// newTestSandbox returns a sandbox whose namespaces are its own, and removes whatever the test leaves in them.
func newTestSandbox(t *testing.T) *Sandbox {
	t.Helper()
	if missing := Missing(); len(missing) > 0 {
		t.Skipf("this test makes namespaces: %s", strings.Join(missing, "; "))
	}
	dir, err := os.MkdirTemp("", "sb") // shorter than t.TempDir, for the sake of socket paths
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(Config{StateDir: dir, Binary: "/nonexistent/midonet"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		left, _ := filepath.Glob(namespacePath(s.prefix + "-*"))
		for _, path := range left {
			if err := stopProcesses(context.Background(), filepath.Base(path)); err != nil {
				t.Error(err)
			}
			if err := deleteNamespace(filepath.Base(path)); err != nil {
				t.Error(err)
			}
		}
		if err := removeTree(dir); err != nil {
			t.Error(err)
		}
	})
	return s
}

// testHosts makes the namespaces of two hosts and their underlay, without agents, and returns their record.
func testHosts(t *testing.T, s *Sandbox) *state {
	t.Helper()
	st := &state{}
	if err := os.MkdirAll(s.dir(), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := s.ensureUnderlay(); err != nil {
		t.Fatal(err)
	}
	for number, name := range []string{"host1", "host2"} {
		h := hostRecord{Name: name, Number: number + 1, Underlay: s.underlayAddresses(number + 1)}
		st.Hosts = append(st.Hosts, h)
		if err := ensureNamespace(s.hostNamespace(name)); err != nil {
			t.Fatal(err)
		}
		if err := s.connectHost(&h); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.save(st); err != nil {
		t.Fatal(err)
	}
	return st
}

func TestUnderlayJoinsHostsOverBothVersions(t *testing.T) {
	s := newTestSandbox(t)
	st := testHosts(t, s)
	// The same steps again change nothing: that is how an interrupted Up goes on.
	for i := range st.Hosts {
		if err := s.connectHost(&st.Hosts[i]); err != nil {
			t.Fatal(err)
		}
	}
	for _, prefix := range st.Hosts[1].Underlay {
		to := netip.MustParsePrefix(prefix).Addr()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		if _, err := pingFrom(ctx, s.hostNamespace("host1"), to, 1); err != nil {
			t.Errorf("host1 to %s: %v", to, err)
		}
	}
}

func TestDownRemovesWhatTheRecordNames(t *testing.T) {
	s := newTestSandbox(t)
	st := testHosts(t, s)
	agent, err := startDetached(s.hostNamespace("host1"), filepath.Join(s.dir(), "log"), []string{"sleep", "1000"})
	if err != nil {
		t.Fatal(err)
	}
	// One process that no record names, as after a crash between start and note, and that ignores the polite signal.
	stubborn, err := startDetached(s.hostNamespace("host2"), filepath.Join(s.dir(), "log"),
		[]string{"sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"})
	if err != nil {
		t.Fatal(err)
	}
	if !agent.alive() || !stubborn.alive() {
		t.Fatal("the processes did not start")
	}
	pins := filepath.Join(s.hostDir("host1"), "bpf")
	if err := os.MkdirAll(pins, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("bpf", pins, "bpf", 0, ""); err != nil {
		t.Fatal(err)
	}
	if err := s.Down(t.Context()); err != nil {
		t.Fatal(err)
	}
	if agent.alive() || stubborn.alive() {
		t.Error("a process of a host outlived Down")
	}
	for _, ns := range s.namespaces(st) {
		if _, err := os.Lstat(namespacePath(ns)); err == nil {
			t.Errorf("namespace %s outlived Down", ns)
		}
	}
	if mounts, err := mountsBelow(s.dir()); err != nil || len(mounts) > 0 {
		t.Errorf("mounts left: %v %v", mounts, err)
	}
	if _, err := os.Stat(s.dir()); err == nil {
		t.Errorf("%s outlived Down", s.dir())
	}
}

func TestExecSeesItsOwnNamespace(t *testing.T) {
	s := newTestSandbox(t)
	ns := s.workloadNamespace("web1")
	if err := ensureNamespace(ns); err != nil {
		t.Fatal(err)
	}
	resolv := filepath.Join(s.cfg.StateDir, "resolv.conf")
	if err := os.WriteFile(resolv, []byte("nameserver 192.0.2.53\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile("/etc/resolv.conf")
	if err != nil {
		t.Skipf("this system has no /etc/resolv.conf: %v", err)
	}
	var out strings.Builder
	argv := []string{"sh", "-c", "ls /sys/class/net; cat /etc/resolv.conf; cat"}
	if err := s.execIn(t.Context(), ns, resolv, argv, Stdio{In: strings.NewReader("from stdin\n"), Out: &out}); err != nil {
		t.Fatal(err)
	}
	if got, want := out.String(), "lo\nnameserver 192.0.2.53\nfrom stdin\n"; got != want {
		t.Errorf("the command saw %q, want %q", got, want)
	}
	after, err := os.ReadFile("/etc/resolv.conf")
	if err != nil || string(before) != string(after) {
		t.Errorf("the machine's own resolv.conf changed: %q to %q (%v)", before, after, err)
	}
}

func TestHalfMadeNamespaceIsMadeAgain(t *testing.T) {
	s := newTestSandbox(t)
	ns := s.hostNamespace("host1")
	if err := os.MkdirAll("/run/netns", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(namespacePath(ns), nil, 0o444); err != nil {
		t.Fatal(err)
	}
	if err := ensureNamespace(ns); err != nil {
		t.Fatal(err)
	}
	if !namespaceExists(ns) {
		t.Error("the plain file of a crash was taken for a namespace")
	}
}

func TestExecEndsWithItsContext(t *testing.T) {
	s := newTestSandbox(t)
	ns := s.workloadNamespace("web1")
	if err := ensureNamespace(ns); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	reader, writer := io.Pipe()
	var line [6]byte
	go func() {
		_, _ = io.ReadFull(reader, line[:]) // the command runs
		cancel()
		_, _ = io.Copy(io.Discard, reader)
	}()
	start := time.Now()
	err := s.execIn(ctx, ns, "", []string{"sh", "-c", "echo ready; exec sleep 1000"}, Stdio{Out: writer})
	if err == nil || time.Since(start) > patience {
		t.Errorf("the command ended with %v after %v, want a signal soon", err, time.Since(start))
	}
	if string(line[:]) != "ready\n" {
		t.Errorf("the command printed %q", line)
	}
}

// TestDownWithoutRecord: `rm -r` of the state directory while the sandbox is up takes the record along; down finds the namespaces, and
// ends what runs in them, by their names.
func TestDownWithoutRecord(t *testing.T) {
	s := newTestSandbox(t)
	testHosts(t, s)
	running, err := startDetached(s.hostNamespace("host1"), filepath.Join(s.dir(), "sleep.log"), []string{"sleep", "1000"})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(s.dir()); err != nil {
		t.Fatal(err)
	}
	if err := s.Down(context.Background()); err != nil {
		t.Fatal(err)
	}
	if left := s.ownNamespaces(); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if running.alive() {
		t.Error("a process of the sandbox outlived it")
	}
}
