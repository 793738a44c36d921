package e2e

import (
	"bufio"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// machine is where commands run.
type machine interface {
	command(argv ...string) *exec.Cmd
}

// pinging is a ping(8) that goes on until it is stopped. One that is told how many requests to send gives up on the last answers after an interval,
// in which a machine may have stood still; this one has time for all.
type pinging struct {
	c     *cloud
	cmd   *exec.Cmd
	ended chan struct{}

	mu       sync.Mutex
	text     strings.Builder
	answered map[int]bool // by their icmp_seq
	last     int
}

// pings fails the test unless all of a few echo requests to the address are answered. The options are ping's.
func (c *cloud) pings(from machine, address string, options ...string) {
	c.t.Helper()
	p := c.startPinging(from, address, options...)
	p.answers(3)
	p.stop()
}

func (c *cloud) startPinging(from machine, address string, options ...string) *pinging {
	c.t.Helper()
	p := &pinging{c: c, cmd: from.command(append(append([]string{"ping", "-n"}, options...), address)...), ended: make(chan struct{}), answered: map[int]bool{}}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	p.cmd.Stderr = p.cmd.Stdout
	if err := p.cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(p.stop)
	go func() {
		defer close(p.ended)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			p.note(lines.Text())
		}
	}()
	return p
}

var answerLine = regexp.MustCompile(`^[0-9]+ bytes from .* icmp_seq=([0-9]+) `)

func (p *pinging) note(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.text.WriteString(line + "\n")
	if m := answerLine.FindStringSubmatch(line); m != nil {
		seq, _ := strconv.Atoi(m[1])
		p.answered[seq], p.last = true, max(p.last, seq)
	}
}

// said is what it has printed so far.
func (p *pinging) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

// newest is the number of the newest request that has been answered.
func (p *pinging) newest() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last
}

// answers fails the test unless each of the first n requests is answered.
func (p *pinging) answers(n int) {
	p.c.t.Helper()
	p.c.eventually(fmt.Sprintf("%v: all of %d requests are answered", p.cmd.Args, n), func() error {
		p.mu.Lock()
		defer p.mu.Unlock()
		for seq := 1; seq <= n; seq++ {
			if !p.answered[seq] {
				return fmt.Errorf("that to %d has not come:\n%s", seq, p.text.String())
			}
		}
		return nil
	})
}

// hears pings the address until the sender is told one of these things, or knows that it has been.
func (c *cloud) hears(from machine, says []string, address string, options ...string) {
	c.t.Helper()
	command := append(append([]string{"ping", "-n", "-c", "1", "-W", "1"}, options...), address)
	c.eventually(fmt.Sprintf("%v hears one of %q", command, says), func() error {
		out, _ := output(from.command(command...))
		if !slices.ContainsFunc(says, func(s string) bool { return strings.Contains(out, s) }) {
			return fmt.Errorf("it says:\n%s", out)
		}
		return nil
	})
}

func (p *pinging) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	<-p.ended
	_ = p.cmd.Wait() // it was told to end
}
