package apidef

// All returns the definition of every resource that is served by some configuration, parents before what is below them.
func All() []*Resource {
	return []*Resource{Networks(), Subnets(), Ports(), PortBindings(), SecurityGroups(), SecurityGroupRules(), AddressGroups(), SubnetPools(),
		AddressScopes(), RBACPolicies(), Routers(), FloatingIPs(), PortForwardings(), Agents(), AvailabilityZones(), ServiceProviders(),
		NetworkIPAvailabilities(), Flavors(), FlavorProfiles(), NextProviders(), ServiceProfiles(), AutoAllocatedTopologies()}
}
