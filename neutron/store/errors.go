package store

import (
	"errors"
	"fmt"
)

// ErrNotFound says that no row has the identifier, or none that the caller may see.
var ErrNotFound = errors.New("no such row")

// NotFoundAs gives a row that is missing its Neutron fault. That of a list is about the marker, which the original reads before the list.
func NotFoundAs(err, fault error) error {
	if errors.Is(err, ErrNotFound) {
		return fault
	}
	return err
}

// ErrStale says that what this transaction has read was changed by someone else since. DB.Tx runs the transaction again.
var ErrStale = errors.New("the row has changed meanwhile")

// Constraint is a rule that the database itself keeps.
type Constraint string

// The constraints that a client can run into.
const (
	// UniqueID: an identifier is used once in its table.
	UniqueID Constraint = "id"
	// UniqueMAC: a MAC address is used once in a network.
	UniqueMAC Constraint = "ports.mac_address"
	// UniqueAddress: an IP address is allocated once in a subnet.
	UniqueAddress Constraint = "ipallocations.ip_address"
	// UniqueRBACPolicy: an object is shared with a project once.
	UniqueRBACPolicy Constraint = "rbacpolicies.values"
	// UniqueDefaultPool: there is one default subnet pool of each IP version.
	UniqueDefaultPool Constraint = "subnetpools.default_for"
	// UniqueDefaultNetwork: there is one default external network.
	UniqueDefaultNetwork Constraint = "networks.default_external"
	// UniqueDefaultGroup: a project has one default security group.
	UniqueDefaultGroup Constraint = "default_security_group.project_id"
	// Reference: a row that another names exists as long as the other does.
	Reference Constraint = "reference"
	// OtherConstraint is any other rule of the schema; to violate it is a defect of this program.
	OtherConstraint Constraint = "other"
)

// ConstraintError says that a statement was refused by a constraint. The statement changed nothing, and the transaction goes on.
type ConstraintError struct {
	Constraint Constraint
	Err        error // the engine's own
}

func (e *ConstraintError) Error() string {
	return fmt.Sprintf("constraint %s: %v", e.Constraint, e.Err)
}

func (e *ConstraintError) Unwrap() error { return e.Err }

// Violates reports whether err says that the constraint was violated.
func Violates(err error, c Constraint) bool {
	var v *ConstraintError
	return errors.As(err, &v) && v.Constraint == c
}
