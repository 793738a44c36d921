package api

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"midonet.org/midonet/cluster/operator"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

const (
	mediaDHCPSubnet  = "application/vnd.org.midonet.DhcpSubnet-v2+json"
	mediaDHCPSubnets = "application/vnd.org.midonet.collection.DhcpSubnet-v2+json"
	mediaDHCPHost    = "application/vnd.org.midonet.DhcpHost-v2+json"
	mediaDHCPHosts   = "application/vnd.org.midonet.collection.DhcpHost-v2+json"
)

// dhcpSubnet is models/DhcpSubnet.java.
type dhcpSubnet struct {
	SubnetPrefix   netip.Addr      `json:"subnetPrefix"`
	SubnetLength   int             `json:"subnetLength"`
	DefaultGateway *netip.Addr     `json:"defaultGateway"`
	ServerAddr     *netip.Addr     `json:"serverAddr"`
	DNSServerAddrs []netip.Addr    `json:"dnsServerAddrs"` // null where there are none, as the original has it
	InterfaceMTU   *int            `json:"interfaceMTU"`
	Opt121Routes   []dhcpOption121 `json:"opt121Routes"`
	Enabled        bool            `json:"enabled"`
	URI            string          `json:"uri"`
	Hosts          string          `json:"hosts"`
}

// dhcpOption121 is models/DhcpOption121.java: a classless static route (RFC 3442).
type dhcpOption121 struct {
	DestinationPrefix netip.Addr `json:"destinationPrefix"`
	DestinationLength int        `json:"destinationLength"`
	GatewayAddr       netip.Addr `json:"gatewayAddr"`
}

// dhcpHost is models/DhcpHost.java.
type dhcpHost struct {
	MACAddr       string       `json:"macAddr"`
	IPAddr        netip.Addr   `json:"ipAddr"`
	Name          string       `json:"name"`
	ExtraDHCPOpts []dhcpOption `json:"extraDhcpOpts"`
	URI           string       `json:"uri"`
}

type dhcpOption struct {
	Name  string `json:"optName"`
	Value string `json:"optValue"`
}

func (a *API) dhcpRoutes() {
	subnet, host := []string{mediaDHCPSubnet, mediaJSON}, []string{mediaDHCPHost, mediaJSON}
	a.serve("/bridges/{id}/dhcp",
		endpoint{http.MethodGet, nil, []string{mediaDHCPSubnets}, listDHCPSubnets},
		endpoint{http.MethodPost, subnet, nil, a.createDHCPSubnet},
	)
	a.serve("/bridges/{id}/dhcp/{subnet}",
		endpoint{http.MethodGet, nil, subnet, getDHCPSubnet},
		endpoint{http.MethodPut, subnet, nil, a.updateDHCPSubnet},
		endpoint{http.MethodDelete, nil, nil, a.deleteDHCP},
	)
	a.serve("/bridges/{id}/dhcp/{subnet}/hosts",
		endpoint{http.MethodGet, nil, []string{mediaDHCPHosts}, listDHCPHosts},
		endpoint{http.MethodPost, host, nil, func(c *call) (reply, error) { return a.putDHCPHost(c, true) }},
	)
	a.serve("/bridges/{id}/dhcp/{subnet}/hosts/{mac}",
		endpoint{http.MethodGet, nil, host, getDHCPHost},
		endpoint{http.MethodPut, host, nil, func(c *call) (reply, error) { return a.putDHCPHost(c, false) }},
		endpoint{http.MethodDelete, nil, nil, a.deleteDHCPHost},
	)
	a.dhcp6Routes()
}

func listDHCPSubnets(c *call) (reply, error) {
	b, err := c.bridge()
	if err != nil {
		return reply{}, err
	}
	subnets := []dhcpSubnet{}
	for d := range c.state.DHCPs(b.ID) {
		if d.Prefix.Addr().Is4() {
			subnets = append(subnets, c.showDHCPSubnet(d))
		}
	}
	return reply{body: subnets}, nil
}

