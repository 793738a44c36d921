package ml2

import (
	"context"
	"slices"
	"strings"

	"midonet.org/midonet/mac"
	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/store"
)

func (p ports) Update(ctx context.Context, c *auth.Caller, portID string, body plugin.Body[model.Port]) (*model.Port, error) {
	return changed(ctx, p.Plugin, c, func(r *request) (*model.Port, error) { return r.updatePort(portID, body) })
}

func (r *request) updatePort(portID string, body plugin.Body[model.Port]) (*model.Port, error) {
	p, err := r.changeablePort(portID)
	if err != nil {
		return nil, err
	}
	v, oldMAC, was := body.Value, p.MACAddress, *p
	if body.Has("mac_address") && v.MACAddress != oldMAC {
		if err := r.changeMAC(p, v.MACAddress); err != nil {
			return nil, err
		}
	}
	if err := r.readdress(p, oldMAC, body); err != nil {
		return nil, err
	}
	if err := rebind(p, body); err != nil {
		return nil, err
	}
	if err := r.rebound(&was, p); err != nil {
		return nil, err
	}
	if err := r.rename(p, body); err != nil {
		return nil, err
	}
	set(body.Has("name"), &p.Name, v.Name)
	set(body.Has("description"), &p.Description, v.Description)
	set(body.Has("admin_state_up"), &p.AdminStateUp, v.AdminStateUp)
	set(body.Has("device_id"), &p.DeviceID, v.DeviceID)
	set(body.Has("device_owner"), &p.DeviceOwner, v.DeviceOwner)
	if p.DeviceID != was.DeviceID || p.DeviceOwner != was.DeviceOwner {
		if err := r.mayGiveDevice(p); err != nil {
			return nil, err
		}
	}
	if err := r.resecure(p, body); err != nil {
		return nil, err
	}
	set(body.Has("extra_dhcp_opts"), &p.ExtraDHCP, mergeOptions(p.ExtraDHCP, v.ExtraDHCP))
	if err := r.savePort(p); err != nil {
		return nil, err
	}
	if err := r.tellNovaChange(p, networkChanged); err != nil {
		return nil, err
	}
	return p, r.portChanged(&was, p)
}

// changeMAC allows it on ports that no host has plugged and no service of the network owns (_check_mac_update_allowed and
// _check_mac_addr_update). Null asks for a new one.
func (r *request) changeMAC(p *model.Port, wanted mac.Addr) error {
	if p.VIFType == vifMidonet {
		return portBound(p, wanted)
	}
	if ownedByNetwork(p) {
		return unsupportedOwner("mac address update", p)
	}
	if wanted.IsZero() {
		p.MACAddress = r.randomMAC()
		return nil
	}
	has, err := store.ListPorts(r.tx, store.Scope{}, plugin.Query{Filters: []plugin.Filter{
		{Attr: "network_id", Values: []string{p.NetworkID.String()}}, {Attr: "mac_address", Values: []string{wanted.String()}},
	}})
	if err == nil && len(has) > 0 { // said before its addresses are, which are taken as well; the database has the last word
		err = macInUse(p.NetworkID, wanted)
	}
	p.MACAddress = wanted
	return err
}

// readdress gives the port the addresses that a request asks for, and those that follow from a new MAC.
func (r *request) readdress(p *model.Port, oldMAC mac.Addr, body plugin.Body[model.Port]) error {
	asked := body.Has("fixed_ips") && body.Value.FixedIPs != nil
	if !asked && p.MACAddress == oldMAC {
		return nil
	}
	held, wanted := p.FixedIPs, p.FixedIPs
	if asked {
		wanted = body.Value.FixedIPs
		if err := r.checkCount(wanted); err != nil {
			return err
		}
	}
	if p.MACAddress != oldMAC {
		held, wanted = withoutEUI64Of(held, held), withoutEUI64Of(held, wanted)
	}
	keep, wants, err := r.planAddresses(p, held, wanted)
	if err != nil || len(wants) == 0 && len(keep) == len(p.FixedIPs) {
		return err
	}
	if asked && !mayReaddress(p) {
		return unsupportedOwner("fixed_ips update", p)
	}
	return r.replaceAddresses(p, keep, wants)
}

