package model

// ServiceProvider is a driver of a service that has several (neutron/extensions/servicetype.py).
type ServiceProvider struct {
	ServiceType string `attr:"service_type"`
	Name        string `attr:"name"`
	Default     bool   `attr:"default"`

	Driver string // its class path, which profiles of flavors name and no one is shown
}
