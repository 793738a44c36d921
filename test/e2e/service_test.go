package e2e

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"midonet.org/midonet/test/freeport"
)

// units are the service files that `make install` installs.
const units = "../../systemd"

// TestUnitsAreWellFormed has systemd read the units as they are installed.
func TestUnitsAreWellFormed(t *testing.T) {
	t.Parallel()
	needsProgram(t, "systemd-analyze")
	root := t.TempDir()
	install := exec.Command("make", "-C", "../..", "-s", "install", "DESTDIR="+root, "BIN="+binDir)
	if out, err := output(install); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	installed, err := filepath.Glob(filepath.Join(root, "lib/systemd/system/*.service"))
	if err != nil || len(installed) == 0 {
		t.Fatalf("no units are installed: %v", err)
	}
	for _, file := range installed {
		unit := strings.Replace(filepath.Base(file), "@.", "@server.", 1)
		out, err := output(exec.Command("systemd-analyze", "verify", "--recursive-errors=no", "--man=no", "--root="+root, "/lib/systemd/system/"+unit))
		if err != nil || out != "" {
			t.Errorf("%s: %v\n%s", unit, err, out)
		}
	}
}

// TestAgentsRunAsTheirService: a sandbox gives its agents the capabilities of the unit, so that every other test here shows that they suffice.
func TestAgentsRunAsTheirService(t *testing.T) {
	t.Parallel()
	c := startCloud(t, 1)
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.agentPID("host1")))
	if err != nil {
		t.Fatal(err)
	}
	field := func(name string) string {
		_, after, _ := strings.Cut(string(status), "\n"+name+":\t")
		value, _, _ := strings.Cut(after, "\n")
		return value
	}
	unit, err := os.ReadFile(filepath.Join(units, "midonet-agent.service"))
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^CapabilityBoundingSet=(.*)$`).FindSubmatch(unit)
	if found == nil {
		t.Fatal("the unit bounds no capabilities")
	}
	granted := strings.Fields(strings.ToLower(string(found[1])))
	out, err := output(exec.Command("capsh", "--decode="+field("CapBnd")))
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	_, list, _ := strings.Cut(strings.TrimSpace(out), "=")
	has := strings.Split(list, ",")
	slices.Sort(granted)
	slices.Sort(has)
	if !slices.Equal(has, granted) {
		t.Errorf("an agent here may have %v; its unit grants %v", has, granted)
	}
	if field("NoNewPrivs") != "1" {
		t.Error("an agent here can get new privileges")
	}
}

// TestServerIsAService: a server is nobody, without privileges, tells its service manager that it is ready when it answers, and that it stops.
func TestServerIsAService(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.server = exec.Command("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--no-new-privs", "--bounding-set=-all", "--",
		filepath.Join(binDir, "midonet"), "server", "--state-dir", filepath.Join(c.dir, "state"), "--api-listen", c.address(), "--midonet-api-listen=",
		"--metrics-listen", freeport.Address(t), "--stream-listen", freeport.Address(t))
	socket := filepath.Join(c.dir, "notify.sock")
	c.server.Env = append(os.Environ(), "NOTIFY_SOCKET="+socket)
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close()
	for path, mode := range map[string]os.FileMode{c.dir: 0o777, socket: 0o777, binDir: 0o755} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	log, err := os.Create(c.log)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	c.server.Stdout, c.server.Stderr = log, log
	if err := c.server.Start(); err != nil {
		t.Fatal(err)
	}
	told := func(want string) {
		t.Helper()
		if err := manager.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		message := make([]byte, 256)
		n, err := manager.Read(message)
		if err != nil || string(message[:n]) != want {
			t.Fatalf("the service manager was told %q, %v; not %q", message[:n], err, want)
		}
	}
	told("READY=1")
	resp, err := webClient.Get(c.api + "/v2.0/networks") // at once: whoever waited for the service may use it
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("GET networks: %s", resp.Status)
	}
	if err := c.server.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	told("STOPPING=1")
	if err := c.server.Wait(); err != nil {
		t.Error(err)
	}
}
