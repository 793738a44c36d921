package policy

// agentDefaults: the rules of agents and of what agents would be scheduled (neutron/conf/policies/agent.py).
func agentDefaults() []Default {
	names := []string{"get_agent", "update_agent", "delete_agent", "create_dhcp-network", "get_dhcp-networks", "delete_dhcp-network",
		"create_l3-router", "get_l3-routers", "delete_l3-router", "get_dhcp-agents", "get_l3-agents"}
	rules := make([]Default, len(names))
	for i, name := range names {
		rules[i] = scoped(name, "rule:admin_only")
	}
	return rules
}

// zoneDefaults: the rule of availability zones (neutron/conf/policies/availability_zone.py).
func zoneDefaults() []Default {
	return []Default{renewed("get_availability_zone", "rule:admin_only", "rule:regular_user")}
}
