// Package servers runs real etcd clusters and ZooKeeper ensembles for tests, from Debian's packages: each member is a process of its
// own on a loopback port, with its data in a temporary directory. Tests stop, kill and continue members as a bad day would.
package servers

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"midonet.org/midonet/test/child"
	"midonet.org/midonet/test/freeport"
)

// startTimeout is how long a cluster may take to answer, on a machine that is busy with other tests.
const startTimeout = 3 * time.Minute

// answerTimeout is how long a member may take to say whether it leads.
const answerTimeout = 10 * time.Second

// Away is how long the tests of faults keep a whole cluster away: longer than a lease lives, and a minute where MIDONET_CONFORMANCE is
// set, as `make conformance` does.
func Away() time.Duration {
	if os.Getenv("MIDONET_CONFORMANCE") != "" {
		return time.Minute
	}
	return 12 * time.Second
}

// Cluster is some members of one kind.
type Cluster struct {
	t       testing.TB
	members []*member
	leads   func(*member) (leader, answers bool)
}

// member is one server process, or the place of one that has been killed.
type member struct {
	name    string
	address string // host:port for clients
	command []string
	env     []string
	output  *os.File
	process *exec.Cmd // nil when killed
}

// Addresses are the members' host:port for clients.
func (c *Cluster) Addresses() []string {
	var all []string
	for _, m := range c.members {
		all = append(all, m.address)
	}
	return all
}

// Size is the number of members.
func (c *Cluster) Size() int { return len(c.members) }

// Leader waits until a member leads and returns its number.
func (c *Cluster) Leader() int {
	c.t.Helper()
	for deadline := time.Now().Add(startTimeout); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		for i, m := range c.members {
			if m.process == nil {
				continue
			}
			if leader, answers := c.leads(m); leader && answers {
				return i
			}
		}
	}
	c.t.Fatalf("no member leads:\n%s", c.outputs())
	return 0
}

// AwaitAll waits until every member answers and one leads.
func (c *Cluster) AwaitAll() {
	c.t.Helper()
	for deadline := time.Now().Add(startTimeout); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		leaders, answering := 0, 0
		for _, m := range c.members {
			leader, answers := c.leads(m)
			if leader {
				leaders++
			}
			if answers {
				answering++
			}
		}
		if leaders == 1 && answering == len(c.members) {
			return
		}
	}
	c.t.Fatalf("the members did not come to answer:\n%s", c.outputs())
}

// Kill ends a member at once, as a power failure of its machine.
func (c *Cluster) Kill(i int) {
	c.t.Helper()
	m := c.members[i]
	if m.process == nil {
		return
	}
	if err := m.process.Process.Kill(); err != nil {
		c.t.Errorf("killing %s: %v", m.name, err)
	}
	m.process.Wait() // says that it was killed
	m.process = nil
}

// Start starts a member that was killed; its data is still there.
func (c *Cluster) Start(i int) {
	c.t.Helper()
	if err := c.members[i].start(); err != nil {
		c.t.Fatalf("starting %s: %v", c.members[i].name, err)
	}
}

// Stop makes a member silent without closing its connections, as a broken cable or a frozen machine.
func (c *Cluster) Stop(i int) { c.signal(i, syscall.SIGSTOP) }

// Continue undoes Stop.
func (c *Cluster) Continue(i int) { c.signal(i, syscall.SIGCONT) }

func (c *Cluster) signal(i int, s syscall.Signal) {
	c.t.Helper()
	if err := c.members[i].process.Process.Signal(s); err != nil {
		c.t.Errorf("%v to %s: %v", s, c.members[i].name, err)
	}
}

// run starts every member and sees to it that none outlives the test, or the test's process.
func (c *Cluster) run(dir string) {
	c.t.Helper()
	for i, m := range c.members {
		output, err := os.Create(filepath.Join(dir, m.name+".log"))
		if err != nil {
			c.t.Fatal(err)
		}
		m.output = output
		c.Start(i)
	}
	c.t.Cleanup(func() {
		for i, m := range c.members {
			c.Kill(i)
			m.output.Close()
		}
	})
	c.AwaitAll()
}

func (m *member) start() error {
	m.process = exec.Command(m.command[0], m.command[1:]...)
	m.process.Env = append(os.Environ(), m.env...)
	m.process.Stdout, m.process.Stderr = m.output, m.output
	m.process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return child.Start(m.process)
}

// outputs is the end of what each member has printed.
func (c *Cluster) outputs() string {
	var all string
	for _, m := range c.members {
		text, _ := os.ReadFile(m.output.Name()) // is only for people
		all += fmt.Sprintf("--- %s\n%s\n", m.name, text[max(0, len(text)-2000):])
	}
	return all
}

// freePorts returns n loopback ports that nobody listens on, and that no other test takes.
func freePorts(t testing.TB, n int) []int {
	t.Helper()
	ports := make([]int, n)
	for i := range ports {
		ports[i] = freeport.Port(t)
	}
	return ports
}
