package ml2

import (
	"context"
	"errors"
	"fmt"

	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/store"
)

var _ journal.Inventory = (*Plugin)(nil)

// Contents implements journal.Inventory: each resource as its tasks have it.
func (p *Plugin) Contents(ctx context.Context) (journal.Contents, error) {
	return store.Read(ctx, p.db, func(q store.Querier) (journal.Contents, error) {
		pending, err := journal.PendingResources(q)
		if err != nil {
			return journal.Contents{}, fmt.Errorf("read the journal: %w", err)
		}
		c := journal.Contents{Pending: pending}
		err = errors.Join(
			addAll(&c, q, store.ListNetworks, func(n *model.Network) (journal.Task, error) {
				return newTask(journal.Create, journal.Network, n.ID.String(), n.ProjectID, recordedNetwork(n))
			}),
			addAll(&c, q, store.ListSubnets, func(s *model.Subnet) (journal.Task, error) {
				return newTask(journal.Create, journal.Subnet, s.ID.String(), s.ProjectID, s)
			}),
			addAll(&c, q, store.ListPorts, func(port *model.Port) (journal.Task, error) {
				return newTask(journal.Create, journal.Port, port.ID.String(), port.ProjectID, p.recordedPort(port))
			}),
			addAll(&c, q, store.ListAddressGroups, func(g *model.AddressGroup) (journal.Task, error) {
				return newTask(journal.Create, journal.AddressGroup, g.ID.String(), g.ProjectID, g)
			}),
			addAll(&c, q, store.ListSecurityGroups, func(g *model.SecurityGroup) (journal.Task, error) {
				return newTask(journal.Create, journal.SecurityGroup, g.ID.String(), g.ProjectID, withoutRules(g))
			}),
			addAll(&c, q, store.ListSecurityGroupRules, func(s *model.SecurityGroupRule) (journal.Task, error) {
				return newTask(journal.Create, journal.SecurityGroupRule, s.ID.String(), s.ProjectID, s)
			}))
		if err != nil {
			return c, err
		}
		return c, p.addServices(&c, q)
	})
}

// addServices adds the resources of the service plugins.
func (p *Plugin) addServices(c *journal.Contents, q store.Querier) error {
	for _, s := range p.services {
		tasks, err := s.Contents(q)
		if err != nil {
			return err
		}
		c.Resources = append(c.Resources, tasks...)
	}
	return nil
}

// addAll adds every resource of one kind.
func addAll[T any](c *journal.Contents, q store.Querier, list func(store.Querier, store.Scope, plugin.Query) ([]*T, error),
	task func(*T) (journal.Task, error)) error {
	page, err := list(q, store.Scope{}, plugin.Query{})
	if err != nil {
		return err
	}
	for _, item := range page {
		t, err := task(item)
		if err != nil {
			return err
		}
		c.Resources = append(c.Resources, t)
	}
	return nil
}
