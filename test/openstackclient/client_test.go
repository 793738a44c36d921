package openstackclient

import (
	"bufio"
	_ "embed"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"testing"

	"midonet.org/midonet/test/cloud"
	"midonet.org/midonet/test/keystone"
)

//go:embed driver.py
var driver string

// client is Debian's openstack client, loaded once.
type client struct {
	keystone string
	in       io.Writer
	out      *bufio.Reader
}

// startClient loads the client; it ends with the test.
func startClient(t *testing.T, c *cloud.Cloud) *client {
	t.Helper()
	cmd := exec.Command("python3", "-c", driver)
	cmd.Env = []string{"PATH=/usr/bin:/bin", "HOME=" + t.TempDir()}
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the client ended with %v", err)
		}
	})
	return &client{keystone: c.Keystone.URL, in: in, out: bufio.NewReader(out)}
}

// run runs a command as the user, whose project has the same name, and returns whether it succeeded and what it printed.
func (c *client) run(t *testing.T, user string, args []string) (bool, string) {
	t.Helper()
	line, err := json.Marshal(append([]string{"--os-auth-url", c.keystone, "--os-username", user, "--os-password", keystone.Password,
		"--os-project-name", user, "--os-user-domain-id", "default", "--os-project-domain-id", "default"}, args...))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.in.Write(append(line, '\n')); err != nil {
		t.Fatal(err)
	}
	answer, err := c.out.ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	var text string
	var status any // a number, or nothing for success
	if err := json.Unmarshal(answer, &[]any{&status, &text}); err != nil {
		t.Fatalf("the client answered %q: %v", answer, err)
	}
	return status == nil || status == 0.0, text
}
