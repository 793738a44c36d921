package sandbox

import (
	"os"
	"os/exec"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// ownRun is set in the child process that has a /run of its own.
const ownRun = "MIDONET_TEST_OWN_RUN"

// TestNamespacesSurviveIPNetns makes a namespace where none has ever been, then lets ip(8) make one, and removes ours. The child
// process has a mount namespace with an empty /run, as a machine has after its start.
func TestNamespacesSurviveIPNetns(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("this test makes namespaces, which only root may")
	}
	if os.Getenv(ownRun) == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
		cmd.Env = append(os.Environ(), ownRun+"=1")
		cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	if err := unix.Mount("tmpfs", "/run", "tmpfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	if err := ensureNamespace("ours"); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("ip", "netns", "add", "other").CombinedOutput(); err != nil {
		t.Fatalf("ip netns add: %v\n%s", err, out)
	}
	if !namespaceExists("ours") {
		t.Error("our namespace cannot be reached after ip netns add")
	}
	if err := deleteNamespace("ours"); err != nil {
		t.Error(err)
	}
	if err := deleteNamespace("other"); err != nil {
		t.Error(err)
	}
}
