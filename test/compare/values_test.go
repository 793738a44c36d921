package compare

import (
	"strings"

	"midonet.org/midonet/neutron/apidef"
)

// values are what every attribute is set to, in JSON: something of every kind.
var values = []string{`null`, `true`, `0`, `""`, `"abc"`, `"` + long + `"`, `[]`, `{}`}

// valuesOfType are what an attribute of that type is set to besides.
var valuesOfType = map[apidef.Type][]string{
	apidef.String:  {`1.5`, `"é€"`, `"a\nb"`, `" "`, `["abc"]`, `{"a":1}`},
	apidef.UUID:    {`"$net1"`, `"00000000-0000-0000-0000-000000000000"`},
	apidef.Boolean: {`"yes"`, `-1`, `"4"`},
	apidef.Integer: {`-1`, `1.5`, `"4"`, `"yes"`, `100000000000000000000`},
	apidef.Address: {`"::1"`, `"4"`, `"10.0.0.5/24"`},
	apidef.CIDR:    {`"::1"`, `"4"`, `"10.0.0.5/24"`},
	apidef.MAC:     {`"4"`, `1.5`},
	apidef.List:    {`[null]`, `["abc","abc"]`, `{"a":1}`, `[{"a":1}]`, `["$net1"]`},
	apidef.Object:  {`{"a":1}`, `[{"a":1}]`},
}

// refused are what an attribute is set to that cannot be set.
var refused = []string{`null`, `"abc"`}

// long is a character more than most columns take.
var long = strings.Repeat("x", 256)

