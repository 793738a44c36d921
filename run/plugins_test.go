package run

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"midonet.org/midonet/neutron/apidef"
)

// configured returns the API with the plugins of a configuration.
func configured(t *testing.T, text string) *world {
	t.Helper()
	file := filepath.Join(t.TempDir(), "neutron.conf")
	if err := os.WriteFile(file, []byte("[DEFAULT]\n"+text), 0o600); err != nil {
		t.Fatal(err)
	}
	return newWorld(t, file)
}

// aliases are the extensions that the API lists.
func (w *world) aliases() []string {
	_, answer := w.do("blue", "GET", "extensions", "")
	var names []string
	for _, e := range answer["extensions"].([]any) {
		names = append(names, e.(map[string]any)["alias"].(string))
	}
	slices.Sort(names)
	return names
}

// TestExtensionsOfTheOldPlugins has what the plugins of OpenStack Newton said, and what the API itself does.
func TestExtensionsOfTheOldPlugins(t *testing.T) {
	l3 := []string{"auto-allocated-topology", "router", "extraroute", "ext-gw-mode", "router-interface-fip", "extraroute-atomic",
		"fip-port-details", "fip64"}
	for text, want := range map[string][]string{
		"core_plugin = midonet_v2\nservice_plugins =\n": oldCores["midonet_v2"],
		"core_plugin = midonet.neutron.plugin_v2.MidonetPluginV2\nservice_plugins = midonet_l3\n": append(slices.Clone(oldCores["midonet_v2"]),
			l3...),
		"core_plugin = midonet\nservice_plugins =\n": oldCores["midonet"],
	} {
		served := []string{}
		for _, e := range apidef.Extensions() {
			if slices.Contains(want, e.Alias) || slices.Contains(alwaysThere, e.Alias) {
				served = append(served, e.Alias)
			}
		}
		slices.Sort(served)
		if diff := cmp.Diff(served, configured(t, text).aliases()); diff != "" {
			t.Errorf("%s(-want +got):\n%s", text, diff)
		}
	}
}

// TestExtensionDrivers: what is about names is listed where its driver is loaded, and routers are there.
func TestExtensionDrivers(t *testing.T) {
	for text, want := range map[string][]string{
		"": {"dns-domain-ports", "dns-integration"},
		"[ml2]\nextension_drivers = port_security\n":           nil,
		"[ml2]\nextension_drivers = port_security,dns\n":       {"dns-integration"},
		"service_plugins =\n[ml2]\nextension_drivers = dns\n":  nil,
		"core_plugin = midonet_v2\nservice_plugins = router\n": nil,
		"[ml2]\nextension_drivers = dns_domain_ports,dns\n":    {"dns-domain-ports", "dns-integration"},
		"service_plugins =\n[ml2]\nextension_drivers =\n":      nil,
	} {
		listed := slices.DeleteFunc(configured(t, text).aliases(), func(alias string) bool { return !strings.HasPrefix(alias, "dns-") })
		if !slices.Equal(listed, want) {
			t.Errorf("%s: %v, want %v", text, listed, want)
		}
		w := configured(t, text)
		net := w.make(t, "blue", "networks", `"name":"net"`)
		_, port := w.do("blue", "POST", "ports", `{"port":{"network_id":"`+net+`"}}`)
		for attr, alias := range map[string]string{"dns_name": "dns-integration", "dns_domain": "dns-domain-ports"} {
			if _, shown := port["port"].(map[string]any)[attr]; shown != slices.Contains(want, alias) {
				t.Errorf("%s: %s is shown: %v", text, attr, shown)
			}
			wanted := http.StatusCreated
			if !slices.Contains(want, alias) {
				wanted = http.StatusBadRequest
			}
			w.want(t, wanted, "POST", "ports", `{"port":{"network_id":"`+net+`","`+attr+`":"a."}}`)
		}
	}
}

