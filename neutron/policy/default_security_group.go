package policy

// securityGroupDefaults: the rules of security groups and of theirs (neutron/conf/policies/security_group.py).
func securityGroupDefaults() []Default {
	return []Default{
		{Name: "admin_or_sg_owner", Check: "rule:context_is_admin or tenant_id:%(security_group:tenant_id)s"},
		{Name: "admin_owner_or_sg_owner", Check: "rule:owner or rule:admin_or_sg_owner"},
		renewed("create_security_group",
			"role:member and project_id:%(project_id)s",
			"rule:admin_or_owner"),
		renewed("get_security_group",
			"role:reader and project_id:%(project_id)s",
			"rule:regular_user"),
		renewed("update_security_group",
			"role:member and project_id:%(project_id)s",
			"rule:admin_or_owner"),
		renewed("delete_security_group",
			"role:member and project_id:%(project_id)s",
			"rule:admin_or_owner"),
		renewed("create_security_group_rule",
			"role:member and project_id:%(project_id)s",
			"rule:admin_or_owner"),
		renewed("get_security_group_rule",
			"role:reader and project_id:%(project_id)s or rule:sg_owner",
			"rule:admin_owner_or_sg_owner"),
		renewed("delete_security_group_rule",
			"role:member and project_id:%(project_id)s",
			"rule:admin_or_owner"),
	}
}
