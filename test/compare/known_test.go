package compare

import (
	"regexp"
	"sync"
)

// exception is a difference that docs/divergences.md has a row about.
type exception struct {
	row                   string // the first cell of the row
	request, theirs, ours pattern
}

func (k exception) explains(f finding) bool {
	return k.request.in(f.request) && k.theirs.in(f.theirs) && k.ours.in(f.ours)
}

// pattern is a regular expression. The empty one is in everything.
type pattern string

// compiled are the patterns, which the laboratories share.
var compiled sync.Map

func (p pattern) in(text string) bool {
	re, ok := compiled.Load(p)
	if !ok {
		re, _ = compiled.LoadOrStore(p, regexp.MustCompile(string(p)))
	}
	return re.(*regexp.Regexp).MatchString(text)
}

var known = []exception{
	{"a marker that names nothing, of floating IPs, subnet pools, flavors, service profiles and network IP availability", `marker=`, `^200`, `^404`},
	{"a query that is no UTF-8; a `limit` beyond 64 bits", `%ff|limit=9+`, `^[45]00`, `^[24]00`},
	{"texts that differ in case, on MySQL", `^GET [^?]*\?(name|status|protocol|direction|ethertype|description|mac_address|ipv6_\w+)=[A-Za-z]`, `^200`, `=\[\]`},
	{"filters of numbers by a text that is none, on MySQL", `^GET [^?]*\?(revision_number$|\w+=)`, `^200`, `=\[\]`},
	{"status of a floating address", `/floatingips.*status`, `DOWN|^200 .floatingips=`, `ACTIVE|^200 .floatingips=`},
	{"lists of rules sorted by `direction`, on MySQL", `/security-group-rules\?sort_key=direction`, ``, ``},
	{"… filter by `normalized_cidr`", `/security-group-rules\?.*normalized_cidr`, ``, ``},
	{"security group rules: `description` of those that a new group begins with", `/security-group-rules\?.*description`, ``, ``},
	{"`fields` in lists of address groups and of network IP availability", `^GET /v2.0/(address-groups|network-ip-availabilities)\?fields=`,
		`^200 (.\w+\[\d+\].(tenant|project)_id="\w*" )+$`, `^200 (.\w+\[\d+\].(tenant|project)_id=null )+$`},
	{"service providers", `^GET /v2.0/service-providers`, `"dvrha"`, `service_providers=\[\]`},
	{"methods that there are not, such as `OPTIONS`", `^(HEAD|PATCH|POST|OPTIONS|PUT|DELETE) `, ``, `^405`},
	{"`/edit` and `/new` below resources of the older controller", `/(edit|new)( |$)`, `^40[45]`, `^404`},
	{"a request at which neutron-server fails", ``, `^500`, `^[24]`},
	{"a body that is empty, `{}` or no JSON, for routers, floating IPs, subnet pools, flavors and others of the older controller",
		``, `Resource body required|MalformedRequestBody|Invalid format|^500|Unable to find`, `Unable to find|Body contains invalid data|The server could not comply`},
	{"`NaN` and `Infinity` in a body", `:(NaN|Infinity)`, `^400`, `^400 HTTPBadRequest: Body contains invalid data`},
	{"a body of a `DELETE`", `^DELETE `, `MalformedRequestBody`, `Request body is not supported in DELETE`},
	{"the addresses of a router's gateway", `^PUT /v2.0/routers/.*"external_fixed_ips":`, `^200`, `UnsupportedPortDeviceOwner: Operation fixed_ips update`},
	{"a body of a `DELETE`", `^DELETE .* \S*(\xff|\x{fffd})`, `^400`, `^404`},
	{"a project's identifier that is no text or too long", ``, `Invalid input for tenant_id`, `Invalid input for project_id`},
	{"an empty `fields`", `fields=(&|$| )`, `^200`, `^200`},
	{"what no controller serves, such as `/v2` and `/v2.0/extensions/foo`", ``, `^404 404 Not Found`, `^404`},
	{"extensions of the service plugin `router` that are not here: `l3_agent_scheduler`, `l3-flavors`, `floatingip-pools`, `l3-port-ip-change-not-allowed`", `/l3-agents|/floatingip_pools`, ``, `^404`},
	{"extensions of the service plugin `router` that are not here: `l3_agent_scheduler`, `l3-flavors`, `floatingip-pools`, `l3-port-ip-change-not-allowed`", `/routers.*flavor_id`, ``, ``},
	{"lists of RBAC policies, agents, availability zones and service providers",
		`/v2.0/(rbac-policies|agents|availability_zones|service-providers)\?`, `^200`, `^400|_links`},
	{"port forwardings sorted by `external_port` or `internal_port_id`", `/port_forwardings\?sort_key=`, `^400`, `^200`},
	{"subnet pools and address scopes sorted by `shared`", `sort_key=shared`, `^400`, `^400`},
	{"numbers beyond 64 bits", `100000000000000000000|1e400`, `^400`, `^400`},
	{"several in one request, of routers, flavors, service profiles and others whose plugins make one at a time", `^POST .* {"\w+":`,
		`Bulk operation not supported|^500|Unable to find 'rbac_policy'`, ``},
	{"several in one `PUT`", `^PUT `, `^400`, `Bulk operation not supported`},
	{"a project's identifier that is empty", `"(tenant|project)_id":""`, ``, ``},
	{"a port's `device_owner` or `device_id`, the project that an RBAC policy is for, or the name of a DHCP option, that ends in a space", `"(target_tenant|device_owner|device_id|opt_name)":"[^"]* "`, `^20`, `ends in a space`},
	{"the nil UUID in a body, 00000000-0000-0000-0000-000000000000", `"00000000-0000-0000-0000-000000000000"`, `^40[049]`, `^400 .*'<uuid>' is not a valid UUID`},
	{"a range of fewer than four numbers, such as `4`, in `cidr` or `remote_ip_prefix`, or a filter by them", `"(remote_ip_prefix|cidr)":"4"|(cidr|remote_ip_prefix)=(0|1|\+1)&`, ``, `InvalidCIDR|is not in a CIDR format`},
	{"`remote_ip_prefix` that is neither text nor null, such as `{}`", `"remote_ip_prefix":(0|\[\]|\{\})}`, `^201`, `^400 InvalidCIDR`},
	{"addresses and ranges in refusals", `"FD00::1"`, `'FD00::1'`, `'fd00::1'`},
	{"MAC addresses of ports and of `allowed_address_pairs`", `"mac_address":"fa16`, `mac_address="fa16`, `mac_address="<mac>"`},
	{"an empty `provider:network_type` in a `PUT`", `^PUT .*"provider:network_type":""`, `Plugin does not support updating`, `network_type value '' not supported`},
	{"prefix lengths in the answer to a `PUT` of a subnet pool", `^PUT /v2.0/subnetpools/`, `prefixlen=\d`, `prefixlen="\d`},
	{"the text of a refusal of an action on a subnet pool", `/subnetpools/`, `disallowed by policy`, `disallowed by policy`},
	{"what is answered below a flavor", `/flavors/.*/(service_profiles|next_providers)`, ``, ``},
	{"protocols of port forwardings", `/port_forwardings.*"protocol":`, `^201|^200`, `^400`},
	{"… the service type of a flavor that a member may not make", `/flavors .* AS `, `InvalidServiceType`, `^403`},
	{"… for what has no revisions", ``, ``, `Revision matching not supported`},
	{"… for a `PUT` that changes nothing", `^PUT .* If-Match: `, `^200`, `^412`},
	{"an RBAC policy that is changed in nothing", `^PUT /v2.0/rbac-policies/`, `^409`, `^200`},
	{"refusals of RBAC policies", `/rbac-policies`, `Callback neutron`, `^4`},
	{"… a protocol or an identifier of the wrong type", `/security-group-rules .*"(protocol|\w+_id)":`, `^400`, `^40[04]`},
	{"… PUT", `^PUT /v2.0/security-group-rules/`, ``, `^400`},
	{"… `metainfo` that is no text or longer than 4096 characters", `"metainfo":`, ``, ``},
	{"a project's identifier that a body of an address group would change", `^PUT /v2.0/address-groups/`, `attribute project_id`, `attribute tenant_id`},
	{"letters beyond ASCII in a path", `/tags/%C3%A9`, ``, ``},
	{"keys beside `tags` in a body of tags", `/tags .*"foo"`, ``, `foo=null`},
	{"tags of what another project shares", `/tags.* AS (blue|red)`, ``, ``},
	{"`tags` in the `POST` of one port", `ports`, `tags=\[\]`, `tags=\["`},
}
