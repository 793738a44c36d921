// Package e2e drives the real programs as an operator does: midonet server, the sandbox with its agents, mm-ctl, the openstack
// client from Debian, and real packets between network namespaces.
//
// Each file is a topic; cloud_test.go and its neighbours hold the vocabulary that the scenarios are written in.
package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"midonet.org/midonet/sandbox"
)

// binDir holds the programs under test, built once for all tests.
var binDir string

// TestMain builds the programs. The test program also serves as the traffic tool that runs inside workloads; see traffic_test.go.
func TestMain(m *testing.M) {
	if tool := os.Getenv(trafficVariable); tool != "" {
		os.Exit(runTraffic(tool, os.Args[1:]))
	}
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "e2e-bin")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binDir = dir
	build := exec.Command("go", "build", "-o", dir+string(filepath.Separator), "midonet.org/midonet/cmd/...")
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "building the programs:", err)
		return 1
	}
	return m.Run()
}

// needsSandbox skips the test where this machine cannot make hosts, saying why.
func needsSandbox(t *testing.T) {
	t.Helper()
	if missing := sandbox.Missing(); len(missing) > 0 {
		t.Skipf("no sandbox here: %v", missing)
	}
}

// needsProgram skips the test where a program that `make test` installs is not there.
func needsProgram(t *testing.T, name string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("%v; `make packages` installs it", err)
	}
}
