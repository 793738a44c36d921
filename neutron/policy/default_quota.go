package policy

// quotaDefaults: the rules of quotas (neutron/conf/policies/quotas.py). A project sees its own without being asked.
func quotaDefaults() []Default {
	return []Default{
		scoped("get_quota", "rule:admin_only"),
		scoped("update_quota", "rule:admin_only"),
		scoped("delete_quota", "rule:admin_only"),
	}
}
