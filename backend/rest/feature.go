package rest

import (
	"encoding/json"
	"strings"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/neutron/model"
)

// since are the releases of MidoNet that extensions of the Networking API need (doc/source/user/features.rst of networking-midonet).
var since = map[string]Release{
	"allowed-address-pairs": {5, 0, 0},
	"extraroute":            {5, 0, 0},
	"port-security":         {5, 0, 0},
	"provider":              {5, 0, 0},
	"router-interface-fip":  {5, 1, 1},
	"extra_dhcp_opt":        {5, 2, 1},
	"fip64":                 {5, 4, 0},
}

// never are extensions that no MidoNet's API has. They are not listed where this backend is in use; this is for what can be asked all the
// same.
var never = []string{"address-group", "floating-ip-port-forwarding", "security-groups-remote-address-group", "stateful-security-group"}

// lacking returns why a MidoNet of the release cannot serve the extension, nil if it can.
func lacking(r Release, extension string) error {
	for _, n := range never {
		if n == extension {
			return errs.New(errs.Unsupported, "NotImplementedError", "The MidoNet that this server drives has no %s.", extension)
		}
	}
	if first := since[extension]; r.before(first) {
		return errs.New(errs.Unsupported, "NotImplementedError", "The MidoNet that this server drives is %v, and has no %s: that needs %d.%d.%d.",
			r, extension, first.Major, first.Minor, first.Patch)
	}
	return nil
}

// admit refuses a task that uses what a MidoNet of the release lacks. Deletions always pass.
func admit(r Release, t journal.Task) error {
	if t.Type == journal.Delete {
		return nil
	}
	used, err := extensionsOf(t)
	if err != nil {
		return err
	}
	for _, extension := range used {
		if err := lacking(r, extension); err != nil {
			return err
		}
	}
	return nil
}

// extensionsOf returns the extensions that a task's resource makes use of, of those that not every MidoNet has.
func extensionsOf(t journal.Task) ([]string, error) {
	switch t.DataType {
	case journal.Network:
		return usedBy(t, networkExtensions)
	case journal.Port:
		return usedBy(t, portExtensions)
	case journal.Router:
		return usedBy(t, routerExtensions)
	case journal.FloatingIP:
		return usedBy(t, floatingIPExtensions)
	case journal.SecurityGroup:
		return usedBy(t, groupExtensions)
	case journal.SecurityGroupRule:
		return usedBy(t, ruleExtensions)
	case journal.AddressGroup:
		return []string{"address-group"}, nil
	case journal.PortForwarding:
		return []string{"floating-ip-port-forwarding"}, nil
	}
	return nil, nil
}

func usedBy[T any](t journal.Task, look func(*T, func(extension string, uses bool))) ([]string, error) {
	v := new(T)
	if err := json.Unmarshal(t.Data, v); err != nil {
		return nil, err
	}
	var used []string
	look(v, func(extension string, uses bool) {
		if uses {
			used = append(used, extension)
		}
	})
	return used, nil
}

func networkExtensions(n *model.Network, use func(string, bool)) {
	use("provider", n.NetworkType == "uplink")
	use("port-security", !n.PortSecurityEnabled)
}

// portExtensions leaves out the ports of the network itself, which nothing filters anyway.
func portExtensions(p *model.Port, use func(string, bool)) {
	use("port-security", !p.PortSecurityEnabled && !strings.HasPrefix(p.DeviceOwner, "network:"))
	use("allowed-address-pairs", len(p.AllowedAddressPairs) > 0)
	use("extra_dhcp_opt", len(p.ExtraDHCP) > 0)
}

func routerExtensions(r *model.Router, use func(string, bool)) { use("extraroute", len(r.Routes) > 0) }

func floatingIPExtensions(f *model.FloatingIP, use func(string, bool)) {
	use("fip64", f.FloatingIPAddress.Is6())
}

func groupExtensions(g *model.SecurityGroup, use func(string, bool)) {
	use("stateful-security-group", !g.Stateful)
}

func ruleExtensions(s *model.SecurityGroupRule, use func(string, bool)) {
	use("security-groups-remote-address-group", s.RemoteAddressGroupID != nil)
}
