package ml2

import (
	"fmt"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/store"
)

// The faults of subnet pools and address scopes (neutron_lib/exceptions/__init__.py and address_scope.py).

func emptyPrefixList() error {
	return errs.New(errs.Invalid, "EmptySubnetPoolPrefixList", "Empty subnet pool prefix list.")
}

func prefixVersionMismatch() error {
	return errs.New(errs.Invalid, "PrefixVersionMismatch", "Cannot mix IPv4 and IPv6 prefixes in a subnet pool.")
}

func illegalBounds(kind string, length model.PrefixLen, base string, baseLength model.PrefixLen) error {
	return errs.New(errs.Invalid, "IllegalSubnetPoolPrefixBounds", "Illegal prefix bounds: %s=%d, %s=%d.", kind, length, base, baseLength)
}

func illegalPrefixUpdate(reason string) error {
	return errs.New(errs.Invalid, "IllegalSubnetPoolPrefixUpdate", "Illegal update to prefixes: %s.", reason)
}

func illegalPoolUpdate(format string, args ...any) error {
	return errs.New(errs.Invalid, "IllegalSubnetPoolUpdate", "Illegal subnetpool update : %s.", fmt.Sprintf(format, args...))
}

func poolInUse() error {
	return errs.New(errs.Invalid, "SubnetPoolDeleteError", "Unable to delete subnet pool: Subnet pool has existing allocations.")
}

func prefixTooLong(bits int, most model.PrefixLen) error {
	return errs.New(errs.Invalid, "MaxPrefixSubnetAllocationError",
		"Unable to allocate subnet with prefix length %d, maximum allowed prefix is %d.", bits, most)
}

func prefixTooShort(bits int, least model.PrefixLen) error {
	return errs.New(errs.Invalid, "MinPrefixSubnetAllocationError",
		"Unable to allocate subnet with prefix length %d, minimum allowed prefix is %d.", bits, least)
}

// noPrefixLength is what the original's address library says to a length that there is not.
func noPrefixLength(version, bits int) error {
	wildcard := "0.0.0.0"
	if version == 6 {
		wildcard = "::"
	}
	return errs.New(errs.Invalid, "AddrFormatError", "invalid IPNetwork %s/%d", wildcard, bits)
}

// allocationFailed is SubnetAllocationError, which the original answers with status 500. That a pool has nothing left is no failure
// of the server.
func allocationFailed(format string, args ...any) error {
	return errs.New(errs.Conflict, "SubnetAllocationError", "Failed to allocate subnet: %s.", fmt.Sprintf(format, args...))
}

func poolQuotaExceeded() error {
	return errs.New(errs.Conflict, "SubnetPoolQuotaExceeded", "Per-tenant subnet pool prefix quota exceeded.")
}

// poolFault gives the database's refusals of a pool their faults.
func poolFault(err error, p *model.SubnetPool) error {
	switch {
	case store.Violates(err, store.UniqueDefaultPool):
		return invalidInput("A default subnetpool for this IP family has already been set. Only one default may exist per IP family")
	case store.Violates(err, store.Reference):
		return addressScopeNotFound(p.AddressScopeID.String())
	}
	return err
}

func poolAffinity() error {
	return errs.New(errs.Invalid, "NetworkSubnetPoolAffinityError",
		"Subnets hosted on the same network must be allocated from the same subnet pool.")
}

func scopeAffinity() error {
	return errs.New(errs.Invalid, "NetworkAddressScopeAffinityError",
		"Subnets of the same address family hosted on the same network must all participate in the same address scope.")
}

func addressScopeNotFound(id string) error {
	return errs.New(errs.NotFound, "AddressScopeNotFound", "Address scope %s could not be found.", id)
}

func addressScopeInUse(id string) error {
	return errs.New(errs.Conflict, "AddressScopeInUse",
		"Unable to complete operation on address scope %s. There are one or more subnet pools in use on the address scope.", id)
}

func cannotUnshareScope(id string) error {
	return errs.New(errs.Invalid, "AddressScopeUpdateError",
		"Unable to update address scope %s : Shared address scope can't be unshared.", id)
}

func scopeVersion(p *model.SubnetPool, s *model.AddressScope) error {
	return errs.New(errs.Invalid, "IllegalSubnetPoolIpVersionAssociationToAddressScope", "Illegal subnetpool association: subnetpool %s "+
		"cannot associate with address scope %s because subnetpool ip_version is not %d.", p.ID, s.ID, s.IPVersion)
}

func scopePrefixConflict() error {
	return errs.New(errs.Conflict, "AddressScopePrefixConflict",
		"Failed to associate address scope: subnetpools within an address scope must have unique prefixes.")
}
