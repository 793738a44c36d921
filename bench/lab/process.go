package lab

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"midonet.org/midonet/test/child"
)

// Process is a program, with what it starts itself, in a process group of its own. It is killed with the program that started it, however that ends.
type Process struct {
	cmd   *exec.Cmd
	ended chan struct{}
}

// Start starts a command.
func Start(cmd *exec.Cmd) (*Process, error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := child.Start(cmd); err != nil {
		return nil, err
	}
	p := &Process{cmd, make(chan struct{})}
	go func() {
		_ = cmd.Wait() // how it ended is not asked: a benchmark ends it
		close(p.ended)
	}()
	return p, nil
}

// Stop ends it: politely, and after five seconds for good. Nil is none.
func (p *Process) Stop() {
	if p == nil {
		return
	}
	p.signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(5 * time.Second):
	}
	p.Kill()
}

// Kill ends it, as a fault of its machine would. Nil is none.
func (p *Process) Kill() {
	if p == nil {
		return
	}
	p.signal(syscall.SIGKILL)
	<-p.ended
}

func (p *Process) signal(s syscall.Signal) { _ = syscall.Kill(-p.cmd.Process.Pid, s) } // none may be left to take it

// AwaitAnswer returns when a GET of the URL is answered with 200.
func (p *Process) AwaitAnswer(ctx context.Context, url string) error {
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); {
		if resp, err := http.Get(url); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-p.ended:
			return errors.New(p.cmd.Path + " has ended")
		case <-time.After(5 * time.Millisecond):
		}
	}
	return errors.New(p.cmd.Path + " has not answered within two minutes")
}

// Memory is the proportional set size of the process group in KiB: a page that several share counts once.
func (p *Process) Memory() (kib float64, err error) { return p.sum(pss) }

// CPU is the time in seconds that the process group has had of processors, in programs and in the kernel, to a hundredth.
func (p *Process) CPU() (seconds float64, err error) { return p.sum(cpu) }

// sum adds up what is asked of each process of the group, by its directory in /proc.
func (p *Process) sum(ask func(process string) (float64, error)) (total float64, err error) {
	processes, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return 0, err
	}
	for _, process := range processes {
		pid, _ := strconv.Atoi(filepath.Base(process))
		if group, err := syscall.Getpgid(pid); err != nil || group != p.cmd.Process.Pid {
			continue
		}
		v, err := ask(process)
		if err != nil {
			return 0, err
		}
		total += v
	}
	return total, nil
}

func pss(process string) (kib float64, err error) {
	f, err := os.Open(filepath.Join(process, "smaps_rollup"))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if fields := strings.Fields(lines.Text()); len(fields) > 1 && fields[0] == "Pss:" {
			return strconv.ParseFloat(fields[1], 64)
		}
	}
	return 0, errors.New("no Pss in " + f.Name())
}

// cpu is utime and stime of proc_pid_stat(5), whose unit is a hundredth of a second on every Linux that Go runs on.
func cpu(process string) (seconds float64, err error) {
	text, err := os.ReadFile(filepath.Join(process, "stat"))
	if err != nil {
		return 0, err
	}
	_, fields, _ := strings.Cut(string(text), ") ") // behind the program's name, which may have blanks
	var state string
	var skip, utime, stime int64
	if _, err := fmt.Sscan(fields, &state, &skip, &skip, &skip, &skip, &skip, &skip, &skip, &skip, &skip, &skip, &utime, &stime); err != nil {
		return 0, fmt.Errorf("%s/stat: %w", process, err)
	}
	return float64(utime+stime) / 100, nil
}
