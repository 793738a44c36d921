package identity

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestProjects is a cloud's day: two projects with networks of their own and one that all share, an administrator and a reader.
func TestProjects(t *testing.T) {
	c := newCloud(t)
	admin, bea, rob, ron := c.as("admin", "admin"), c.as("bea", "blue"), c.as("rob", "blue"), c.as("ron", "red")
	id := func(p person, args ...string) string { return p.must(t, append(args, "-f", "value", "-c", "id")...) }
	blueNet := id(bea, "network", "create", "bluenet")
	id(bea, "subnet", "create", "--network", blueNet, "--subnet-range", "10.1.0.0/24", "bluesub")
	bluePort := id(bea, "port", "create", "--network", blueNet, "blueport")
	id(ron, "network", "create", "rednet")
	common := id(admin, "network", "create", "--share", "common")
	id(admin, "subnet", "create", "--network", common, "--subnet-range", "10.2.0.0/24", "commonsub")

	t.Run("everyone sees their own and what is shared", func(t *testing.T) {
		for _, w := range []struct {
			who                      person
			networks, subnets, ports []string
		}{
			{bea, []string{"bluenet", "common"}, []string{"bluesub", "commonsub"}, []string{"blueport"}},
			{rob, []string{"bluenet", "common"}, []string{"bluesub", "commonsub"}, []string{"blueport"}},
			{ron, []string{"common", "rednet"}, []string{"commonsub"}, nil},
			{admin, []string{"bluenet", "common", "rednet"}, []string{"bluesub", "commonsub"}, []string{"blueport"}},
		} {
			token := c.keystone.Login(t, w.who.user, w.who.project)
			for collection, want := range map[string][]string{"networks": w.networks, "subnets": w.subnets, "ports": w.ports} {
				if got := c.names(t, token, collection); !slices.Equal(got, want) {
					t.Errorf("%s lists the %s %v, want %v", w.who.user, collection, got, want)
				}
			}
		}
		if got := bea.must(t, "network", "list", "-f", "value", "-c", "Name", "--sort-column", "Name"); got != "bluenet\ncommon" {
			t.Errorf("the client lists %q", got)
		}
	})
	t.Run("another project's does not exist", func(t *testing.T) {
		ron.refused(t, "No Network found for "+blueNet, "network", "show", blueNet)
		ron.refused(t, "No Port found for "+bluePort, "port", "delete", bluePort)
	})
	t.Run("what is shared belongs to its owner", func(t *testing.T) {
		bea.refused(t, "rule:update_network is disallowed by policy", "network", "set", "--name", "mine", common)
		bea.refused(t, "rule:create_subnet is disallowed by policy", "subnet", "create", "--network", common, "--subnet-range",
			"10.3.0.0/24", "mine")
		bea.must(t, "port", "create", "--network", common, "guest")
		bea.refused(t, "(rule:create_port and rule:create_port:mac_address) is disallowed by policy", "port", "create", "--network",
			common, "--mac-address", "02:00:00:00:00:01", "guest2")
	})
	t.Run("provider attributes are the administrator's", func(t *testing.T) {
		bea.refused(t, "rule:create_network:provider:network_type", "network", "create", "--provider-network-type", "uplink", "x")
		if got := admin.must(t, "network", "show", "-f", "value", "-c", "provider:network_type", blueNet); got != "midonet" {
			t.Errorf("the administrator sees the type %q", got)
		}
		_, _, body := c.get(t, c.keystone.Login(t, "bea", "blue"), "networks/"+blueNet)
		if !strings.Contains(body, `"bluenet"`) || strings.Contains(body, "provider:") {
			t.Errorf("a member sees %s", body)
		}
	})
	t.Run("the policy changes without a restart", func(t *testing.T) {
		rob.must(t, "network", "create", "robnet") // the legacy rules let a reader
		c.write(t, "policy.yaml", "create_network: role:member\n")
		c.eventually(t, func() bool {
			_, err := rob.try(t, "network", "create", "robnet2")
			return err != nil
		})
		rob.refused(t, "rule:create_network is disallowed by policy", "network", "create", "robnet3")
		bea.must(t, "network", "create", "beanet")
	})
	t.Run("a revoked token", func(t *testing.T) {
		token := c.keystone.Login(t, "bea", "blue")
		if status, _, _ := c.get(t, token, "networks"); status != http.StatusOK {
			t.Errorf("status %d before it is revoked", status)
		}
		c.keystone.Revoke(t, c.admin, token)
		c.eventually(t, func() bool { status, _, _ := c.get(t, token, "networks"); return status == http.StatusUnauthorized })
	})
	t.Run("no token", func(t *testing.T) {
		status, header, body := c.get(t, "", "networks")
		want := `{"error":{"code":401,"title":"Unauthorized","message":"The request you have made requires authentication."}}`
		challenge := `Keystone uri="` + strings.TrimSuffix(c.keystone.URL, "/v3") + `"`
		if status != http.StatusUnauthorized || body != want || header.Get("WWW-Authenticate") != challenge {
			t.Errorf("%d %s %s", status, header.Get("WWW-Authenticate"), body)
		}
	})
	t.Run("the MidoNet API", c.testMidoNetAPI)
	t.Run("Keystone is away", func(t *testing.T) {
		token := c.keystone.Login(t, "bea", "blue")
		c.keystone.Stop()
		status, _, body := c.get(t, token, "networks")
		if status != http.StatusServiceUnavailable || !strings.Contains(body, "The Keystone service is temporarily unavailable.") {
			t.Errorf("%d %s", status, body)
		}
		c.keystone.Resume(t)
		if status, _, body := c.get(t, token, "networks"); status != http.StatusOK {
			t.Errorf("when it is back: %d %s", status, body)
		}
	})
}

// names lists a collection with a token.
func (c *cloud) names(t *testing.T, token, collection string) []string {
	t.Helper()
	_, _, body := c.get(t, token, collection+"?fields=name&sort_key=name&sort_dir=asc")
	var answer map[string][]struct{ Name string }
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	var names []string
	for _, item := range answer[collection] {
		names = append(names, item.Name)
	}
	return names
}

// get sends a request with a token and nothing else.
func (c *cloud) get(t *testing.T, token, path string) (int, http.Header, string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, c.url+"/v2.0/"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Auth-Token", token)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, answer.Header, string(body)
}

// eventually waits for what takes effect within a second or so.
func (c *cloud) eventually(t *testing.T, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it has not happened in %v", patience)
		}
	}
}
