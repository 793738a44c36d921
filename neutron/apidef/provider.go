package apidef

// ServiceProviders is the definition of /v2.0/service-providers (neutron/extensions/servicetype.py).
func ServiceProviders() *Resource {
	return New("service_provider", "service_providers", []Attribute{
		{Name: "service_type", Type: String, Help: "The service.", Filter: true},
		{Name: "name", Type: String, Help: "The driver's name.", Filter: true, PrimaryKey: true},
		{Name: "default", Type: Boolean, Help: "Whether it is taken where none is named.", Convert: toBoolean, Filter: true},
	}).At("service-providers")
}
