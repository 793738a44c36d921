package flowstate

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/topology"
)

// pathVariable makes the test binary an agent that puts states into the file that its value names, until it is killed.
const pathVariable = "MIDONET_TEST_CONNECTIONS"

func TestMain(m *testing.M) {
	if path := os.Getenv(pathVariable); path != "" {
		fmt.Fprintln(os.Stderr, playAgent(path))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// playAgent says the number of each connection once its states are in the table.
func playAgent(path string) error {
	table, err := Open(Config{Path: path}, time.Now())
	if err != nil {
		return err
	}
	for n := 0; ; n++ {
		states := append(snat(conn(n), uint16(n)), returns(n))
		if _, err := table.Put(userOf(port, n), states, nil, time.Now()); err != nil {
			return err
		}
		if n >= 5 { // of the old ones some go
			table.Remove([]uint32{uint32(n - 5)}, time.Now().Add(-Idle))
		}
		if _, err := fmt.Println(n); err != nil {
			return err
		}
	}
}

// TestKilled ends an agent with SIGKILL while it writes. All that it had said it knows is there.
func TestKilled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "connections")
	agent := exec.Command("/proc/self/exe")
	agent.Env = append(os.Environ(), pathVariable+"="+path)
	agent.Stderr = os.Stderr
	out, err := agent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := agent.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	said := 0
	for lines.Scan() {
		if said, err = strconv.Atoi(strings.TrimSpace(lines.Text())); err != nil {
			t.Fatal(err)
		}
		if said == 2000 {
			if err := agent.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	agent.Wait() // it was killed, which is an error
	if said < 2000 {
		t.Fatalf("the agent ended after %d connections", said)
	}
	table := open(t, Config{Path: path})
	for n := range said + 1 {
		for _, s := range append(snat(conn(n), uint16(n)), returns(n)) {
			if v, ok := table.Value(s.Key); !ok || v != s.Value {
				t.Fatalf("connection %d of %d: %+v has %+v, %v", n, said, s.Key, v, ok)
			}
		}
	}
	if s := table.Stats(); s.States < 3*(said+1) || s.States > 3*(said+2) || s.Restored != s.States {
		t.Errorf("%+v, want three states for each of %d connections, or one more", s, said+1)
	}
}

// TestRestored lets a successor go on: with blocks in use, and states that go unless flows take them up.
func TestRestored(t *testing.T) {
	path := filepath.Join(t.TempDir(), "connections")
	first := open(t, Config{Path: path, Size: 64})
	translation := snat(conn(1), 1030)
	put(t, first, userOf(port, 1), start, append(translation, returns(1), returns(2))...)
	put(t, first, userOf(port, 2), start, returns(3))
	first.Remove([]uint32{2}, start)
	sweepAll(first, start.Add(Idle))

	second := open(t, Config{Path: path, Size: 64})
	expectValues(t, second, append(translation, returns(1), returns(2))...)
	second.SetBlocks([]*topology.NATBlock{natBlock(1024)}, start)
	if port, ok := second.FreePort(router, public, 1030, 1030, conn(1)); ok {
		t.Errorf("port %d of a connection is free", port)
	}
	put(t, second, userOf(port, 1), start, append(translation, returns(4))...)
	sweepAll(second, start.Add(Learned))
	expectValues(t, second, append(translation, returns(4))...)
	put(t, second, userOf(port, 5), start, returns(5), returns(6))

	third := open(t, Config{Path: path, Size: 64})
	expectValues(t, third, append(translation, returns(4), returns(5), returns(6))...)
}

// TestSpoiltFile drops slots that are not whole, and the whole file where it is not of this layout, size or machine's run.
func TestSpoiltFile(t *testing.T) {
	for _, c := range []struct {
		name  string
		at    int64
		value byte
		size  int
		want  []flow.State
	}{
		{"nothing", headerLen + 79, 0, 16, []flow.State{returns(0), returns(1), returns(2)}},
		{"a slot's checksum", headerLen + int64(slotLen) + 77, 0x55, 16, []flow.State{returns(0), returns(2)}},
		{"a slot's state", headerLen + int64(slotLen) + 9, 0x55, 16, []flow.State{returns(0), returns(2)}},
		{"the last slot's kind", headerLen + 2*int64(slotLen), 0, 16, []flow.State{returns(0), returns(1)}},
		{"the layout", 3, 'X', 16, nil},
		{"the machine's run", int64(len(magic)) + 3, 'X', 16, nil},
		{"the size", 0, magic[0], 17, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "connections")
			table := open(t, Config{Path: path, Size: 16})
			for n := range 3 {
				put(t, table, userOf(port, n), start, returns(n))
			}
			if err := table.Close(); err != nil {
				t.Fatal(err)
			}
			if c.name != "nothing" {
				overwrite(t, path, c.at, c.value)
			}
			again := open(t, Config{Path: path, Size: c.size})
			expectValues(t, again, c.want...)
			for n := range 6 { // and it works: the slots are there to be used
				put(t, again, userOf(port, 10+n), start, returns(10+n))
			}
		})
	}
}

func overwrite(t *testing.T, path string, at int64, value byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte{value}, at); err != nil {
		t.Fatal(err)
	}
}

// TestSameStateTwice finds in two slots what a process wrote twice when it was killed: one of them counts.
func TestSameStateTwice(t *testing.T) {
	path := filepath.Join(t.TempDir(), "connections")
	table := open(t, Config{Path: path, Size: 16})
	put(t, table, userOf(port, 1), start, returns(1), returns(2))
	p := pack(returns(1))
	table.slots.set(5, &p)
	again := open(t, Config{Path: path, Size: 16})
	expectValues(t, again, returns(1), returns(2))
	put(t, again, userOf(port, 1), start, returns(1), returns(2), returns(3), returns(4))
	expectValues(t, again, returns(1), returns(2), returns(3), returns(4))
}

func TestOpenFails(t *testing.T) {
	if _, err := Open(Config{Path: filepath.Join(t.TempDir(), "none", "connections")}, start); err == nil {
		t.Error("a directory that is not there: no error")
	}
}
