package run

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"midonet.org/midonet/errs"
)

func agentConfig(t *testing.T) AgentConfig {
	dir := t.TempDir()
	return AgentConfig{
		StateDir: dir, HostName: "host1", ControlSocket: filepath.Join(dir, "agent.sock"), Log: slog.New(slog.DiscardHandler),
	}
}

func TestAgentRefusesAStateDirectoryInUse(t *testing.T) {
	c := agentConfig(t)
	held, err := openStateDir(c.StateDir)
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	err = Agent(context.Background(), c)
	if !errs.Is(err, errs.Conflict) || !strings.Contains(err.Error(), c.StateDir) {
		t.Errorf("the error is %v, want a conflict that names the directory", err)
	}
}

func TestAgentThatNeverJoinedNeedsAToken(t *testing.T) {
	c := agentConfig(t)
	if err := Agent(context.Background(), c); !errs.Is(err, errs.Unauthorized) || !strings.Contains(err.Error(), "--join") {
		t.Errorf("the error is %v, want one that says how to join", err)
	}
	c.JoinToken = "nonsense"
	if err := Agent(context.Background(), c); !errs.Is(err, errs.Invalid) {
		t.Errorf("the error is %v, want one for a bad token", err)
	}
}

func TestAgentNamesADamagedStateFile(t *testing.T) {
	c := agentConfig(t)
	damaged := filepath.Join(c.StateDir, "midonet_host_id.properties")
	if err := os.WriteFile(damaged, []byte("host_uuid=what\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Agent(context.Background(), c); err == nil || !strings.Contains(err.Error(), damaged) {
		t.Errorf("the error is %v, want one that names %s", err, damaged)
	}
}

func TestAgentConfigDefaults(t *testing.T) {
	given := AgentConfig{StateDir: "/state", HostName: "h", Servers: []string{"a:8182", "tcp://b:8182", "unix:/s"}}
	got, err := given.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	want := AgentConfig{
		StateDir: "/state", HostName: "h", Servers: []string{"tcp://a:8182", "tcp://b:8182", "unix:/s"},
		ControlSocket: "/var/run/midolman/midolman.sock", PinDir: "/state/bpf", Monitor: "unix:/state/monitor.sock",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := (AgentConfig{HostName: "h", Servers: []string{"unix:relative"}}).withDefaults(); !errs.Is(err, errs.Invalid) {
		t.Errorf("a server's address that is none gives %v, want it refused", err)
	}
	if given.Servers[0] != "a:8182" {
		t.Error("the caller's slice was changed")
	}
}
