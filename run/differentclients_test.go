package run

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestServersOfOneDatabaseHaveOneClient: a server whose changes would go elsewhere is refused while the other is there.
func TestServersOfOneDatabaseHaveOneClient(t *testing.T) {
	dir := t.TempDir()
	file := func(name, more string) []string {
		path := filepath.Join(dir, name)
		text := "[DEFAULT]\nservice_plugins = midonet_l3\n[database]\nconnection = sqlite:///" + filepath.Join(dir, "neutron.db") + "\n" + more
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return []string{path}
	}
	startServerWith(t, ServerConfig{StateDir: t.TempDir(), ConfigFiles: file("here", "")})
	elsewhere := "[midonet]\nclient = midonet.neutron.client.api.MidonetApiClient\nmidonet_uri = http://127.0.0.1:9/midonet-api\n"
	got := refusal(t, ServerConfig{StateDir: t.TempDir(), API: loopback, APIOnly: true, ConfigFiles: file("elsewhere", elsewhere)})
	for _, word := range []string{"MidonetClusterClient", "MidonetApiClient of http://127.0.0.1:9/midonet-api", "Give all servers"} {
		if !strings.Contains(got, word) {
			t.Errorf("refused with %q, which does not say %q", got, word)
		}
	}
}
