package sandbox

import (
	"net"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/insomniacslk/dhcp/dhcpv4"

	"midonet.org/midonet/errs"
)

func TestNames(t *testing.T) {
	for name, want := range map[string]bool{
		"web1": true, "a": true, "a-b": true, strings.Repeat("x", 32): true,
		"": false, "-a": false, "a-": false, "A": false, "a/b": false, "..": false, "a b": false, strings.Repeat("x", 33): false,
	} {
		err := checkName("workload", name)
		if (err == nil) != want {
			t.Errorf("name %q: %v", name, err)
		}
		if err != nil && !errs.Is(err, errs.Invalid) {
			t.Errorf("name %q: the error is not Invalid: %v", name, err)
		}
	}
}

func TestTwoStateDirectoriesHaveDifferentNames(t *testing.T) {
	a, err := New(Config{StateDir: "/tmp/a"})
	if err != nil {
		t.Fatal(err)
	}
	b, err := New(Config{StateDir: "/tmp/b"})
	if err != nil {
		t.Fatal(err)
	}
	if a.underlayNamespace() == b.underlayNamespace() {
		t.Errorf("both sandboxes use %s", a.underlayNamespace())
	}
}

func TestWorkloadSpecIsChecked(t *testing.T) {
	st := &state{Hosts: []hostRecord{{Name: "host1"}}, Workloads: []workloadRecord{{Name: "old"}}}
	good := WorkloadSpec{Name: "web", Host: "host1", Network: "n"}
	if err := checkSpec(st, good); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		spec WorkloadSpec
		kind errs.Kind
		says string
	}{
		{WorkloadSpec{Name: "Web", Host: "host1", Network: "n"}, errs.Invalid, "Web"},
		{WorkloadSpec{Name: "old", Host: "host1", Network: "n"}, errs.Conflict, "old"},
		{WorkloadSpec{Name: "web", Host: "host9", Network: "n"}, errs.NotFound, "host9"},
		{WorkloadSpec{Name: "web", Host: "host1"}, errs.Invalid, "port"},
		{WorkloadSpec{Name: "web", Host: "host1", Network: "n", Port: "p"}, errs.Invalid, "port"},
	} {
		err := checkSpec(st, c.spec)
		if !errs.Is(err, c.kind) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: %v", c.spec, err)
		}
	}
}

func TestClasslessRoutesReplaceTheRouter(t *testing.T) {
	router := dhcpv4.WithOption(dhcpv4.OptRouter(net.IPv4(10, 0, 0, 1)))
	_, metadata, err := net.ParseCIDR("169.254.169.254/32")
	if err != nil {
		t.Fatal(err)
	}
	classless := dhcpv4.WithOption(dhcpv4.OptClasslessStaticRoute(
		&dhcpv4.Route{Dest: metadata, Router: net.IPv4(10, 0, 0, 2)},
		&dhcpv4.Route{Dest: &net.IPNet{IP: net.IPv4(10, 9, 0, 0), Mask: net.CIDRMask(16, 32)}, Router: net.IPv4zero},
	))
	for name, c := range map[string]struct {
		options []dhcpv4.Modifier
		want    []string
	}{
		"neither":     {nil, nil},
		"router only": {[]dhcpv4.Modifier{router}, []string{"0.0.0.0/0 via 10.0.0.1"}},
		"both":        {[]dhcpv4.Modifier{router, classless}, []string{"10.9.0.0/16 via link", "169.254.169.254/32 via 10.0.0.2"}},
	} {
		ack, err := dhcpv4.New(c.options...)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range leaseRoutes(ack) {
			via := "link"
			if r.Gw != nil {
				via = r.Gw.String()
			}
			got = append(got, r.Dst.String()+" via "+via)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
}

func TestRecordSurvivesAndNamesItsCorruption(t *testing.T) {
	s, err := New(Config{StateDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	want := &state{Hosts: []hostRecord{{Name: "host1", Number: 1, Underlay: []string{"192.0.2.1/24"}, Agent: process{PID: 7, Start: 9}}},
		Workloads: []workloadRecord{{Name: "web", Host: "host1", Device: "d", MadePort: true}}, Networks: []string{"demo"}}
	if err := s.change(func(*state) error { return s.save(want) }); err != nil {
		t.Fatal(err)
	}
	got, err := s.load()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(hostRecord{})); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if err := os.WriteFile(s.statePath(), []byte("{half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.load(); err == nil || !strings.Contains(err.Error(), s.statePath()) {
		t.Errorf("a corrupt record gives %v, want an error that names the file", err)
	}
}

func TestReusedProcessNumberIsNotTheProcess(t *testing.T) {
	me, running := inspect(os.Getpid())
	if !running || !me.alive() {
		t.Fatal("this process does not count as alive")
	}
	if (process{PID: me.PID, Start: me.Start + 1}).alive() || (process{}).alive() {
		t.Error("a process with another start time counts as the same")
	}
}

func TestUnescapeMount(t *testing.T) {
	if got := unescapeMount(`/a\040b\134c\`); got != `/a b\c\` {
		t.Errorf("got %q", got)
	}
}

func TestDownAfterACrashBeforeTheFirstRecord(t *testing.T) {
	s, err := New(Config{StateDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Down(t.Context()); err != nil || s.exists() {
		t.Errorf("down of nothing: %v, and it leaves %v", err, s.exists())
	}
	lock, err := s.lock()
	if err != nil {
		t.Fatal(err)
	}
	lock.Close() // as the end of the process does
	if err := s.Down(t.Context()); err != nil || s.exists() {
		t.Errorf("down of a directory without a record: %v, and it leaves %v", err, s.exists())
	}
}

// TestLockOutlivesItsFile: a command that waited while `down` removed the directory, lock file and all, must not believe that it
// is alone.
func TestLockOutlivesItsFile(t *testing.T) {
	s, err := New(Config{StateDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	first, err := s.lock()
	if err != nil {
		t.Fatal(err)
	}
	waiter := make(chan *os.File)
	go func() {
		second, err := s.lock()
		if err != nil {
			t.Error(err)
		}
		waiter <- second
	}()
	if err := removeTree(s.dir()); err != nil {
		t.Fatal(err)
	}
	first.Close()
	second := <-waiter
	defer second.Close()
	if !s.isLockFile(second) {
		t.Error("the waiting command has a lock that no other command sees")
	}
}