// valuesOf are what an attribute of that name is set to besides. What neutron-server would keep twice under one key is not among them (see patience):
// options of one name, and service types that are alike.
var valuesOf = map[string][]string{
	"fixed_ips": {`[{"ip_address":"10.0.1.200"}]`, `[{"ip_address":"10.0.1.201"},{"ip_address":"10.0.1.201"}]`, `[{"ip_address":"10.9.9.9"}]`,
		`[{"subnet_id":"$sub1"}]`, `[{"subnet_id":"$sub3"}]`, `[{"subnet_id":"$sub1","ip_address":"10.0.2.30"}]`, `[{"subnet_id":null}]`,
		`[{"ip_address":null}]`, `[{"ip_address":"10.0.1.0"}]`, `[{"ip_address":"10.0.1.255"}]`, `[{"ip_address":"10.0.1.1"}]`,
		`[{"ip_address":"10.0.1.111"}]`, `[{"ip_address":"abc"}]`, `[{"foo":"x"}]`, `[{"subnet_id":"abc"}]`, `[{"ip_address":"10.0.1.202","foo":1}]`,
		`[{"subnet_id":"$sub1"},{"subnet_id":"$sub1"},{"subnet_id":"$sub1"},{"subnet_id":"$sub1"},{"subnet_id":"$sub1"},{"subnet_id":"$sub1"}]`},
	"allowed_address_pairs": {`[{"ip_address":"1.2.3.4"}]`, `[{"ip_address":"1.2.3.4"},{"ip_address":"1.2.3.4"}]`, `[{"ip_address":"1.2.3.4/33"}]`,
		`[{"mac_address":"fa:16:3e:00:11:22"}]`, `[{"ip_address":"1.2.3.4","mac_address":"x"}]`, `[{"ip_address":"1.2.3.4","foo":1}]`,
		`[{"ip_address":"10.0.0.5/24"}]`, `[{"ip_address":"0.0.0.0/0"}]`, `[{"ip_address":"::/0"}]`, `[{"ip_address":null}]`, `[{"ip_address":""}]`,
		pairs(10), pairs(11)},
	"extra_dhcp_opts": {`[{"opt_name":"mtu","opt_value":"1"}]`, `[{"opt_name":"mtu","opt_value":null}]`, `[{"opt_name":"","opt_value":"x"}]`,
		`[{"opt_name":"a","opt_value":""}]`, `[{"opt_name":"a","opt_value":"b","ip_version":4}]`, `[{"opt_name":"a","opt_value":"b","ip_version":"6"}]`,
		`[{"opt_name":"a","opt_value":"b","ip_version":5}]`, `[{"opt_name":"a"}]`, `[{"opt_name":"a","opt_value":"b"},{"opt_name":"b","opt_value":"c"}]`,
		`[{"opt_name":"router","opt_value":""}]`, `[{"opt_name":"a","opt_value":"b\nc"}]`, `[{"opt_name":"` + long[:65] + `","opt_value":"b"}]`,
		`[{"opt_name":"a","opt_value":1}]`},
	"allocation_pools": {pool("10.0.9.10", "10.0.9.20"), pool("10.0.9.20", "10.0.9.10"), pool("10.0.9.1", "10.0.9.10"),
		pool("10.0.9.10", "10.0.9.20", "10.0.9.15", "10.0.9.30"), pool("10.1.9.10", "10.1.9.20"), pool("fd00::1", "fd00::2"), `[{"start":"10.0.9.10"}]`,
		pool("x", "y"), `[{"start":"10.0.9.10","end":"10.0.9.20","x":1}]`, `[{"start":null,"end":null}]`, pool("10.0.9.0", "10.0.9.255"),
		pool("10.0.9.255", "10.0.9.255"), pool("10.0.9.50", "10.0.9.60", "10.0.9.10", "10.0.9.20"), pool("10.0.9.50", "10.0.9.60", "10.0.9.61", "10.0.9.70")},
	"host_routes": {`[{"destination":"10.1.0.0/16","nexthop":"10.0.9.1"}]`, `[{"destination":"10.1.0.1/16","nexthop":"10.0.9.1"}]`,
		`[{"destination":"x","nexthop":"10.0.9.1"}]`, `[{"destination":"10.1.0.0/16","nexthop":"x"}]`, `[{"destination":"10.1.0.0/16"}]`,
		`[{"destination":"10.1.0.0/16","nexthop":"10.0.9.1"},{"destination":"10.1.0.0/16","nexthop":"10.0.9.1"}]`,
		`[{"destination":"fd00::/64","nexthop":"fd00::1"}]`, `[{"destination":"10.1.0.0/16","nexthop":"10.0.9.1","x":1}]`,
		`[{"destination":null,"nexthop":null}]`, `[{"destination":"10.1.0.0","nexthop":"10.0.9.1"}]`},
	"dns_nameservers": {`["8.8.8.8"]`, `["8.8.8.8","8.8.8.8"]`, `["x"]`, `["fd00::1"]`, `["8.8.8.1","8.8.8.2","8.8.8.3","8.8.8.4","8.8.8.5","8.8.8.6"]`,
		`["8.8.8.8/32"]`, `[" 8.8.8.8"]`, `["08.8.8.8"]`, `["FD00::1"]`},
	"external_gateway_info": {`{"network_id":"$ext"}`, `{"network_id":"$net1"}`, `{"network_id":null}`, `{"network_id":"$ext","enable_snat":false}`,
		`{"network_id":"$ext","enable_snat":"x"}`, `{"network_id":"$ext","external_fixed_ips":[{"ip_address":"172.24.4.77"}]}`,
		`{"network_id":"$ext","external_fixed_ips":[{"subnet_id":"$sube"}]}`, `{"network_id":"$ext","external_fixed_ips":[{"ip_address":"9.9.9.9"}]}`,
		`{"network_id":"$ext","external_fixed_ips":[]}`, `{"network_id":"$ext","external_fixed_ips":null}`, `{"network_id":"$ext","foo":1}`,
		`{"external_fixed_ips":[{"ip_address":"172.24.4.77"}]}`, `{"enable_snat":true}`, `{"network_id":"abc"}`,
		`{"network_id":"00000000-0000-0000-0000-000000000000"}`, `{"network_id":"$ext","external_fixed_ips":[{"foo":1}]}`,
		`{"network_id":"$ext","external_fixed_ips":[{"subnet_id":"$sub1"}]}`},
	"routes": {`[{"destination":"10.5.0.0/16","nexthop":"10.0.1.70"}]`, `[{"destination":"10.5.0.0/16","nexthop":"99.0.1.7"}]`,
		`[{"destination":"10.5.0.0/16","nexthop":"10.0.1.1"}]`, `[{"destination":"10.5.0.0/16"}]`, `[{"destination":"10.5.0.1/16","nexthop":"10.0.1.70"}]`},
	"prefixes": {`["10.0.0.0/8"]`, `["10.0.0.0/8","fd00::/32"]`, `["10.0.0.0/8","10.1.0.0/16"]`, `["10.0.0.0/33"]`, `["10.0.0.1/8"]`, `["fd00::/32"]`,
		`["10.0.0.0/8","11.0.0.0/8"]`, `["10.0.0.0"]`, `["0.0.0.0/0"]`, `["10.16.0.0/12"]`},
	"addresses": {`["10.0.0.0/8"]`, `["10.0.0.1"]`, `["x"]`, `["10.0.0.0/8","10.0.0.0/8"]`, `["fd00::/16"]`, `["10.0.0.1/8"]`, `["FD00::1"]`, `["0.0.0.0/0"]`,
		`["10.0.0.1","10.0.0.1/32"]`},
	"service_types":   {`["compute:nova"]`, `["network:dhcp"]`, `["compute:"]`, `["x:y"]`, `["network:"]`, `["neutron:x"]`, `["nova"]`, `["eth"]`},
	"security_groups": {`["$sg1"]`, `["$sg1","$sg1"]`, `["00000000-0000-0000-0000-000000000000"]`, `["$sg1","$sg3"]`, `["$sg3"]`},
	"name":            {`"` + strings.Repeat("é", 255) + `"`, `"` + strings.Repeat("é", 256) + `"`, `"😀"`},
	"admin_state_up":  {`-0`, `1e0`, `"TRUE"`, `" on "`, `2`},
	"segments":        {`[{"provider:network_type":"foo"}]`, `[{}]`, `[{"provider:physical_network":"x"}]`, `[{"foo":1}]`},
	"tags":            {`["a"]`, `["a","a"]`, `["a,b"]`, `["` + long[:60] + `"]`, `["` + long[:61] + `"]`, `["` + long[:255] + `"]`, `["` + long + `"]`, `[""]`},
	"cidr": {`"10.0.9.0/24"`, `"10.0.1.0/24"`, `"10.0.9.5/24"`, `"0.0.0.0/0"`, `"10.0.9.0/32"`, `"10.0.9.0/31"`, `"10.0.9.0/30"`, `"224.0.0.0/24"`, `"127.0.0.0/24"`,
		`"169.254.0.0/16"`, `"fd00:9::/64"`, `"fd00:9::/127"`, `"fd00:9::/128"`, `"10.0.9.0"`, `"240.0.0.0/24"`, `"255.255.255.0/24"`, `"fe80::/64"`, `"::/0"`,
		`"ff00::/8"`, `"10.0.9.0/33"`},
	"gateway_ip": {`"10.0.9.1"`, `"10.0.9.0"`, `"10.0.9.255"`, `"10.0.9.254"`, `"10.0.1.1"`, `"99.0.0.1"`, `"10.0.9.5"`, `"fd00::1"`, `"fe80::1"`},
	"protocol": {`"icmpv6"`, `"ipv6-icmp"`, `"ICMP"`, `"TCP"`, `"udp"`, `"icmp"`, `"sctp"`, `"-1"`, `"256"`, `"255"`, `"58"`, `"1"`, `"any"`, `"hopopt"`, `"esp"`, `"foo"`, `"0"`,
		`"vrrp"`, `"ipip"`, `"ipv6-frag"`, `58`, `1`, `6`, `256`, `"tcp "`, `"ipip4"`, `"6 "`, `"+6"`, `"006"`},
	"remote_ip_prefix": {`"10.0.0.0/8"`, `"10.0.0.1"`, `"10.0.0.1/8"`, `"fd00::/64"`, `"0.0.0.0/0"`, `"x"`, `"10.0.0.0/33"`, `"::/0"`},
	"port_range_min":   {`80`, `"80"`, `65535`, `65536`, `90`}, "port_range_max": {`80`, `"80"`, `65535`, `65536`, `90`, `256`, `255`},
	"mac_address": {`"fa:16:3e:00:11:22"`, `"01:00:5e:00:00:01"`, `"ff:ff:ff:ff:ff:ff"`, `"fa163e001199"`, `"fa16.3e00.1198"`, `"fa:16:3e:00:11"`,
		`"FA:16:3E:00:AA:BB"`, `"fa:16:3e:00:11:9g"`, `"fa:16:3e:00:11:99"`}, // the last is as both write it, and stays
	"dns_name":              {`"web"`, `"web.example.org"`, `"-x"`, `"` + long[:64] + `"`, `"web."`, `"web.openstacklocal."`, `"web.openstacklocal"`, `"a.b"`, `"1"`, `"123"`, `"Web"`, `"web_1"`},
	"dns_domain":            {`"example.org"`, `"example.org."`, `"-x."`, `"."`, `"a..b."`},
	"device_owner":          {`"network:router_interface"`, `"network:router_gateway"`, `"network:floatingip"`, `"network:dhcp"`, `"compute:"`, `"neutron:x"`},
	"binding:vnic_type":     {`"normal"`, `"direct"`, `"macvtap"`, `"foo"`, `"baremetal"`},
	"binding:profile":       {`{"x":"` + strings.Repeat("y", 5000) + `"}`, `{"a":null}`},
	"provider:network_type": {`"vlan"`, `"foo"`},
	"mtu":                   {`-0`, `1e3`, `" 1_400 "`, `"٤"`, `68`, `67`, `1280`, `1400`, `65536`},
	"ip_version":            {`4`, `6`, `5`},
	"default_prefixlen":     {`24`, `8`, `32`, `33`, `"24"`, `7`, `64`}, "min_prefixlen": {`24`, `8`, `32`, `33`, `"24"`, `7`, `64`},
	"max_prefixlen": {`24`, `8`, `32`, `33`, `"24"`, `7`, `64`}, "prefixlen": {`24`, `8`, `32`, `33`, `"24"`, `7`, `64`},
	"object_type": {`"network"`, `"qos_policy"`, `"subnetpool"`, `"address_scope"`, `"security_group"`, `"address_group"`, `"port"`},
	"action":      {`"access_as_shared"`, `"access_as_external"`}, "target_tenant": {`"*"`, `"red"`, `"blue"`},
	"floating_ip_address": {`"172.24.4.250"`, `"172.24.4.100"`, `"172.24.4.1"`, `"172.24.4.0"`, `"10.0.0.1"`, `"fd00::1"`},
	"fixed_ip_address":    {`"10.0.1.111"`, `"10.0.1.112"`, `"9.9.9.9"`},
	"port_id":             {`"$port1"`, `"$port2"`, `"$port3"`, `"$pfp"`},
	"metainfo":            {`"{\"a\":1}"`, `"[1]"`}, "service_type": {`"L3_ROUTER_NAT"`, `"FOO"`, `"QOS"`, `"CORE"`, `"VPN"`}, "driver": {`"foo.bar"`},
	"availability_zone_hints": {`["nova"]`, `["x"]`},
	"ipv6_ra_mode":            {`"slaac"`, `"dhcpv6-stateful"`, `"dhcpv6-stateless"`}, "ipv6_address_mode": {`"slaac"`, `"dhcpv6-stateful"`, `"dhcpv6-stateless"`},
	"internal_port": {`1`, `65535`, `65536`, `"80"`, `"80:82"`}, "external_port": {`1`, `65535`, `65536`, `"80"`, `"80:82"`},
	"internal_ip_address": {`"10.0.1.51"`, `"10.0.1.50"`, `"10.0.1.50/32"`, `"010.0.1.50"`}, "internal_port_id": {`"$port1"`, `"$port3"`},
	"internal_port_range": {`"80"`, `"80:80"`, `"80:82"`, `"82:80"`, `"x:y"`, `"80:"`, `"0:1"`, `"1:65536"`, `80`, `"80-82"`},
	"external_port_range": {`"80"`, `"80:80"`, `"80:82"`, `"82:80"`, `"x:y"`, `"80:"`, `"0:1"`, `"1:65536"`, `80`, `"80-82"`},
	"tenant_id":           {`"red"`}, "project_id": {`"red"`}, "floatingip_id": {`"$pfip"`},
}

