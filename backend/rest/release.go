package rest

import (
	"fmt"
	"slices"
	"strings"
)

// Release is a MidoNet's release. Those before 5.0 were named after months; of them the API knows itself as 1.x.
type Release struct{ Major, Minor, Patch int }

// String names the release as its users do.
func (r Release) String() string {
	if r.Major < 5 {
		return "2015.06 or older"
	}
	return fmt.Sprintf("%d.%d", r.Major, r.Minor)
}

func (r Release) before(o Release) bool {
	return slices.Compare([]int{r.Major, r.Minor, r.Patch}, []int{o.Major, o.Minor, o.Patch}) < 0
}

// documents are what a MidoNet says of itself.
type documents struct {
	application map[string]any // the root document
	neutron     map[string]any // of Neutron's resources
	system      string         // version in the system state; empty: it says none
}

// saysNothing is the version that the system state has in every MidoNet 5 (models/SystemState.java).
const saysNothing = "5.0.0"

// newcomers are what the documents list since a release (models/Application.java and neutron/models/Neutron.java of the branches
// v5.0 to v5.6), the newest first. Between the patches of one release they do not tell; the last one of each is taken for granted.
var newcomers = []struct {
	link    string
	neutron bool // in Neutron's document, else in the root
	release Release
}{
	{"qosPolicies", false, Release{5, 4, 6}},
	{"load_balancers_v2", true, Release{5, 4, 6}},
	{"bgp_speakers", true, Release{5, 2, 2}},
	{"tap_services", true, Release{5, 2, 2}},
	{"gateway_devices", true, Release{5, 1, 2}},
	{"vpn_services", true, Release{5, 1, 2}},
}

// releaseOf works out the release. A MidoNet that says more than 5.0.0 is believed, as the one of this program.
func releaseOf(d documents) Release {
	if said, ok := parseRelease(d.system); ok && d.system != saysNothing {
		return said
	}
	version, _ := d.application["version"].(string)
	if said, ok := parseRelease(strings.TrimPrefix(version, "v")); ok && said.Major < 5 {
		return said
	}
	for _, n := range newcomers {
		list := d.application
		if n.neutron {
			list = d.neutron
		}
		if uri, ok := list[n.link].(string); ok && uri != "" {
			return n.release
		}
	}
	return Release{5, 0, 4}
}

func parseRelease(text string) (r Release, ok bool) {
	n, _ := fmt.Sscanf(text, "%d.%d.%d", &r.Major, &r.Minor, &r.Patch)
	return r, n >= 2
}
