package policy

// baseDefaults: the building blocks of other rules (neutron/conf/policies/base.py).
func baseDefaults() []Default {
	return []Default{
		{Name: "context_is_admin", Check: "role:admin"},
		{Name: "owner", Check: "tenant_id:%(tenant_id)s"},
		{Name: "admin_or_owner", Check: "rule:context_is_admin or rule:owner"},
		{Name: "context_is_advsvc", Check: "role:advsvc"},
		{Name: "admin_or_network_owner", Check: "rule:context_is_admin or tenant_id:%(network:tenant_id)s"},
		{Name: "admin_owner_or_network_owner", Check: "rule:owner or rule:admin_or_network_owner"},
		{Name: "network_owner", Check: "tenant_id:%(network:tenant_id)s"},
		{Name: "admin_only", Check: "rule:context_is_admin"},
		{Name: "regular_user", Check: ""},
		{Name: "shared", Check: "field:networks:shared=True"},
		{Name: "default", Check: "rule:admin_or_owner"},
		{Name: "admin_or_ext_parent_owner", Check: "rule:context_is_admin or tenant_id:%(ext_parent:tenant_id)s"},
		{Name: "ext_parent_owner", Check: "tenant_id:%(ext_parent:tenant_id)s"},
		{Name: "sg_owner", Check: "tenant_id:%(security_group:tenant_id)s"},
	}
}
