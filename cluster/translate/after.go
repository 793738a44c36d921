package translate

import (
	"bytes"
	"slices"

	"midonet.org/midonet/neutron/model"
)

// After returns the view as it will be once the change is made. It reads v, and holds as long as v stays as it is.
func After(v View, c Change) View { return &after{View: v, change: c} }

// after lays one change over a view.
type after struct {
	View
	change Change
}

func (a *after) Network(n model.NetworkID) *model.Network {
	if a.change.Owner == (Owner{Network, n}) {
		return a.change.Network
	}
	return a.View.Network(n)
}

func (a *after) Subnet(s model.SubnetID) *model.Subnet {
	if a.change.Owner == (Owner{Subnet, s}) {
		return a.change.Subnet
	}
	return a.View.Subnet(s)
}

func (a *after) Port(p model.PortID) *model.Port {
	if a.change.Owner == (Owner{Port, p}) {
		return a.change.Port
	}
	return a.View.Port(p)
}

func (a *after) SubnetsOf(n model.NetworkID) []*model.Subnet {
	subnets := a.View.SubnetsOf(n)
	if a.change.Resource != Subnet {
		return subnets
	}
	subnets = without(subnets, func(s *model.Subnet) bool { return s.ID == a.change.ID })
	if now := a.change.Subnet; now != nil && now.NetworkID == n {
		subnets = append(subnets, now)
		slices.SortFunc(subnets, func(x, y *model.Subnet) int { return bytes.Compare(x.ID[:], y.ID[:]) })
	}
	return subnets
}

func (a *after) PortsOf(n model.NetworkID) []*model.Port {
	ports := a.View.PortsOf(n)
	if a.change.Resource != Port {
		return ports
	}
	ports = without(ports, func(p *model.Port) bool { return p.ID == a.change.ID })
	if now := a.change.Port; now != nil && now.NetworkID == n {
		ports = append(ports, now)
		slices.SortFunc(ports, func(x, y *model.Port) int { return bytes.Compare(x.ID[:], y.ID[:]) })
	}
	return ports
}

// without returns a copy of all but what drop names.
func without[T any](all []T, drop func(T) bool) []T {
	return slices.DeleteFunc(slices.Clone(all), drop)
}
