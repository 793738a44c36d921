package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"

	"golang.org/x/sys/unix"

	"midonet.org/midonet/errs"
)

// Stdio is where a command reads and writes; a nil stream is the null device.
type Stdio struct {
	In       io.Reader
	Out, Err io.Writer
}

// Exec runs a command inside the workload's namespace, as `ip netns exec` does, and waits for it. When ctx ends the command is
// asked to end, and killed if it does not; one at a terminal is left to its user. The command's own failure is an *exec.ExitError.
func (s *Sandbox) Exec(ctx context.Context, workload string, argv []string, stdio Stdio) error {
	st, err := s.load()
	if err != nil {
		return err
	}
	if st.workload(workload) == nil {
		return noWorkload(workload)
	}
	return s.execIn(ctx, s.workloadNamespace(workload), s.resolvConf(workload), argv, stdio)
}

// ExecOnHost runs a command inside a host's namespace and waits for it, like Exec.
func (s *Sandbox) ExecOnHost(ctx context.Context, host string, argv []string, stdio Stdio) error {
	st, err := s.load()
	if err != nil {
		return err
	}
	if st.host(host) == nil {
		return errs.New(errs.NotFound, "HostNotFound", "there is no host %q", host)
	}
	return s.execIn(ctx, s.hostNamespace(host), "", argv, stdio)
}

func (s *Sandbox) execIn(ctx context.Context, namespace, resolvConf string, argv []string, stdio Stdio) error {
	if len(argv) == 0 {
		return errs.New(errs.Invalid, "NoCommand", "no command to run")
	}
	if isTerminal(stdio.In) {
		// Ctrl-C there reaches the command by itself, and only the command knows what it means: a shell goes on.
		ctx = context.WithoutCancel(ctx)
	}
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Cancel = func() error { return cmd.Process.Signal(unix.SIGTERM) }
	cmd.WaitDelay = stopGrace
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdio.In, stdio.Out, stdio.Err
	err := onOwnThread(func() error {
		if err := enter(namespace); err != nil {
			return err
		}
		if err := shadowSystem(resolvConf); err != nil {
			return err
		}
		return cmd.Start()
	})
	if err != nil {
		return fmt.Errorf("starting %s in %s: %w", argv[0], namespace, err)
	}
	return cmd.Wait()
}

func isTerminal(r io.Reader) bool {
	f, ok := r.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

// shadowSystem gives the calling thread, and what it starts, a view of the file system of its own, in which /sys shows the
// thread's network namespace and /etc/resolv.conf is the workload's. Nothing of it is seen from elsewhere.
func shadowSystem(resolvConf string) error {
	if err := unix.Unshare(unix.CLONE_FS | unix.CLONE_NEWNS); err != nil {
		return err
	}
	if err := unix.Mount("", "/", "", unix.MS_SLAVE|unix.MS_REC, ""); err != nil {
		return err
	}
	if err := unix.Mount("sandbox", "/sys", "sysfs", unix.MS_RDONLY, ""); err != nil {
		return fmt.Errorf("mounting /sys: %w", err)
	}
	if resolvConf == "" {
		return nil
	}
	err := unix.Mount(resolvConf, "/etc/resolv.conf", "", unix.MS_BIND, "")
	if errors.Is(err, fs.ErrNotExist) {
		return nil // no lease, or a system without the file
	}
	return err
}
