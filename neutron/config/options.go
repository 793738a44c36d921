// Package config has the options of the north: those of neutron.conf and ml2_conf.ini that it obeys, with Neutron's sections, names
// and meanings, and defaults that make a working single machine of no file at all.
//
// Options of Neutron that are for parts which do not exist here (agents, RabbitMQ, WSGI workers, the token middleware …) may stand
// in the files without a warning; known.txt lists them. A group that has options which are obeyed is listed one by one, since a warning is
// all that tells of a mistyped name.
package config

import (
	"errors"
	"net"
	"strconv"
	"strings"

	"midonet.org/midonet/mac"
	"midonet.org/midonet/neutron/ml2"
	"midonet.org/midonet/neutron/service/l3"
)

// Options is what the files said, with the defaults of what they did not say.
type Options struct {
	BindHost           string `oslo:"DEFAULT/bind_host" default:"127.0.0.1" help:"The address that the Networking API listens on."`
	BindPort           int    `oslo:"DEFAULT/bind_port" default:"9696" help:"The port that the Networking API listens on."`
	AuthStrategy       string `oslo:"DEFAULT/auth_strategy" default:"noauth" help:"Who vouches for callers: keystone, or noauth, which takes everyone for the administrator and is for loopback alone."`
	UseSSL             bool   `oslo:"DEFAULT/use_ssl" default:"false" help:"TLS on the Networking API; leave it to a proxy in front."`
	PaginationMaxLimit string `oslo:"DEFAULT/pagination_max_limit" default:"-1" help:"The longest page; infinite or a negative number: none."`
	AllowBulk          bool   `oslo:"DEFAULT/allow_bulk" default:"true" help:"Whether one request may create several resources."`
	NetworkLinkPrefix  string `oslo:"DEFAULT/network_link_prefix" help:"Scheme and host in links to other pages, where a proxy is in front."`
	Debug              bool   `oslo:"DEFAULT/debug" default:"false" help:"Log at level debug, unless --log-level says which."`

	CorePlugin     string   `oslo:"DEFAULT/core_plugin" default:"ml2" help:"The plugin of networks, subnets and ports: ml2, or with the extensions of older releases midonet_v2, or midonet, which has routers of its own."`
	ServicePlugins []string `oslo:"DEFAULT/service_plugins" default:"midonet_l3,port_forwarding" help:"Further plugins: midonet_l3 has routers and floating IPs, and so has router, Neutron's name of it, by which routers have the attributes distributed and ha too; port_forwarding forwards single ports of floating IPs."`

	BaseMAC             string   `oslo:"DEFAULT/base_mac" default:"fa:16:3e:00:00:00" help:"How generated MAC addresses begin: 3 octets, or 4 if the fourth is not 00."`
	MaxDNSNameservers   int      `oslo:"DEFAULT/max_dns_nameservers" default:"5" help:"The most name servers of one subnet."`
	MaxSubnetHostRoutes int      `oslo:"DEFAULT/max_subnet_host_routes" default:"20" help:"The most host routes of one subnet."`
	MaxAllowedAddrPair  int      `oslo:"DEFAULT/max_allowed_address_pair" default:"10" help:"The most allowed address pairs of one port."`
	DHCPLeaseDuration   int      `oslo:"DEFAULT/dhcp_lease_duration" default:"86400" help:"How long a DHCP lease lasts, in seconds; -1: for ever."`
	DNSDomain           string   `oslo:"DEFAULT/dns_domain" default:"openstacklocal" help:"The domain of ports and of what DHCP tells workloads; empty: none. Ports may be given names under another than the default."`
	ExternalDNSDriver   string   `oslo:"DEFAULT/external_dns_driver" help:"The DNS service that is told of names; none is known."`
	MaxRoutes           int      `oslo:"DEFAULT/max_routes" default:"30" help:"The most routes of one router."`
	AgentDownTime       int      `oslo:"DEFAULT/agent_down_time" default:"75" help:"Seconds after which a host of which the cluster has told nothing is shown as not alive."`
	SNATByDefault       bool     `oslo:"DEFAULT/enable_snat_by_default" default:"true" help:"Whether a router's gateway translates addresses where a request does not say."`
	EnableDVR           bool     `oslo:"DEFAULT/enable_dvr" default:"true" help:"Whether routers of the service plugin router have the attribute distributed."`
	RouterDistributed   bool     `oslo:"DEFAULT/router_distributed" default:"false" help:"What a new router's attribute distributed is where a request does not say. Every router is on every host whatever it is."`
	L3HA                bool     `oslo:"DEFAULT/l3_ha" default:"false" help:"What a new router's attribute ha is where a request does not say. Every router outlives any host whatever it is."`
	AvailabilityZones   []string `oslo:"DEFAULT/default_availability_zones" help:"The zones that networks and routers ask for whose request names none; hosts must be in them."`
	GlobalPhysnetMTU    int      `oslo:"DEFAULT/global_physnet_mtu" default:"1500" help:"The largest packet of the underlay, in octets."`

	TypeDrivers        []string `oslo:"ml2/type_drivers" default:"midonet,uplink" help:"The network types that may be used."`
	TenantNetworkTypes []string `oslo:"ml2/tenant_network_types" default:"midonet" help:"The types that networks get, in order of preference."`
	MechanismDrivers   []string `oslo:"ml2/mechanism_drivers" default:"midonet" help:"What makes networks real."`
	ExtensionDrivers   []string `oslo:"ml2/extension_drivers" default:"port_security,dns_domain_ports" help:"Extensions of the core resources: dns lists dns-integration among the extensions, dns_domain_ports that and dns-domain-ports."`
	PathMTU            int      `oslo:"ml2/path_mtu" default:"0" help:"The largest packet on an overlay's path, in octets; 0: as global_physnet_mtu."`
	OverlayIPVersion   int      `oslo:"ml2/overlay_ip_version" default:"4" help:"How tunnel packets are addressed: 4 or 6."`

	MaxRequestBodySize int `oslo:"oslo_middleware/max_request_body_size" default:"114688" help:"The longest body of a request, in octets."`

	MidoNet  MidoNet
	NSDB     NSDB
	Keystone Keystone
	Policy   Policy
	Quotas   Quotas
	Nova     Nova

	// Unread are the options, as group/name, that the files have for parts of Neutron which do not exist here.
	Unread []string

	Database struct {
		Connection string `oslo:"database/connection" secret:"true" help:"The database as SQLAlchemy writes it: sqlite:///PATH, or mysql+pymysql://USER:PASSWORD@HOST/DATABASE with pymysql's unix_socket, ssl_* and timeouts, for MySQL from 5.7.8 and MariaDB from 10.2.3 on (a database of its own); empty: SQLite in the state directory."`
	}
}

