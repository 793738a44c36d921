package api

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// served is a row of the original's table of topology resources: where they are, what can be done there, as what, and the fields that the
// document of one has.
type served struct {
	path   string // with names in brackets, which the test gives identifiers
	verbs  string // of the path itself
	media  string // of one; "-": of a list; "text": text/plain
	fields string // of the document; "": none is looked at
}

const (
	portFields = "id type adminStateUp inboundFilterId outboundFilterId tunnelKey vifId hostId interfaceName peerId inboundMirrorIds outboundMirrorIds " +
		"postInFilterMirrorIds preOutFilterMirrorIds insertionIds qosPolicyId active deviceId uri device host peer link portGroups hostInterfacePort " +
		"inboundFilter outboundFilter"
	conditionFields = "nwDstAddress nwDstLength nwSrcAddress nwSrcLength condInvert matchForwardFlow matchReturnFlow inPorts invInPorts outPorts " +
		"invOutPorts portGroup invPortGroup inPortGroup invInPortGroup outPortGroup invOutPortGroup ipAddrGroupSrc invIpAddrGroupSrc ipAddrGroupDst " +
		"invIpAddrGroupDst traversedDevice invTraversedDevice noVlan vlan dlType invDlType dlSrc dlSrcMask invDlSrc dlDst dlDstMask invDlDst nwTos " +
		"invNwTos nwProto invNwProto invNwSrc invNwDst matchNwDstRewritten fragmentPolicy tpSrc tpDst invTpSrc invTpDst icmpDataSrcIpAddress " +
		"icmpDataSrcIpLength invIcmpDataSrcIp icmpDataDstIpAddress icmpDataDstIpLength invIcmpDataDstIp"
	ruleFields = "id chainId type meterName position uri " + conditionFields
)

