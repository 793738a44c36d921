package ml2

import (
	"context"
	"encoding/json"
	"net/netip"
	"slices"
	"strings"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/apidef"
	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/store"
)

// Address groups: the rules of neutron/db/address_group_db.py.

// AddressGroups returns the address groups collection.
func (p *Plugin) AddressGroups() plugin.Resource[model.AddressGroup] {
	return addressGroups{p, NewReader(p.db, store.AddressGroups, apidef.AddressGroupNotFound)}
}

// addressGroups implements plugin.Resource.
type addressGroups struct {
	*Plugin
	Reader[model.AddressGroup]
}

func (a addressGroups) Create(ctx context.Context, c *auth.Caller, items []plugin.Body[model.AddressGroup]) ([]*model.AddressGroup, error) {
	return createAll(ctx, a.Plugin, c, items, (*request).createAddressGroup)
}

func (r *request) createAddressGroup(body plugin.Body[model.AddressGroup]) (*model.AddressGroup, error) {
	v := body.Value
	v.ID, v.Standard = id.New[model.AddressGroup](), r.standard(v.Standard)
	v.RevisionNumber = 0 // as the original counts address groups
	v.Addresses = inOrder(v.Addresses)
	if err := addressesFit(&v); err != nil {
		return nil, err
	}
	if err := store.InsertAddressGroup(r.tx, &v); err != nil {
		return nil, err
	}
	return &v, r.record(journal.Create, journal.AddressGroup, v.ID.String(), v.ProjectID, &v)
}

// inOrder returns the ranges without host bits, each once, in the order in which the store reads them back.
func inOrder(addresses []netip.Prefix) []netip.Prefix {
	out := make([]netip.Prefix, 0, len(addresses))
	for _, a := range addresses {
		out = append(out, a.Masked())
	}
	slices.SortFunc(out, func(a, b netip.Prefix) int { return strings.Compare(a.String(), b.String()) })
	return slices.Compact(out)
}

func (a addressGroups) Update(ctx context.Context, c *auth.Caller, groupID string,
	body plugin.Body[model.AddressGroup]) (*model.AddressGroup, error) {
	return a.changeGroup(ctx, c, groupID, func(r *request, g *model.AddressGroup) error {
		set(body.Has("name"), &g.Name, body.Value.Name)
		set(body.Has("description"), &g.Description, body.Value.Description)
		return r.saveAddressGroup(g)
	})
}

// changeGroup lets fn change an address group that the caller sees, locked. Whether the caller may change it was asked before.
func (p *Plugin) changeGroup(ctx context.Context, c *auth.Caller, groupID string,
	fn func(*request, *model.AddressGroup) error) (*model.AddressGroup, error) {
	var out *model.AddressGroup
	err := p.change(ctx, c, func(r *request) (err error) {
		if err := store.LockAddressGroup(r.tx, groupID); err != nil {
			return err
		}
		if out, err = store.AddressGroup(r.tx, groupID, ScopeOf(c)); err != nil {
			return store.NotFoundAs(err, apidef.AddressGroupNotFound(groupID))
		}
		return fn(r, out)
	})
	return out, err
}

// saveAddressGroup stores an address group that has changed, but for its addresses, and tells the backend.
func (r *request) saveAddressGroup(g *model.AddressGroup) error {
	g.UpdatedAt = r.now
	if err := store.UpdateAddressGroup(r.tx, g); err != nil {
		return err
	}
	return r.record(journal.Update, journal.AddressGroup, g.ID.String(), g.ProjectID, g)
}

func (a addressGroups) Delete(ctx context.Context, c *auth.Caller, groupID string) error {
	_, err := a.changeGroup(ctx, c, groupID, func(r *request, g *model.AddressGroup) error {
		err := store.DeleteAddressGroup(r.tx, g.ID)
		if store.Violates(err, store.Reference) {
			return addressGroupInUse(g.ID)
		}
		if err != nil {
			return store.NotFoundAs(err, apidef.AddressGroupNotFound(groupID))
		}
		return r.record(journal.Delete, journal.AddressGroup, g.ID.String(), g.ProjectID, nil)
	})
	return err
}

// AddAddresses is the member action add_addresses of address groups.
func (p *Plugin) AddAddresses(ctx context.Context, c *auth.Caller, groupID string, body json.RawMessage) (any, error) {
	asked, err := apidef.Addresses(body)
	if err != nil {
		return nil, err
	}
	return p.changeGroup(ctx, c, groupID, func(r *request, g *model.AddressGroup) error {
		present, absent := split(inOrder(asked), g.Addresses)
		if len(present) > 0 {
			return addressesExist(present, g.ID)
		}
		if len(absent) == 0 {
			return nil
		}
		g.Addresses = inOrder(append(g.Addresses, absent...))
		if err := addressesFit(g); err != nil {
			return err
		}
		if err := store.AddAddresses(r.tx, g.ID, absent); err != nil {
			return err
		}
		return r.saveAddressGroup(g)
	})
}

// RemoveAddresses is the member action remove_addresses of address groups.
func (p *Plugin) RemoveAddresses(ctx context.Context, c *auth.Caller, groupID string, body json.RawMessage) (any, error) {
	asked, err := apidef.Addresses(body)
	if err != nil {
		return nil, err
	}
	return p.changeGroup(ctx, c, groupID, func(r *request, g *model.AddressGroup) error {
		present, absent := split(inOrder(asked), g.Addresses)
		if len(absent) > 0 {
			return addressesNotFound(absent, g.ID)
		}
		if len(present) == 0 {
			return nil
		}
		if err := store.RemoveAddresses(r.tx, g.ID, present); err != nil {
			return err
		}
		_, g.Addresses = split(g.Addresses, present)
		return r.saveAddressGroup(g)
	})
}

// split sorts addresses into those that are in a list and those that are not.
func split(addresses, list []netip.Prefix) (in, out []netip.Prefix) {
	out = []netip.Prefix{}
	for _, a := range addresses {
		if slices.Contains(list, a) {
			in = append(in, a)
		} else {
			out = append(out, a)
		}
	}
	return in, out
}

// The faults of neutron_lib/exceptions/address_group.py.

func addressGroupInUse(group model.AddressGroupID) error {
	return errs.New(errs.Conflict, "AddressGroupInUse", "Address group %s is in use on one or more security group rules.", group)
}

// maxGroupAddresses is how many ranges an address group has at most: all of them are in each of its tasks, and in one object of the network
// state database, which takes a megabyte packed.
const maxGroupAddresses = 30000

func addressesFit(g *model.AddressGroup) error {
	if len(g.Addresses) <= maxGroupAddresses {
		return nil
	}
	return errs.New(errs.Conflict, "AddressGroupFull", "Address group %s can have %d addresses at most; it would have %d.", g.ID, maxGroupAddresses,
		len(g.Addresses))
}

func addressesExist(addresses []netip.Prefix, group model.AddressGroupID) error {
	return errs.New(errs.Invalid, "AddressesAlreadyExist", "Addresses %s already exist in the address group %s.",
		quoted(addresses), group)
}

func addressesNotFound(addresses []netip.Prefix, group model.AddressGroupID) error {
	return errs.New(errs.NotFound, "AddressesNotFound", "Addresses %s not found in the address group %s.", quoted(addresses), group)
}

func quoted(addresses []netip.Prefix) string {
	texts := make([]string, len(addresses))
	for i, a := range addresses {
		texts[i] = a.String()
	}
	return apidef.Quoted(texts)
}
