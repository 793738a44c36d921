package e2e

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// demo is a run of `midonet sandbox demo`, which `make run` starts, in a network namespace of its own: its ports are the
// defaults, which something else on this machine may use.
type demo struct {
	cmd    *exec.Cmd
	out    io.Closer // what reads the screen
	screen string
}

// startDemo runs the demo until its screen is complete.
func startDemo(t *testing.T, dir string) *demo {
	t.Helper()
	d := &demo{cmd: exec.Command("unshare", "--net", "sh", "-c", `ip link set dev lo up && exec "$0" sandbox demo`,
		filepath.Join(binDir, "midonet"))}
	d.cmd.Dir = dir
	out, err := d.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	d.cmd.Stderr, d.out = d.cmd.Stdout, out
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	tooLong := time.AfterFunc(3*patience, func() { _ = d.cmd.Process.Kill() })
	defer tooLong.Stop()
	lines := bufio.NewReader(out)
	for !strings.Contains(d.screen, "Ctrl-C removes ") {
		line, err := lines.ReadString('\n')
		d.screen += line
		if err != nil {
			t.Fatalf("the demo ended early: %v %v\n%s", err, d.cmd.Wait(), d.screen)
		}
	}
	go func() { _, _ = io.Copy(io.Discard, lines) }()
	return d
}

// interrupt ends the demo as Ctrl-C does.
func (d *demo) interrupt(t *testing.T) {
	t.Helper()
	if err := d.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := d.cmd.Wait(); err != nil {
		t.Errorf("after Ctrl-C: %v", err)
	}
}

// shell runs lines of the screen, as a person in another terminal would.
func (d *demo) shell(t *testing.T, dir, lines string) {
	t.Helper()
	cmd := exec.Command("nsenter", "--net", "--target", fmt.Sprint(d.cmd.Process.Pid), "sh", "-ec", lines)
	cmd.Dir = dir
	if out, err := output(cmd); err != nil {
		t.Errorf("%s\n%v\n%s", lines, err, out)
	}
}

// TestDemo: what a newcomer sees. Every line that the screen proposes works as it stands, Ctrl-C leaves nothing, and a demo that
// was killed does not hinder the next.
func TestDemo(t *testing.T) {
	t.Parallel()
	needsSandbox(t)
	needsProgram(t, "openstack")
	parent, err := os.MkdirTemp("", "e2e")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(parent) })
	machine := &cloud{t: t, dir: filepath.Join(parent, "var")}

	d := startDemo(t, parent)
	for _, want := range []string{"host1", "host2", "web1$ ping 10.99.0.", "web1$ ping fd00:99::", " 0% packet loss"} {
		if !strings.Contains(d.screen, want) {
			t.Errorf("the screen lacks %q:\n%s", want, d.screen)
		}
	}
	d.shell(t, parent, proposedLines(t, d.screen))
	d.interrupt(t)
	machine.leavesNothing()

	killed := startDemo(t, parent)
	if err := killed.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = killed.cmd.Wait() // "signal: killed"
	startDemo(t, parent).interrupt(t)
	machine.leavesNothing()

	// `make run | tee log`: Ctrl-C ends tee too, and what the demo says then nobody reads.
	piped := startDemo(t, parent)
	if err := piped.out.Close(); err != nil {
		t.Fatal(err)
	}
	piped.interrupt(t)
	machine.leavesNothing()
}

// TestDemoTerminalClosed: the window is closed, rather than Ctrl-C pressed.
func TestDemoTerminalClosed(t *testing.T) {
	t.Parallel()
	needsSandbox(t)
	parent, err := os.MkdirTemp("", "e2e")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(parent) })
	d := startDemo(t, parent)
	if err := d.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	if err := d.cmd.Wait(); err != nil {
		t.Errorf("after the hangup: %v", err)
	}
	(&cloud{t: t, dir: filepath.Join(parent, "var")}).leavesNothing()
}

// proposedLines picks the command lines from the screen.
func proposedLines(t *testing.T, screen string) string {
	t.Helper()
	_, after, _ := strings.Cut(screen, "Try, in another terminal:")
	var lines strings.Builder
	for line := range strings.Lines(after) {
		if strings.HasPrefix(line, "  ") {
			lines.WriteString(line)
		}
	}
	if n := strings.Count(lines.String(), "\n"); n < 10 {
		t.Fatalf("the screen proposes %d lines:\n%s", n, screen)
	}
	return lines.String()
}
