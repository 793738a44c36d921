// Package tag keeps the tags of resources (neutron/services/tag of the original).
//
// A resource joins by embedding model.Tagged in its struct and the attributes of tags in its definition; its store names its table in
// the list of those with revisions, and removes it by deleteTagged. Everything else, the filters, the paths and the attribute, is there
// for all of them.
package tag

import (
	"context"
	"slices"
	"time"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/store"
)

// Plugin answers the API's requests about tags.
type Plugin struct {
	db  *store.DB
	now func() time.Time
}

var _ plugin.Tags = (*Plugin)(nil)

// New returns the plugin of the tags in db.
func New(db *store.DB) *Plugin { return &Plugin{db, time.Now} }

// Get returns a resource's tags.
func (p *Plugin) Get(ctx context.Context, _ *auth.Caller, _, id string) ([]string, error) {
	return store.ReadOne(ctx, p.db, func(q store.Querier) ([]string, error) { return store.Tags(q, id) })
}

// Add gives a resource a tag.
func (p *Plugin) Add(ctx context.Context, _ *auth.Caller, collection, id, tag string) error {
	return p.change(ctx, collection, id, func(have []string) (add, remove []string, err error) {
		return []string{tag}, nil, nil
	})
}

// Set gives a resource these tags and no others.
func (p *Plugin) Set(ctx context.Context, _ *auth.Caller, collection, id string, tags []string) error {
	return p.change(ctx, collection, id, func(have []string) (add, remove []string, err error) {
		return tags, without(have, tags), nil
	})
}

// Remove takes a tag from a resource.
func (p *Plugin) Remove(ctx context.Context, _ *auth.Caller, collection, id, tag string) error {
	return p.change(ctx, collection, id, func(have []string) (add, remove []string, err error) {
		if !slices.Contains(have, tag) {
			return nil, nil, errs.New(errs.NotFound, "TagNotFound", "Tag %s could not be found.", tag)
		}
		return nil, []string{tag}, nil
	})
}

// change adds and removes what decide says of the tags that a resource has. The resource's revision counts a change once, and none where
// nothing changes.
func (p *Plugin) change(ctx context.Context, collection, id string, decide func(have []string) (add, remove []string, err error)) error {
	return p.db.Tx(ctx, func(tx *store.Tx) error {
		if err := store.LockTagged(tx, collection, id); err != nil {
			return store.NotFoundAs(err, noSuchResource(collection, id))
		}
		have, err := store.Tags(tx, id)
		if err != nil {
			return err
		}
		add, remove, err := decide(have)
		if err != nil {
			return err
		}
		if add = without(add, have); len(add)+len(remove) == 0 {
			return nil
		}
		return store.SetTags(tx, collection, id, add, remove, model.At(p.now()))
	})
}

// without returns the tags that are not among the others.
func without(tags, others []string) []string {
	return slices.DeleteFunc(slices.Clone(tags), func(t string) bool { return slices.Contains(others, t) })
}

func noSuchResource(collection, id string) error {
	return errs.New(errs.NotFound, "TagResourceNotFound", "Resource %s %s could not be found.", collection, id)
}
