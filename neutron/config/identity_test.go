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
		Timeout: 10 * time.Second, Retries: 3, CacheTime: time.Minute, ServiceTokenRoles: []string{"service", "admin"},
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

// TestNovaAsOperatorsWriteIt reads the section [nova] with the names of keystoneauth.
func TestNovaAsOperatorsWriteIt(t *testing.T) {
	for text, want := range map[string]auth.KeystoneConfig{
		`default_domain_name = Default
project_name = service
username = nova
region_name = two
endpoint_type = internal
`: {Username: "nova", ProjectName: "service", UserDomainName: "Default", ProjectDomainName: "Default", RegionName: "two", Interface: "internal"},
		`user_id = u1
project_id = p1
timeout = 5
`: {UserID: "u1", ProjectID: "p1", Interface: "public", Timeout: 5 * time.Second},
		`default_domain_id = default
user_domain_id = d2
tenant_name = service
username = nova
`: {Username: "nova", ProjectName: "service", UserDomainID: "d2", ProjectDomainID: "default", Interface: "public"},
		`user_id = u1
system_scope = all
`: {UserID: "u1", SystemScope: "all", Interface: "public"},
	} {
		file := filepath.Join(t.TempDir(), "neutron.conf")
		if err := os.WriteFile(file, []byte("[nova]\nauth_url = http://k:5000\npassword = p\n"+text), 0o600); err != nil {
			t.Fatal(err)
		}
		o, warnings, err := Load(file)
		if err != nil || len(warnings) > 0 {
			t.Fatalf("%v, warnings %v", err, warnings)
		}
		want.AuthURL, want.Password = "http://k:5000", "p"
		if want.Timeout == 0 {
			want.Timeout = 30 * time.Second
		}
		if diff := cmp.Diff(want, o.Nova.Notifier(nil).Keystone); diff != "" {
			t.Errorf("%s(-want +got):\n%s", text, diff)
		}
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
