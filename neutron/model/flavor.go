package model

// Flavor is a choice of service profiles that an operator offers for a service (neutron-lib api/definitions/flavors.py).
type Flavor struct {
	ID              FlavorID           `attr:"id"`
	ProjectID       string             `attr:"project_id,hidden"` // in a request
	Name            string             `attr:"name"`
	Description     *string            `attr:"description"`
	ServiceType     string             `attr:"service_type"`
	ServiceProfiles []ServiceProfileID `attr:"service_profiles"`
	Enabled         bool               `attr:"enabled"`
}

// ServiceProfile is a driver, and what it is told.
type ServiceProfile struct {
	ID          ServiceProfileID `attr:"id"`
	ProjectID   string           `attr:"project_id,hidden"` // in a request
	Description *string          `attr:"description"`
	Driver      string           `attr:"driver"` // empty: none
	Metainfo    *string          `attr:"metainfo"`
	Enabled     bool             `attr:"enabled"`
}

// FlavorProfile says that a flavor has a service profile.
type FlavorProfile struct {
	ID        ServiceProfileID `attr:"id"`
	ProjectID string           `attr:"project_id,hidden"` // in a request
}

// NextProvider is the provider that an instance of a flavor's service would get.
type NextProvider struct {
	Provider string `attr:"provider"`
	Driver   string `attr:"driver"`
}
