package lab

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"

	"midonet.org/midonet/run"
)

// Server is `midonet server`. After it was ended it may be started again, at the same addresses.
type Server struct {
	*Process                // nil before it is started
	Binary           string // the program
	Config, StateDir string // a file and a directory
	API              string // address of the Networking API
	Stream           string // address for agents
	metrics          string // address
}

// NewServer returns a server that is not started yet.
func NewServer(binary, config, stateDir string) (*Server, error) {
	s := &Server{Binary: binary, Config: config, StateDir: stateDir}
	for _, address := range []*string{&s.API, &s.Stream, &s.metrics} {
		var err error
		if *address, err = FreeAddress(); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Start starts it and returns when it has answered.
func (s *Server) Start(ctx context.Context) (err error) {
	cmd := exec.CommandContext(ctx, s.Binary, "server", "--log-level", "error", "--config-file", s.Config, "--state-dir", s.StateDir,
		"--api-listen", s.API, "--stream-listen", s.Stream, "--midonet-api-listen=", "--metrics-listen", s.metrics)
	cmd.Stderr = os.Stderr
	if s.Process, err = Start(cmd); err != nil {
		return err
	}
	if err = s.AwaitAnswer(ctx, "http://"+s.API+"/v2.0/networks"); err != nil {
		s.Kill()
	}
	return err
}

// Profile writes the server's CPU profile of a time of whole seconds, which it waits for, to a file.
func (s *Server) Profile(length time.Duration, file string) error {
	profile, err := run.NewAdminClient(s.StateDir).Profile(context.Background(), length)
	if err != nil {
		return err
	}
	defer profile.Close()
	text, err := io.ReadAll(profile)
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o644)
}

// Client returns one for its API.
func (s *Server) Client() *Client { return NewClient("http://" + s.API) }

// Gauge returns a number of the server's metrics, by name and labels.
func (s *Server) Gauge(name string) (n float64, err error) {
	resp, err := http.Get("http://" + s.metrics + "/metrics")
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			_, err := fmt.Sscan(value, &n)
			return n, err
		}
	}
	return 0, fmt.Errorf("the server has no metric %s", name)
}

// AwaitPorts returns when the server sees at least so many ports in the topology, and nothing that was asked for is pending.
func (s *Server) AwaitPorts(ctx context.Context, ports int) error {
	for ctx.Err() == nil {
		got, err := s.Gauge(`midonet_topology_objects{kind="port"}`)
		pending, pendingErr := s.Gauge("midonet_journal_pending_tasks")
		if err == nil && pendingErr == nil && int(got) >= ports && pending == 0 {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return ctx.Err()
}