// TestWhereRoutersSayTheyAre: with Neutron's name of the plugin, administrators see and choose what a router says of where it is, which is by default
// what the configuration says and changes only while the router is down.
func TestWhereRoutersSayTheyAre(t *testing.T) {
	w := configured(t, "service_plugins = router\nl3_ha = true\n")
	for _, alias := range []string{"dvr", "l3-ha", "router-admin-state-down-before-update"} {
		if !slices.Contains(w.aliases(), alias) {
			t.Errorf("%s is not listed", alias)
		}
	}
	says := func(router map[string]any, distributed, ha any) {
		t.Helper()
		if router["distributed"] != distributed || router["ha"] != ha {
			t.Errorf("distributed %v and ha %v, want %v and %v", router["distributed"], router["ha"], distributed, ha)
		}
	}
	shown := func(answer map[string]any) map[string]any { return answer["router"].(map[string]any) }
	_, made := w.do("admin", "POST", "routers", `{"router":{"distributed":"yes","project_id":"blue","ha":null}}`)
	says(shown(made), true, true)
	at := "routers/" + shown(made)["id"].(string)
	_, seen := w.do("blue", "GET", at, "")
	says(shown(seen), nil, nil)
	for _, attr := range []string{"distributed", "ha"} {
		for method, path := range map[string]string{"POST": "routers", "PUT": at} {
			if status, answer := w.do("blue", method, path, `{"router":{"`+attr+`":false}}`); status != http.StatusForbidden {
				t.Errorf("a member's %s with %s: %d %v", method, attr, status, answer)
			}
		}
	}
	for _, step := range []struct {
		body            string
		status          int
		distributed, ha bool
	}{
		{`"distributed":false`, 400, true, true},
		{`"ha":false`, 400, true, true},
		{`"distributed":true,"ha":true`, 200, true, true}, // as it is
		{`"distributed":false,"admin_state_up":false`, 400, true, true},
		{`"ha":false,"admin_state_up":false`, 200, true, false},
		{`"distributed":false,"admin_state_up":true`, 400, true, false},
		{`"distributed":false,"ha":true`, 200, false, true},
		{`"distributed":null,"ha":null`, 200, false, true},
		{`"admin_state_up":true`, 200, false, true},
	} {
		if status, answer := w.do("admin", "PUT", at, `{"router":{`+step.body+`}}`); status != step.status {
			t.Errorf("%s: %d %v, want %d", step.body, status, answer, step.status)
		}
		_, seen := w.do("admin", "GET", at, "")
		says(shown(seen), step.distributed, step.ha)
	}
	without := configured(t, "service_plugins = router\nenable_dvr = false\n")
	_, made = without.do("admin", "POST", "routers", `{"router":{}}`)
	says(shown(made), nil, false)
	if status, answer := without.do("admin", "POST", "routers", `{"router":{"distributed":true}}`); status != http.StatusBadRequest {
		t.Errorf("distributed, without dvr: %d %v", status, answer)
	}
}

// TestPluginsServeTheirOwn: what is not loaded is neither served nor listed.
func TestPluginsServeTheirOwn(t *testing.T) {
	for text, paths := range map[string]map[string]int{
		"core_plugin = ml2\nservice_plugins =\n":               {"routers": 404, "floatingips": 404, "rbac-policies": 200, "networks": 200},
		"core_plugin = ml2\nservice_plugins = router, tag\n":   {"routers": 200, "floatingips": 200},
		"core_plugin = midonet_v2\nservice_plugins =\n":        {"routers": 404, "rbac-policies": 404, "subnetpools": 200, "address-scopes": 404},
		"core_plugin = midonet\nservice_plugins = revisions\n": {"routers": 200, "floatingips": 200, "rbac-policies": 404},
	} {
		w := configured(t, text)
		for path, want := range paths {
			if status, answer := w.do("blue", "GET", path, ""); status != want {
				t.Errorf("%s%s: %d %v, want %d", text, path, status, answer, want)
			}
		}
		routers := slices.Contains(w.aliases(), "router")
		if status, _ := w.do("blue", "GET", "routers", ""); routers != (status == http.StatusOK) {
			t.Errorf("%srouters are listed: %t, and served: %d", text, routers, status)
		}
	}
}

// TestEveryExtensionHasAPlugin: with the defaults everything is listed that MidoNet's plugins have, and with Neutron's routers what these add.
func TestEveryExtensionHasAPlugin(t *testing.T) {
	got := append(newWorld(t).aliases(), neutronL3Extensions...)
	if len(got) != len(apidef.Extensions()) {
		t.Errorf("%d of %d extensions are listed: %v", len(got), len(apidef.Extensions()), got)
	}
	served := configured(t, "service_plugins = router\n").aliases()
	for _, alias := range neutronL3Extensions {
		if !slices.Contains(served, alias) {
			t.Errorf("service_plugins = router does not list %s", alias)
		}
	}
	for _, alias := range slices.Concat(l3Extensions, neutronL3Extensions, forwardingExtensions, alwaysThere) {
		if !slices.ContainsFunc(apidef.Extensions(), func(e apidef.Extension) bool { return e.Alias == alias }) {
			t.Errorf("there is no extension %s", alias)
		}
	}
}

// TestCollectionsBySpelling: a collection answers to its name with hyphens and with underscores, and so does what is below it.
func TestCollectionsBySpelling(t *testing.T) {
	w := newWorld(t)
	group := w.make(t, "blue", "security-groups", `"name":"web"`)
	for _, path := range []string{"security_groups", "security_groups/" + group, "security_groups/" + group + "/tags", "address_scopes", "service-profiles"} {
		if status, _ := w.do("admin", "GET", path, ""); status != http.StatusOK {
			t.Errorf("GET %s: %d", path, status)
		}
	}
}
