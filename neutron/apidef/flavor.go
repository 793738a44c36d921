package apidef

// metainfoSize is the size of a service profile's metainfo, in characters (neutron/db/models/flavor.py).
const metainfoSize = 4096

// Flavors is the definition of /v2.0/flavors: neutron-lib api/definitions/flavors.py. They belong to no project; the owner that a request
// may name is kept nowhere.
func Flavors() *Resource {
	return New("flavor", "flavors", identity(), []Attribute{
		longDescription(),
		{Name: "service_type", Type: String, Help: "The service whose drivers it chooses from, as CORE or L3_ROUTER_NAT.",
			Create: true, Required: true, Convert: toPythonText, Filter: true, Sort: true},
		{Name: "service_profiles", Type: List, Help: "Its service profiles, which are added and removed below it; what is given here is passed over.",
			Create: true, Update: true, Default: []any{}, Validate: uuidList},
		enabled(),
	}, ownerOfNothing())
}

// ServiceProfiles is the definition of /v2.0/service_profiles.
func ServiceProfiles() *Resource {
	return New("service_profile", "service_profiles", identifier(), []Attribute{
		longDescription(),
		{Name: "driver", Type: String, Help: "The driver, by its class path; empty for none.",
			Create: true, Update: true, Default: "", Validate: stringUpTo(longDescriptionSize), Filter: true, Sort: true},
		{Name: "metainfo", Type: String, Help: "What the driver is told.",
			Create: true, Update: true, Default: "", Convert: toText, Validate: orNull(stringUpTo(metainfoSize)), Sort: true},
		enabled(),
	}, ownerOfNothing())
}

// FlavorProfiles is the definition of /v2.0/flavors/<id>/service_profiles: which profiles a flavor has.
func FlavorProfiles() *Resource {
	return New("service_profile", "service_profiles", []Attribute{
		{Name: "id", Type: UUID, Help: "The service profile.", Create: true, Required: true, Validate: isUUID, PrimaryKey: true},
	}, ownerOfNothing()).Under(Flavors())
}

// NextProviders is the definition of /v2.0/flavors/<id>/next_providers: the provider that the flavor's next instance would get.
func NextProviders() *Resource {
	return New("next_provider", "next_providers", []Attribute{
		{Name: "provider", Type: String, Help: "The provider's name.", PrimaryKey: true},
		{Name: "driver", Type: String, Help: "Its driver."},
	}).Under(Flavors())
}

func longDescription() Attribute {
	return Attribute{Name: "description", Type: String, Help: "Description for people.",
		Create: true, Update: true, Default: "", Validate: orNull(stringUpTo(longDescriptionSize)), Filter: true, Sort: true}
}

func enabled() Attribute {
	return Attribute{Name: "enabled", Type: Boolean, Help: "Whether it may be chosen.",
		Create: true, Update: true, Default: true, Convert: toBooleanOrTrue, Filter: true, Sort: true}
}

// ownerOfNothing takes the project of a request, and shows none.
func ownerOfNothing() []Attribute {
	return []Attribute{
		{Name: "tenant_id", Type: String, Help: "The older name of project_id.", Alias: "project_id",
			Create: true, Validate: stringUpTo(ProjectIDSize), Hidden: true},
		{Name: "project_id", Type: String, Help: "Taken and not kept.", Create: true, Validate: stringUpTo(ProjectIDSize), Hidden: true},
	}
}

// toBooleanOrTrue is convert_to_boolean_if_not_none, with null for what the database has by default.
func toBooleanOrTrue(v any) (any, error) {
	if v == nil {
		return true, nil
	}
	return toBoolean(v)
}

// toPythonText makes a text of whatever there is, for the plugin to say that it is unknown.
func toPythonText(v any) (any, error) { return text(v), nil }
