package compare

// failing is the row of what neutron-server answers 500.
const failing = "a request at which neutron-server fails"

// failure is a kind of requests at which neutron-server fails, and what our server answers. Those that have rows of their own are in known.
type failure struct{ request, ours pattern }

var failures = []failure{
	// What JSON can say, and Python's json, webob or MariaDB's utf8 cannot take.
	{`\[{200}`, `^400 HTTPBadRequest: (Body contains invalid data|Request body is not supported in DELETE)|^404 NetworkNotFound`},
	{`\\ud800`, `^20[01]`},
	{`^GET /v2.0/\S+/tags/a%2Fb`, `^404`},
	{`^GET /v2.0/address-groups\?(limit=2&)?sort_key=description`, `^200`},
	{`^GET /v2.0/security-group(s|-rules)\?(tenant|project)_id=x{200}`, `^200`},
	{`^GET /v2.0/floatingips/\S+/port_forwardings\?external_port_range`, `^200`},
	// A condition on what has revisions and does not look at them.
	{`^PUT /v2.0/(address-groups|floatingips/\S+/port_forwardings)/\S+ If-Match: `, `^412 RevisionNumberConstraintFailed`},
	// Members that only lists have.
	{`^(GET|PUT|DELETE) /v2.0/(availability_zones|service-providers)`, `^40[45] (AvailabilityZoneNotFound|ServiceProviderNotFound|HTTPMethodNotAllowed)`},
	{`^DELETE /v2.0/flavors/\S+/next_providers/`, `^405`},
	{`^(GET|PUT) /v2.0/extensions/`, `^404 HTTPNotFound`},
	// Actions with a body that is not theirs (`{}` and the like are a row of their own).
	{`^PUT /v2.0/routers/\S+/(add|remove)_extraroutes {"rout`, `^400 HTTPBadRequest: Invalid input`},
	{`^PUT /v2.0/ports/\S+/bindings/host1/activate.* AS (blue|red)`, `^404 HTTPNotFound`}, // PolicyCheckError
	// What is of the wrong type.
	{`/v2.0/networks.*"segments":`, `^400 HTTPBadRequest: Invalid input for segments`},
	{`^PUT /v2.0/subnets/.*"service_types":(null|0)`, `^200|^400 HTTPBadRequest: Subnet service types must be a list`},
	{`^POST /v2.0/subnets .*"cidr":[^"]`, `^400 InvalidInput: .* is not in a CIDR format`},
	{`^PUT /v2.0/quotas/blue {"quota":[["]`, `^400 HTTPBadRequest: Object 'quota' contains invalid data`},
	{`^POST /v2.0/subnets .*"network_id":"00000000-0000-4000-8000-000000000001".* AS service`, `^404 NetworkNotFound`},
	{`^POST /v2.0/flavors .*"service_type":[\[{]`, `^400 InvalidServiceType`},
	// A text longer than the column that all resources' descriptions share there.
	{`/address-groups.*"description":"x{200}`, `^20[01]`},
	{`/subnetpools.*"name":"(x{200}|é{100})`, `^400 HTTPBadRequest: Invalid input for name`},
	// Ports, and the addresses of gateways. Of several at once it fails at those without addresses.
	{`^POST /v2.0/ports {"ports":\[`, `^201`},
	{`"(external_)?fixed_ips":\[\{"(foo|a)":`, `^400 InvalidInput: Invalid input for operation: IP allocation requires subnet_id or ip_address`},
	{`"allowed_address_pairs":\[\{"ip_address":(null|1|\[|\{)`, `^400 HTTPBadRequest: '.*' is not a valid IP address`},
	// Ports of a forwarding that are null or no plain numbers, and what a single attribute of one lacks.
	{`/port_forwardings.*"(in|ex)ternal_port(":(null|true|1\.5|"\d+")|_range":80)[,}]`, `^20[01]|^400 BadRequest: Bad port_forwarding request: (One of|There is a port collision)`},
	{`^POST /v2.0/floatingips/\S+/port_forwardings `, `^400 BadRequest: Bad port_forwarding request: One of (in|ex)ternal_port and (in|ex)ternal_port_range must be specified`},
	{`/port_forwardings.*"description":"x{200}`, `^400 HTTPBadRequest: Invalid input for description`},
	{`^PUT /v2.0/floatingips/\S+/port_forwardings/.*"internal_ip_address":"::1"`, `^400 BadRequest: .* does not correspond to an address on the internal port`},
	{`^PUT /v2.0/floatingips/\S+/port_forwardings/.*"internal_port_id":"\$port1"`, `^409 PortHasBindingFloatingIP`},
	// The type of the object that an RBAC policy is on.
	{`^POST /v2.0/rbac-policies .*"object_type":`, `^400 (InvalidActionForType|InvalidInput: .*(is not a valid RBAC object type|could not be found))`},
	{`^POST /v2.0/rbac-policies `, `^400 HTTPBadRequest: Failed to parse request. Required attribute 'object_type' not specified`},
}

func failed() (all []exception) {
	for _, f := range failures {
		all = append(all, exception{failing, f.request, `^500`, f.ours})
	}
	return all
}
