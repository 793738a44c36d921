package policy

// rbacDefaults: the rules of RBAC policies (neutron/conf/policies/rbac.py).
func rbacDefaults() []Default {
	return []Default{
		{Name: "restrict_wildcard", Check: "(not field:rbac_policy:target_tenant=* and not field:rbac_policy:target_project=*) or rule:admin_only"},
		renewed("create_rbac_policy",
			"rule:admin_only or role:member and project_id:%(project_id)s",
			"rule:regular_user"),
		renewed("create_rbac_policy:target_tenant",
			"rule:admin_only or (not field:rbac_policy:target_tenant=* and not field:rbac_policy:target_project=*)",
			"rule:restrict_wildcard"),
		renewed("update_rbac_policy",
			"rule:admin_only or role:member and project_id:%(project_id)s",
			"rule:admin_or_owner"),
		renewed("update_rbac_policy:target_tenant",
			"rule:admin_only or (not field:rbac_policy:target_tenant=* and not field:rbac_policy:target_project=*)",
			"rule:restrict_wildcard and rule:admin_or_owner"),
		renewed("get_rbac_policy",
			"rule:admin_only or role:reader and project_id:%(project_id)s",
			"rule:admin_or_owner"),
		renewed("delete_rbac_policy",
			"rule:admin_only or role:member and project_id:%(project_id)s",
			"rule:admin_or_owner"),
	}
}
