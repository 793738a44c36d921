package flavors

import (
	"context"
	"slices"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/store"
)

// ServiceProfiles returns the service profiles collection.
func (p *Plugin) ServiceProfiles() plugin.Resource[model.ServiceProfile] { return profiles{p} }

// profiles implements plugin.Resource.
type profiles struct{ *Plugin }

func (p profiles) Create(ctx context.Context, _ *auth.Caller,
	items []plugin.Body[model.ServiceProfile]) ([]*model.ServiceProfile, error) {
	var made []*model.ServiceProfile
	err := p.db.Tx(ctx, func(tx *store.Tx) error {
		made = nil
		for _, body := range items {
			v := body.Value
			if err := p.checkNew(&v); err != nil {
				return err
			}
			v.ID = id.New[model.ServiceProfile]()
			if err := store.InsertServiceProfile(tx, &v); err != nil {
				return err
			}
			made = append(made, &v)
		}
		return nil
	})
	return made, err
}

// checkNew refuses a profile that says nothing, and an unknown driver.
func (p profiles) checkNew(v *model.ServiceProfile) error {
	if v.Driver == "" && (v.Metainfo == nil || *v.Metainfo == "") {
		return errs.New(errs.Invalid, "ServiceProfileEmpty", "Service Profile needs either a driver or metainfo.")
	}
	return p.checkDriver(v.Driver)
}

// checkDriver refuses a driver of no provider; none is no driver.
func (p *Plugin) checkDriver(driver string) error {
	if driver == "" {
		return nil
	}
	_, err := p.providerOf(driver)
	return err
}

// providerOf returns the provider that has the driver.
func (p *Plugin) providerOf(driver string) (*model.ServiceProvider, error) {
	at := slices.IndexFunc(p.providers, func(s *model.ServiceProvider) bool { return s.Driver == driver })
	if at < 0 {
		return nil, errs.New(errs.NotFound, "ServiceProfileDriverNotFound", "Service Profile driver %s could not be found.", driver)
	}
	return p.providers[at], nil
}

func (p profiles) Get(ctx context.Context, _ *auth.Caller, profileID string) (*model.ServiceProfile, error) {
	return store.Read(ctx, p.db, func(q store.Querier) (*model.ServiceProfile, error) { return findProfile(q, profileID) })
}

func findProfile(q store.Querier, profileID string) (*model.ServiceProfile, error) {
	found, err := store.ServiceProfile(q, profileID)
	return found, store.NotFoundAs(err, profileNotFound(profileID))
}

func (p profiles) List(ctx context.Context, _ *auth.Caller, want plugin.Query) ([]*model.ServiceProfile, error) {
	return store.Read(ctx, p.db, func(q store.Querier) ([]*model.ServiceProfile, error) {
		page, err := store.ListServiceProfiles(q, want)
		return page, store.NotFoundAs(err, profileNotFound(want.Marker))
	})
}

func (p profiles) Update(ctx context.Context, _ *auth.Caller, profileID string,
	body plugin.Body[model.ServiceProfile]) (*model.ServiceProfile, error) {
	if body.Has("driver") {
		if err := p.checkDriver(body.Value.Driver); err != nil {
			return nil, err
		}
	}
	var out *model.ServiceProfile
	err := p.db.Tx(ctx, func(tx *store.Tx) (err error) {
		if out, err = changeableProfile(tx, profileID); err != nil {
			return err
		}
		set(body.Has("description"), &out.Description, body.Value.Description)
		set(body.Has("driver"), &out.Driver, body.Value.Driver)
		set(body.Has("metainfo"), &out.Metainfo, body.Value.Metainfo)
		set(body.Has("enabled"), &out.Enabled, body.Value.Enabled)
		return store.UpdateServiceProfile(tx, out)
	})
	return out, err
}

// changeableProfile returns a profile that no flavor has, and keeps others off it.
func changeableProfile(tx *store.Tx, profileID string) (*model.ServiceProfile, error) {
	if err := store.LockServiceProfile(tx, profileID); err != nil {
		return nil, err
	}
	found, err := findProfile(tx, profileID)
	if err != nil {
		return nil, err
	}
	used, err := store.ServiceProfileInUse(tx, profileID)
	if err == nil && used {
		err = errs.New(errs.Conflict, "ServiceProfileInUse", "Service Profile %s is used by some service instance.", profileID)
	}
	return found, err
}

func (p profiles) Delete(ctx context.Context, _ *auth.Caller, profileID string) error {
	return p.db.Tx(ctx, func(tx *store.Tx) error {
		if _, err := changeableProfile(tx, profileID); err != nil {
			return err
		}
		return store.DeleteServiceProfile(tx, profileID)
	})
}

func profileNotFound(profileID string) error {
	return errs.New(errs.NotFound, "ServiceProfileNotFound", "Service Profile %s could not be found.", profileID)
}
