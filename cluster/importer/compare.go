package importer

import (
	"bytes"
	"context"
	"fmt"

	"midonet.org/midonet/cluster/translate"
	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/topology"
)

// compare makes the state of what there is, Neutron's word before the store's, and returns what must be written so that the stored
// objects are what that renders to.
func (i *Importer) compare(ctx context.Context, stored map[topology.Key]topology.Object) (*state, delta, error) {
	return i.compareShowing(ctx, stored, func(int, int) error { return ctx.Err() })
}

// compareShowing is compare, and calls shown after each Neutron object that is rendered, with how many are and how many there are.
func (i *Importer) compareShowing(ctx context.Context, stored map[topology.Key]topology.Object,
	shown func(done, total int) error) (*state, delta, error) {
	s, repairs, err := i.wanted(ctx, stored, shown)
	if err != nil {
		return nil, nil, err
	}
	s.largest = i.largest
	s.note(repairs.takeUnfit(s.largest), nil)
	return s, repairs, nil
}

func (i *Importer) wanted(ctx context.Context, stored map[topology.Key]topology.Object, shown func(done, total int) error) (*state, delta, error) {
	if i.neutron == nil {
		return restore(stored, i.settings, shown)
	}
	contents, err := i.neutron.Contents(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("reading what Neutron has: %w", err)
	}
	return compare(stored, contents, i.settings, shown)
}

// compare makes the state of what Neutron has, and returns what must be written so that the stored objects are what that renders to.
// Resources with pending tasks count as they are stored: the journal will bring them.
//
// A source that renders to the same as Neutron's counts as the same: a port's status, for one, changes without a task.
func compare(stored map[topology.Key]topology.Object, neutron journal.Contents, settings translate.Settings,
	shown func(done, total int) error) (*state, delta, error) {
	merged := make(map[topology.Key]topology.Object, len(stored))
	surplus := delta{}
	for key, o := range stored {
		source, ok := o.(*topology.Source)
		if !ok || neutron.Pending[uuidText(source.ID)] {
			merged[key] = o
			continue
		}
		surplus[key] = nil
	}
	missing, other := delta{}, delta{}
	for _, t := range neutron.Resources {
		if neutron.Pending[t.ResourceID] {
			continue
		}
		source, err := sourceOf(t)
		if err != nil {
			return nil, nil, err
		}
		key := source.Key()
		merged[key] = source
		delete(surplus, key)
		if have, ok := stored[key].(*topology.Source); !ok {
			missing[key] = source
		} else if !bytes.Equal(have.JSON, source.JSON) {
			other[key] = source
		}
	}
	s, repairs, err := restore(merged, settings, shown)
	if err != nil {
		return nil, nil, err
	}
	return s, repairsOf(stored, repairs, missing, other, surplus), nil
}

// repairsOf joins the rendering's difference with the sources'. Bindings go with their ports.
func repairsOf(stored map[topology.Key]topology.Object, repairs, missing, other, surplus delta) delta {
	for key, source := range missing {
		repairs[key] = source
	}
	for key := range surplus {
		repairs[key] = nil
		binding := topology.Key{Kind: topology.KindBinding, ID: key.ID}
		if stored[binding] != nil {
			repairs[binding] = nil
		}
	}
	if len(repairs) > 0 {
		for key, source := range other {
			repairs[key] = source
		}
	}
	return repairs
}

// sourceOf returns the form in which a Neutron object is stored.
func sourceOf(t journal.Task) (*topology.Source, error) {
	owner, err := ownerOf(t)
	if err != nil {
		return nil, err
	}
	return &topology.Source{Resource: string(owner.Resource), ID: owner.ID, JSON: t.Data}, nil
}

// resources has what the tasks of each data type are about.
var resources = map[journal.DataType]translate.Resource{
	journal.Network: translate.Network, journal.Subnet: translate.Subnet, journal.Port: translate.Port,
	journal.Router: translate.Router, journal.FloatingIP: translate.FloatingIP, journal.PortForwarding: translate.PortForwarding,
	journal.SecurityGroup: translate.SecurityGroup, journal.SecurityGroupRule: translate.SecurityGroupRule,
	journal.AddressGroup: translate.AddressGroup,
}

// ownerOf returns what the task is about.
func ownerOf(t journal.Task) (translate.Owner, error) {
	r, ok := resources[t.DataType]
	if !ok {
		return translate.Owner{}, fmt.Errorf("%q is no resource that is rendered", t.DataType)
	}
	u, err := id.Parse[translate.Owner](t.ResourceID)
	return translate.Owner{Resource: r, ID: u}, err
}

func uuidText(b [16]byte) string { return id.ID[translate.Owner](b).String() }
