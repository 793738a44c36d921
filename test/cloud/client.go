package cloud

import (
	"bufio"
	_ "embed"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"testing"

	"midonet.org/midonet/test/child"
	"midonet.org/midonet/test/keystone"
)

//go:embed client.py
var client string

// Client is Debian's openstack client, loaded once for a user.
type Client struct {
	in  io.Writer
	out *bufio.Reader
}

// Client loads the client, with more of its options, for a user whose project has the same name; it ends with the test.
func (c *Cloud) Client(t testing.TB, user string, options ...string) *Client {
	t.Helper()
	cmd := exec.Command("/usr/bin/python3", append([]string{"-c", client, "--os-auth-url", c.Keystone.URL, "--os-username", user,
		"--os-password", keystone.Password, "--os-project-name", user, "--os-user-domain-id", "default", "--os-project-domain-id", "default"}, options...)...)
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
	if err := child.Start(cmd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the client ended with %v", err)
		}
	})
	return &Client{in: in, out: bufio.NewReader(out)}
}

// Run runs a command and returns whether it succeeded and what it printed.
func (c *Client) Run(t testing.TB, args []string) (bool, string) {
	t.Helper()
	line, err := json.Marshal(args)
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
