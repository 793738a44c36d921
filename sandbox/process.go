package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// process names a process for as long as the machine runs: its number may be used again, but not with the same start time.
type process struct {
	PID   int    `json:"pid"`
	Start uint64 `json:"start"` // clock ticks after boot, /proc/<pid>/stat field 22
}

// alive reports whether the process runs; one that has ended and was not yet waited for does not.
func (p process) alive() bool {
	now, running := inspect(p.PID)
	return p.PID != 0 && running && now.Start == p.Start
}

// inspect reads what /proc/<pid>/stat says (proc_pid_stat(5)): the start time, and whether the process is more than a zombie. A
// process that was killed still holds its files and locks while its first thread is a zombie and others are not yet gone.
func inspect(pid int) (p process, running bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return process{}, false
	}
	// The second field is the command in parentheses, which may itself hold blanks and parentheses.
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	if len(fields) < 20 {
		return process{}, false
	}
	start, err := strconv.ParseUint(string(fields[19]), 10, 64)
	threads, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid)) // none once it has gone
	ended := bytes.ContainsAny(fields[0], "ZX") && len(threads) <= 1
	return process{PID: pid, Start: start}, err == nil && !ended
}

// startDetached starts argv inside the namespace, in a session of its own so that it outlives the caller and its terminal, with
// both outputs appended to the log file.
func startDetached(namespace, logFile string, argv []string) (process, error) {
	out, err := os.OpenFile(logFile, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o640)
	if err != nil {
		return process{}, err
	}
	defer out.Close()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := InNamespace(namespace, cmd.Start); err != nil {
		return process{}, fmt.Errorf("starting %s in %s: %w", argv[0], namespace, err)
	}
	p, _ := inspect(cmd.Process.Pid)
	go cmd.Wait() // so that it does not stay a zombie where this program outlives it
	return p, nil
}

// processesIn lists the processes whose network namespace has one of the given inode numbers.
func processesIn(namespaces map[uint64]bool) ([]process, error) {
	entries, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil, err
	}
	var found []process
	for _, dir := range entries {
		inode, err := namespaceInode(dir + "/ns/net")
		if err != nil || !namespaces[inode] {
			continue // also what has ended meanwhile
		}
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			continue
		}
		if p, running := inspect(pid); running {
			found = append(found, p)
		}
	}
	return found, nil
}

// stopAll ends the processes: asked first, killed after the grace time. It returns when all have ended.
func stopAll(ctx context.Context, processes []process, grace time.Duration) error {
	signalAll(processes, unix.SIGTERM)
	asked, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	if waitEnded(asked, processes) == nil {
		return nil
	}
	signalAll(processes, unix.SIGKILL)
	killed, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return waitEnded(killed, processes)
}

func signalAll(processes []process, sig unix.Signal) {
	for _, p := range processes {
		if p.alive() {
			_ = unix.Kill(p.PID, sig) // it may have ended since
		}
	}
}

// waitEnded returns nil once none of the processes is alive.
func waitEnded(ctx context.Context, processes []process) error {
	return poll(ctx, 20*time.Millisecond, func() (bool, error) {
		for _, p := range processes {
			if p.alive() {
				return false, fmt.Errorf("process %d does not end", p.PID)
			}
		}
		return true, nil
	})
}

// poll calls fn at the interval until it reports true. When ctx ends it returns fn's last error, or ctx's where there was none.
func poll(ctx context.Context, interval time.Duration, fn func() (bool, error)) error {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		done, err := fn()
		if done {
			return err
		}
		select {
		case <-ctx.Done():
			if err != nil {
				return err
			}
			return ctx.Err()
		case <-ticker.C:
		}
	}
}

// removeTree unmounts whatever is mounted at or below the directory, and removes it. What is not there is no error.
func removeTree(dir string) error {
	mounts, err := mountsBelow(dir)
	if err != nil {
		return err
	}
	for _, m := range mounts {
		if err := unix.Unmount(m, unix.MNT_DETACH); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("unmounting %s: %w", m, err)
		}
	}
	return os.RemoveAll(dir)
}
