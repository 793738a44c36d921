// Package gophercloud drives the server as Terraform and other programs in Go do: through gophercloud, with tokens of a real Keystone,
// knowing nothing of what is behind the API. What holds for this server holds for the original:
//
//	go test ./test/gophercloud -args -server neutron
package gophercloud

import (
	"context"
	"errors"
	"flag"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/pagination"

	"midonet.org/midonet/test/cloud"
	"midonet.org/midonet/test/keystone"
)

var server = flag.String("server", cloud.MidoNet, "the server under test: "+cloud.MidoNet+" or "+cloud.Neutron)

// suite is a cloud and three of its clients: the administrator, and members of two projects that have nothing to do with each other.
type suite struct {
	admin, blue, red *gophercloud.ServiceClient
	blueID, redID    string // the projects
	extensions       []string
}

// TestGophercloud runs each scenario on one cloud; each leaves nothing behind.
func TestGophercloud(t *testing.T) {
	c := cloud.Start(t, *server)
	s := &suite{blueID: c.Project(t, "blue"), redID: c.Project(t, "red"), extensions: c.Extensions(t)}
	s.admin, s.blue, s.red = login(t, c, "admin"), login(t, c, "blue"), login(t, c, "red")
	for _, scenario := range []struct {
		name  string
		needs []string // extensions
		run   func(*suite, *testing.T)
	}{
		{"networks", []string{"provider", "net-mtu"}, (*suite).networks},
		{"pages", []string{"pagination", "sorting"}, (*suite).pages},
		{"subnets", nil, (*suite).subnets},
		{"ports", []string{"binding", "extra_dhcp_opt"}, (*suite).ports},
		{"port security", []string{"port-security", "allowed-address-pairs", "security-group"}, (*suite).portSecurity},
		{"revisions", []string{"standard-attr-revisions", "revision-if-match"}, (*suite).revisions},
		{"security groups", []string{"security-group"}, (*suite).securityGroups},
		{"address groups", []string{"address-group", "security-groups-remote-address-group"}, (*suite).addressGroups},
		{"routers", []string{"router", "external-net", "ext-gw-mode"}, (*suite).routers},
		{"extra routes", []string{"router", "extraroute", "extraroute-atomic"}, (*suite).extraRoutes},
		{"floating IPs", []string{"router", "external-net"}, (*suite).floatingIPs},
		{"port forwardings", []string{"floating-ip-port-forwarding"}, (*suite).portForwardings},
		{"subnet pools", []string{"subnet_allocation"}, (*suite).subnetPools},
		{"prefixes of subnet pools", []string{"subnetpool-prefix-ops"}, (*suite).subnetPoolPrefixes},
		{"address scopes", []string{"address-scope"}, (*suite).addressScopes},
		{"RBAC policies", []string{"rbac-policies"}, (*suite).rbacPolicies},
		{"quotas", []string{"quotas", "quota_details"}, (*suite).quotas},
		{"tags", []string{"standard-attr-tag"}, (*suite).tags},
		{"IP availability", []string{"network-ip-availability"}, (*suite).availability},
	} {
		t.Run(scenario.name, func(t *testing.T) {
			for _, alias := range scenario.needs {
				if !slices.Contains(s.extensions, alias) {
					t.Skipf("the server does not list the extension %s", alias)
				}
			}
			scenario.run(s, t)
		})
	}
}

// login returns a client of the Networking API that finds it in Keystone's catalogue. A user has the name of its project.
func login(t *testing.T, c *cloud.Cloud, user string) *gophercloud.ServiceClient {
	t.Helper()
	provider, err := openstack.AuthenticatedClient(t.Context(), gophercloud.AuthOptions{IdentityEndpoint: c.Keystone.URL, Username: user,
		Password: keystone.Password, TenantName: user, DomainID: "default"})
	if err != nil {
		t.Fatal(err)
	}
	client, err := openstack.NewNetworkV2(provider, gophercloud.EndpointOpts{Region: "RegionOne"})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// get returns what a request that must succeed is answered with.
func get[T any](t *testing.T, extract func() (T, error)) T {
	t.Helper()
	v, err := extract()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// done fails the test where a request did.
func done(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// all returns what every page of a list holds.
func all[T any](t *testing.T, pager pagination.Pager, extract func(pagination.Page) ([]T, error)) []T {
	t.Helper()
	var items []T
	err := pager.EachPage(t.Context(), func(_ context.Context, page pagination.Page) (bool, error) {
		found, err := extract(page)
		items = append(items, found...)
		return true, err
	})
	if err != nil {
		t.Fatal(err)
	}
	return items
}

// refused fails the test unless the request was refused with the status, by an error that is of a type of Neutron's.
func refused(t *testing.T, err error, status int, fault string) {
	t.Helper()
	var answer gophercloud.ErrUnexpectedResponseCode
	if !errors.As(err, &answer) || answer.Actual != status || !strings.Contains(string(answer.Body), `"`+fault+`"`) {
		t.Errorf("want %d %s, got: %v", status, fault, err)
	}
}

// gone fails the test unless there is no such thing.
func gone(t *testing.T, err error) {
	t.Helper()
	if !gophercloud.ResponseCodeIs(err, http.StatusNotFound) {
		t.Errorf("want %d, got: %v", http.StatusNotFound, err)
	}
}

// cleanup is the context of what a test does after its own has ended.
func cleanup(t *testing.T) context.Context { return context.WithoutCancel(t.Context()) }

// to points to a value, as optional attributes are given.
func to[T any](v T) *T { return &v }
