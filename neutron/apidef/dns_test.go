package apidef

import (
	"strings"
	"testing"
)

// TestDNSNames tries names as neutron-lib's validators take and refuse them, with their texts.
func TestDNSNames(t *testing.T) {
	long := strings.Repeat(strings.Repeat("a", 63)+".", 3) // 192 characters
	for _, c := range []struct {
		of, attr string
		value    any
		want     string
	}{
		{"port", "dns_name", "", ""},
		{"port", "dns_name", "WEB-1.blue", ""},
		{"port", "dns_name", "web.example.org.", ""},
		{"port", "dns_name", long + strings.Repeat("a", 63), ""},
		{"port", "dns_name", long + strings.Repeat("a", 61) + ".bc", "'" + long + strings.Repeat("a", 61) + ".bc' not a valid PQDN or FQDN. Reason: '" +
			long + strings.Repeat("a", 61) + ".bc' exceeds the 255 character FQDN limit"},
		{"port", "dns_name", ".", "'.' not a valid PQDN or FQDN. Reason: Encountered an empty component"},
		{"port", "dns_name", "a..b", "'a..b' not a valid PQDN or FQDN. Reason: Encountered an empty component"},
		{"port", "dns_name", "-a", "'-a' not a valid PQDN or FQDN. Reason: Name '-a' must not start or end with a hyphen"},
		{"port", "dns_name", "a-", "'a-' not a valid PQDN or FQDN. Reason: Name 'a-' must not start or end with a hyphen"},
		{"port", "dns_name", "a_b", "'a_b' not a valid PQDN or FQDN. Reason: Name 'a_b' must be 1-63 characters long, each of which can only be " +
			"alphanumeric or a hyphen"},
		{"port", "dns_name", "a.1", "'a.1' not a valid PQDN or FQDN. Reason: TLD '1' must not be all numeric"},
		{"port", "dns_name", "1", ""},
		{"port", "dns_domain", "blue", "'blue' is not a FQDN"},
		{"port", "dns_domain", "<project_id>.blue.", ""},
		{"network", "dns_domain", "Blue.Example.org.", ""},
		{"network", "dns_domain", long + strings.Repeat("a", 60) + ".", ""},
		{"network", "dns_domain", long + strings.Repeat("a", 61) + ".", "'" + long + strings.Repeat("a", 61) + ".' contains 254 characters. Adding a " +
			"sub-domain will cause it to exceed the maximum length of a FQDN of '255'"},
		{"floatingip", "dns_name", "web", ""},
		{"floatingip", "dns_name", "web.", "'web.' is a FQDN. It should be a relative domain name"},
		{"floatingip", "dns_name", long + strings.Repeat("a", 60), ""},
		{"floatingip", "dns_name", long + strings.Repeat("a", 61), "'" + long + strings.Repeat("a", 61) + "' contains 253 characters. Adding a " +
			"domain name will cause it to exceed the maximum length of a FQDN of '255'"},
		{"floatingip", "dns_domain", "a.", ""},
	} {
		def := map[string]*Resource{"port": Ports(), "network": Networks(), "floatingip": FloatingIPs()}[c.of]
		want := c.want
		if want != "" {
			want = "Invalid input for " + c.attr + ". Reason: " + want + "."
		}
		v, err := def.Attribute(c.attr).check(c.value)
		switch {
		case err == nil && want == "" && v != strings.ToLower(c.value.(string)):
			t.Errorf("%s %s %q becomes %q", c.of, c.attr, c.value, v)
		case err == nil && want != "", err != nil && err.Error() != want:
			t.Errorf("%s %s %q: %v\nwant %s", c.of, c.attr, c.value, err, want)
		}
	}
	for _, value := range []any{nil, int64(1), []any{}} {
		if _, err := Ports().Attribute("dns_name").check(value); err == nil || !strings.HasPrefix(err.Error(), "Invalid input for operation: Input value ") {
			t.Errorf("%v: %v", value, err)
		}
	}
}
