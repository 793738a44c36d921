package policy

// subnetPoolDefaults: the rules of subnet pools (neutron/conf/policies/subnetpool.py).
func subnetPoolDefaults() []Default {
	return []Default{
		{Name: "shared_subnetpools", Check: "field:subnetpools:shared=True"},
		renewed("create_subnetpool",
			"rule:admin_only or role:member and project_id:%(project_id)s",
			"rule:regular_user"),
		scoped("create_subnetpool:shared", "rule:admin_only"),
		scoped("create_subnetpool:is_default", "rule:admin_only"),
		renewed("get_subnetpool",
			"rule:admin_only or role:reader and project_id:%(project_id)s or rule:shared_subnetpools",
			"rule:admin_or_owner or rule:shared_subnetpools"),
		renewed("update_subnetpool",
			"rule:admin_only or role:member and project_id:%(project_id)s",
			"rule:admin_or_owner"),
		scoped("update_subnetpool:is_default", "rule:admin_only"),
		renewed("delete_subnetpool",
			"rule:admin_only or role:member and project_id:%(project_id)s",
			"rule:admin_or_owner"),
		renewed("onboard_network_subnets",
			"rule:admin_only or role:member and project_id:%(project_id)s",
			"rule:admin_or_owner"),
		renewed("add_prefixes",
			"rule:admin_only or role:member and project_id:%(project_id)s",
			"rule:admin_or_owner"),
		renewed("remove_prefixes",
			"rule:admin_only or role:member and project_id:%(project_id)s",
			"rule:admin_or_owner"),
	}
}