func getDHCPSubnet(c *call) (reply, error) {
	d, err := c.dhcp()
	if err != nil {
		return reply{}, err
	}
	return reply{body: c.showDHCPSubnet(d)}, nil
}

// dhcp returns the subnet that the path names, as 10.0.0.0_24 (IPv4Subnet.toUriString).
func (c *call) dhcp() (*topology.DHCP, error) {
	b, err := c.bridge()
	if err != nil {
		return nil, err
	}
	for d := range c.state.DHCPs(b.ID) {
		if subnetName(d.Prefix) == c.PathValue("subnet") && d.Prefix.Addr().Is6() == strings.Contains(c.URL.Path, "/dhcpV6/") {
			return d, nil
		}
	}
	return nil, errs.New(errs.NotFound, "NotFound", "Network %s does not have a subnet with address %s.", b.ID,
		strings.ReplaceAll(c.PathValue("subnet"), "_", "/"))
}

func subnetName(p netip.Prefix) string { return fmt.Sprintf("%s_%d", p.Addr(), p.Bits()) }

func (c *call) subnetURI(d *topology.DHCP) string {
	return c.bridgeURI(d.Bridge) + "/dhcp/" + subnetName(d.Prefix)
}

func (c *call) showDHCPSubnet(d *topology.DHCP) dhcpSubnet {
	routes := []dhcpOption121{}
	for _, r := range d.Routes {
		routes = append(routes, dhcpOption121{r.Destination.Addr(), r.Destination.Bits(), r.NextHop})
	}
	uri := c.subnetURI(d)
	shown := dhcpSubnet{
		SubnetPrefix: d.Prefix.Addr(), SubnetLength: d.Prefix.Bits(), DefaultGateway: present(d.Router), ServerAddr: present(d.Server),
		InterfaceMTU: present(d.MTU), Opt121Routes: routes, Enabled: d.Enabled, URI: uri, Hosts: uri + "/hosts",
	}
	if len(d.DNS) > 0 {
		shown.DNSServerAddrs = d.DNS
	}
	return shown
}

func listDHCPHosts(c *call) (reply, error) {
	hosts, err := c.dhcpHosts()
	return reply{body: hosts}, err
}

func getDHCPHost(c *call) (reply, error) {
	hw, err := c.stationOf("mac")
	if err != nil {
		return reply{}, err
	}
	hosts, err := c.dhcpHosts()
	if err != nil {
		return reply{}, err
	}
	for _, h := range hosts {
		if h.MACAddr == hw.String() {
			return reply{body: h}, nil
		}
	}
	return reply{}, errs.New(errs.NotFound, "NotFound", "The subnet has no host with the MAC address %s.", hw)
}

// stationOf reads a MAC address from a part of the path, with hyphens or colons.
func (c *call) stationOf(part string) (mac.Addr, error) {
	hw, err := mac.Parse(strings.ReplaceAll(c.PathValue(part), "-", ":"))
	if err != nil {
		return hw, errs.New(errs.Invalid, "BadMAC", "%v", err)
	}
	return hw, nil
}

// dhcpHosts are the reservations of the subnet that the path names, in order of address.
func (c *call) dhcpHosts() ([]dhcpHost, error) {
	d, err := c.dhcp()
	if err != nil {
		return nil, err
	}
	hosts := []dhcpHost{}
	for _, h := range c.hostsOf(d) {
		options := []dhcpOption{}
		for _, o := range h.Options {
			options = append(options, dhcpOption(o))
		}
		hosts = append(hosts, dhcpHost{MACAddr: h.MAC.String(), IPAddr: h.Addr, Name: h.Hostname, ExtraDHCPOpts: options,
			URI: c.subnetURI(d) + "/hosts/" + h.MAC.String()})
	}
	return hosts, nil
}

// hostsOf are the reservations of a subnet, in order of address.
func (c *call) hostsOf(d *topology.DHCP) []*topology.DHCPHost {
	var hosts []*topology.DHCPHost
	for h := range c.state.DHCPHosts(d.Bridge) {
		if h.DHCP == d.ID {
			hosts = append(hosts, h)
		}
	}
	slices.SortFunc(hosts, func(x, y *topology.DHCPHost) int {
		return cmp.Or(x.Addr.Compare(y.Addr), cmp.Compare(x.MAC.String(), y.MAC.String()))
	})
	return hosts
}