// withoutEUI64Of returns the addresses without those that the port held because of the MAC that it had.
func withoutEUI64Of(held, addresses []model.FixedIP) []model.FixedIP {
	return slices.DeleteFunc(slices.Clone(addresses), func(f model.FixedIP) bool {
		return isEUI64(f.IPAddress) && slices.Contains(held, f)
	})
}

// planAddresses works out which of its addresses the port keeps, and which it wants besides.
func (r *request) planAddresses(p *model.Port, held, wanted []model.FixedIP) (keep []model.FixedIP, wants []want, err error) {
	all, err := store.AddressPlan(r.tx, p.NetworkID)
	if err != nil {
		return nil, nil, err
	}
	plan, err := subnetsFor(p, all)
	if err != nil {
		return nil, nil, err
	}
	keep, left, add := compareAddresses(held, wanted)
	keep = append(keep, keptAnyway(p, left, plan)...)
	if wants, err = r.wantsByRequest(p, add, plan); err != nil {
		return nil, nil, err
	}
	return keep, append(wants, automatic(p, plan, append(subnetsOf(wants), heldSubnets(keep)...)...)...), nil
}

// mayReaddress is the rule of the MidoNet plugin for ports of the network's own: the addresses of routers' interfaces alone are changed. Its refusal of
// every other owner but the compute service's, such as bare metal's, is not kept.
func mayReaddress(p *model.Port) bool {
	return !ownedByNetwork(p) || strings.HasPrefix(p.DeviceOwner, model.OwnerRouterInterface)
}

// compareAddresses sorts out which addresses stay, which are left over, and which entries of the request are new
// (_get_changed_ips_for_port). Entries that name an address come first; one that does not keeps any that is left of its subnet.
func compareAddresses(held, wanted []model.FixedIP) (keep, left, add []model.FixedIP) {
	left = slices.Clone(held)
	take := func(matches func(model.FixedIP) bool) bool {
		i := slices.IndexFunc(left, matches)
		if i >= 0 {
			keep = append(keep, left[i])
			left = slices.Delete(left, i, i+1)
		}
		return i >= 0
	}
	for _, w := range wanted {
		if w.IPAddress.IsValid() && !take(func(f model.FixedIP) bool { return f.IPAddress == w.IPAddress }) {
			add = append(add, w)
		}
	}
	for _, w := range wanted {
		if !w.IPAddress.IsValid() && !take(func(f model.FixedIP) bool { return f.SubnetID == w.SubnetID }) {
			add = append(add, w)
		}
	}
	return keep, left, add
}

// keptAnyway returns the automatic addresses among those that a request does not name: a port keeps them, unless a router has it.
func keptAnyway(p *model.Port, left []model.FixedIP, plan []*model.Subnet) []model.FixedIP {
	isRouter := slices.Contains(routerAddressOwners, p.DeviceOwner)
	return slices.DeleteFunc(left, func(f model.FixedIP) bool {
		i := slices.IndexFunc(plan, func(s *model.Subnet) bool { return s.ID == f.SubnetID })
		return isRouter || i < 0 || !isAutoAddress(plan[i])
	})
}

func heldSubnets(held []model.FixedIP) []model.SubnetID {
	ids := make([]model.SubnetID, len(held))
	for i, f := range held {
		ids[i] = f.SubnetID
	}
	return ids
}

// replaceAddresses stores the addresses that stay in their new order, and allocates the others behind them.
func (r *request) replaceAddresses(p *model.Port, keep []model.FixedIP, wants []want) error {
	if err := store.DeleteAllocations(r.tx, p.ID); err != nil {
		return err
	}
	for i, f := range keep {
		if err := store.InsertAllocation(r.tx, p.ID, f, i); err != nil {
			return err
		}
	}
	p.FixedIPs = append([]model.FixedIP{}, keep...)
	return r.allocate(p, wants)
}
