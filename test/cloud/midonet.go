package cloud

import (
	"os/exec"
	"path/filepath"
	"testing"

	"midonet.org/midonet/test/freeport"
)

// midonet builds the programs of this tree and returns the command of the server, whose configuration is what an operator's is at
// least.
func midonet(t testing.TB, c *Cloud) *exec.Cmd {
	t.Helper()
	if out, err := exec.Command("go", "build", "-o", c.Programs()+"/", "midonet.org/midonet/cmd/...").CombinedOutput(); err != nil {
		t.Fatalf("building midonet: %v\n%s", err, out)
	}
	file := c.configure(t, "[DEFAULT]\nauth_strategy = keystone\n"+c.options+"\n")
	return exec.Command(filepath.Join(c.Programs(), "midonet"), "server", "--config-file", file, "--state-dir", c.StateDir(),
		"--api-listen", c.address(), "--stream-listen", freeport.Address(t), "--midonet-api-listen=", "--metrics-listen", freeport.Address(t))
}

// Programs is the directory of midonet and mm-ctl.
func (c *Cloud) Programs() string { return c.path("bin") }

// StateDir is where our server keeps its state.
func (c *Cloud) StateDir() string { return c.path("var") }
