package policy

// ipAvailabilityDefaults: the rule of what networks have of addresses (neutron/conf/policies/network_ip_availability.py).
func ipAvailabilityDefaults() []Default {
	return []Default{scoped("get_network_ip_availability", "rule:admin_only")}
}
