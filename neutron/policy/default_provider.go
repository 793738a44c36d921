package policy

// providerDefaults: the rule of service providers (neutron/conf/policies/service_type.py).
func providerDefaults() []Default {
	return []Default{renewed("get_service_provider", "role:reader", "rule:regular_user")}
}
