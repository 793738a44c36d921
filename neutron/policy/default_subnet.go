package policy

// subnetDefaults: the rules of subnets (neutron/conf/policies/subnet.py).
func subnetDefaults() []Default {
	return []Default{
		// Neutron 21 has role:member and project_id:%(project_id)s, with which a member adds subnets to every network that is shared;
		// this is what Neutron has had since.
		renewed("create_subnet",
			"rule:admin_only or role:member and rule:network_owner",
			"rule:admin_or_network_owner"),
		scoped("create_subnet:segment_id", "rule:admin_only"),
		scoped("create_subnet:service_types", "rule:admin_only"),
		renewed("get_subnet",
			"rule:admin_only or role:reader and project_id:%(project_id)s or rule:shared",
			"rule:admin_or_owner or rule:shared"),
		scoped("get_subnet:segment_id", "rule:admin_only"),
		renewed("update_subnet",
			"rule:admin_only or role:member and project_id:%(project_id)s or rule:network_owner",
			"rule:admin_or_network_owner"),
		scoped("update_subnet:segment_id", "rule:admin_only"),
		scoped("update_subnet:service_types", "rule:admin_only"),
		renewed("delete_subnet",
			"rule:admin_only or role:member and project_id:%(project_id)s or rule:network_owner",
			"rule:admin_or_network_owner"),
	}
}
