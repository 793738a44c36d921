package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// server is something that serves the Networking API.
type server interface {
	name() string
	// start runs it afresh and returns when it has answered once.
	start(ctx context.Context) (*running, error)
}

// running is a started server: a process and its children in a process group of their own.
type running struct {
	url     string
	metrics string // where ours says how it is; empty for the peer
	cmd     *exec.Cmd
}

// launch starts the command and waits for the first answer on the port.
func launch(cmd *exec.Cmd, port int) (*running, error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	r := &running{url: fmt.Sprintf("http://127.0.0.1:%d", port), cmd: cmd}
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if resp, err := http.Get(r.url + "/v2.0/networks"); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return r, nil
			}
		}
	}
	r.stop()
	return nil, errors.New("no answer within a minute")
}

// stop ends the process group: politely, and after five seconds for good.
func (r *running) stop() {
	_ = syscall.Kill(-r.cmd.Process.Pid, syscall.SIGTERM)
	done := make(chan struct{})
	go func() { _ = r.cmd.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(5 * time.Second):
	}
	_ = syscall.Kill(-r.cmd.Process.Pid, syscall.SIGKILL)
	<-done
}

// settle returns when the topology has all that was asked for.
func (r *running) settle(ctx context.Context) error {
	for {
		resp, err := http.Get(r.metrics)
		if err != nil {
			return err
		}
		text, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || strings.Contains(string(text), "\nmidonet_journal_pending_tasks 0\n") {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// memory returns the proportional set size of the process group in MiB: shared pages count once.
func (r *running) memory() (float64, error) {
	processes, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return 0, err
	}
	var kib float64
	for _, p := range processes {
		pid, _ := strconv.Atoi(filepath.Base(p))
		if group, err := syscall.Getpgid(pid); err != nil || group != r.cmd.Process.Pid {
			continue
		}
		v, err := pss(p)
		if err != nil {
			return 0, err
		}
		kib += v
	}
	return kib / 1024, nil
}

func pss(proc string) (float64, error) {
	f, err := os.Open(filepath.Join(proc, "smaps_rollup"))
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

// freePort returns a loopback TCP port that nothing listens on.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// noQuotas lets one project have as much as the benchmark makes.
const noQuotas = `[quotas]
quota_network = -1
quota_subnet = -1
quota_port = -1
quota_router = -1
quota_floatingip = -1
`

// ours is `midonet server` with no configuration beyond that, or with a database.
type ours struct {
	binary   string
	dir      string
	database string // empty: SQLite
	runs     int
}

func newOurs(binary, dir, database string) *ours {
	return &ours{binary: binary, dir: dir, database: database}
}

func (o *ours) name() string {
	if o.database != "" {
		return "midonet, MariaDB"
	}
	return "midonet, SQLite"
}

func (o *ours) start(ctx context.Context) (*running, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	metrics, err := freePort()
	if err != nil {
		return nil, err
	}
	o.runs++
	config, state := filepath.Join(o.dir, "midonet.conf"), filepath.Join(o.dir, fmt.Sprint("ours", o.runs))
	text := noQuotas
	if o.database != "" { // outlives the rounds, and so does what was rendered from it
		text += "[database]\nconnection = " + o.database + "\n"
		state = filepath.Join(o.dir, "ours")
	}
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return nil, err
	}
	r, err := launch(exec.CommandContext(ctx, o.binary, "server", "--log-level", "error", "--config-file", config,
		"--state-dir", state, "--api-listen", fmt.Sprint("127.0.0.1:", port),
		"--stream-listen", "127.0.0.1:0", "--midonet-api-listen=", "--metrics-listen", fmt.Sprint("127.0.0.1:", metrics)), port)
	if err == nil {
		r.metrics = fmt.Sprintf("http://127.0.0.1:%d/metrics", metrics)
	}
	return r, err
}
