package tempest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestParse reads an extract of what tempest prints.
func TestParse(t *testing.T) {
	const printed = `{0} setUpClass (tempest.api.network.test_tags.TagsTest) ... SKIPPED: tag extension not enabled.
{1} tempest.api.network.test_ports.PortsTestJSON.test_list_ports [0.123456s] ... ok
{2} tempest.api.network.test_ports.PortsTestJSON.test_show_port [1.5s] ... FAILED

Captured traceback:
    AssertionError: 404 != 200
{1} tempest.api.network.test_versions.NetworksApiDiscovery.test_api_version_resources[id-cac8a836,smoke] [0.1s] ... ok
======
Totals
======
Ran: 4 tests in 2.0000 sec.
`
	want := map[string]outcome{}
	for _, o := range []outcome{
		{"setUpClass (tempest.api.network.test_tags.TagsTest)", skipped, "tag extension not enabled."},
		{"tempest.api.network.test_ports.PortsTestJSON.test_list_ports", passed, ""},
		{"tempest.api.network.test_ports.PortsTestJSON.test_show_port", failed, "\nCaptured traceback:\n    AssertionError: 404 != 200\n"},
		{"tempest.api.network.test_versions.NetworksApiDiscovery.test_api_version_resources", passed, ""},
	} {
		want[o.name] = o
	}
	got := parse(printed)
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(outcome{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if o, ok := find(got, "tempest.api.network.test_tags.TagsTest.test_one"); !ok || o.verdict != skipped {
		t.Errorf("a test of a class that is skipped: %v, %v", o, ok)
	}
	if _, ok := find(got, "tempest.api.network.test_tags.Other.test_one"); ok {
		t.Error("found a test that did not run")
	}
}
