package flavors

import (
	"context"
	"slices"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/store"
)

// ProfilesOf returns the collection of the profiles that a flavor has.
func (p *Plugin) ProfilesOf(flavorID string) plugin.Resource[model.FlavorProfile] {
	return associations{p, flavorID}
}

// associations implements plugin.Resource for the profiles of one flavor.
type associations struct {
	*Plugin
	flavorID string
}

func (a associations) Create(ctx context.Context, _ *auth.Caller,
	items []plugin.Body[model.FlavorProfile]) ([]*model.FlavorProfile, error) {
	var made []*model.FlavorProfile
	err := a.db.Tx(ctx, func(tx *store.Tx) error {
		made = nil
		for _, body := range items {
			if err := a.add(tx, body.Value.ID); err != nil {
				return err
			}
			made = append(made, &model.FlavorProfile{ID: body.Value.ID})
		}
		return nil
	})
	return made, err
}

// add gives the flavor a profile, which stays as it is until it has it.
func (a associations) add(tx *store.Tx, profile model.ServiceProfileID) error {
	flavor, err := changeableFlavor(tx, a.flavorID)
	if err != nil {
		return err
	}
	if slices.Contains(flavor.ServiceProfiles, profile) {
		return errs.New(errs.Conflict, "FlavorServiceProfileBindingExists", "Service Profile %s is already associated with flavor %s.",
			profile, a.flavorID)
	}
	if err := store.LockServiceProfile(tx, profile.String()); err != nil {
		return err
	}
	if _, err := findProfile(tx, profile.String()); err != nil {
		return err
	}
	return store.AddFlavorProfile(tx, flavor.ID, profile)
}

func (a associations) Get(ctx context.Context, _ *auth.Caller, profileID string) (*model.FlavorProfile, error) {
	return store.Read(ctx, a.db, func(q store.Querier) (*model.FlavorProfile, error) {
		flavor, err := findFlavor(q, a.flavorID)
		if errs.Is(err, errs.NotFound) {
			return nil, a.notAssociated(profileID)
		}
		if err != nil {
			return nil, err
		}
		for _, has := range flavor.ServiceProfiles {
			if has.String() == profileID {
				return &model.FlavorProfile{ID: has}, nil
			}
		}
		return nil, a.notAssociated(profileID)
	})
}

func (a associations) notAssociated(profileID string) error {
	return errs.New(errs.NotFound, "FlavorServiceProfileBindingNotFound", "Service Profile %s is not associated with flavor %s.",
		profileID, a.flavorID)
}

func (a associations) List(ctx context.Context, _ *auth.Caller, want plugin.Query) ([]*model.FlavorProfile, error) {
	return store.Read(ctx, a.db, func(q store.Querier) ([]*model.FlavorProfile, error) {
		flavor, err := findFlavor(q, a.flavorID)
		if err != nil {
			return nil, err
		}
		all := make([]*model.FlavorProfile, len(flavor.ServiceProfiles))
		for i, has := range flavor.ServiceProfiles {
			all[i] = &model.FlavorProfile{ID: has}
		}
		page, err := plugin.Select(all, want, "id")
		if err != nil {
			err = a.notAssociated(want.Marker)
		}
		return page, err
	})
}

// Update returns plugin.ErrNoMethod: a flavor has a profile or has it not.
func (a associations) Update(context.Context, *auth.Caller, string, plugin.Body[model.FlavorProfile]) (*model.FlavorProfile, error) {
	return nil, plugin.ErrNoMethod
}

func (a associations) Delete(ctx context.Context, _ *auth.Caller, profileID string) error {
	return a.db.Tx(ctx, func(tx *store.Tx) error {
		return store.NotFoundAs(store.RemoveFlavorProfile(tx, a.flavorID, profileID), a.notAssociated(profileID))
	})
}