// strange are names of attributes that a resource may not have: unknown ones, and those of others or of extensions that are not served.
var strange = []string{"foo", "Name", "segments", "qos_policy_id", "distributed", "ha", "vlan_transparent", "binding:foo", "mtu", "shared", "floatingip_id",
	"router_id", "flavor_id"}

// pairs are so many allowed address pairs.
func pairs(n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = `{"ip_address":"1.2.3.` + strings.Repeat("1", i/10) + string('0'+rune(i%10)) + `"}`
	}
	return "[" + strings.Join(all, ",") + "]"
}

// pool is a list of ranges, each with its first and last address.
func pool(ends ...string) string {
	var all []string
	for i := 0; i < len(ends); i += 2 {
		all = append(all, `{"start":"`+ends[i]+`","end":"`+ends[i+1]+`"}`)
	}
	return "[" + strings.Join(all, ",") + "]"
}

// bodies are of every form but the right one, for a resource; SINGLE and COLLECTION stand for its keys. The first few are sent for every resource.
var bodies = []string{``, `{}`, `[]`, `x`, `{"SINGLE":null}`, `{"SINGLE":[]}`, `{"COLLECTION":[]}`, `{"COLLECTION":[{}]}`, `{"foo":{}}`,
	`null`, `"x"`, `1`, `{"SINGLE":"x"}`, `{"COLLECTION":null}`, `{"COLLECTION":{}}`, `{"COLLECTION":"x"}`, `{"COLLECTION":[null]}`, `{"COLLECTION":[{"SINGLE":null}]}`,
	`{"COLLECTION":[{"SINGLE":"x"}]}`, `{"SINGLE":{"name":"a","name":"b","foo":1}}`, `{"SINGLE":{"name":NaN}}`, `{"SINGLE":{"name":Infinity}}`, "\xff",
	"{\"SINGLE\":{\"name\":\"\xff\"}}", "\xef\xbb\xbf{}", `{} x`, ` {} `, `{"SINGLE":{},"foo":1}`, `{"SINGLE":{},"COLLECTION":[]}`, strings.Repeat("[", 2000),
	`{"SINGLE":{"name":"\ud800"}}`, `{"SINGLE":{"name":"a\u0000b"}}`, `{"SINGLE":{"name":1e400}}`}

