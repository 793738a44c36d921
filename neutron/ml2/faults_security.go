package ml2

import (
	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/model"
)

// The faults of neutron/extensions/securitygroup.py, with their types and texts.

func groupInUse(group model.SecurityGroupID) error {
	return errs.New(errs.Conflict, "SecurityGroupInUse", "Security Group %s in use.", group)
}

func defaultGroupStays() error {
	return errs.New(errs.Conflict, "SecurityGroupCannotRemoveDefault", "Insufficient rights for removing default security group.")
}

func defaultGroupNameFixed() error {
	return errs.New(errs.Conflict, "SecurityGroupCannotUpdateDefault", "Updating default security group not allowed.")
}

func mixedGroups() error {
	return errs.New(errs.Conflict, "SecurityGroupConflict", "Error Cannot apply both stateful and stateless security groups on the "+
		"same port at the same time while attempting the operation.")
}

func ruleNotFound(id string) error {
	return errs.New(errs.NotFound, "SecurityGroupRuleNotFound", "Security group rule %s does not exist", id)
}

func ruleExists(id model.SecurityGroupRuleID) error {
	return errs.New(errs.Conflict, "SecurityGroupRuleExists", "Security group rule already exists. Rule id is %s.", id)
}

func ruleTwice() error {
	return errs.New(errs.Conflict, "DuplicateSecurityGroupRuleInPost", "Duplicate Security Group Rule in POST.")
}

func severalGroups() error {
	return errs.New(errs.Invalid, "SecurityGroupNotSingleGroupRules", "Only allowed to update rules for one security profile at a time")
}

func severalProjects() error {
	return errs.New(errs.Invalid, "SecurityGroupRulesNotSingleTenant",
		"Multiple tenant_ids in bulk security group rule create not allowed")
}

func severalRemotes() error {
	return errs.New(errs.Invalid, "SecurityGroupMultipleRemoteEntites",
		"Only one of remote_ip_prefix or remote_group_id or remote_address_group_id may be provided.")
}

func portsNeedProtocol() error {
	return errs.New(errs.Invalid, "SecurityGroupProtocolRequiredWithPorts", "Must also specify protocol if port range is given.")
}

func invalidPort(port int) error {
	return errs.New(errs.Invalid, "SecurityGroupInvalidPortValue", "Invalid value for port %d", port)
}

func invalidPortRange() error {
	return errs.New(errs.Invalid, "SecurityGroupInvalidPortRange", "For TCP/UDP protocols, port_range_min must be <= port_range_max")
}

func noPorts(protocol int) error {
	return errs.New(errs.Invalid, "SecurityGroupInvalidProtocolForPort", "Ports cannot be specified for protocol %d. "+
		"Ports are only supported for DCCP, SCTP, TCP, UDP, UDPLITE.", protocol)
}

func invalidICMP(field, attr string, value int) error {
	return errs.New(errs.Invalid, "SecurityGroupInvalidIcmpValue", "Invalid value for ICMP %s (%s) %d. It must be 0 to 255.",
		field, attr, value)
}

func icmpTypeMissing(code int) error {
	return errs.New(errs.Invalid, "SecurityGroupMissingIcmpType",
		"ICMP code (port-range-max) %d is provided but ICMP type (port-range-min) is missing.", code)
}

func prefixOfOtherFamily(family model.EtherType, prefix string) error {
	return errs.New(errs.Invalid, "SecurityGroupRuleParameterConflict", "Conflicting value ethertype %s for CIDR %s", family, prefix)
}

func protocolOfOtherFamily(family model.EtherType, protocol string) error {
	return errs.New(errs.Invalid, "SecurityGroupEthertypeConflictWithProtocol", "Invalid ethertype %s for protocol %s.", family, protocol)
}
