// Package tempest runs OpenStack's own acceptance tests of the Networking API, tempest.api.network of Debian's package tempest, against
// a real Keystone and the server, and holds the server to what the original passes: testdata/neutron-21.txt, which the same test writes
// when it runs against Debian's neutron-server:
//
//	MIDONET_CONFORMANCE=1 go test ./test/tempest -timeout 60m -args -server neutron -record
package tempest

import (
	"flag"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"midonet.org/midonet/test/cloud"
)

var (
	server = flag.String("server", cloud.MidoNet, "the server under test: "+cloud.MidoNet+" or "+cloud.Neutron)
	record = flag.Bool("record", false, "write what passes to "+recording+" instead of comparing with it")
	only   = flag.String("only", "", "of the tests, run those whose names match this regular expression")
)

// all matches the names of the tests of the Networking API.
const all = `^tempest\.api\.network\.`

// absent are the extensions whose tests the original passes and this server does not have, with how the names of the tests begin that
// tempest skips for want of each. A server that lists one of them is held to its tests.
//
// metering needs counters on every host, which the datapath does not have yet.
var absent = map[string][]string{
	"metering": {"tempest.api.network.admin.test_metering_extensions."},
}

// TestTempest: what the original passes, the server passes.
func TestTempest(t *testing.T) {
	if os.Getenv("MIDONET_CONFORMANCE") == "" {
		t.Skip("takes minutes; `make conformance` runs it")
	}
	if _, err := exec.LookPath("tempest"); err != nil {
		t.Skipf("%v; `make conformance` installs it", err)
	}
	c := cloud.Start(t, *server, "service_plugins = router,port_forwarding") // as the original is configured
	if *server == cloud.MidoNet {
		c.Host(t, "host1")
	}
	extensions := c.Extensions(t)
	got := run(t, configure(t, c, extensions), all+".*"+*only)
	if *record {
		write(t, got)
		return
	}
	if len(got) == 0 {
		t.Fatal("tempest ran no test")
	}
	asked := regexp.MustCompile(*only)
	for _, want := range read(t) {
		if !asked.MatchString(want.name) {
			continue
		}
		t.Run(want.name, func(t *testing.T) { compare(t, want, got, extensions) })
	}
}

// compare fails the test where the original passes and the server does not.
func compare(t *testing.T, want outcome, got map[string]outcome, extensions []string) {
	g, ran := find(got, want.name)
	switch {
	case want.verdict == skipped:
		t.Skip("the original skips it too: " + want.detail)
	case !ran:
		t.Error("tempest did not run it")
	case g.verdict == skipped && isAbsent(want.name, extensions):
		t.Skip("the server has no such extension: " + g.detail)
	case g.verdict != passed:
		t.Errorf("%s\n%s", g.verdict, g.detail)
	}
}

// isAbsent reports whether the test is of an extension that the server is allowed not to have, and does not list.
func isAbsent(name string, extensions []string) bool {
	for alias, tests := range absent {
		begins := func(prefix string) bool { return strings.HasPrefix(name, prefix) }
		if slices.ContainsFunc(tests, begins) && !slices.Contains(extensions, alias) {
			return true
		}
	}
	return false
}
