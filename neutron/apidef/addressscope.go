package apidef

// AddressScopes is the definition of /v2.0/address-scopes: neutron-lib api/definitions/address_scope.py.
func AddressScopes() *Resource {
	attributes := []Attribute{
		{Name: "tenant_id", Type: String, Help: "The older name of project_id.", Alias: "project_id",
			Create: true, Validate: stringUpTo(ProjectIDSize), Filter: true, Sort: true},
		{Name: "project_id", Type: String, Help: "The project that owns it.",
			Create: true, Validate: stringUpTo(ProjectIDSize), Filter: true, Sort: true},
		{Name: "shared", Type: Boolean, Help: "Whether it is shared with who asks; in a POST or PUT, with every project, which cannot be undone.",
			Create: true, Update: true, Default: false, Convert: toBoolean, Filter: true, Policy: true},
		{Name: "ip_version", Type: Integer, Help: "4 or 6, that of its subnet pools.",
			Create: true, Required: true, Convert: toInteger, Validate: oneOf("4", "6"), Filter: true, Sort: true},
	}
	return New("address_scope", "address_scopes", identity(), attributes).At("address-scopes")
}
