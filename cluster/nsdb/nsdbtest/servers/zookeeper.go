package servers

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// zookeeperJar is where Debian's package zookeeper has the server; its manifest names the libraries.
const zookeeperJar = "/usr/share/java/zookeeper.jar"

// ZooKeeper starts an ensemble of n members, each a Java program with the options. It skips the test where ZooKeeper or Java is not installed.
func ZooKeeper(t testing.TB, n int, options ...string) *Cluster {
	t.Helper()
	java, err := exec.LookPath("java")
	if err != nil {
		t.Skip("needs java, which is not installed")
	}
	if _, err := os.Stat(zookeeperJar); err != nil {
		t.Skip("needs ZooKeeper: install Debian's package zookeeper")
	}
	dir := t.TempDir()
	ports := freePorts(t, 3*n)
	peers := ""
	for i := range n {
		peers += fmt.Sprintf("server.%d=127.0.0.1:%d:%d\n", i+1, ports[3*i+1], ports[3*i+2])
	}
	c := &Cluster{t: t, leads: zookeeperLeads}
	for i := range n {
		home := filepath.Join(dir, fmt.Sprint(i+1))
		config := writeZooKeeperHome(t, home, i+1, ports[3*i], peers)
		c.members = append(c.members, &member{
			name:    fmt.Sprintf("zookeeper-%d", i+1),
			address: fmt.Sprintf("127.0.0.1:%d", ports[3*i]),
			command: slices.Concat([]string{java, "-Xmx192m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"}, options, []string{"-cp",
				home + ":" + zookeeperJar, "org.apache.zookeeper.server.quorum.QuorumPeerMain", config}),
		})
	}
	c.run(dir)
	return c
}

// writeZooKeeperHome writes a member's files and returns the name of its configuration. A short tick makes elections short.
func writeZooKeeperHome(t testing.TB, home string, number, port int, peers string) (config string) {
	t.Helper()
	config = filepath.Join(home, "zoo.cfg")
	for name, text := range map[string]string{
		config: fmt.Sprintf("tickTime=500\ninitLimit=20\nsyncLimit=10\ndataDir=%s\nclientPort=%d\nclientPortAddress=127.0.0.1\n"+
			"admin.enableServer=false\n4lw.commands.whitelist=srvr\nstandaloneEnabled=false\nmaxClientCnxns=0\n%s",
			filepath.Join(home, "data"), port, peers),
		filepath.Join(home, "data", "myid"): fmt.Sprintln(number),
		filepath.Join(home, "log4j.properties"): "log4j.rootLogger=WARN, out\nlog4j.appender.out=org.apache.log4j.ConsoleAppender\n" +
			"log4j.appender.out.layout=org.apache.log4j.SimpleLayout\n",
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return config
}

// zookeeperLeads asks a member for its mode, with the four-letter word srvr.
func zookeeperLeads(m *member) (leader, answers bool) {
	conn, err := net.DialTimeout("tcp", m.address, answerTimeout)
	if err != nil {
		return false, false
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(answerTimeout))
	if _, err := conn.Write([]byte("srvr")); err != nil {
		return false, false
	}
	text, _ := io.ReadAll(conn) // what came before the end is enough
	return strings.Contains(string(text), "Mode: leader"), strings.Contains(string(text), "Mode: ")
}
