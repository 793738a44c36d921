package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// These make and read resources over plain HTTP: quicker than the client, for scenarios that are about something else.

// neutronPort is what the scenarios read of a port.
type neutronPort struct {
	ID       string `json:"id"`
	Status   string `json:"status"`
	MAC      string `json:"mac_address"`
	FixedIPs []struct {
		Address string `json:"ip_address"`
	} `json:"fixed_ips"`
}

// network makes a network with a subnet for each range and returns its identifier. Its workloads may send and receive what they like.
func (c *cloud) network(name string, ranges ...string) string {
	c.t.Helper()
	return c.makeNetwork(name, false, ranges...)
}

func (c *cloud) makeNetwork(name string, security bool, ranges ...string) string {
	c.t.Helper()
	var made struct{ Network struct{ ID string } }
	c.post("networks", fmt.Sprintf(`{"network":{"name":%q,"port_security_enabled":%t}}`, name, security), &made)
	for i, r := range ranges {
		version := 4
		if bytes.ContainsRune([]byte(r), ':') {
			version = 6
		}
		c.post("subnets", fmt.Sprintf(`{"subnet":{"network_id":%q,"name":"%s-%d","ip_version":%d,"cidr":%q,"dns_nameservers":[]}}`,
			made.Network.ID, name, i, version, r), nil)
	}
	return made.Network.ID
}

// port reads a port.
func (c *cloud) port(id string) neutronPort {
	c.t.Helper()
	var now struct{ Port neutronPort }
	c.request(http.MethodGet, "ports/"+id, "", &now)
	return now.Port
}

// status fails unless the port has the status; for use in eventually.
func (c *cloud) status(portID, want string) error {
	if now := c.port(portID).Status; now != want {
		return fmt.Errorf("port %s is %s, want %s", portID, now, want)
	}
	return nil
}

func (c *cloud) post(path, body string, into any) {
	c.t.Helper()
	c.request(http.MethodPost, path, body, into)
}

// request makes one call below /v2.0/, which must succeed.
func (c *cloud) request(method, path, body string, into any) {
	c.t.Helper()
	req, err := http.NewRequest(method, c.api+"/v2.0/"+path, bytes.NewReader([]byte(body)))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := webClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	if resp.StatusCode >= 300 {
		c.t.Fatalf("%s /v2.0/%s: %s\n%s", method, path, resp.Status, text)
	}
	if into != nil {
		if err := json.Unmarshal(text, into); err != nil {
			c.t.Fatalf("%s /v2.0/%s: %v\n%s", method, path, err, text)
		}
	}
}

// exists reports whether a resource answers.
func (c *cloud) exists(path string) bool {
	c.t.Helper()
	resp, err := webClient.Get(c.api + "/v2.0/" + path)
	if err != nil {
		c.t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}
