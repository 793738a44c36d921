package api

import (
	"cmp"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"

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
	a.serve("/bridges/{id}/dhcp", endpoint{http.MethodGet, nil, []string{mediaDHCPSubnets}, listDHCPSubnets})
	a.serve("/bridges/{id}/dhcp/{subnet}", endpoint{http.MethodGet, nil, []string{mediaDHCPSubnet, mediaJSON}, getDHCPSubnet})
	a.serve("/bridges/{id}/dhcp/{subnet}/hosts", endpoint{http.MethodGet, nil, []string{mediaDHCPHosts}, listDHCPHosts})
	a.serve("/bridges/{id}/dhcp/{subnet}/hosts/{mac}", endpoint{http.MethodGet, nil, []string{mediaDHCPHost, mediaJSON}, getDHCPHost})
}

func listDHCPSubnets(c *call) (reply, error) {
	b, err := c.bridge()
	if err != nil {
		return reply{}, err
	}
	subnets := []dhcpSubnet{}
	for d := range c.state.DHCPs(b.ID) {
		subnets = append(subnets, c.showDHCPSubnet(d))
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
		if subnetName(d.Prefix) == c.PathValue("subnet") {
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
	hw, err := mac.Parse(strings.ReplaceAll(c.PathValue("mac"), "-", ":"))
	if err != nil {
		return reply{}, errs.New(errs.Invalid, "BadMAC", "%v", err)
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

// dhcpHosts are the reservations of the subnet that the path names, in order of address.
func (c *call) dhcpHosts() ([]dhcpHost, error) {
	d, err := c.dhcp()
	if err != nil {
		return nil, err
	}
	hosts := []dhcpHost{}
	for h := range c.state.DHCPHosts(d.Bridge) {
		if h.DHCP != d.ID {
			continue
		}
		options := []dhcpOption{}
		for _, o := range h.Options {
			options = append(options, dhcpOption(o))
		}
		hosts = append(hosts, dhcpHost{MACAddr: h.MAC.String(), IPAddr: h.Addr, Name: h.Hostname, ExtraDHCPOpts: options,
			URI: c.subnetURI(d) + "/hosts/" + h.MAC.String()})
	}
	slices.SortFunc(hosts, func(x, y dhcpHost) int { return cmp.Or(x.IPAddr.Compare(y.IPAddr), cmp.Compare(x.MACAddr, y.MACAddr)) })
	return hosts, nil
}
