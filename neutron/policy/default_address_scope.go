package policy

// addressScopeDefaults: the rules of address scopes (neutron/conf/policies/address_scope.py).
func addressScopeDefaults() []Default {
	return []Default{
		{Name: "shared_address_scopes", Check: "field:address_scopes:shared=True"},
		renewed("create_address_scope",
			"rule:admin_only or role:member and project_id:%(project_id)s",
			"rule:regular_user"),
		scoped("create_address_scope:shared", "rule:admin_only"),
		renewed("get_address_scope",
			"rule:admin_only or role:reader and project_id:%(project_id)s or rule:shared_address_scopes",
			"rule:admin_or_owner or rule:shared_address_scopes"),
		renewed("update_address_scope",
			"rule:admin_only or role:member and project_id:%(project_id)s",
			"rule:admin_or_owner"),
		scoped("update_address_scope:shared", "rule:admin_only"),
		renewed("delete_address_scope",
			"rule:admin_only or role:member and project_id:%(project_id)s",
			"rule:admin_or_owner"),
	}
}