// setsOfTags are bodies of tags; the first of them are sent for every resource.
var setsOfTags = []string{`{"tags":["b","a"]}`, `x`, ``, `{"tags":"x"}`, `{"tags":[""]}`, `{"tags":[]}`,
	`{}`, `[]`, `{"tags":null}`, `{"tags":["a"]}`, `{"tags":["a","a"]}`, `{"tags":[1]}`, `{"tags":[null]}`, `{"tags":["` + long[:60] + `"]}`,
	`{"tags":["` + long[:61] + `"]}`, `{"tags":["` + long[:255] + `"]}`, `{"tags":["` + long + `"]}`, `{"tags":["a,b"]}`, `{"tags":["a/b"]}`, `{"tags":["é"]}`,
	`{"tags":["😀"]}`, `{"tags":{"a":1}}`, `{"tags":["a"],"foo":1}`, `{"foo":1}`, `{"tags":[" a "]}`}

// tags are what a path names one by; likewise.
var tags = []string{"a", "zz", long[:60], long[:61], long, "a,b", "%20", "a%2Fb", "%C3%A9", "A", "a.json"}

// owners are what a body may say of its owner.
var owners = []string{`{"tenant_id":"a","project_id":"b"}`, `{"tenant_id":"a","project_id":"a"}`, `{"project_id":"a"}`, `{"tenant_id":""}`, `{"project_id":null}`,
	`{"tenant_id":1}`, `{"project_id":" "}`, `{"tenant_id":"` + long + `"}`}

