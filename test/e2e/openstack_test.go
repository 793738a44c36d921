package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// openstack runs Debian's openstack client against the cloud and returns what it printed; it must succeed.
func (c *cloud) openstack(args ...string) string {
	c.t.Helper()
	out, err := c.openstackOutput(args...)
	if err != nil {
		c.t.Fatalf("openstack %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// openstackOutput is openstack for commands that may fail; it returns both outputs.
func (c *cloud) openstackOutput(args ...string) (string, error) {
	cmd := exec.Command("openstack", append([]string{"--os-auth-type", "none", "--os-endpoint", c.api}, args...)...)
	cmd.Env = append(os.Environ(), "PYTHONWARNINGS=ignore")
	return output(cmd)
}

// record is one resource as `openstack … -f json` prints it, or a row of a list.
type record map[string]any

// text returns a field that must hold a string.
func (r record) text(t *testing.T, field string) string {
	t.Helper()
	s, ok := r[field].(string)
	if !ok {
		t.Fatalf("field %q is %v, want a string", field, r[field])
	}
	return s
}

// show runs a command that prints one resource.
func (c *cloud) show(args ...string) record {
	c.t.Helper()
	return parseJSON[record](c, args)
}

// list runs a command that prints a table.
func (c *cloud) list(args ...string) []record {
	c.t.Helper()
	return parseJSON[[]record](c, args)
}

func parseJSON[T any](c *cloud, args []string) T {
	c.t.Helper()
	var v T
	out := c.openstack(append(args, "-f", "json")...)
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		c.t.Fatalf("openstack %s printed no JSON: %v\n%s", strings.Join(args, " "), err, out)
	}
	return v
}

// asText renders a nested value of a record.
func asText(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(text)
}
