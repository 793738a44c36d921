package apidef

import (
	"slices"
	"strings"

	"midonet.org/midonet/neutron/model"
)

// actionSize is the longest action, in characters.
const actionSize = 255

// RBACObjectTypes are the types of objects that RBAC policies can share.
var RBACObjectTypes = []string{model.RBACNetwork, model.RBACSubnetPool, model.RBACAddressScope, model.RBACSecurityGroup,
	model.RBACAddressGroup}

// RBACPolicies is the definition of /v2.0/rbac-policies: neutron/extensions/rbac.py.
func RBACPolicies() *Resource {
	attributes := []Attribute{
		{Name: "id", Type: UUID, Help: "Identifier, assigned by the server.", Validate: isUUID, Filter: true, PrimaryKey: true},
		{Name: "object_type", Type: String, Help: "What kind of object is shared: " + strings.Join(RBACObjectTypes, ", ") + ".",
			Create: true, Required: true, Convert: toRBACObjectType, Filter: true, Policy: true},
		{Name: "object_id", Type: UUID, Help: "The object that is shared.",
			Create: true, Required: true, Validate: isUUID, Filter: true, Policy: true},
		{Name: "target_tenant", Type: String, Help: "The project that it is shared with; * for every project.",
			Create: true, Update: true, Required: true, Validate: unpadded(stringUpTo(ProjectIDSize)), Filter: true, Policy: true},
		{Name: "tenant_id", Type: String, Help: "The older name of project_id.", Alias: "project_id",
			Create: true, Validate: stringUpTo(ProjectIDSize), Filter: true},
		{Name: "project_id", Type: String, Help: "The project that owns the policy.",
			Create: true, Validate: stringUpTo(ProjectIDSize), Filter: true},
		{Name: "action", Type: String, Help: "access_as_shared, or for networks access_as_external.",
			Create: true, Required: true, Validate: stringUpTo(actionSize), Filter: true, Policy: true},
	}
	return New("rbac_policy", "rbac_policies", attributes).At("rbac-policies")
}

// toRBACObjectType is convert_valid_object_type.
func toRBACObjectType(v any) (any, error) {
	kind := strings.ToLower(strings.TrimSpace(text(v)))
	if !slices.Contains(RBACObjectTypes, kind) {
		return nil, InvalidInput("'%s' is not a valid RBAC object type", text(v))
	}
	return kind, nil
}
