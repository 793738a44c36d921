package apidef

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"

	"midonet.org/midonet/errs"
)

// longDescriptionSize is the size of an address group's description, in characters.
const longDescriptionSize = 1024

// AddressGroups is the definition of /v2.0/address-groups: neutron-lib api/definitions/address_group.py. As there, clients do not see
// whether a group is shared, nor the standard attributes.
func AddressGroups() *Resource {
	attributes := []Attribute{
		{Name: "name", Type: String, Help: "Name for people; it need not be unique.",
			Create: true, Update: true, Default: "", Validate: stringUpTo(nameSize), Filter: true, Sort: true},
		{Name: "description", Type: String, Help: "Description for people.",
			Create: true, Update: true, Default: "", Validate: stringUpTo(longDescriptionSize), Filter: true, Sort: true},
		{Name: "project_id", Type: String, Help: "The project that owns it. Only an administrator may name another than its own.",
			Create: true, Validate: stringUpTo(ProjectIDSize), Filter: true, Sort: true},
		{Name: "tenant_id", Type: String, Help: "The older name of project_id.", Alias: "project_id",
			Create: true, Validate: stringUpTo(ProjectIDSize), Filter: true, Sort: true},
		{Name: "addresses", Type: List, Help: "Its address ranges; the member actions add_addresses and remove_addresses change them.",
			Create: true, Convert: nullToEmptyList, Validate: ranges},
		{Name: "shared", Type: Boolean, Help: "Whether an RBAC policy lets the caller's project use it.", Hidden: true},
		{Name: "created_at", Type: Time, Help: "When it was created, UTC.", Hidden: true, Internal: true},
		{Name: "updated_at", Type: Time, Help: "When it was changed last, UTC.", Hidden: true, Internal: true},
		{Name: "revision_number", Type: Integer, Help: "Grows with each change.", Hidden: true, Internal: true},
	}
	return New("address_group", "address_groups", identifier(), attributes).At("address-groups")
}

// ranges is validate_subnet_list.
func ranges(v any) string {
	list, ok := v.([]any)
	if !ok {
		return fmt.Sprintf("'%s' is not a list", text(v))
	}
	if twice := duplicates(list); len(twice) > 0 {
		return fmt.Sprintf("Duplicate items in the list: '%s'", strings.Join(twice, ", "))
	}
	for _, e := range list {
		if reason := isRange(e); reason != "" {
			return reason
		}
	}
	return ""
}

// isRange is validate_subnet: an address and a prefix length. It may be any address of the range.
func isRange(v any) string {
	s, ok := v.(string)
	if !ok {
		return fmt.Sprintf("'%s' is not a valid IP subnet", text(v))
	}
	p, ok := parseNetwork(s)
	switch {
	case !ok:
		return fmt.Sprintf("'%s' is not a valid IP subnet", s)
	case !strings.Contains(s, "/"), p.Addr().Is4() && p.String() != s:
		return fmt.Sprintf("'%s' isn't a recognized IP subnet cidr, '%s' is recommended", s, p.Masked())
	}
	return ""
}

// Addresses reads the body of the member actions of address groups, {"addresses": ["10.0.0.0/24", …]}. An address alone is a range of
// one.
func Addresses(body json.RawMessage) ([]netip.Prefix, error) {
	var asked struct{ Addresses *[]string }
	if err := json.Unmarshal(body, &asked); err != nil || asked.Addresses == nil {
		return nil, InvalidInput("addresses must be a list of IP subnets")
	}
	addresses := make([]netip.Prefix, len(*asked.Addresses))
	for i, s := range *asked.Addresses {
		p, ok := parseNetwork(s)
		if !ok {
			return nil, errs.New(errs.Invalid, "AddrFormatError", "invalid IPNetwork %s", s)
		}
		addresses[i] = p
	}
	return addresses, nil
}
