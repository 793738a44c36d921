package apidef

// PortBindings is the definition of /v2.0/ports/<id>/bindings: neutron-lib api/definitions/portbindings_extended.py.
func PortBindings() *Resource {
	return New("binding", "bindings", []Attribute{
		{Name: "host", Type: String, Help: "The host.",
			Create: true, Required: true, Convert: toText, Validate: hostName, Filter: true, PrimaryKey: true},
		{Name: "vif_type", Type: String, Help: "How the port is plugged there: midonet.", Filter: true},
		{Name: "vif_details", Type: Object, Help: "What the compute service needs to know to plug it."},
		{Name: "vnic_type", Type: String, Help: "The kind of interface; only normal ones are bound.",
			Create: true, Update: true, Default: "normal", Validate: oneOfTexts(vnicTypes), Filter: true, Policy: true},
		{Name: "profile", Type: Object, Help: "What the compute service wants the driver to know.",
			Create: true, Update: true, Validate: orNull(isObject), Policy: true},
		{Name: "status", Type: String, Help: "ACTIVE for the binding that holds, else INACTIVE.", Filter: true},
	}, projectFirst(ownerOfNothing())).Under(Ports())
}

// hostName accepts the name of a host, which the path has to be able to say.
func hostName(v any) string {
	if v == nil || v == "" {
		return "'" + text(v) + "' is no host"
	}
	return stringUpTo(hostSize)(v)
}