// conditions are what If-Match may say.
var conditions = []string{"revision_number=0", "revision_number=99", "revision_number=x", "revision_number=", "foo", "*", "revision_number=-1", `"revision_number=0"`,
	"revision_number=0,revision_number=1"}

// texts are what every filter is asked with.
var texts = []string{"", "abc", "None", "0", "1", " 1", "é", "$net1", "%", long}

// textsOf are what filters of a type, or of a name, are asked with besides.
var textsOf = map[string][]string{
	"boolean":     {"true", "FALSE", "yes", "2", "T"},
	"integer":     {"-1", "99999999999999999999", "1.0", "4", "6", "1_0"},
	"list":        {"red", "blue", "red,blue", "a", "x,"},
	"ip-address":  {"10.0.1.0/24", "10.0.1.111", "::1", "010.0.1.111", "FD00:1::/64", "10.0.1.0"},
	"cidr":        {"10.0.1.0/24", "10.0.1.111", "::1", "FD00:1::/64", "fd00:1::/64", "10.0.1.0"},
	"mac-address": {"fa-16-3e-00-11-22", "FA:16:3E:00:11:22", "fa:16:3e:00:11:22", "fa:16"},
	"fixed_ips": {"ip_address=10.0.1.111", "ip_address=10.0.1", "subnet_id=$sub1", "ip_address_substr=10.0.1.1", "ip_address_substr=",
		"foo=bar", "ip_address", "subnet_id=", "ip_address=", "subnet_id=abc", " ip_address = 10.0.1.111 "},
	"protocol":     {"tcp", "6", "TCP", "udp", "icmp", "47", "gre", "any", "ipv6-icmp", "58", "icmpv6"},
	"ethertype":    {"IPv4", "ipv4"},
	"direction":    {"INGRESS", "ingress"},
	"status":       {"ACTIVE", "DOWN", "active"},
	"name":         {"net", "net1", "NET1", "Net 3_%", "Net_3_%", "net%"},
	"service_type": {"L3_ROUTER_NAT"}, "object_type": {"network", "security_group"}, "action": {"access_as_shared"}, "target_tenant": {"red", "*"},
	"tenant_id": {"blue", "red"}, "project_id": {"blue", "red"}, "device_owner": {"compute:nova", "network:floatingip"}, "description": {"one", "web"},
}