// contract is the table. Rows of one resource follow each other; what differs from the original is in docs/divergences.md.
var contract = []served{
	{"/tenants", "GET POST", "-Tenant-v2", ""},
	{"/tenants/admin", "DELETE GET PUT", "Tenant-v2", "id name description enabled uri routers bridges chains portGroups"},
	{"/system_state", "GET", "SystemState-v2", "state availability version information"},

	{"/bridges", "GET POST", "-Bridge-v4", ""},
	{"/bridges/{bridge}", "DELETE GET PUT", "Bridge-v4", "id tenantId name adminStateUp inboundFilterId outboundFilterId vxLanPortIds inboundMirrorIds " +
		"outboundMirrorIds qosPolicyId uri inboundFilter outboundFilter ports peerPorts vxLanPorts macTable arpTable dhcpSubnets dhcpSubnet6s " +
		"vlanMacTableTemplate macPortTemplate vlanMacPortTemplate"},
	{"/bridges/{bridge}", "DELETE GET PUT", "Bridge-v5", ""},
	{"/bridges/{bridge}/ports", "GET POST", "-Port-v4", ""},
	{"/bridges/{bridge}/peer_ports", "GET", "-Port-v4", ""},
	{"/bridges/{bridge}/vxlan_ports", "GET", "-Port-v4", ""},
	{"/bridges/{bridge}/mac_table", "GET POST", "-MacPort-v2", ""},
	{"/bridges/{bridge}/mac_table/{mac}", "DELETE GET", "MacPort-v2", "macAddr portId vlanId uri"},
	{"/bridges/{bridge}/vlans/0/mac_table", "GET POST", "-MacPort-v2", ""},
	{"/bridges/{bridge}/vlans/0/mac_table/{mac}", "DELETE GET", "MacPort-v2", ""},
	{"/bridges/{bridge}/arp_table", "GET POST", "-IP4Mac-v1", ""},
	{"/bridges/{bridge}/arp_table/{arp}", "DELETE GET", "IP4Mac-v1", "ip mac uri"},
	{"/bridges/{bridge}/dhcp", "GET POST", "-DhcpSubnet-v2", ""},
	{"/bridges/{bridge}/dhcp/10.0.0.0_24", "DELETE GET PUT", "DhcpSubnet-v2", "subnetPrefix subnetLength defaultGateway serverAddr dnsServerAddrs " +
		"interfaceMTU opt121Routes enabled uri hosts"},
	{"/bridges/{bridge}/dhcp/10.0.0.0_24/hosts", "GET POST", "-DhcpHost-v2", ""},
	{"/bridges/{bridge}/dhcp/10.0.0.0_24/hosts/02:00:00:00:00:09", "DELETE GET PUT", "DhcpHost-v2", "macAddr ipAddr name extraDhcpOpts uri"},
	{"/bridges/{bridge}/dhcpV6", "GET POST", "-DhcpV6Subnet-v1", ""},
	{"/bridges/{bridge}/dhcpV6/fd00::_64", "DELETE GET PUT", "DhcpV6Subnet-v1", "prefix prefixLength hosts uri"},
	{"/bridges/{bridge}/dhcpV6/fd00::_64/hostsV6", "GET POST", "-DhcpV6Host-v1", ""},
	{"/bridges/{bridge}/dhcpV6/fd00::_64/hostsV6/{client}", "DELETE GET PUT", "DhcpV6Host-v1", "clientId fixedAddress name uri"},

	{"/ports", "GET", "-Port-v4", ""},
	{"/ports/{bport}", "DELETE GET PUT", "Port-v4", portFields + " vlanId"},
	{"/ports/{bport}", "DELETE GET PUT", "Port-v3", ""},
	{"/ports/{rport}", "DELETE GET PUT", "Port-v4", portFields + " networkAddress networkLength portSubnet portAddress portMac rtrPortVni offRampVxlan " +
		"serviceContainerId bgpStatus peeringTable serviceContainer"},
	{"/ports/{vport}", "DELETE GET PUT", "Port-v4", portFields + " vtepId"},
	{"/ports/{bport}/link", "DELETE POST", "PortLink-v1", ""},
	{"/ports/{bport}/port_groups", "GET", "-PortGroupPort-v1", ""},
	{"/bridges/{bridge}/ports/{vport}/vtep_bindings", "GET", "", ""},
	{"/bridges/{bridge}/ports/{vport}/vtep_bindings/eth1/7", "GET", "", ""},
	{"/routers/{router}/ports/{rport}/peering_table", "GET POST", "MacIp-v1", ""},
	{"/routers/{router}/ports/{rport}/peering_table/{peering}", "DELETE GET", "MacIp-v1", "ip mac uri"},

	{"/routers", "GET POST", "-Router-v3", ""},
	{"/routers/{router}", "DELETE GET PUT", "Router-v3", "id tenantId name adminStateUp inboundFilterId outboundFilterId loadBalancerId asNumber " +
		"inboundMirrorIds outboundMirrorIds localRedirectChainId forwardChainId uri inboundFilter outboundFilter ports peerPorts routes loadBalancer " +
		"bgpNetworks bgpPeers localRedirectChain forwardChain"},
	{"/routers/{router}/ports", "GET POST", "-Port-v4", ""},
	{"/routers/{router}/peer_ports", "GET", "-Port-v4", ""},
	{"/routers/{router}/routes", "GET POST", "-Route-v1", ""},
	{"/routes/{route}", "DELETE GET", "Route-v1", "id routerId nextHopPort attributes dstNetworkAddr dstNetworkLength srcNetworkAddr srcNetworkLength " +
		"nextHopGateway learned type weight uri router"},

	{"/chains", "GET POST", "-Chain-v1", ""},
	{"/chains/{chain}", "DELETE GET", "Chain-v1", "id tenantId name uri rules"},
	{"/chains/{chain}/rules", "GET POST", "-Rule-v2", ""},
	{"/rules/{rule}", "DELETE GET", "Rule-v2", ruleFields},
	{"/rules/{jump}", "DELETE GET", "Rule-v2", ruleFields + " jumpChainId jumpChainName"},
	{"/rules/{nat}", "DELETE GET", "Rule-v2", ruleFields + " flowAction natTargets"},
	{"/rules/{reverse}", "DELETE GET", "Rule-v2", ruleFields + " flowAction"},
	{"/rules/{tracing}", "DELETE GET", "Rule-v2", ruleFields + " requestId limit"},
	{"/rules/{transform}", "DELETE GET", "Rule-v2", ruleFields + " flowAction popVlan pushVlan targetPortId ingress failOpen"},

	{"/port_groups", "GET POST", "-PortGroup-v1", ""},
	{"/port_groups/{portgroup}", "DELETE GET PUT", "PortGroup-v1", "id tenantId name stateful uri ports"},
	{"/port_groups/{portgroup}/ports", "GET POST", "-PortGroupPort-v1", ""},
	{"/port_groups/{portgroup}/ports/{bport}", "DELETE GET", "PortGroupPort-v1", "portGroupId portId uri port portGroup"},
	{"/ip_addr_groups", "GET POST", "-IpAddrGroup-v1", ""},
	{"/ip_addr_groups/{group}", "DELETE GET", "IpAddrGroup-v1", "id name ipAddrPorts inboundChainId outboundChainId ruleIds uri addrs"},
	{"/ip_addr_groups/{group}/ip_addrs", "GET POST", "-IpAddrGroupAddr-v1", ""},
	{"/ip_addr_groups/{group}/versions/4/ip_addrs/10.0.0.7", "DELETE GET", "IpAddrGroupAddr-v1", "addr ipAddrGroupId uri ipAddrGroup version"},

	{"/hosts", "GET POST", "-Host-v3", ""},
	{"/hosts/{host}", "DELETE GET PUT", "Host-v3", "id name addresses hostInterfaces alive floodingProxyWeight containerWeight containerLimit " +
		"enforceContainerLimit uri interfaces ports"},
	{"/hosts/{host}/interfaces", "GET", "-Interface-v1", ""},
	{"/hosts/{host}/interfaces/eth0", "GET", "Interface-v1", "hostId name mac mtu type endpoint portType addresses status uri"},
	{"/hosts/{host}/ports", "GET POST", "-HostInterfacePort-v1", ""},
	{"/hosts/{host}/ports/{bport}", "DELETE GET", "HostInterfacePort-v1", "portId hostId interfaceName uri host port"},
	{"/tunnel_zones", "GET POST", "-TunnelZone-v1", ""},
	{"/tunnel_zones/{zone}", "DELETE GET PUT", "TunnelZone-v1", "id name type uri hosts"},
	{"/tunnel_zones/{zone}/hosts", "GET POST", "-TunnelZoneHost-v1", ""},
	{"/tunnel_zones/{zone}/hosts", "GET POST", "-GreTunnelZoneHost-v1", ""},
	{"/tunnel_zones/{zone}/hosts/{host}", "DELETE GET", "TunnelZoneHost-v1", "tunnelZoneId hostId ipAddress uri host tunnelZone"},

	{"/vteps", "GET POST", "-VTEP-v2", ""},
	{"/vteps/{vtep}", "DELETE GET", "VTEP-v2", "id managementIp managementPort tunnelZoneId name description connectionState tunnelIpAddrs uri bindings " +
		"ports vtepBindingTemplate"},
	{"/vteps/{vtep}/bindings", "GET POST", "-VTEPBinding-v2", ""},
	{"/vteps/{vtep}/bindings/eth1/7", "DELETE GET", "VTEPBinding-v2", "vtepId portName vlanId networkId uri"},

	{"/routers/{router}/bgp_networks", "GET POST", "-BgpNetwork-v1", ""},
	{"/bgp_networks/{bgpnetwork}", "DELETE GET", "BgpNetwork-v1", "id subnetAddress subnetLength uri router"},
	{"/routers/{router}/bgp_peers", "GET POST", "-BgpPeer-v1", ""},
	{"/bgp_peers/{bgppeer}", "DELETE GET PUT", "BgpPeer-v1", "id asNumber address keepAlive holdTime connectRetry password uri router"},

	{"/load_balancers", "GET POST", "-LoadBalancer-v1", ""},
	{"/load_balancers/{lb}", "DELETE GET PUT", "LoadBalancer-v1", "id routerId adminStateUp uri router pools vips"},
	{"/load_balancers/{lb}/pools", "GET POST", "-Pool-v1", ""},
	{"/load_balancers/{lb}/vips", "GET", "-VIP-v1", ""},
	{"/pools", "GET POST", "-Pool-v1", ""},
	{"/pools/{pool}", "DELETE GET PUT", "Pool-v1", "id adminStateUp healthMonitorId loadBalancerId protocol lbMethod status uri healthMonitor loadBalancer " +
		"vips poolMembers"},
	{"/pools/{pool}/vips", "GET POST", "-VIP-v1", ""},
	{"/pools/{pool}/pool_members", "GET POST", "-PoolMember-v1", ""},
	{"/pool_members", "GET POST", "-PoolMember-v1", ""},
	{"/pool_members/{member}", "DELETE GET PUT", "PoolMember-v1", "id adminStateUp status poolId address protocolPort weight uri pool"},
	{"/vips", "GET POST", "-VIP-v1", ""},
	{"/vips/{vip}", "DELETE GET PUT", "VIP-v1", "id adminStateUp loadBalancerId poolId address protocolPort sessionPersistence uri loadBalancer pool"},
	{"/health_monitors", "GET POST", "-HealthMonitor-v1", ""},
	{"/health_monitors/{monitor}", "DELETE GET PUT", "HealthMonitor-v1", "id adminStateUp type delay timeout maxRetries uri pools"},
	{"/health_monitors/{monitor}/pools", "GET", "-Pool-v1", ""},

	{"/mirrors", "GET POST", "-Mirror-v1", ""},
	{"/mirrors/{mirror}", "DELETE GET PUT", "Mirror-v1", "id toPortId conditions uri"},
	{"/l2insertions", "GET POST", "-L2Insertion-v1", ""},
	{"/l2insertions/{insertion}", "DELETE GET PUT", "L2Insertion-v1", "id portId srvPortId vlan position failOpen mac uri"},
	{"/qos_policies", "GET POST", "-QOSPolicy-v1", ""},
	{"/qos_policies/{policy}", "DELETE GET PUT", "QOSPolicy-v1", "id name description shared tenant_id rules uri bwLimitRules dscpRules"},
	{"/qos_policies/{policy}/qos_bw_limit_rules", "GET POST", "-QOSRuleBWLimit-v1", ""},
	{"/qos_policies/{policy}/qos_dscp_rules", "GET POST", "-QOSRuleDSCP-v1", ""},
	{"/qos_bw_limit_rules/{bandwidth}", "DELETE GET PUT", "QOSRuleBWLimit-v1", "id maxKbps maxBurstKb policyId uri"},
	{"/qos_dscp_rules/{dscp}", "DELETE GET PUT", "QOSRuleDSCP-v1", "id dscpMark policyId uri"},
	{"/service_containers", "GET POST", "-ServiceContainer-v1", ""},
	{"/service_containers/{container}", "DELETE GET PUT", "ServiceContainer-v1", "id serviceGroupId configurationId portId serviceType statusCode " +
		"statusMessage hostId namespaceName interfaceName uri port serviceContainerGroup"},
	{"/service_container_groups", "GET POST", "-ServiceContainerGroup-v1", ""},
	{"/service_container_groups/{containers}", "DELETE GET PUT", "ServiceContainerGroup-v1", "id policy hostGroupId portGroupId uri serviceContainers"},
	{"/service_container_groups/{containers}/service_containers", "GET POST", "-ServiceContainer-v1", ""},
	{"/traces", "GET POST", "-TraceRequest-v1", ""},
	{"/traces/{trace}", "DELETE GET PUT", "TraceRequest-v1", "id name deviceType deviceId condition creationTimestampMs limit enabled uri"},

	{"/conf/schemas", "GET", "text", "agent cluster nsdb"},
	{"/conf/nodes/{host}", "DELETE GET POST", "text", "a"},
	{"/conf/runtime/{host}", "GET", "text", "a b agent cluster nsdb"},
	{"/conf/templates", "GET", "text", "templates"},
	{"/conf/templates/t", "DELETE GET POST", "text", "b"},
	{"/conf/template-mappings", "GET", "text", "{host}"},
	{"/conf/template-mappings/{host}", "DELETE POST", "text", ""},
}

