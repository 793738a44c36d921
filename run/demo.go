package run

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"midonet.org/midonet/sandbox"
)

// DemoConfig is what `midonet sandbox demo` (and `make run`) needs.
type DemoConfig struct {
	StateDir string
	API      string // host:port
	Binary   string // this program, for the agents
	Out      io.Writer
}

// readyTimeout bounds the wait for the server's first answer.
const readyTimeout = time.Minute

// Demo runs a server in this process and shows it to a person: with hosts and workloads where this machine can, alone where it
// cannot. The server's log goes to a file, so that the screen stays readable.
func Demo(ctx context.Context, c DemoConfig) error {
	if err := os.MkdirAll(c.StateDir, 0o700); err != nil {
		return err
	}
	logFile, err := os.OpenFile(filepath.Join(c.StateDir, "server.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer logFile.Close()
	// The server outlives the demo's clean-up, which needs its API.
	serverCtx, stopServer := context.WithCancel(context.WithoutCancel(ctx))
	defer stopServer()
	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() error {
		return Server(serverCtx, ServerConfig{
			StateDir: c.StateDir, API: c.API, Stream: []string{"127.0.0.1:8182"}, Metrics: "127.0.0.1:8183",
			Log: slog.New(slog.NewTextHandler(logFile, nil)),
		})
	})
	group.Go(func() error {
		defer stopServer()
		return demonstrate(groupCtx, c)
	})
	return group.Wait()
}

func demonstrate(ctx context.Context, c DemoConfig) error {
	url := "http://" + c.API
	began := time.Now()
	if err := awaitAnswer(ctx, url); err != nil {
		return err
	}
	fmt.Fprintf(c.Out, "server: answers on %s after %s\n", url, time.Since(began).Round(time.Millisecond))
	missing := sandbox.Missing()
	if len(missing) == 0 {
		s, err := sandbox.New(sandbox.Config{StateDir: c.StateDir, Binary: c.Binary, API: url, Out: c.Out})
		if err != nil {
			return err
		}
		return s.Demo(ctx)
	}
	fmt.Fprintln(c.Out, "\nNo hosts and workloads here, since")
	for _, m := range missing {
		fmt.Fprintln(c.Out, "  -", m)
	}
	fmt.Fprintf(c.Out, "\nThe server runs alone. Try, in another terminal:\n  openstack --os-auth-type none --os-endpoint %s network create blue\n\nCtrl-C ends it.\n", url)
	<-ctx.Done()
	return nil
}

// awaitAnswer waits until the API answers.
func awaitAnswer(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			return resp.Body.Close()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the server did not answer on %s: %w", url, context.Cause(ctx))
		case <-time.After(20 * time.Millisecond):
		}
	}
}