// BindAddress is host:port of the Networking API.
func (o *Options) BindAddress() string { return net.JoinHostPort(o.BindHost, strconv.Itoa(o.BindPort)) }

// MaxPage is pagination_max_limit as a number; 0 means no limit (neutron/api/api_common.py, _get_pagination_max_limit). Check has
// seen to it that the option can be read.
func (o *Options) MaxPage() int {
	n, err := maxPage(o.PaginationMaxLimit)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

func maxPage(s string) (int, error) {
	if strings.EqualFold(s, "infinite") {
		return -1, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n == 0 {
		return 0, errors.New("write a number above 0, -1 or infinite")
	}
	return n, nil
}

// ML2 is what the core plugin needs to know.
func (o *Options) ML2() ml2.Config {
	c := ml2.DefaultConfig()
	c.BaseMAC, _ = mac.Parse(o.BaseMAC) // Check has parsed it
	c.GlobalPhysnetMTU = o.GlobalPhysnetMTU
	c.PathMTU = o.PathMTU
	c.OverlayIPVersion = o.OverlayIPVersion
	c.MaxDNSNameservers = o.MaxDNSNameservers
	c.MaxSubnetHostRoutes = o.MaxSubnetHostRoutes
	c.Quotas = o.Quotas.Limits()
	c.NotifyNovaStatus, c.NotifyNovaData = o.Nova.Told() && o.Nova.Status, o.Nova.Told() && o.Nova.Data
	c.MaxAllowedAddressPair = o.MaxAllowedAddrPair
	c.DefaultZones = o.AvailabilityZones
	c.DNSDomain = o.DNSDomain
	return c
}

// L3 is what the router service needs to know.
func (o *Options) L3() l3.Config {
	return l3.Config{MaxRoutes: o.MaxRoutes, SNATByDefault: o.SNATByDefault, Distributed: o.RouterDistributed, HA: o.L3HA, Quotas: o.Quotas.Limits()}
}
