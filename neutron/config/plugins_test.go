package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPluginsThatDoNotGoTogether names what the operator has to change.
func TestPluginsThatDoNotGoTogether(t *testing.T) {
	for text, want := range map[string]string{
		"core_plugin = midonet\nservice_plugins = midonet_l3\n":                    "routers of its own",
		"core_plugin = midonet\nservice_plugins = port_forwarding\n":               "has no port_forwarding",
		"core_plugin = ml2\nservice_plugins = port_forwarding\n":                   "needs midonet_l3",
		"service_plugins = midonet_l3,router\n":                                    "two names of one plugin",
		"core_plugin = moon\n":                                                     "known are: midonet, ",
		"service_plugins = moon\n":                                                 "known are: auto_allocate, flavors, midonet_l3, ",
		"core_plugin = midonet_v2\nservice_plugins = router,port_forwarding,tag\n": "",
		"": "",
	} {
		file := filepath.Join(t.TempDir(), "neutron.conf")
		if err := os.WriteFile(file, []byte("[DEFAULT]\n"+text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, _, err := Load(file)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
