package policy

// addressGroupDefaults: the rules of address groups (neutron/conf/policies/address_group.py). There are none for their changes, which
// go by the rule default.
func addressGroupDefaults() []Default {
	return []Default{
		{Name: "shared_address_groups", Check: "field:address_groups:shared=True"},
		renewed("get_address_group",
			"role:reader and project_id:%(project_id)s or rule:shared_address_groups",
			"rule:admin_or_owner or rule:shared_address_groups"),
	}
}
