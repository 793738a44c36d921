package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestKilledServerLosesNothing: what was answered is there after a crash at any moment, what was not answered is whole or absent,
// and the topology follows.
func TestKilledServerLosesNothing(t *testing.T) {
	t.Parallel()
	config := filepath.Join(t.TempDir(), "neutron.conf")
	if err := os.WriteFile(config, []byte("[quotas]\nquota_port = -1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := startServer(t, "--config-file", config)
	net := c.network("blue", "10.30.0.0/16")
	const clients = 4
	answered := map[string]bool{}
	for _, lifetime := range []time.Duration{150 * time.Millisecond, 400 * time.Millisecond, 700 * time.Millisecond} {
		first := func() { time.AfterFunc(lifetime, func() { _ = c.server.Process.Kill() }) }
		for _, id := range c.createUntilItFails(net, clients, first) {
			answered[id] = true
		}
		_ = c.server.Wait() // "signal: killed"
		c.start()
	}
	present := c.portAddresses(net)
	for id := range answered {
		if _, ok := present[id]; !ok {
			t.Errorf("port %s was answered and is lost", id)
		}
	}
	// Each client may have had one request in the air at each of the crashes.
	if extra := len(present) - len(answered); extra < 0 || extra > 3*clients {
		t.Errorf("%d ports were answered and %d exist", len(answered), len(present))
	}
	holders := map[string]string{}
	for id, address := range present {
		if other, taken := holders[address]; taken || address == "" {
			t.Errorf("ports %s and %s have the address %q", id, other, address)
		}
		holders[address] = id
	}
	c.eventually("the topology has every task", func() error {
		out, err := c.midonetOutput("db", "check", "--state-dir", c.dir)
		if err != nil || !strings.Contains(out, " 0 tasks pending") {
			return fmt.Errorf("%v\n%s", err, out)
		}
		return nil
	})
	t.Logf("%d ports answered, %d exist", len(answered), len(present))
}

// createUntilItFails makes ports with several clients at once until the server stops answering, and returns the identifiers of
// those that were answered. It calls first when there is one.
func (c *cloud) createUntilItFails(network string, clients int, first func()) []string {
	var mu sync.Mutex
	var all []string
	var group sync.WaitGroup
	for range clients {
		group.Go(func() {
			for {
				id, err := c.tryCreatePort(network)
				if err != nil {
					return
				}
				mu.Lock()
				if all = append(all, id); len(all) == 1 {
					first()
				}
				mu.Unlock()
			}
		})
	}
	group.Wait()
	return all
}

// tryCreatePort makes a port; an error means that no whole answer came.
func (c *cloud) tryCreatePort(network string) (string, error) {
	body := []byte(`{"port":{"network_id":"` + network + `"}}`)
	resp, err := webClient.Post(c.api+"/v2.0/ports", "application/json", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var made struct{ Port neutronPort }
	if err := json.NewDecoder(resp.Body).Decode(&made); err != nil {
		return "", err
	}
	if resp.StatusCode != http.StatusCreated {
		c.t.Errorf("POST /v2.0/ports: %s", resp.Status)
		return "", fmt.Errorf("%s", resp.Status)
	}
	return made.Port.ID, nil
}

// portAddresses lists the network's ports with their first address.
func (c *cloud) portAddresses(network string) map[string]string {
	c.t.Helper()
	var found struct{ Ports []neutronPort }
	c.request(http.MethodGet, "ports?network_id="+network, "", &found)
	addresses := map[string]string{}
	for _, p := range found.Ports {
		addresses[p.ID] = ""
		if len(p.FixedIPs) > 0 {
			addresses[p.ID] = p.FixedIPs[0].Address
		}
	}
	return addresses
}