const (
	// leaseSeconds is what DHCP leases are for (midolman: DhcpImpl).
	leaseSeconds = 86400
	// maxList is how many resolvers, routes and options a DHCP subnet or host has at most.
	maxList = 64
)

// writtenDHCP is models/DhcpSubnet.java as clients write it.
type writtenDHCP struct {
	SubnetPrefix   *string     `json:"subnetPrefix"`
	SubnetLength   json.Number `json:"subnetLength"`
	DefaultGateway *string     `json:"defaultGateway"`
	ServerAddr     *string     `json:"serverAddr"`
	DNSServerAddrs []string    `json:"dnsServerAddrs"`
	InterfaceMTU   json.Number `json:"interfaceMTU"`
	Opt121Routes   []struct {
		DestinationPrefix *string     `json:"destinationPrefix"`
		DestinationLength json.Number `json:"destinationLength"`
		GatewayAddr       *string     `json:"gatewayAddr"`
	} `json:"opt121Routes"`
	Enabled *bool `json:"enabled"`
}

// readDHCP reads a subnet, without its identifier and bridge. A server without an address of its own answers from the gateway's, or from
// the metadata service's, as those of Neutron's subnets do.
func (c *call) readDHCP() (d topology.DHCP, err error) {
	var body writtenDHCP
	if err = c.decode(&body); err != nil {
		return d, err
	}
	var v violations
	d = topology.DHCP{Prefix: v.prefix("subnetPrefix", body.SubnetPrefix, "subnetLength", body.SubnetLength),
		Router: v.address4("defaultGateway", body.DefaultGateway), Server: v.address4("serverAddr", body.ServerAddr),
		MTU: v.number("interfaceMTU", body.InterfaceMTU, 0, 65535), Enabled: body.Enabled == nil || *body.Enabled, LeaseSeconds: leaseSeconds}
	v.add(d.Prefix.IsValid() && !d.Prefix.Addr().Is4(), "subnetPrefix", "is an invalid IPv4 format")
	v.add(d.Prefix.IsValid() && d.Prefix != d.Prefix.Masked(), "subnetPrefix", "has bits beyond subnetLength")
	v.add(len(body.DNSServerAddrs) > maxList, "dnsServerAddrs", "size must be between 0 and %d", maxList)
	v.add(len(body.Opt121Routes) > maxList, "opt121Routes", "size must be between 0 and %d", maxList)
	for _, text := range body.DNSServerAddrs {
		d.DNS = append(d.DNS, v.address4("dnsServerAddrs", &text))
	}
	for _, r := range body.Opt121Routes {
		to := v.prefix("destinationPrefix", r.DestinationPrefix, "destinationLength", r.DestinationLength)
		v.add(r.GatewayAddr == nil, "gatewayAddr", "may not be null")
		d.Routes = append(d.Routes, topology.ClasslessRoute{Destination: to.Masked(), NextHop: v.address4("gatewayAddr", r.GatewayAddr)})
		v.add(to.IsValid() && !to.Addr().Is4(), "destinationPrefix", "is an invalid IPv4 format")
	}
	if !d.Server.IsValid() {
		d.Server = d.Router
	}
	if !d.Server.IsValid() {
		d.Server = metadataService
	}
	return d, v.err()
}

// metadataService is an address that no workload has.
var metadataService = netip.MustParseAddr("169.254.169.254")

// address4 reads an IPv4 address that need not be there.
func (v *violations) address4(property string, text *string) netip.Addr {
	if given(text) == "" {
		return netip.Addr{}
	}
	a := v.address(property, *text)
	v.add(a.IsValid() && !a.Is4(), property, "is an invalid IPv4 format")
	return a
}

func (a *API) createDHCPSubnet(c *call) (reply, error) {
	b, err := c.bridge()
	if err != nil {
		return reply{}, err
	}
	d, err := c.readDHCP()
	if err != nil {
		return reply{}, err
	}
	d.Bridge = b.ID
	return a.edit(c, c.subnetURI(&d), func(e *operator.Edit) error {
		made := d
		return e.CreateDHCP(&made)
	})
}

