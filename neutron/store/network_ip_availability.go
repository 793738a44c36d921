package store

import (
	"database/sql"
	"math/big"
	"net/netip"
	"slices"

	"github.com/huandu/go-sqlbuilder"

	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
)

// availabilities is the table of networks as what they have of addresses. Where versions are given, subnets of other ones do not count, and
// networks that have none are not there.
func availabilities(versions []any) *table[model.NetworkIPAvailability] {
	return &table[model.NetworkIPAvailability]{
		from:    "networks t",
		columns: []string{"t.id", "t.name", "t.project_id"},
		attrs: map[string]column{
			"id":           {"t.id", text},
			"network_id":   {"t.id", text},
			"network_name": {"t.name", text},
			"project_id":   {"t.project_id", text},
			"tenant_id":    {"t.project_id", text},
		},
		visible: networks.visible,
		filter: func(b *sqlbuilder.SelectBuilder, _ Scope, f plugin.Filter) (string, bool, error) {
			if f.Attr != "ip_version" {
				return "", false, nil
			}
			return "t.id IN (SELECT s.network_id FROM subnets s WHERE " + b.In("s.ip_version", versions...) + ")", true, nil
		},
		scan: func(rows row) (*model.NetworkIPAvailability, error) {
			n := &model.NetworkIPAvailability{TotalIPs: new(big.Int)}
			return n, rows.Scan(textual(&n.NetworkID), &n.NetworkName, &n.ProjectID)
		},
		children: func(q Querier, items []*model.NetworkIPAvailability) error { return countAddresses(q, items, versions) },
	}
}

// NetworkIPAvailability returns what a network has of addresses, or ErrNotFound where there is none that who looks sees.
func NetworkIPAvailability(q Querier, networkID string, who Scope) (*model.NetworkIPAvailability, error) {
	return availabilities(nil).get(q, networkID, who)
}

// ListNetworkIPAvailabilities answers a list request.
func ListNetworkIPAvailabilities(q Querier, who Scope, want plugin.Query) ([]*model.NetworkIPAvailability, error) {
	var versions []any
	for _, f := range want.Filters {
		if f.Attr == "ip_version" {
			versions = integers(f.Values)
		}
	}
	return availabilities(versions).list(q, who, want)
}

// integers returns the values that are numbers.
func integers(texts []string) []any {
	numbers := []any{}
	for _, s := range texts {
		if n, ok := integer.value(s); ok {
			numbers = append(numbers, n)
		}
	}
	return numbers
}

// counted is a subnet, with the network whose sums it goes into.
type counted struct {
	model.SubnetIPAvailability
	network *model.NetworkIPAvailability
}

// countAddresses fills in the subnets and the sums, with three queries for all the networks.
func countAddresses(q Querier, items []*model.NetworkIPAvailability, versions []any) error {
	byID, owners := index(items, func(n *model.NetworkIPAvailability) model.NetworkID { return n.NetworkID })
	var subnets []*counted
	err := eachChild(q, "SELECT network_id, id, name, ip_version, cidr FROM subnets WHERE network_id IN (%s) ORDER BY created_at, id", owners,
		func(rows *sql.Rows) error {
			s := &counted{SubnetIPAvailability: model.SubnetIPAvailability{TotalIPs: new(big.Int)}}
			var network model.NetworkID
			err := rows.Scan(textual(&network), textual(&s.SubnetID), &s.SubnetName, &s.IPVersion, textual(&s.CIDR))
			s.network = byID[network]
			if versions == nil || slices.Contains(versions, any(int64(s.IPVersion))) {
				subnets = append(subnets, s)
			}
			return err
		})
	if err != nil {
		return err
	}
	if err := countPools(q, subnets); err != nil {
		return err
	}
	for _, s := range subnets {
		if s.TotalIPs.Sign() == 0 {
			s.TotalIPs = rangeSize(s.CIDR)
		}
		s.network.TotalIPs.Add(s.network.TotalIPs, s.TotalIPs)
		s.network.UsedIPs += s.UsedIPs
		s.network.Subnets = append(s.network.Subnets, s.SubnetIPAvailability)
	}
	return nil
}

// countPools fills in the sizes of the allocation pools and how many addresses are allocated.
func countPools(q Querier, subnets []*counted) error {
	byID, owners := index(subnets, func(s *counted) model.SubnetID { return s.SubnetID })
	err := eachChild(q, "SELECT subnet_id, first_ip, last_ip FROM ipallocationpools WHERE subnet_id IN (%s)", owners,
		func(rows *sql.Rows) error {
			var subnet model.SubnetID
			var pool model.AllocationPool
			if err := rows.Scan(textual(&subnet), textual(&pool.Start), textual(&pool.End)); err != nil {
				return err
			}
			byID[subnet].TotalIPs.Add(byID[subnet].TotalIPs, poolSize(pool))
			return nil
		})
	if err != nil {
		return err
	}
	return eachChild(q, "SELECT subnet_id, COUNT(*) FROM ipallocations WHERE subnet_id IN (%s) GROUP BY subnet_id", owners,
		func(rows *sql.Rows) error {
			var subnet model.SubnetID
			var used int
			err := rows.Scan(textual(&subnet), &used)
			byID[subnet].UsedIPs = used
			return err
		})
}

// poolSize is how many addresses there are from a pool's first to its last.
func poolSize(p model.AllocationPool) *big.Int {
	first, last := new(big.Int).SetBytes(p.Start.AsSlice()), new(big.Int).SetBytes(p.End.AsSlice())
	return last.Sub(last, first).Add(last, big.NewInt(1))
}

// rangeSize is how many addresses a range has.
func rangeSize(p netip.Prefix) *big.Int {
	return new(big.Int).Lsh(big.NewInt(1), uint(p.Addr().BitLen()-p.Bits()))
}
