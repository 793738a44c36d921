package gophercloud

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/external"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/extraroutes"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/floatingips"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/portforwarding"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/routers"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"
)

// outside makes an external network with a subnet, for the time of the test.
func (s *suite) outside(t *testing.T) *networks.Network {
	t.Helper()
	n := get(t, networks.Create(t.Context(), s.admin, external.CreateOptsExt{CreateOptsBuilder: networks.CreateOpts{Name: "outside"},
		External: to(true)}).Extract)
	t.Cleanup(func() { done(t, networks.Delete(cleanup(t), s.admin, n.ID).ExtractErr()) })
	subnet(t, s.admin, n.ID, "203.0.113.0/24")
	return n
}

// router makes a router that the test deletes at its end.
func router(t *testing.T, c *gophercloud.ServiceClient, opts routers.CreateOpts) *routers.Router {
	t.Helper()
	r := get(t, routers.Create(t.Context(), c, opts).Extract)
	t.Cleanup(func() { done(t, routers.Delete(cleanup(t), c, r.ID).ExtractErr()) })
	return r
}

// attach adds a subnet to a router for the time of the test.
func attach(t *testing.T, c *gophercloud.ServiceClient, routerID, subnetID string) *routers.InterfaceInfo {
	t.Helper()
	i := get(t, routers.AddInterface(t.Context(), c, routerID, routers.AddInterfaceOpts{SubnetID: subnetID}).Extract)
	t.Cleanup(func() {
		_, err := routers.RemoveInterface(cleanup(t), c, routerID, routers.RemoveInterfaceOpts{SubnetID: subnetID}).Extract()
		done(t, err)
	})
	return i
}

func (s *suite) routers(t *testing.T) {
	ctx := t.Context()
	outside := s.outside(t)
	r := router(t, s.blue, routers.CreateOpts{Name: "r", GatewayInfo: &routers.GatewayInfo{NetworkID: outside.ID}})
	if r.GatewayInfo.NetworkID != outside.ID || r.GatewayInfo.EnableSNAT == nil || !*r.GatewayInfo.EnableSNAT ||
		len(r.GatewayInfo.ExternalFixedIPs) != 1 || r.ProjectID != s.blueID {
		t.Errorf("made %+v", r)
	}
	refused(t, networks.Delete(ctx, s.admin, outside.ID).ExtractErr(), http.StatusConflict, "NetworkInUse")
	n := network(t, s.blue, "behind a router")
	sub := subnet(t, s.blue, n.ID, "10.6.0.0/24")
	i := attach(t, s.blue, r.ID, sub.ID)
	p := get(t, ports.Get(ctx, s.blue, i.PortID).Extract)
	if p.DeviceOwner != "network:router_interface" || p.DeviceID != r.ID || p.FixedIPs[0].IPAddress != "10.6.0.1" {
		t.Errorf("the interface is %+v", p)
	}
	refused(t, ports.Delete(ctx, s.blue, i.PortID).ExtractErr(), http.StatusConflict, "ServicePortInUse")
	refused(t, routers.Delete(ctx, s.blue, r.ID).ExtractErr(), http.StatusConflict, "RouterInUse")
	refused(t, subnets.Delete(ctx, s.blue, sub.ID).ExtractErr(), http.StatusConflict, "SubnetInUse")
	_, err := routers.AddInterface(ctx, s.blue, r.ID, routers.AddInterfaceOpts{SubnetID: sub.ID}).Extract()
	refused(t, err, http.StatusBadRequest, "BadRequest")
	s.secondInterface(t, r.ID)
	_, err = routers.Get(ctx, s.red, r.ID).Extract()
	refused(t, err, http.StatusNotFound, "RouterNotFound")
	r = get(t, routers.Update(ctx, s.blue, r.ID, routers.UpdateOpts{Name: "r2", GatewayInfo: &routers.GatewayInfo{}}).Extract)
	if r.Name != "r2" || r.GatewayInfo.NetworkID != "" {
		t.Errorf("without a gateway: %+v", r)
	}
	if found := all(t, routers.List(s.blue, routers.ListOpts{Name: "r2"}), routers.ExtractRouters); len(found) != 1 {
		t.Errorf("listed %+v", found)
	}
}

// secondInterface adds an interface by a port and takes it away by the port.
func (s *suite) secondInterface(t *testing.T, routerID string) {
	ctx := t.Context()
	n := network(t, s.blue, "by a port")
	sub := subnet(t, s.blue, n.ID, "10.7.0.0/24")
	p := get(t, ports.Create(ctx, s.blue, ports.CreateOpts{NetworkID: n.ID, FixedIPs: []ports.IP{{SubnetID: sub.ID, IPAddress: "10.7.0.77"}}}).Extract)
	i := get(t, routers.AddInterface(ctx, s.blue, routerID, routers.AddInterfaceOpts{PortID: p.ID}).Extract)
	if i.PortID != p.ID || i.SubnetID != sub.ID || i.ID != routerID {
		t.Errorf("added %+v", i)
	}
	get(t, routers.RemoveInterface(ctx, s.blue, routerID, routers.RemoveInterfaceOpts{PortID: p.ID}).Extract)
	_, err := ports.Get(ctx, s.blue, p.ID).Extract()
	gone(t, err)
}

