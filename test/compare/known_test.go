package compare

import (
	"regexp"
	"slices"
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

// known are all of them. Of several that explain a difference the first counts.
var known = slices.Concat(documented, failed())

// fleeting is the row of what goes by itself after two minutes: whether it is met depends on how long the questions take.
const fleeting = "`reserved` in `/v2.0/quotas/<project>/details`"

var documented = []exception{
	{"a marker that names nothing, of floating IPs, subnet pools, flavors, service profiles and network IP availability", `marker=`, `^200`, `^404`},
	{"a query that is no UTF-8; a `limit` beyond 64 bits", `%ff|limit=9+`, `^[45]00`, `^[24]00`},
	{"texts that differ in case, on MySQL", `^GET [^?]*\?(name|status|protocol|direction|ethertype|description|mac_address|ipv6_\w+)=[A-Za-z]`, `^200`, `=\[\]`},
	{"an identifier in a path that ends in a space, on MySQL", `%20(\?|$)`, `^200`, `^404`},
	{"letters of four octets in UTF-8, such as 😀, in a database that is `utf8` as Neutron's guide has it", `😀`, `^500`, `^20`},
	{"letters of four octets in UTF-8, such as 😀, in a database that is `utf8` as Neutron's guide has it", `%F0%9F%98%80|😀|^GET /v2.0/\S+/tags$`, `^20`, `^20.*😀`},
	{"digits of other scripts than ours, such as `٤`", `٤`, `^20`, `is not an integer`},
	{"a path that ends in `.xml`, or in another end of files that Python knows", `\.xml( |$)`, `^404|^500`, `^40[45]`},
	{"a request line longer than 8192 octets", `x{200}`, `^414`, `^20`},
	{"the answer to an action, such as `add_extraroutes`", `^PUT .*/(add|remove)_(extraroutes|addresses) `, `^200 with`, `^200 without`},
	{"a port forwarding that is changed from a port to a range", `^PUT .*/port_forwardings/.*_port_range":"\d+:\d+"`, `^200 .*_port=\d+ $`, `^200 .*_port=null $`},
	{"`Accept` of something else than JSON", ` Accept: `, `^406`, `^200`},
	{"texts that differ in case, on MySQL", `^GET /v2.0/networks\?sort_key=name&`, `="Net 3_%"`, `="Net 3_%"`},
	{"filters of numbers by a text that is none, on MySQL", `^GET [^?]*\?revision_number(=|$)`, `^200`, `^200 \.\w+=\[\]`},
	{"`is_default` of networks as a filter", `^GET /v2.0/networks\?(\S*&)?is_default(=|$)`, `^200`, `^200`},
	{"a floating address on a network without subnets of IPv4", `^POST /v2.0/floatingips `, `does not contain any IPv4 subnet`, `does not contain any subnet|^201`},
	{"a list page by page, in the order of what some have not, such as the `protocol` of rules", `^GET /v2.0/security-group-rules\?limit=`, ``, `<nil>`},
	{"… of which policy hides some", `[?&]limit=.* AS `, `^\n*$`, `^\n*$`},
	{"a port on a network that its project does not see", `^(PUT|DELETE) /v2.0/ports/`, `^404 NetworkNotFound`, `^20`},
	{"a `PUT` of nothing, such as `{\"network\":{}}`", `^PUT \S+ \{"\w+":\{\}\} AS `, `^403 PolicyNotAuthorized`, `^200|^403 PolicyNotAuthorized`},
	{"`tags` with `tags-any`, and other questions that the database cannot be asked there", `[?&](not-)?tags(-any)?=\S*&(not-)?tags(-any)?=`, `^500`, `^200`},
	{"… a profile or a flavor that does not exist, associated", `^POST /v2.0/flavors/\S+/service_profiles`, `^500`, `^404`},
	{"status of a floating address", `/floatingips.*status`, `DOWN|^200 .floatingips=`, `ACTIVE|^200 .floatingips=`},
	{"… filter by `normalized_cidr`", `/security-group-rules\?.*normalized_cidr`, ``, ``},
	{"security group rules: `description` of those that a new group begins with", `/security-group-rules\?.*description`, ``, ``},
	{"`fields` in lists of address groups and of network IP availability", `^GET /v2.0/(address-groups|network-ip-availabilities)(/\$\w+)?\?.*fields=`,
		`^200 (with( \.\w+(\[\d+\])?\.(tenant|project)_id)+|(\.\w+(\[\d+\])?\.(tenant|project)_id="\w*" )+)$`, `^200 (without|(\.\w+(\[\d+\])?\.(tenant|project)_id=null )+$)`},
	{"`create_subnet` on another project's shared network", `^POST /v2.0/subnets .* AS `, ``, `^403 PolicyNotAuthorized: .*rule:create_subnet\b`},
	{"a subnet from a subnet pool", `^POST /v2.0/subnets .*subnetpool`, `^201`,
		`^400 InvalidInput: .*(does not match the ip_version|is not valid when|prefix length that is incompatible|Multicast IP subnet|Loopback IP subnet|First IP)`},
	{"… with a `cidr` of the other version, or the range's own address as its gateway", `^POST /v2.0/subnets .*subnetpool`, `^409 IpamValueInvalid: Gateway IP `, `^400`},
	{"service providers", `^GET /v2.0/service[-_]providers`, `^200 \.service_providers=(\[\{|4)`, `^200 \.service_providers=(\[\]|0)`},
	{"methods that there are not, such as `OPTIONS`", `^OPTIONS `, ``, `^40[45]`},
	{"methods that there are not, such as `OPTIONS`", `^(POST|PATCH|HEAD) /v2.0/\S+/tags`, `^(20[01]|404)`, `^405`},
	{"methods that there are not, such as `OPTIONS`", `^(POST|PUT|DELETE|PATCH) /( |$)`, `^405 405 Method Not Allowed`, `^405 HTTPMethodNotAllowed`},
	{"network IP availability: `DELETE`", `^DELETE /v2.0/network-ip-availabilities/`, `^(404|500)`, `^405`},
	{"`/edit` and `/new` below resources of the older controller", `/(edit|new)( |$)`, `^(40[45]|500)`, `^404`},
	{"a body that is missing or is no object, where tags, quotas and actions are set", `^PUT \S+/(tags|add_\w+|remove_\w+|onboard_\w+|activate|quotas/\w+)( \[\]| null| {}| {"\w+":{}})?( AS \w+)?$`,
		`^500`, `^40[09]`},
	{"… `add_addresses` and `remove_addresses` without a list", `^PUT \S+/(add|remove)_addresses`, `^500`, `^400 InvalidInput: .*addresses must be a list`},
	{"`If-Match` with a revision, for a list or a `POST`", `^GET \S+ If-Match: "?revision_number=-?\d`, `^500`, `^200`},
	{"what is answered below a flavor", `^PUT /v2.0/flavors/\S+/service_profiles`, `^400`, `^404 FlavorServiceProfileBindingNotFound`},
	{"what is answered below a flavor", `^GET /v2.0/flavors/\S+/(service_profiles|next_providers)`, `^500`, `^(200|400|404 FlavorServiceProfileBindingNotFound)`},
	{"bindings of a port (`binding-extended`): rules of policy", `^GET /v2.0/ports/\S+/bindings.* AS (blue|red)`, `^500 PolicyCheckError`, `^200`},
	{"… to no host; of another kind than `normal`", `/bindings`, `^500 PortBindingError`, `^409 PortBindingError`},
	{"a subnet pool that has nothing left (`SubnetAllocationError`)", `^POST /v2.0/subnets `, `^500 SubnetAllocationError`, `^409 SubnetAllocationError`},
	{"an RBAC policy on what the caller cannot see", `^GET /v2.0/rbac-policies/`, `^404 RbacPolicyNotFound: RBAC policy of type (network|security_group)`, `of type unknown`},
	{"`GET` of what the database shows and policy hides (a service's GET of a subnet)", `^(GET /v2.0/network-ip-availabilities|\w+ /v2.0/security-group-rules)/`, `^404 HTTPNotFound`,
		`^404 (SecurityGroupRule|Network)NotFound`},
	{"`GET` of what the database shows and policy hides (a service's GET of a subnet)", `^GET /v2.0/subnets/`, `^404 \{"subnet"`, `^404 HTTPNotFound`},
	{fleeting, `^GET /v2.0/quotas/\w+/details`, `^200 (\.quota\.\w+\.reserved=\d+ )+$`, `^200 (\.quota\.\w+\.reserved=0 )+$`},
	{"a body that is empty, `{}` or no JSON, for routers, floating IPs, subnet pools, flavors and others of the older controller",
		``, `Resource body required|MalformedRequestBody|Invalid format|Unable to find`, `Unable to find|Body contains invalid data|The server could not comply`},
	{"a body that is empty, `{}` or no JSON, for routers, floating IPs, subnet pools, flavors and others of the older controller",
		`^PUT (\S+ \[\]|/v2.0/quotas/blue {"quota":null})$`, `^500`, `Unable to find|Body contains invalid data|The server could not comply`},
	{"`NaN` and `Infinity` in a body", `:(NaN|Infinity)`, `^400`, `^400 HTTPBadRequest: Body contains invalid data`},
	{"a body of a `DELETE`", `^DELETE `, `MalformedRequestBody`, `Request body is not supported in DELETE`},
	{"a router's gateway on a network without subnets", `^(POST|PUT) /v2.0/routers.*"external_gateway_info":|^GET /v2.0/auto-allocated-topology/`, `^20`,
		`^400 BadRequest: .*No IPs assigned|^409 AutoAllocationFailure: .*external connectivity`},
	{"the addresses of a router's gateway", `^PUT /v2.0/routers/.*"external_fixed_ips":`, `^200`, `UnsupportedPortDeviceOwner: Operation fixed_ips update`},
	{"a body of a `DELETE`", `^DELETE .* \S*(\xff|\x{fffd})`, `^400`, `^404`},
	{"a project's identifier that is no text or too long", ``, `Invalid input for tenant_id`, `Invalid input for project_id`},
	{"an empty `fields`", `^GET /v2.0/\w+\?fields=(&|$| )`, `^200`, `^200`},
	{"what no controller serves, such as `/v2` and `/v2.0/extensions/foo`", ``, `^404 404 Not Found`, `^404`},
	{"extensions of the service plugin `router` that are not here: `l3_agent_scheduler`, `l3-flavors`, `floatingip-pools`, `l3-port-ip-change-not-allowed`", `/l3-agents|/floatingip_pools`, ``, `^404`},
	{"extensions of the service plugin `router` that are not here: `l3_agent_scheduler`, `l3-flavors`, `floatingip-pools`, `l3-port-ip-change-not-allowed`", `/routers.*flavor_id`, ``, ``},
	{"lists of RBAC policies, agents, availability zones and service providers",
		`/v2.0/(rbac-policies|agents|availability_zones|service-providers)\?`, `^200`, `^400|_links`},
	{"port forwardings sorted by `external_port` or `internal_port_id`", `/port_forwardings\?sort_key=`, `^400`, `^200`},
	{"subnet pools and address scopes sorted by `shared`", `sort_key=shared`, `^400`, `^400`},
	{"numbers beyond 64 bits", `100000000000000000000|1e400`, `^(400|500)`, `^400`},
	{"service types of a subnet", `/subnets.*"service_types":\["(\$net1|eth)"\]`, `^(20|404 NetworkNotFound)`, `^400 InvalidSubnetServiceType`},
	{"`segments` of a network", `^PUT /v2.0/networks/.*"segments":`, `^200`, `^400 InvalidInput: .*Plugin does not support updating`},
	{"several in one request, of routers, flavors, service profiles and others whose plugins make one at a time", `^POST /v2.0/\S+ {("\w+":{},)?"\w+s":(\[|\{|"|null)`,
		`^400 HTTPBadRequest: (Bulk operation not supported|Unable to find 'rbac_policy')`, `^(20[01]|40[0-9])`},
	{"several in one request, of routers, flavors, service profiles and others whose plugins make one at a time", `^POST /v2.0/address-(groups|scopes) {"\w+s":\[`, `^500`, `^201`},
	{"several in one `PUT`", `^PUT `, `^(400|500)`, `Bulk operation not supported`},
	{"a project's identifier that is empty", `"(tenant|project)_id":""`, ``, ``},
	{"a port's `device_owner` or `device_id`, the project that an RBAC policy is for, or the name of a DHCP option, that ends in a space", `"(target_tenant|device_owner|device_id|opt_name)":"[^"]* "`, `^20`, `ends in a space`},
	{"`binding:host_id` longer than 255 characters, or no text", `"binding:host_id":([^"]|"x{200})`, `^(20|500)`, `binding:host_id="(True|0)"|^400 .*( is not a valid string|Invalid input for binding:host_id)`},
	{"the nil UUID in a body, 00000000-0000-0000-0000-000000000000", `"00000000-0000-0000-0000-000000000000"`, `^40[049]`, `^400 .*'<uuid>' is not a valid UUID`},
	{"a range of fewer than four numbers, such as `4`, in `cidr` or `remote_ip_prefix`, or a filter by them", `"(remote_ip_prefix|cidr)":"4"|(cidr|remote_ip_prefix)=(0|1|\+1)&`, ``, `InvalidCIDR|is not in a CIDR format`},
	{"`remote_ip_prefix` that is neither text nor null, such as `{}`", `"remote_ip_prefix":(0|\[\]|\{\})}`, `^201`, `^400 InvalidCIDR`},
	{"addresses and ranges in refusals", `"FD00::1"`, `'FD00::1'`, `'fd00::1'`},
	{"MAC addresses of ports and of `allowed_address_pairs`", `"mac_address":"(fa16|FA:16)`, `mac_address="(fa16|FA:16)`, `mac_address="<mac>"`},
	{"an empty `provider:network_type` in a `PUT`", `^PUT .*"provider:network_type":""`, `Plugin does not support updating`, `network_type value '' not supported`},
	{"prefix lengths in the answer to a `PUT` of a subnet pool", `^PUT /v2.0/subnetpools/`, `prefixlen=\d`, `prefixlen="\d`},
	{"the text of a refusal of an action on a subnet pool or a router", `/subnetpools/|^PUT /v2.0/routers/\S+/(add|remove)_`, `disallowed by policy`, `disallowed by policy`},
	{"protocols of port forwardings", `/port_forwardings.*"protocol":`, `^201|^200`, `^400`},
	{"… the service type of a flavor that a member may not make", `/flavors .* AS `, `InvalidServiceType`, `^403`},
	{"… for what has no revisions", ``, ``, `Revision matching not supported`},
	{"… for a `DELETE` that is refused for another reason as well", `^DELETE .* If-Match: `, `^409`, `^412`},
	{"… for a `PUT` that changes nothing", `^PUT .* If-Match: `, `^200`, `^412`},
	{"… in the answer to a `PUT` that writes to a port what it has, or to a network whether it is the default", `^PUT /v2.0/(ports|networks)/`,
		`^200 \.(port|network)\.revision=\d+ $`, `^200 \.(port|network)\.revision=\d+ $`},
	{"an RBAC policy that is changed in nothing", `^PUT /v2.0/rbac-policies/`, `^409`, `^200`},
	{"a `POST` that no rule of policy lets through, beyond the quota", `^POST `, `^409 OverQuota`, `^403 PolicyNotAuthorized`},
	{"an RBAC policy for everyone on an address scope, subnet pool, security group or address group that nobody but its owner uses", `/rbac-policies/`,
		`(?s)^409 RbacPolicyInUse.*project_id=\*`, `^204`},
	{"refusals of RBAC policies", `/rbac-policies`, `Callback neutron`, `^4`},
	{"… a protocol or an identifier of the wrong type", `/security-group-rules .*"(protocol|\w+_id)":`, `^(400|404|500)`,
		`^40[04] (SecurityGroupRuleInvalidProtocol|AddressGroupNotFound|SecurityGroupNotFound|HTTPBadRequest: Invalid input for \w+_id)`},
	{"… PUT", `^PUT /v2.0/security-group-rules/`, ``, `^400`},
	{"… `metainfo` that is no text or longer than 4096 characters", `"metainfo":`, ``, ``},
	{"letters beyond ASCII in a path", `/tags/%C3%A9`, ``, ``},
	{"auto-allocated topologies: quotas", `^GET /v2.0/auto-allocated-topology/`, `^200`, `^409 OverQuota`},
	{"… `DELETE` where there is none", `^DELETE /v2.0/auto-allocated-topology/`, `^409`, `^204`},
	{"keys beside `tags` in a body of tags", `/tags .*"foo"`, ``, `foo=null`},
	{"tags of what another project shares", `/tags.* AS (blue|red)`, ``, ``},
	{"`tags` in the `POST` of one port", `ports`, `tags=\[\]`, `tags=\["`},
}

// renewed are those that the rules of readers and members alone bring about.
var renewed = []exception{
	{"… of which policy hides some", `^GET /v2.0/security-group(s|-rules)\?limit=`, ``, ``},
	{"tags of what another project shares", `^\w+ /v2.0/security-groups/\S+/tags`, `^20`, `^404`},
	{"`GET` of what the database shows and policy hides (a service's GET of a subnet)", `^GET `, `^404 \{ ?"`, `^404 HTTPNotFound`},
	{"… who may not see one, by the rules of readers and members", `^(GET|DELETE) /v2.0/auto-allocated-topology/`, `^409`, `^40[34]`},
	{failing, `^POST /v2.0/floatingips/00000000-0000-4000-8000-000000000001/port_forwardings `, `^500 PolicyCheckError`, `^404 FloatingIPNotFound`},
	{failing, `^POST /v2.0/floatingips/\S+/port_forwardings .* AS service`, `^500 PolicyCheckError`, `^40[034] `},
}

// exceptions are those that hold.
func exceptions() []exception {
	if *newDefaults {
		return slices.Concat(known, renewed)
	}
	return known
}
