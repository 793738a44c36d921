package ml2

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
)

func pair(address, macText string) model.AddressPair {
	var p model.AddressPair
	if err := p.SetAddress(address); err != nil {
		panic(err)
	}
	if macText != "" {
		p.MACAddress = mac.MustParse(macText)
	}
	return p
}

// TestPortSecurityFollowsTheNetwork: a port that does not say is as its network says, and the network's own services are trusted.
func TestPortSecurityFollowsTheNetwork(t *testing.T) {
	f := newFixture(t)
	filtered := f.network(alice)
	open := one(t, f.Networks(), alice, body(model.Network{Name: "open"}, "name", "port_security_enabled"))
	for _, c := range []struct {
		name    string
		network *model.Network
		port    model.Port
		given   []string
		want    bool
	}{
		{"filtered network", filtered, model.Port{}, nil, true},
		{"open network", open, model.Port{}, nil, false},
		{"port says no", filtered, model.Port{}, []string{"port_security_enabled"}, false},
		{"port says yes", open, model.Port{PortSecurityEnabled: true}, []string{"port_security_enabled"}, true},
		{"a service's port", filtered, model.Port{DeviceOwner: "network:dhcp"}, []string{"device_owner"}, false},
		{"a service's port that says yes", filtered, model.Port{DeviceOwner: "network:dhcp", PortSecurityEnabled: true},
			[]string{"device_owner", "port_security_enabled"}, false},
	} {
		c.port.NetworkID = c.network.ID
		p := one(t, f.Ports(), alice, body(c.port, c.given...))
		read, err := f.Ports().Get(ctx, alice, p.ID.String())
		if err != nil {
			t.Fatal(err)
		}
		if p.PortSecurityEnabled != c.want || read.PortSecurityEnabled != c.want {
			t.Errorf("%s: answered %v, stored %v, want %v", c.name, p.PortSecurityEnabled, read.PortSecurityEnabled, c.want)
		}
	}
	changed, err := f.Networks().Update(ctx, alice, filtered.ID.String(), body(model.Network{}, "port_security_enabled"))
	if err != nil || changed.PortSecurityEnabled {
		t.Errorf("network %+v, %v", changed, err)
	}
}

// TestAddressPairsAreKept: in the client's order and spelling, with the port's MAC address where a pair has none.
func TestAddressPairsAreKept(t *testing.T) {
	f := newFixture(t)
	n := f.network(alice)
	asked := []model.AddressPair{pair("10.0.0.9/32", "02:00:00:00:00:09"), pair("fd00::/64", ""), pair("10.0.0.7/24", "")}
	p := one(t, f.Ports(), alice, body(model.Port{NetworkID: n.ID, AllowedAddressPairs: asked}, "allowed_address_pairs"))
	want := []model.AddressPair{asked[0], pair("fd00::/64", p.MACAddress.String()), pair("10.0.0.7/24", p.MACAddress.String())}
	wantPairs := func(what string, got, want []model.AddressPair) {
		t.Helper()
		if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Prefix{}), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
	wantPairs("answer", p.AllowedAddressPairs, want)
	read, err := f.Ports().Get(ctx, alice, p.ID.String())
	if err != nil {
		t.Fatal(err)
	}
	wantPairs("store", read.AllowedAddressPairs, want)
	p, err = f.Ports().Update(ctx, alice, p.ID.String(), body(model.Port{Name: "new"}, "name"))
	if err != nil {
		t.Fatal(err)
	}
	wantPairs("after another change", p.AllowedAddressPairs, want)
	p, err = f.Ports().Update(ctx, alice, p.ID.String(),
		body(model.Port{AllowedAddressPairs: asked[:1]}, "allowed_address_pairs"))
	if err != nil {
		t.Fatal(err)
	}
	wantPairs("replaced", p.AllowedAddressPairs, want[:1])
	if err := f.Ports().Delete(ctx, alice, p.ID.String()); err != nil {
		t.Error(err)
	}
}

func TestPortSecurityFaults(t *testing.T) {
	f := newFixture(t)
	n := f.network(alice)
	own := mac.MustParse("02:00:00:00:00:01")
	eleven := make([]model.AddressPair, 11)
	for i := range eleven {
		eleven[i].IPAddress = netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}), 32)
	}
	for _, c := range []struct {
		name    string
		port    model.Port
		given   []string
		kind    errs.Kind
		typ     string
		message string
	}{
		{"pairs without security", model.Port{AllowedAddressPairs: []model.AddressPair{pair("10.0.0.9", "")}},
			[]string{"port_security_enabled", "allowed_address_pairs"}, errs.Conflict, "AddressPairAndPortSecurityRequired",
			"Port Security must be enabled in order to have allowed address pairs on a port."},
		{"too many pairs", model.Port{AllowedAddressPairs: eleven}, []string{"allowed_address_pairs"},
			errs.Invalid, "AllowedAddressPairExhausted", "The number of allowed address pair exceeds the maximum 10."},
		{"the port's own MAC twice", model.Port{MACAddress: own,
			AllowedAddressPairs: []model.AddressPair{pair("10.0.0.9", ""), pair("10.0.0.9", own.String())}},
			[]string{"mac_address", "allowed_address_pairs"}, errs.Invalid, "DuplicateAddressPairInRequest",
			"Request contains duplicate address pair: mac_address 02:00:00:00:00:01 ip_address 10.0.0.9."},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.port.NetworkID = n.ID
			_, err := f.Ports().Create(ctx, alice, []plugin.Body[model.Port]{body(c.port, c.given...)})
			wantFault(t, err, c.kind, c.typ, c.message)
		})
	}
}

func TestSecurityIsNotTakenFromUnderPairs(t *testing.T) {
	f := newFixture(t)
	n := f.network(alice)
	p := one(t, f.Ports(), alice, body(model.Port{NetworkID: n.ID, AllowedAddressPairs: []model.AddressPair{pair("10.0.0.9", "")}},
		"allowed_address_pairs"))
	_, err := f.Ports().Update(ctx, alice, p.ID.String(), body(model.Port{}, "port_security_enabled"))
	wantFault(t, err, errs.Conflict, "AddressPairAndPortSecurityRequired", "")
	p, err = f.Ports().Update(ctx, alice, p.ID.String(),
		body(model.Port{}, "port_security_enabled", "allowed_address_pairs", "security_groups"))
	if err != nil || p.PortSecurityEnabled || len(p.AllowedAddressPairs) > 0 {
		t.Errorf("%+v, %v", p, err)
	}
	_, err = f.Ports().Update(ctx, alice, p.ID.String(),
		body(model.Port{AllowedAddressPairs: []model.AddressPair{pair("10.0.0.9", "")}}, "allowed_address_pairs"))
	wantFault(t, err, errs.Conflict, "AddressPairAndPortSecurityRequired", "")
}
