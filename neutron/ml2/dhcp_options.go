package ml2

import (
	"cmp"
	"slices"

	"midonet.org/midonet/neutron/model"
)

// blankOptions may have an empty value (VALID_BLANK_EXTRA_DHCP_OPTS): the option is sent, and says that there is none.
var blankOptions = []string{"router", "classless-static-route"}

// mergeOptions applies the extra_dhcp_opts of a request to those that a port has: an option of the same name and IP version is
// replaced, or removed where the value is null, and the others stay (neutron/db/extradhcpopt_db.py). The result has the order in
// which the store reads options back.
func mergeOptions(have, change []model.ExtraDHCPOpt) []model.ExtraDHCPOpt {
	merged := slices.Clone(have)
	for _, o := range change {
		if o.IPVersion == 0 {
			o.IPVersion = 4
		}
		i := slices.IndexFunc(merged, func(m model.ExtraDHCPOpt) bool { return m.Name == o.Name && m.IPVersion == o.IPVersion })
		isValue := !o.Remove && (o.Value != "" || slices.Contains(blankOptions, o.Name))
		switch {
		case i >= 0 && o.Remove:
			merged = slices.Delete(merged, i, i+1)
		case i >= 0 && isValue:
			merged[i] = o
		case isValue:
			merged = append(merged, o)
		}
	}
	slices.SortFunc(merged, func(a, b model.ExtraDHCPOpt) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.IPVersion, b.IPVersion))
	})
	return merged
}
