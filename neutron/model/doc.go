// Package model has the resources of the Networking API as Go values.
//
// The tag `attr` names the API attribute that a field holds; a test ties the tags to package apidef both ways, so that neither can
// drift; one that ends in ",hidden" is for requests and rules, and no part of the form, and one
// that ends in ",absent" is left out of it where it is nil. The JSON form of a value is its complete API form (every attribute, the API's names and null where the API says null); it
// is what a journal task carries and what the renderer reads, so it may gain attributes and never changes the meaning of one.
//
// A nil pointer or the zero netip value is the API's null. Time stamps are UTC with whole seconds.
package model

import (
	"midonet.org/midonet/id"
)

// Identifiers of each resource.
type (
	NetworkID = id.ID[Network]
	SubnetID  = id.ID[Subnet]
	PortID    = id.ID[Port]

	AgentID = id.ID[Agent]

	RBACPolicyID   = id.ID[RBACPolicy]
	SubnetPoolID   = id.ID[SubnetPool]
	AddressScopeID = id.ID[AddressScope]

	SecurityGroupID     = id.ID[SecurityGroup]
	SecurityGroupRuleID = id.ID[SecurityGroupRule]
	AddressGroupID      = id.ID[AddressGroup]

	RouterID         = id.ID[Router]
	FloatingIPID     = id.ID[FloatingIP]
	PortForwardingID = id.ID[PortForwarding]

	FlavorID         = id.ID[Flavor]
	ServiceProfileID = id.ID[ServiceProfile]
)

// Status of a resource as the API shows it.
type Status string

// The statuses of networks and ports (neutron-lib constants).
const (
	StatusActive Status = "ACTIVE"
	StatusBuild  Status = "BUILD"
	StatusDown   Status = "DOWN"
	StatusError  Status = "ERROR"
	// StatusNotApplicable is that of a port that is no interface.
	StatusNotApplicable Status = "N/A"
)

// Standard is what every resource carries (extensions standard-attr-*, tenant_id and project_id being one value).
type Standard struct {
	ProjectID      string `attr:"project_id"`
	Description    string `attr:"description"`
	CreatedAt      Time   `attr:"created_at"`
	UpdatedAt      Time   `attr:"updated_at"`
	RevisionNumber int64  `attr:"revision_number"`
}

// Owner returns the project that owns the resource; empty for what a project asked the service for and does not own.
func (s Standard) Owner() string { return s.ProjectID }