// whole makes one of everything, and returns its identifiers by the names that the table has for them.
func (f *fixture) whole() map[string]string {
	f.Helper()
	f.hostNamed("compute1")
	ids := map[string]string{"host": host1, "mac": "", "client": "00-03-00-01-02-00-00-00-00-09", "arp": "10.0.0.8_02-00-00-00-00-08",
		"peering": "192.0.2.9_02-00-00-00-00-07"}
	expand := func(text string) string {
		for name, id := range ids {
			text = strings.ReplaceAll(text, "{"+name+"}", id)
		}
		return text
	}
	make := func(name, path, body string) {
		f.Helper()
		r := f.post(expand(path), mediaJSON, expand(body)).want(http.StatusCreated)
		if at := r.Header.Get("Location"); name != "" {
			ids[name] = at[strings.LastIndex(at, "/")+1:]
		}
	}
	make("bridge", "/bridges", `{"name": "b"}`)
	make("router", "/routers", `{"name": "r"}`)
	make("bport", "/bridges/{bridge}/ports", `{"type": "Bridge"}`)
	make("rport", "/routers/{router}/ports", `{"type": "Router", "portSubnet": ["10.0.0.1/24"]}`)
	make("mac", "/bridges/{bridge}/mac_table", `{"macAddr": "02:00:00:00:00:08", "portId": "{bport}"}`)
	make("", "/bridges/{bridge}/arp_table", `{"ip": "10.0.0.8", "mac": "02:00:00:00:00:08"}`)
	make("", "/bridges/{bridge}/dhcp", `{"subnetPrefix": "10.0.0.0", "subnetLength": 24}`)
	make("", "/bridges/{bridge}/dhcp/10.0.0.0_24/hosts", `{"macAddr": "02:00:00:00:00:09", "ipAddr": "10.0.0.9", "name": "n"}`)
	make("", "/bridges/{bridge}/dhcpV6", `{"prefix": "fd00::", "prefixLength": 64}`)
	make("", "/bridges/{bridge}/dhcpV6/fd00::_64/hostsV6", `{"clientId": "00:03:00:01:02:00:00:00:00:09", "fixedAddress": "fd00::9", "name": "n"}`)
	make("route", "/routers/{router}/routes", `{"type": "Reject", "srcNetworkAddr": "0.0.0.0", "dstNetworkAddr": "10.9.0.0", "dstNetworkLength": 16}`)
	make("chain", "/chains", `{"name": "c"}`)
	make("rule", "/chains/{chain}/rules", `{"type": "drop", "nwProto": 6}`)
	make("other", "/chains", `{"name": "d"}`)
	make("jump", "/chains/{chain}/rules", `{"type": "jump", "jumpChainId": "{other}"}`)
	make("nat", "/chains/{chain}/rules", `{"type": "dnat", "flowAction": "accept", "natTargets": [{"addressFrom": "10.0.0.3", "addressTo": "10.0.0.3"}]}`)
	make("reverse", "/chains/{chain}/rules", `{"type": "rev_dnat", "flowAction": "accept"}`)
	make("portgroup", "/port_groups", `{"name": "g"}`)
	make("", "/port_groups/{portgroup}/ports", `{"portId": "{bport}"}`)
	make("group", "/ip_addr_groups", `{"name": "g"}`)
	make("", "/ip_addr_groups/{group}/ip_addrs", `{"addr": "10.0.0.7"}`)
	make("", "/hosts/{host}/ports", `{"portId": "{bport}", "interfaceName": "tap0"}`)
	make("zone", "/tunnel_zones", `{"name": "z", "type": "vtep"}`)
	make("", "/tunnel_zones/{zone}/hosts", `{"hostId": "{host}", "ipAddress": "192.0.2.1"}`)
	make("vtep", "/vteps", `{"managementIp": "192.0.2.50", "managementPort": 6632, "tunnelZoneId": "{zone}"}`)
	make("", "/vteps/{vtep}/bindings", `{"portName": "eth1", "vlanId": 7, "networkId": "{bridge}"}`)
	ids["vport"] = f.get(expand("/bridges/{bridge}/vxlan_ports"), mediaJSON).objects()[0]["id"].(string)
	make("", "/routers/{router}/ports/{rport}/peering_table", `{"ip": "192.0.2.9", "mac": "02:00:00:00:00:07"}`)
	make("bgpnetwork", "/routers/{router}/bgp_networks", `{"subnetAddress": "198.51.100.0", "subnetLength": "24"}`)
	make("bgppeer", "/routers/{router}/bgp_peers", `{"asNumber": 65000, "address": "192.0.2.99", "keepAlive": 5, "password": "p"}`)
	make("lb", "/load_balancers", `{}`)
	make("monitor", "/health_monitors", `{"type": "TCP", "delay": 5, "timeout": 4, "maxRetries": 3}`)
	make("pool", "/load_balancers/{lb}/pools", `{"lbMethod": "ROUND_ROBIN", "healthMonitorId": "{monitor}"}`)
	make("member", "/pools/{pool}/pool_members", `{"address": "10.0.0.5", "protocolPort": 80}`)
	make("vip", "/pools/{pool}/vips", `{"address": "10.0.0.6", "protocolPort": 80, "sessionPersistence": "SOURCE_IP"}`)
	make("mirror", "/mirrors", `{"toPortId": "{bport}", "conditions": [{"nwProto": 6}]}`)
	make("insertion", "/l2insertions", `{"portId": "{bport}", "srvPortId": "{rport}", "mac": "02:00:00:00:00:06"}`)
	make("policy", "/qos_policies", `{"name": "gold", "rules": [{"type": "dscp_marking", "dscp_mark": 26}]}`)
	make("bandwidth", "/qos_policies/{policy}/qos_bw_limit_rules", `{"maxKbps": 1000, "maxBurstKb": 100}`)
	make("dscp", "/qos_policies/{policy}/qos_dscp_rules", `{"dscpMark": 10}`)
	make("containers", "/service_container_groups", `{"policy": "LEAST", "portGroupId": "{portgroup}"}`)
	make("container", "/service_container_groups/{containers}/service_containers", `{"serviceType": "IPSEC", "portId": "{rport}"}`)
	f.postConf(expand("/conf/nodes/{host}"), "a = 1").want(http.StatusOK)
	f.postConf("/conf/templates/t", "b = 1").want(http.StatusOK)
	f.postConf(expand("/conf/template-mappings/{host}"), expand("{host} = t")).want(http.StatusOK)
	make("trace", "/traces", `{"name": "t", "deviceType": "PORT", "deviceId": "{bport}", "condition": {"nwProto": 6}, "enabled": true}`)
	make("tracing", "/chains/{chain}/rules", `{"type": "trace", "requestId": "{trace}"}`)
	make("transform", "/chains/{chain}/rules", `{"type": "l2_transform", "flowAction": "redirect", "targetPortId": "{bport}"}`)
	return ids
}

