package model

// RBACPolicy lets a project use what another project owns (neutron/extensions/rbac.py).
type RBACPolicy struct {
	ID            RBACPolicyID `attr:"id"`
	ProjectID     string       `attr:"project_id"` // whose the policy is, which need not own the object
	ObjectType    string       `attr:"object_type"`
	ObjectID      string       `attr:"object_id"`
	Action        RBACAction   `attr:"action"`
	TargetProject string       `attr:"target_tenant"` // whom it is for; Everyone for all
}

// Owner returns the project that owns the policy.
func (p RBACPolicy) Owner() string { return p.ProjectID }

// RBACAction is what a policy allows.
type RBACAction string

// The actions (neutron/db/rbac_db_models.py).
const (
	AccessAsShared   RBACAction = "access_as_shared"
	AccessAsExternal RBACAction = "access_as_external" // of networks alone: as a router's gateway
)

// Everyone is the target of a policy for all projects.
const Everyone = "*"

// The types of objects that policies speak of (object_type).
const (
	RBACNetwork       = "network"
	RBACSubnetPool    = "subnetpool"
	RBACAddressScope  = "address_scope"
	RBACSecurityGroup = "security_group"
	RBACAddressGroup  = "address_group"
)