// updateDHCPSubnet changes all but the prefix.
func (a *API) updateDHCPSubnet(c *call) (reply, error) {
	have, err := c.dhcp()
	if err != nil {
		return reply{}, err
	}
	want, err := c.readDHCP()
	if err != nil {
		return reply{}, err
	}
	if want.Prefix != have.Prefix {
		return reply{}, errs.New(errs.Invalid, "NotSettable", "The prefix of a subnet cannot be changed.")
	}
	return a.edit(c, "", func(e *operator.Edit) error {
		return e.UpdateDHCP(have.ID, func(to *topology.DHCP) {
			made := *to
			*to = want
			to.Made, to.ID, to.Bridge = made.Made, made.ID, made.Bridge
		})
	})
}

// deleteDHCP removes a subnet of either family.
func (a *API) deleteDHCP(c *call) (reply, error) {
	d, err := c.dhcp()
	if err != nil {
		return reply{}, err
	}
	return reply{}, a.Operator.Delete(c.Context(), d.Key())
}

// putDHCPHost makes a reservation, a fresh one or in place of the one that the path names.
func (a *API) putDHCPHost(c *call, fresh bool) (reply, error) {
	d, err := c.dhcp()
	if err != nil {
		return reply{}, err
	}
	var body struct {
		MACAddr       *string      `json:"macAddr"`
		IPAddr        *string      `json:"ipAddr"`
		Name          *string      `json:"name"`
		ExtraDHCPOpts []dhcpOption `json:"extraDhcpOpts"`
	}
	if err := c.decode(&body); err != nil {
		return reply{}, err
	}
	var v violations
	v.add(body.MACAddr == nil, "macAddr", "may not be null")
	h := topology.DHCPHost{MAC: v.mac("macAddr", body.MACAddr), Hostname: given(body.Name)}
	h.Addr = v.reserved("ipAddr", body.IPAddr, d.Prefix)
	v.size("name", h.Hostname, 0, maxName)
	v.add(len(body.ExtraDHCPOpts) > maxList, "extraDhcpOpts", "size must be between 0 and %d", maxList)
	for _, o := range body.ExtraDHCPOpts {
		v.size("optName", o.Name, 1, maxName)
		v.size("optValue", o.Value, 0, maxName)
		h.Options = append(h.Options, topology.DHCPOption(o))
	}
	if err := v.err(); err != nil {
		return reply{}, err
	}
	if !fresh {
		hw, err := c.stationOf("mac")
		switch {
		case err != nil:
			return reply{}, err
		case hw != h.MAC:
			return reply{}, errs.New(errs.Invalid, "NotSettable", "The MAC address of a host cannot be changed.")
		}
	}
	return a.reserve(c, d, h, fresh, c.subnetURI(d)+"/hosts/"+h.MAC.String())
}

// reserved reads an address that is of the subnet.
func (v *violations) reserved(property string, text *string, of netip.Prefix) netip.Addr {
	v.add(text == nil, property, "may not be null")
	if text == nil {
		return netip.Addr{}
	}
	a := v.address(property, *text)
	v.add(a.IsValid() && !of.Contains(a), property, "is not of the subnet %s", of)
	return a
}

// reserve stores a reservation.
func (a *API) reserve(c *call, d *topology.DHCP, h topology.DHCPHost, fresh bool, uri string) (reply, error) {
	if !fresh {
		uri = ""
	}
	return a.edit(c, uri, func(e *operator.Edit) error {
		made := h
		return e.PutDHCPHost(d.ID, &made, fresh)
	})
}

func (a *API) deleteDHCPHost(c *call) (reply, error) {
	d, err := c.dhcp()
	if err != nil {
		return reply{}, err
	}
	hw, err := c.stationOf("mac")
	if err != nil {
		return reply{}, err
	}
	return a.edit(c, "", func(e *operator.Edit) error { return e.DeleteDHCPHost(d.ID, hw) })
}