// TestContract holds every path of the topology's resources to the table: its methods, media types and fields.
func TestContract(t *testing.T) {
	f := newFixture(t)
	ids := f.whole()
	for _, row := range contract {
		path := row.path
		for name, id := range ids {
			path = strings.ReplaceAll(path, "{"+name+"}", id)
		}
		t.Run(row.path+" "+row.media, func(t *testing.T) {
			f := f.at(t)
			r := f.do("PATCH", path, nil, "{}").want(http.StatusMethodNotAllowed)
			if allow := strings.Join(r.Header.Values("Allow"), " "); allow != row.verbs {
				t.Errorf("methods %s, want %s", allow, row.verbs)
			}
			name, list := strings.CutPrefix(row.media, "-")
			mediaType := "application/vnd.org.midonet." + name + "+json"
			other, refused := "text/plain", http.StatusNotAcceptable
			switch {
			case list:
				mediaType = "application/vnd.org.midonet.collection." + name + "+json"
			case name == "text":
				mediaType, other, refused = "text/plain", mediaJSON, http.StatusUnsupportedMediaType
			}
			if strings.Contains(row.verbs, "GET") {
				accept := mediaType
				if row.media == "" {
					accept = mediaJSON
				}
				got := f.get(path, accept).want(http.StatusOK)
				if got.Header.Get("Content-Type") != accept {
					t.Errorf("answered as %s", got.Header.Get("Content-Type"))
				}
				f.get(path, other).want(http.StatusNotAcceptable)
				if row.fields != "" {
					want := slices.Sorted(slices.Values(strings.Fields(strings.ReplaceAll(row.fields, "{host}", host1))))
					if diff := cmp.Diff(want, slices.Sorted(maps.Keys(got.object()))); diff != "" {
						t.Errorf("fields (-want +got):\n%s", diff)
					}
				} else if list && len(got.objects()) == 0 && !strings.Contains(path, "peer_ports") {
					t.Error("nothing is listed")
				}
			}
			for _, method := range []string{http.MethodPost, http.MethodPut} {
				if strings.Contains(row.verbs, method) {
					f.do(method, path, header{"Content-Type": other}, "{}").want(refused)
				}
			}
		})
	}
}

