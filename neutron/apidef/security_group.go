package apidef

import (
	"strings"

	"midonet.org/midonet/errs"
)

// SecurityGroups is the definition of /v2.0/security-groups: neutron/extensions/securitygroup.py with neutron-lib api/definitions/
// stateful_security_group.py and security_groups_shared_filtering.py.
func SecurityGroups() *Resource {
	core := []Attribute{
		{Name: "name", Type: String, Help: "Name for people; default is that of the group that ports join which name none.",
			Create: true, Update: true, Default: "", Convert: notDefault, Filter: true, ConvertFilter: asWritten, Sort: true},
		{Name: "security_group_rules", Type: List, Help: "Its rules."},
		{Name: "stateful", Type: Boolean, Help: "Whether the answers to what a rule lets through pass too.",
			Create: true, Update: true, Default: true, Convert: toBoolean},
		{Name: "shared", Type: Boolean, Help: "Whether an RBAC policy lets the caller's project use it.", Convert: toBoolean, Filter: true},
	}
	return New("security_group", "security_groups", identifier(), core, standard(), tagged()).At("security-groups")
}

// asWritten lets a filter ask for what a request may not set.
func asWritten(s string) (string, error) { return s, nil }

// notDefault is _validate_name_not_default: that name is taken by the group that each project has.
func notDefault(v any) (any, error) {
	if reason := stringUpTo(nameSize)(v); reason != "" {
		return nil, BadRequest("Invalid input for name. Reason: %s.", reason)
	}
	if strings.EqualFold(v.(string), "default") {
		return nil, errs.New(errs.Conflict, "SecurityGroupDefaultAlreadyExists", "Default security group already exists.")
	}
	return v, nil
}

// SecurityGroupNotFound is the fault of a group that does not exist for the caller. References that are no identifiers are taken for
// such.
func SecurityGroupNotFound(id string) error {
	return errs.New(errs.NotFound, "SecurityGroupNotFound", "Security group %s does not exist", id)
}

// AddressGroupNotFound is the fault of an address group that does not exist for the caller.
func AddressGroupNotFound(id string) error {
	return errs.New(errs.NotFound, "AddressGroupNotFound", "Address group %s could not be found.", id)
}
