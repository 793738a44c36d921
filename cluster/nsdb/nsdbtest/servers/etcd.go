package servers

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Etcd starts a cluster of n members of Debian's etcd, with further flags. It skips the test where etcd is not installed.
func Etcd(t testing.TB, n int, flags ...string) *Cluster {
	t.Helper()
	binary, err := exec.LookPath("etcd")
	if err != nil {
		t.Skip("needs etcd: install Debian's package etcd-server")
	}
	dir := t.TempDir()
	ports := freePorts(t, 3*n)
	var peers []string
	for i := range n {
		peers = append(peers, fmt.Sprintf("etcd-%d=http://127.0.0.1:%d", i+1, ports[3*i+1]))
	}
	c := &Cluster{t: t, leads: etcdLeads}
	for i := range n {
		name := fmt.Sprintf("etcd-%d", i+1)
		peer := fmt.Sprintf("http://127.0.0.1:%d", ports[3*i+1])
		m := &member{name: name, address: fmt.Sprintf("127.0.0.1:%d", ports[3*i])}
		m.command = append([]string{binary, "--name", name, "--data-dir", filepath.Join(dir, name), "--log-level", "error",
			"--logger", "zap",
			"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", strings.Join(peers, ","),
			"--listen-client-urls", "http://" + m.address, "--advertise-client-urls", "http://" + m.address,
			"--heartbeat-interval", "100", "--election-timeout", "1000"}, flags...)
		c.members = append(c.members, m)
	}
	c.run(dir)
	return c
}

// etcdLeads asks a member through etcd's gateway from JSON to gRPC whether it is the leader that it knows.
func etcdLeads(m *member) (leader, answers bool) {
	client := http.Client{Timeout: answerTimeout}
	resp, err := client.Post("http://"+m.address+"/v3/maintenance/status", "application/json", strings.NewReader("{}"))
	if err != nil {
		return false, false
	}
	defer resp.Body.Close()
	var status struct {
		Header struct {
			Member string `json:"member_id"`
		} `json:"header"`
		Leader string `json:"leader"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&status); err != nil {
		return false, false
	}
	return status.Leader == status.Header.Member, status.Leader != ""
}