func (s *suite) extraRoutes(t *testing.T) {
	ctx := t.Context()
	n := network(t, s.blue, "routed")
	sub := subnet(t, s.blue, n.ID, "10.8.0.0/24")
	r := router(t, s.blue, routers.CreateOpts{Name: "routed"})
	attach(t, s.blue, r.ID, sub.ID)
	route := func(n string) routers.Route {
		return routers.Route{DestinationCIDR: "10." + n + ".0.0/16", NextHop: "10.8.0.2"}
	}
	r = get(t, extraroutes.Add(ctx, s.blue, r.ID, extraroutes.Opts{Routes: &[]routers.Route{route("70"), route("71")}}).Extract)
	if len(r.Routes) != 2 {
		t.Errorf("after adding two: %v", r.Routes)
	}
	r = get(t, extraroutes.Remove(ctx, s.blue, r.ID, extraroutes.Opts{Routes: &[]routers.Route{route("70")}}).Extract)
	if diff := cmp.Diff([]routers.Route{route("71")}, r.Routes); diff != "" {
		t.Errorf("after removing one (-want +got):\n%s", diff)
	}
	_, err := routers.Update(ctx, s.blue, r.ID, routers.UpdateOpts{Routes: &[]routers.Route{{DestinationCIDR: "10.72.0.0/16",
		NextHop: "10.200.0.1"}}}).Extract()
	refused(t, err, http.StatusBadRequest, "InvalidRoutes")
	r = get(t, routers.Update(ctx, s.blue, r.ID, routers.UpdateOpts{Routes: &[]routers.Route{}}).Extract)
	if len(r.Routes) != 0 {
		t.Errorf("after removing all: %v", r.Routes)
	}
}

// reachable makes a port on a network whose router has a gateway, and returns the external network and the port.
func (s *suite) reachable(t *testing.T, cidr string) (*networks.Network, *ports.Port) {
	t.Helper()
	outside := s.outside(t)
	n := network(t, s.blue, "reachable")
	sub := subnet(t, s.blue, n.ID, cidr)
	r := router(t, s.blue, routers.CreateOpts{Name: "reaching", GatewayInfo: &routers.GatewayInfo{NetworkID: outside.ID}})
	attach(t, s.blue, r.ID, sub.ID)
	return outside, port(t, s.blue, n.ID)
}

func (s *suite) floatingIPs(t *testing.T) {
	ctx := t.Context()
	outside, p := s.reachable(t, "10.10.0.0/24")
	f := get(t, floatingips.Create(ctx, s.blue, floatingips.CreateOpts{FloatingNetworkID: outside.ID, PortID: p.ID, Description: "d"}).Extract)
	if f.PortID != p.ID || f.FixedIP != p.FixedIPs[0].IPAddress || f.RouterID == "" || f.FloatingIP == "" || f.Description != "d" {
		t.Errorf("made %+v", f)
	}
	_, err := floatingips.Create(ctx, s.blue, floatingips.CreateOpts{FloatingNetworkID: outside.ID, PortID: p.ID}).Extract()
	refused(t, err, http.StatusConflict, "FloatingIPPortAlreadyAssociated")
	free := get(t, floatingips.Update(ctx, s.blue, f.ID, floatingips.UpdateOpts{PortID: to("")}).Extract)
	if free.PortID != "" || free.FixedIP != "" || free.RouterID != "" {
		t.Errorf("after letting the port go: %+v", free)
	}
	get(t, floatingips.Update(ctx, s.blue, f.ID, floatingips.UpdateOpts{PortID: &p.ID}).Extract)
	if found := all(t, floatingips.List(s.blue, floatingips.ListOpts{PortID: p.ID}), floatingips.ExtractFloatingIPs); len(found) != 1 {
		t.Errorf("of the port: %+v", found)
	}
	_, err = floatingips.Get(ctx, s.red, f.ID).Extract()
	gone(t, err)
	done(t, floatingips.Delete(ctx, s.blue, f.ID).ExtractErr())
	_, err = floatingips.Get(ctx, s.blue, f.ID).Extract()
	refused(t, err, http.StatusNotFound, "FloatingIPNotFound")
}

func (s *suite) portForwardings(t *testing.T) {
	ctx := t.Context()
	outside, p := s.reachable(t, "10.11.0.0/24")
	f := get(t, floatingips.Create(ctx, s.blue, floatingips.CreateOpts{FloatingNetworkID: outside.ID}).Extract)
	opts := portforwarding.CreateOpts{InternalPortID: p.ID, InternalIPAddress: p.FixedIPs[0].IPAddress, InternalPort: 22, ExternalPort: 2222,
		Protocol: "tcp"}
	made := get(t, portforwarding.Create(ctx, s.blue, f.ID, opts).Extract)
	if made.ExternalPort != 2222 || made.InternalPort != 22 || made.Protocol != "tcp" || made.InternalPortID != p.ID {
		t.Errorf("made %+v", made)
	}
	_, err := floatingips.Update(ctx, s.blue, f.ID, floatingips.UpdateOpts{PortID: &p.ID}).Extract()
	refused(t, err, http.StatusConflict, "FipInUseByPortForwarding")
	made = get(t, portforwarding.Update(ctx, s.blue, f.ID, made.ID, portforwarding.UpdateOpts{ExternalPort: 2200}).Extract)
	if made.ExternalPort != 2200 {
		t.Errorf("updated %+v", made)
	}
	if found := all(t, portforwarding.List(s.blue, portforwarding.ListOpts{}, f.ID), portforwarding.ExtractPortForwardings); len(found) != 1 {
		t.Errorf("listed %+v", found)
	}
	done(t, portforwarding.Delete(ctx, s.blue, f.ID, made.ID).ExtractErr())
	_, err = portforwarding.Get(ctx, s.blue, f.ID, made.ID).Extract()
	refused(t, err, http.StatusNotFound, "PortForwardingNotFound")
	done(t, floatingips.Delete(ctx, s.blue, f.ID).ExtractErr())
}
