// Package quota limits how many resources of each kind a project may have (neutron/quota and neutron/db/quota of the original).
//
// A resource joins with two lines: one in countables, and in its plugin, at the beginning of the transaction of a create request,
//
//	quota.Create(limits, tx, caller, items, create)
//
// Counting and creating are one transaction, and those of one project and kind follow each other, so that a limit holds however many
// requests come at once. What the service creates by itself, as the port of a router's interface, is counted and not refused.
package quota

import (
	"context"
	"maps"
	"reflect"
	"slices"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/apidef"
	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/store"
)

// countable is a kind of resource that projects have a quota of.
type countable struct {
	name  string // as the API calls it: the quota's attribute
	table string
	of    reflect.Type
}

// countables are all of them, in the order in which the API shows them.
var countables = []countable{
	rowsOf[model.Network]("network", "networks"),
	rowsOf[model.Subnet]("subnet", "subnets"),
	rowsOf[model.Port]("port", "ports"),
	rowsOf[model.Router]("router", "routers"),
	rowsOf[model.FloatingIP]("floatingip", "floatingips"),
	rowsOf[model.SubnetPool]("subnetpool", "subnetpools"),
	rowsOf[model.RBACPolicy]("rbac_policy", "rbacpolicies"),
	rowsOf[model.SecurityGroup]("security_group", "securitygroups"),
	rowsOf[model.SecurityGroupRule]("security_group_rule", "securitygrouprules"),
}

// rowsOf counts the rows of a table that a project owns.
func rowsOf[T any](name, table string) countable { return countable{name, table, reflect.TypeFor[T]()} }

// Resources returns the names of the kinds of resources that have a quota.
func Resources() []string {
	names := make([]string, len(countables))
	for i, c := range countables {
		names[i] = c.name
	}
	return names
}

// Limits are the quotas of projects that no one gave others. The zero value limits nothing.
type Limits struct {
	// ByResource is how many a project may have of a resource; below 0 there is no limit, and none where there is no entry.
	ByResource map[string]int
}

// Default returns the limit of a resource for projects that no one gave another; -1 for none.
func (l Limits) Default(resource string) int {
	if limit, ok := l.ByResource[resource]; ok {
		return limit
	}
	return -1
}

// owned is a resource with an owner, as every countable one is.
type owned interface{ Owner() string }

// ownerOf returns the project that an item will belong to: the caller's where it does not say.
func ownerOf[T any](c *auth.Caller, item plugin.Body[T]) string {
	if o, ok := any(item.Value).(owned); ok && o.Owner() != "" {
		return o.Owner()
	}
	return c.ProjectID
}

// Making returns the context for the transaction in which the items are made. What it wants to know of their project, or of the first one's, it
// asks at once (store.Making).
func Making[T any](ctx context.Context, c *auth.Caller, items []plugin.Body[T]) context.Context {
	if len(items) == 0 {
		return ctx
	}
	return store.Making(ctx, ownerOf(c, items[0]))
}

// Create makes the items that the quota allows, or none, and returns them; see Check.
func Create[T any](l Limits, tx *store.Tx, c *auth.Caller, items []plugin.Body[T], create func(plugin.Body[T]) (*T, error)) ([]*T, error) {
	if err := Check(l, tx, c, items); err != nil {
		return nil, err
	}
	made := make([]*T, 0, len(items))
	for _, item := range items {
		m, err := create(item)
		if err != nil {
			return nil, err
		}
		made = append(made, m)
	}
	return made, nil
}

// Check refuses a request that would give a project more than its quota allows, of the resource whose struct is T; what is not countable
// has no quota. It comes first in the transaction that creates the items: others who create the same for the project wait from here on.
func Check[T any](l Limits, tx *store.Tx, c *auth.Caller, items []plugin.Body[T]) error {
	at := slices.IndexFunc(countables, func(c countable) bool { return c.of == reflect.TypeFor[T]() })
	if at < 0 {
		return nil
	}
	count := map[string]int{}
	for _, item := range items {
		count[ownerOf(c, item)]++
	}
	for _, project := range slices.Sorted(maps.Keys(count)) { // in one order, so that two requests do not wait for each other
		if err := Reserve(l, tx, project, countables[at].name, count[project]); err != nil {
			return err
		}
	}
	return nil
}

// Reserve refuses n more resources of that name for a project, with Neutron's OverQuota, where they are too many.
func Reserve(l Limits, tx *store.Tx, project, resource string, n int) error {
	limit, err := limitOf(l, tx, project, resource)
	if err != nil || limit < 0 {
		return err
	}
	if err := store.TakeQuotaTurn(tx, project, resource); err != nil {
		return err
	}
	used, err := usedOf(tx, project, resource)
	if err != nil {
		return err
	}
	if used+n > limit {
		return errs.New(errs.Conflict, "OverQuota", "Quota exceeded for resources: %s.", apidef.Quoted([]string{resource}))
	}
	return nil
}

func limitOf(l Limits, q store.Querier, project, resource string) (int, error) {
	own, err := store.QuotaLimits(q, project)
	if err != nil {
		return 0, err
	}
	for _, o := range own {
		if o.Resource == resource {
			return o.Limit, nil
		}
	}
	return l.Default(resource), nil
}

func usedOf(q store.Querier, project, resource string) (int, error) {
	for _, c := range countables {
		if c.name == resource {
			return store.CountOf(q, c.table, project)
		}
	}
	panic("quota: " + resource + " is not counted")
}
