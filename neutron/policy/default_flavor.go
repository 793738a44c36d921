package policy

// flavorDefaults: the rules of flavors and service profiles (neutron/conf/policies/flavor.py).
func flavorDefaults() []Default {
	const seen, before = "(rule:admin_only) or (role:reader and project_id:%(project_id)s)", "rule:regular_user"
	return []Default{
		scoped("create_flavor", "rule:admin_only"),
		renewed("get_flavor", seen, before),
		scoped("update_flavor", "rule:admin_only"),
		scoped("delete_flavor", "rule:admin_only"),
		scoped("create_service_profile", "rule:admin_only"),
		scoped("get_service_profile", "rule:admin_only"),
		scoped("update_service_profile", "rule:admin_only"),
		scoped("delete_service_profile", "rule:admin_only"),
		renewed("get_flavor_service_profile", seen, before),
		scoped("create_flavor_service_profile", "rule:admin_only"),
		scoped("delete_flavor_service_profile", "rule:admin_only"),
	}
}
