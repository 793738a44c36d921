package apidef

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"

	"midonet.org/midonet/neutron/model"
)

// TestEveryDefinition checks each attribute of each resource by itself, and against the struct that holds it, both ways.
func TestEveryDefinition(t *testing.T) {
	check[model.Network](t, Networks())
	check[model.Agent](t, Agents())
	check[model.AvailabilityZone](t, AvailabilityZones())
	check[model.ServiceProvider](t, ServiceProviders())
	check[model.AutoAllocatedTopology](t, AutoAllocatedTopologies())
	check[model.Flavor](t, Flavors())
	check[model.ServiceProfile](t, ServiceProfiles())
	check[model.FlavorProfile](t, FlavorProfiles())
	check[model.NextProvider](t, NextProviders())
	check[model.NetworkIPAvailability](t, NetworkIPAvailabilities())
	check[model.Subnet](t, Subnets())
	check[model.Port](t, Ports())
	check[model.PortBinding](t, PortBindings())
	check[model.Router](t, Routers())
	check[model.FloatingIP](t, FloatingIPs())
	check[model.PortForwarding](t, PortForwardings())
	check[model.RBACPolicy](t, RBACPolicies())
	check[model.SubnetPool](t, SubnetPools())
	check[model.AddressScope](t, AddressScopes())
	check[model.SecurityGroup](t, SecurityGroups())
	check[model.SecurityGroupRule](t, SecurityGroupRules())
	check[model.AddressGroup](t, AddressGroups())
}

func check[T any](t *testing.T, r *Resource) {
	t.Helper()
	attributes := model.Attributes[T]()
	seen := map[string]bool{}
	keys := 0
	for i := range r.Attributes {
		a := &r.Attributes[i]
		at := r.Collection + " " + a.Name
		if seen[a.Name] {
			t.Errorf("%s is defined twice", at)
		}
		seen[a.Name] = true
		if _, ok := model.AppendAttribute(nil, new(T), a.Name); !ok && !a.FilterOnly {
			t.Errorf("%s has no field in package model", at)
		}
		if a.PrimaryKey {
			keys++
		}
		checkAttribute(t, at, r, a)
	}
	for _, name := range attributes {
		if !seen[name] {
			t.Errorf("%s %s has a field in package model and no definition", r.Collection, name)
		}
	}
	if keys != 1 {
		t.Errorf("%s has %d primary keys", r.Collection, keys)
	}
	checkTypes[T](t, r)
}

// sortedOnly are the attributes that Neutron sorts by and does not filter by.
var sortedOnly = []string{"networks availability_zone_hints", "routers status", "service_profiles metainfo"}

func checkAttribute(t *testing.T, at string, r *Resource, a *Attribute) {
	t.Helper()
	writable := a.Create || a.Update
	switch {
	case a.Help == "" || a.Type == "":
		t.Errorf("%s has no help or no type", at)
	case a.Update && !a.Create && a.Name != "routes" && r.Name != "agent":
		t.Errorf("%s may be changed and not given", at)
	case writable && a.Convert == nil && a.Validate == nil:
		t.Errorf("%s takes whatever a client sends", at)
	case a.Required && (!a.Create || a.Default != nil):
		t.Errorf("%s is required and cannot be given or has a default", at)
	case !writable && (a.Default != nil || a.Policy):
		t.Errorf("%s has a default or a rule for writing, and is never written", at)
	case a.Sort && !a.Filter && !slices.Contains(sortedOnly, at):
		t.Errorf("%s may be sorted by and not filtered by", at)
	case a.Alias != "" && r.Attribute(a.Alias) == nil:
		t.Errorf("%s is another name of %s, which does not exist", at, a.Alias)
	}
	if a.Default != nil {
		if got, err := a.check(a.Default); err != nil || !reflect.DeepEqual(got, a.Default) {
			t.Errorf("the default of %s, %v, is checked to %v, %v", at, a.Default, got, err)
		}
	}
}

// checkTypes writes an empty struct and asks that each attribute has the JSON type of its definition, or null.
func checkTypes[T any](t *testing.T, r *Resource) {
	t.Helper()
	b, err := json.Marshal(new(T))
	if err != nil {
		t.Fatal(err)
	}
	var values map[string]any
	if err := json.Unmarshal(b, &values); err != nil {
		t.Fatal(err)
	}
	for _, a := range r.Attributes {
		if got := typeOf(values[a.Name]); got != "null" && got != jsonType(a.Type) {
			t.Errorf("%s %s is of type %s and written as %s", r.Collection, a.Name, a.Type, got)
		}
	}
}

func typeOf(v any) string {
	switch v.(type) {
	case string:
		return "string"
	case bool:
		return "boolean"
	case float64:
		return "number"
	case []any:
		return "array"
	case map[string]any:
		return "object"
	}
	return "null"
}

func jsonType(t Type) string {
	switch t {
	case Boolean:
		return "boolean"
	case Integer:
		return "number"
	case List:
		return "array"
	case Object:
		return "object"
	}
	return "string"
}

func TestExtensionsAreSortedAndWhole(t *testing.T) {
	last := ""
	for _, e := range Extensions() {
		if e.Alias <= last {
			t.Errorf("%s comes after %s", e.Alias, last)
		}
		last = e.Alias
		if e.Name == "" || e.Description == "" || e.Updated == "" {
			t.Errorf("extension %s is described in part", e.Alias)
		}
	}
}