// at returns the fixture for a part of the test.
func (f *fixture) at(t *testing.T) *fixture {
	part := *f
	part.T = t
	return &part
}

// TestRootDocument follows every key of the original's root document to what answers there.
func TestRootDocument(t *testing.T) {
	f := newFixture(t)
	root := f.get("/", mediaApplication).want(200).object()
	const keys = `bgpNetworkTemplate bgpPeerTemplate bridges bridgeTemplate chains chainTemplate healthMonitors healthMonitorTemplate hosts hostTemplate
		ipAddrGroups ipAddrGroupTemplate l2insertions l2InsertionTemplate loadBalancers loadBalancerTemplate mirrors mirrorTemplate neutron poolMembers
		poolMemberTemplate pools poolTemplate portGroups portGroupTemplate ports portTemplate qosPolicies qosPolicyTemplate qosBwLimitRuleTemplate
		qosDscpRuleTemplate routeTemplate routers routerTemplate ruleTemplate serviceContainerGroups serviceContainerGroupTemplate serviceContainers
		serviceContainerTemplate systemState tenants tenantTemplate traceRequests traceRequestTemplate tunnelZones tunnelZoneTemplate vips vipTemplate
		vteps vtepTemplate uri version`
	if diff := cmp.Diff(slices.Sorted(slices.Values(strings.Fields(keys))), slices.Sorted(maps.Keys(root))); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	for key, value := range root {
		path := strings.TrimPrefix(fmt.Sprint(value), f.uri)
		switch {
		case key == "version" || key == "uri":
		case strings.HasSuffix(key, "Template"):
			if r := f.do("PATCH", strings.Replace(path, "{id}", net1, 1), nil, "{}"); r.StatusCode != http.StatusMethodNotAllowed {
				t.Errorf("%s: %d", key, r.StatusCode)
			}
		default:
			if r := f.do(http.MethodGet, path, nil, "{}"); r.StatusCode != http.StatusOK {
				t.Errorf("%s: %d", key, r.StatusCode)
			}
		}
	}
}
