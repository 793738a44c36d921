package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"midonet.org/midonet/cluster/nsdb/nsdbtest/servers"
	"midonet.org/midonet/neutron/store/storetest"
	"midonet.org/midonet/run"
	"midonet.org/midonet/test/freeport"
)

// TestTheApplierOfTheJournalDies: two servers share a database on MariaDB, and the topology in etcd or in a MidoNet elsewhere. Of the two one
// applies the journal; it is killed, and the other makes the next change. How long that took is on the record; within 5 seconds is meant,
// and the limit here is for machines that are busy.
func TestTheApplierOfTheJournalDies(t *testing.T) {
	t.Parallel()
	mariadb := storetest.StartMariaDB(t)
	t.Run("one cluster", func(t *testing.T) {
		t.Parallel()
		etcd := servers.Etcd(t, 1)
		file := configFile(t, fmt.Sprintf("[database]\nconnection = %s\n[nsdb]\nengine = etcd\nendpoints = http://%s\n", quoted(mariadb.New(t)),
			etcd.Addresses()[0]))
		p := pair{t, startServer(t, "--config-file", file), startServer(t, "--config-file", file)}
		p.takesOver((*cloud).hasBridge)
	})
	t.Run("a MidoNet elsewhere", func(t *testing.T) {
		t.Parallel()
		midonet := startMidoNet(t)
		file := configFile(t, fmt.Sprintf("[DEFAULT]\nservice_plugins = midonet_l3\n[database]\nconnection = %s\n[midonet]\n"+
			"client = midonet.neutron.client.api.MidonetApiClient\nmidonet_uri = %s\n", quoted(mariadb.New(t)), midonet.uri))
		p := pair{t, startAPI(t, "--config-file", file), startAPI(t, "--config-file", file)}
		p.takesOver(func(_ *cloud, network string) error { return midonet.hasBridge(network) })
	})
}

// quoted is a value of a configuration file: a dollar sign would begin a reference.
func quoted(value string) string {
	return string(bytes.ReplaceAll([]byte(value), []byte("$"), []byte("$$")))
}

func configFile(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "neutron.conf")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// startAPI starts `midonet api`.
func startAPI(t *testing.T, args ...string) *cloud {
	t.Helper()
	c := newCloud(t)
	c.args = append([]string{"api", "--state-dir", c.dir, "--api-listen", c.address(), "--metrics-listen", freeport.Address(t)}, args...)
	c.start()
	return c
}

// midonetElsewhere is a `midonet cluster` of its own.
type midonetElsewhere struct {
	*cloud
	uri string
}

func startMidoNet(t *testing.T) midonetElsewhere {
	t.Helper()
	c, address := newCloud(t), freeport.Address(t)
	c.args = []string{"cluster", "--state-dir", c.dir, "--midonet-api-listen", address, "--metrics-listen", c.address(),
		"--stream-listen", freeport.Address(t)}
	c.ready = "/healthz"
	c.start()
	return midonetElsewhere{c, "http://" + address + "/midonet-api"}
}

// hasBridge returns an error unless the topology has the network's bridge.
func (c *cloud) hasBridge(network string) error {
	dump, err := run.NewAdminClient(c.dir).Dump(c.t.Context())
	if err != nil {
		return err
	}
	defer dump.Close()
	text, err := io.ReadAll(dump)
	if err == nil && !bytes.Contains(text, []byte(network)) {
		err = fmt.Errorf("the topology has no bridge of network %s", network)
	}
	return err
}

// postNetwork creates a network and returns its identifier.
func (c *cloud) postNetwork(name string) (string, error) {
	resp, err := webClient.Post(c.api+"/v2.0/networks", "application/json", bytes.NewBufferString(`{"network": {"name": "`+name+`"}}`))
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var made struct{ Network struct{ ID string } }
	err = json.NewDecoder(resp.Body).Decode(&made)
	if err == nil && resp.StatusCode != http.StatusCreated {
		err = fmt.Errorf("creating a network: %s", resp.Status)
	}
	return made.Network.ID, err
}

// pair is two servers on one database.
type pair struct {
	*testing.T
	one, other *cloud
}

// takesOver kills the server that applies the journal, and measures how long the next change takes by the other one.
func (p pair) takesOver(arrived func(*cloud, string) error) {
	p.Helper()
	network, err := p.other.postNetwork("before")
	if err != nil {
		p.Fatal(err)
	}
	applier, survivor := p.one, p.other
	p.one.eventually("one of the two applies the journal", func() error {
		if p.applies(p.other) {
			applier, survivor = p.other, p.one
		} else if !p.applies(p.one) {
			return fmt.Errorf("neither has applied anything")
		}
		return arrived(survivor, network)
	})
	applier.kill()
	began := time.Now()
	if network, err = survivor.postNetwork("after"); err != nil {
		p.Fatal(err)
	}
	survivor.eventually("the survivor makes the next change", func() error { return arrived(survivor, network) })
	p.Logf("from the death of the server that applied the journal to the next change: %v", time.Since(began).Round(10*time.Millisecond))
	if !p.applies(survivor) {
		p.Error("the change arrived, and the survivor has not applied it")
	}
}

// applies reports whether a server has applied tasks.
func (p pair) applies(c *cloud) bool {
	p.Helper()
	status, err := run.NewAdminClient(c.dir).Status(p.Context())
	if err != nil {
		p.Fatal(err)
	}
	return status.TasksApplied > 0
}
