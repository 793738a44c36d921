package cloud

import (
	"os/exec"
	"testing"

	"midonet.org/midonet/test/freeport"
)

// midonet builds the program of this tree and returns the command of its server, whose configuration is what an operator's is at
// least.
func midonet(t testing.TB, c *Cloud) *exec.Cmd {
	t.Helper()
	program := c.path("midonet")
	if out, err := exec.Command("go", "build", "-o", program, "midonet.org/midonet/cmd/midonet").CombinedOutput(); err != nil {
		t.Fatalf("building midonet: %v\n%s", err, out)
	}
	file := c.configure(t, "[DEFAULT]\nauth_strategy = keystone\n"+c.options+"\n")
	return exec.Command(program, "server", "--config-file", file, "--state-dir", c.stateDir(),
		"--api-listen", c.address(), "--stream-listen", freeport.Address(t), "--midonet-api-listen=", "--metrics-listen", freeport.Address(t))
}

// stateDir is where the server keeps its state.
func (c *Cloud) stateDir() string { return c.path("var") }
