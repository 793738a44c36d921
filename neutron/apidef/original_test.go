package apidef

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// foreign are Neutron's attributes of extensions that are not served.
var foreign = map[string][]string{
	"networks": {"l2_adjacency", "qos_policy_id", "vlan_transparent"},
	"subnets":  {"dns_publish_fixed_ip", "segment_id"},
	"ports": {"data_plane_status", "device_profile", "ip_allocation", "numa_affinity_policy", "propagate_uplink_status", "qos_network_policy_id",
		"qos_policy_id", "resource_request", "trunk_details"},
	"routers":     {"conntrack_helpers", "enable_ndp_proxy", "flavor_id", "service_type_id"},
	"floatingips": {"qos_network_policy_id", "qos_policy_id"},
	"agents":      {"resources_synced"},
}

// differing are properties that are otherwise here, with the reason.
var differing = map[string]string{
	"networks segments is_visible":               "the provider attributes show the one segment",
	"subnetpools shared is_sort_key":             "whether a pool is shared depends on who asks",
	"address_scopes shared is_sort_key":          "likewise",
	"security_group_rules description allow_put": "a rule has nothing that may be changed",
	"flavors tenant_id is_visible":               "Neutron's table has no column for it, so that no answer has it",
	"service_profiles tenant_id is_visible":      "likewise",
	"availability_zones name is_sort_key":        "pages are in an order",
	"service_providers service_type is_filter":   "their list filters by whatever is asked, said or not",
	"service_providers name is_filter":           "likewise",
	"service_providers default is_filter":        "likewise",
	"rbac_policies object_type required":         "the default there is one that is refused",
}

// TestAttributesAreNeutrons compares the definitions with the record of Neutron 21's: each of its attributes is here, and may be given,
// changed, filtered and sorted by, and seen, as there.
func TestAttributesAreNeutrons(t *testing.T) {
	raw, err := os.ReadFile("testdata/attributes.json")
	if err != nil {
		t.Fatal(err)
	}
	var recorded map[string]map[string][]string
	if err := json.Unmarshal(raw, &recorded); err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, r := range []*Resource{Networks(), Subnets(), Ports(), SubnetPools(), AddressScopes(), RBACPolicies(), Routers(), FloatingIPs(),
		PortForwardings(), SecurityGroups(), SecurityGroupRules(), AddressGroups(), Flavors(), ServiceProfiles(),
		Agents(), AvailabilityZones(), ServiceProviders(), NetworkIPAvailabilities(), AutoAllocatedTopologies()} {
		there, ok := recorded[r.Collection]
		if !ok {
			t.Errorf("Neutron has no %s", r.Collection)
		}
		for name, want := range there {
			a := r.Attribute(name)
			if a == nil {
				if !slices.Contains(foreign[r.Collection], name) {
					t.Errorf("%s have no %s", r.Collection, name)
				}
				continue
			}
			compareProperties(t, r.Collection+" "+name, want, a, used)
		}
	}
	for what := range differing {
		if !used[what] {
			t.Errorf("%s differs no more", what)
		}
	}
}

func compareProperties(t *testing.T, at string, want []string, a *Attribute, used map[string]bool) {
	t.Helper()
	owner := a.Name == "tenant_id" || a.Name == "project_id" // which follows from who asks
	writable := a.Create || a.Update                         // else there is nothing to ask a rule of
	for property, have := range map[string]bool{
		"allow_post": a.Create, "allow_put": a.Update, "is_filter": a.Filter, "is_sort_key": a.Sort, "is_visible": !a.Hidden && !a.FilterOnly,
		"enforce_policy": a.Policy, "required": a.Required,
	} {
		skip := property == "required" && owner || property == "enforce_policy" && !writable
		if skip || slices.Contains(want, property) == have {
			continue
		}
		if _, known := differing[at+" "+property]; !known {
			t.Errorf("%s: %s is %t, and not in Neutron", at, property, have)
		}
		used[at+" "+property] = true
	}
}

// TestRecordedAttributesAreNeutrons holds the record to Debian's neutron, where that is installed.
func TestRecordedAttributesAreNeutrons(t *testing.T) {
	const interpreter = "/usr/bin/python3" // Debian's packages are this one's
	if err := exec.Command(interpreter, "-c", "import neutron.extensions").Run(); err != nil {
		t.Skipf("Debian's neutron is not installed: %v", err)
	}
	cmd := exec.Command(interpreter, "testdata/attributes.py")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	want, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	got, err := os.ReadFile("testdata/attributes.json")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("testdata/attributes.py > testdata/attributes.json writes it (-neutron +record):\n%s", diff)
	}
}