// queries are of every form.
var queries = []string{"tenant_id=blue&project_id=red", "tenant_id=blue&project_id=blue", "project_id=blue&tenant_id=blue", "tenant_id=blue&tenant_id=red", "id=$net1&id=$port1",
	"name=&name=net1", "foo=1&bar=2", "foo=1&foo=2", "fields=foo", "fields=id&fields=foo", "fields=id,name", "fields=", "fields=&fields=id", "fields=tenant_id", "fields=project_id",
	"sort_key=name", "sort_dir=asc", "sort_key=name&sort_dir=up", "sort_key=name&sort_key=id&sort_dir=asc&sort_dir=desc", "sort_key=name&sort_key=name&sort_dir=asc&sort_dir=asc",
	"sort_key=&sort_dir=asc", "sort_key=foo&sort_dir=asc", "limit=abc", "limit=-1", "limit=0", "limit=", "limit=1.5", "limit=1000", "limit=201", "limit=200", "limit=%201",
	"limit=1_0", "limit=%2B1", "limit=0x1", "page_reverse=True", "page_reverse=true&limit=100", "page_reverse=x", "page_reverse=", "marker=abc", "marker=abc&limit=1",
	"marker=&limit=1", "marker=00000000-0000-0000-0000-000000000000&limit=1", "Name=net1", "=x", "&&", "name=a&", "name", "%6eame=net1", "name=net%31", "name=a;b", "name=a+b", "id=",
	"id=abc", "?name=net1", "name=%ff", "name=a%00b", "fields=id;name", "name=net1%0a", "name==net1",
	"name=net1&name=net2&name=net1", "name[]=net1", "name=%F0%9F%98%80", "limit=1&limit=2&sort_key=name&sort_dir=asc", "page_reverse=True&page_reverse=False",
	"marker=$netb&marker=$ext&limit=1&sort_key=name&sort_dir=asc"}

// accepts are what Accept may say.
var accepts = []string{"application/json", "*/*", "application/*", "application/json;q=0", "text/plain", "application/xml", "text/html,*/*;q=0.1", "foo", ""}
