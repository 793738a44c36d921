package policy

import "slices"

// Defaults returns every rule of Neutron 21 for what is served, and the building blocks that operators' rules refer to.
func Defaults() []Default {
	return slices.Concat(
		baseDefaults(),
		networkDefaults(),
		subnetDefaults(),
		portDefaults(),
		portBindingDefaults(),
		rbacDefaults(),
		subnetPoolDefaults(),
		addressScopeDefaults(),
		quotaDefaults(),
		agentDefaults(),
		zoneDefaults(),
		providerDefaults(),
		ipAvailabilityDefaults(),
		flavorDefaults(),
		autoAllocationDefaults(),
		routerDefaults(),
		floatingIPDefaults(),
		portForwardingDefaults(),
		securityGroupDefaults(),
		addressGroupDefaults(),
	)
}

// scoped is a rule for tokens of a project, which has always been the same.
func scoped(name, check string) Default {
	return Default{Name: name, Check: check, Scopes: []string{"project"}}
}

// renewed is a rule for tokens of a project with what it was before Neutron knew the roles reader and member.
func renewed(name, check, legacy string) Default {
	return Default{Name: name, Check: check, Legacy: legacy, Scopes: []string{"project"}}
}
