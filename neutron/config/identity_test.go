package config

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/policy"
)

// TestKeystoneAsOperatorsWriteIt reads the section of the installation guide, with names of several ages.
func TestKeystoneAsOperatorsWriteIt(t *testing.T) {
	file := filepath.Join(t.TempDir(), "neutron.conf")
	const text = `[DEFAULT]
auth_strategy = keystone
[keystone_authtoken]
auth_uri = http://public:5000
auth_url = http://controller:5000
memcached_servers = controller:11211
memcache_security_strategy = ENCRYPT
auth_type = password
default_domain_id = default
tenant_name = service
username = neutron
password = pa$$word
service_token_roles = service,admin
service_token_roles_required = true
token_cache_time = 60
[oslo_policy]
enforce_scope = true
policy_file = rules.yaml
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	o, warnings, err := Load(file)
	if err != nil || len(warnings) > 0 {
		t.Fatalf("%v, warnings %v", err, warnings)
	}
	want := auth.KeystoneConfig{
		AuthURL: "http://controller:5000", WWWAuthenticateURI: "http://public:5000", Username: "neutron", Password: "pa$word",
		UserDomainID: "default", ProjectName: "service", ProjectDomainID: "default", Interface: "internal",
		Timeout: 10 * time.Second, CacheTime: time.Minute, ServiceTokenRoles: []string{"service", "admin"},
		ServiceTokenRolesRequired: true, ServiceType: "network",
	}
	if diff := cmp.Diff(want, o.keystone(nil)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := o.PolicyOptions(); got != (policy.Options{DefaultRule: "default", EnforceScope: true}) {
		t.Errorf("policy: %+v", got)
	}
	files := policy.Files{File: "rules.yaml", Dirs: []string{"policy.d"}, Search: []string{"/etc/neutron/plugins", "/etc/neutron"}}
	if diff := cmp.Diff(files, o.PolicyFiles([]string{"/etc/neutron/neutron.conf", "/etc/neutron/plugins/ml2.ini"})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAuthStrategies(t *testing.T) {
	o, _, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	if a, err := o.Authenticator(slog.New(slog.DiscardHandler)); err != nil || a != (auth.Noauth{}) {
		t.Errorf("without configuration: %v, %v", a, err)
	}
	o.AuthStrategy = "keystone"
	if _, err := o.Authenticator(slog.New(slog.DiscardHandler)); !errs.Is(err, errs.Invalid) {
		t.Errorf("keystone without an address: %v", err)
	}
	o.Keystone.AuthType = "v3token"
	if err := o.Check(); !errs.Is(err, errs.Invalid) {
		t.Errorf("another auth_type: %v", err)
	}
}
