package policy

// autoAllocationDefaults: the rules of topologies that projects get by asking (neutron/conf/policies/auto_allocated_topology.py).
func autoAllocationDefaults() []Default {
	return []Default{
		renewed("get_auto_allocated_topology", "role:reader and project_id:%(project_id)s", "rule:admin_or_owner"),
		renewed("delete_auto_allocated_topology", "role:member and project_id:%(project_id)s", "rule:admin_or_owner"),
	}
}
