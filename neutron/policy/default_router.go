package policy

// What a project may do with what it owns, and what it could see of it, by the newer roles.
const (
	memberOfProject = "rule:admin_only or role:member and project_id:%(project_id)s"
	readerOfProject = "rule:admin_only or role:reader and project_id:%(project_id)s"
)

// routerDefaults: the rules of routers (neutron/conf/policies/router.py).
func routerDefaults() []Default {
	return []Default{
		renewed("create_router", memberOfProject, "rule:regular_user"),
		scoped("create_router:distributed", "rule:admin_only"),
		scoped("create_router:ha", "rule:admin_only"),
		renewed("create_router:external_gateway_info", memberOfProject, "rule:admin_or_owner"),
		renewed("create_router:external_gateway_info:network_id", memberOfProject, "rule:admin_or_owner"),
		scoped("create_router:external_gateway_info:enable_snat", "rule:admin_only"),
		scoped("create_router:external_gateway_info:external_fixed_ips", "rule:admin_only"),
		renewed("get_router", readerOfProject, "rule:admin_or_owner"),
		scoped("get_router:distributed", "rule:admin_only"),
		scoped("get_router:ha", "rule:admin_only"),
		renewed("update_router", memberOfProject, "rule:admin_or_owner"),
		scoped("update_router:distributed", "rule:admin_only"),
		scoped("update_router:ha", "rule:admin_only"),
		renewed("update_router:external_gateway_info", memberOfProject, "rule:admin_or_owner"),
		renewed("update_router:external_gateway_info:network_id", memberOfProject, "rule:admin_or_owner"),
		scoped("update_router:external_gateway_info:enable_snat", "rule:admin_only"),
		scoped("update_router:external_gateway_info:external_fixed_ips", "rule:admin_only"),
		renewed("delete_router", memberOfProject, "rule:admin_or_owner"),
		renewed("add_router_interface", memberOfProject, "rule:admin_or_owner"),
		renewed("remove_router_interface", memberOfProject, "rule:admin_or_owner"),
		renewed("add_extraroutes", memberOfProject, "rule:admin_or_owner"),
		renewed("remove_extraroutes", memberOfProject, "rule:admin_or_owner"),
	}
}

// floatingIPDefaults: the rules of floating addresses (neutron/conf/policies/floatingip.py).
func floatingIPDefaults() []Default {
	return []Default{
		renewed("create_floatingip", memberOfProject, "rule:regular_user"),
		scoped("create_floatingip:floating_ip_address", "rule:admin_only"),
		renewed("get_floatingip", readerOfProject, "rule:admin_or_owner"),
		renewed("update_floatingip", memberOfProject, "rule:admin_or_owner"),
		renewed("delete_floatingip", memberOfProject, "rule:admin_or_owner"),
	}
}

// portForwardingDefaults: the rules of forwardings (neutron/conf/policies/floatingip_port_forwarding.py).
func portForwardingDefaults() []Default {
	const member = "role:member and project_id:%(project_id)s or rule:ext_parent_owner"
	const reader = "role:reader and project_id:%(project_id)s or rule:ext_parent_owner"
	return []Default{
		renewed("create_floatingip_port_forwarding", member, "rule:admin_or_ext_parent_owner"),
		renewed("get_floatingip_port_forwarding", reader, "rule:admin_or_ext_parent_owner"),
		renewed("update_floatingip_port_forwarding", member, "rule:admin_or_ext_parent_owner"),
		renewed("delete_floatingip_port_forwarding", member, "rule:admin_or_ext_parent_owner"),
	}
}
