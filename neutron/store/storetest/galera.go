package storetest

import (
	"fmt"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// galeraLibrary is where Debian's galera-4, without which there is no mariadb-server, puts the replication.
const galeraLibrary = "/usr/lib/galera/libgalera_smm.so"

// startGalera starts a cluster of so many nodes, which speak to each other over loopback and end with the test, and returns their sockets.
// A node that joins gets the first one's files by rsync, whose daemon gives up root's rights: so the servers run as Debian's user mysql.
func startGalera(t *testing.T, count int) []string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root, to run MariaDB's servers as the user mysql")
	}
	dir, err := os.MkdirTemp("", "galera")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	ports := freePorts(t, 3*count) // of each node for the group, and for the two kinds of state transfer
	var members, sockets []string
	for i := range count {
		members = append(members, "127.0.0.1:"+ports[3*i])
	}
	for i := range count {
		node := filepath.Join(dir, fmt.Sprint(i))
		if err := os.MkdirAll(filepath.Join(node, "data"), 0o755); err != nil {
			t.Fatal(err)
		}
		m := &MariaDB{dir: node, socket: filepath.Join(node, "socket"), user: "mysql", more: []string{
			"--binlog-format=ROW", "--innodb-autoinc-lock-mode=2", "--innodb-flush-log-at-trx-commit=0",
			"--wsrep-on=ON", "--wsrep-provider=" + galeraLibrary, "--wsrep-cluster-name=" + filepath.Base(dir),
			"--wsrep-cluster-address=gcomm://" + strings.Join(members, ","), "--wsrep-node-name=" + fmt.Sprint(i),
			"--wsrep-node-address=" + members[i], "--wsrep-sst-method=rsync", "--wsrep-sst-receive-address=127.0.0.1:" + ports[3*i+1],
			"--wsrep-provider-options=base_port=" + ports[3*i] + ";gmcast.listen_addr=tcp://" + members[i] +
				";ist.recv_addr=127.0.0.1:" + ports[3*i+2] + ";gcache.size=32M",
		}}
		chown(t, dir, m.user)
		if i == 0 {
			m.install(t)
			m.more = append(m.more, "--wsrep-new-cluster")
		}
		m.Start(t)
		t.Cleanup(m.Kill)
		m.awaitReady(t)
		if i == 0 {
			m.createUser(t)
		}
		sockets = append(sockets, m.socket)
	}
	return sockets
}

// awaitReady returns when the node takes part in the cluster, and takes statements. It is Synced a moment before it does.
func (m *MariaDB) awaitReady(t *testing.T) {
	t.Helper()
	db := m.open(t)
	defer db.Close()
	for {
		var name, ready string
		err := db.QueryRow("SHOW STATUS LIKE 'wsrep_ready'").Scan(&name, &ready)
		if err == nil && ready == "ON" {
			return
		}
		select {
		case <-m.ended:
			text, _ := os.ReadFile(filepath.Join(m.dir, "log"))
			t.Fatalf("the node ended: %s", text)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// freePorts returns TCP ports that nobody has at this moment.
func freePorts(t *testing.T, count int) []string {
	t.Helper()
	ports := make([]string, count)
	for i := range ports {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		_, ports[i], _ = net.SplitHostPort(l.Addr().String())
	}
	return ports
}

// chown gives a directory and what is in it to a user.
func chown(t *testing.T, dir, name string) {
	t.Helper()
	u, err := user.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	err = filepath.Walk(dir, func(path string, _ os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, uid, gid)
	})
	if err != nil {
		t.Fatal(err)
	}
}
