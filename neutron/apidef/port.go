package apidef

// vnicTypes are the values of binding:vnic_type that the API knows (neutron-lib api/definitions/portbindings.py). The mechanism
// driver binds normal alone.
var vnicTypes = []any{"normal", "direct", "macvtap", "baremetal", "direct-physical", "virtio-forwarder", "smart-nic", "vdpa",
	"accelerator-direct", "accelerator-direct-physical", "remote-managed"}

// Ports is the definition of /v2.0/ports: neutron-lib api/definitions/port.py with portbindings.py, extra_dhcp_opt.py, port_security.py,
// allowedaddresspairs.py, dns.py, dns_domain_ports.py and neutron/extensions/securitygroup.py.
func Ports() *Resource {
	core := []Attribute{
		{Name: "network_id", Type: UUID, Help: "The network that it is a port of.",
			Create: true, Required: true, Validate: isUUID, Filter: true, Sort: true},
		adminState(),
		{Name: "mac_address", Type: MAC, Help: "Its Ethernet address; made up from base_mac where not given, and anew for null.",
			Create: true, Update: true, Convert: toCanonicalMAC, Validate: orNull(isMAC), Filter: true, Sort: true, Policy: true},
		{Name: "fixed_ips", Type: List, Help: "Its addresses: objects with ip_address, subnet_id or both.",
			Create: true, Update: true, Validate: fixedIPs, Filter: true, ConvertFilter: keyAndValue, Policy: true},
		{Name: "device_id", Type: String, Help: "What uses it, such as the identifier of a server.",
			Create: true, Update: true, Default: "", Validate: unpadded(stringUpTo(deviceIDSize)), Filter: true, Sort: true},
		{Name: "device_owner", Type: String, Help: "What kind of thing uses it, such as compute:nova or network:dhcp.",
			Create: true, Update: true, Default: "", Validate: unpadded(stringUpTo(deviceOwnerSize)), Filter: true, Sort: true, Policy: true},
		{Name: "status", Type: String, Help: "ACTIVE, BUILD, DOWN or ERROR.", Filter: true, Sort: true},
		{Name: "allowed_address_pairs", Type: List,
			Help:   "Addresses that it may use besides its own: objects with ip_address, which may be a range, and mac_address.",
			Create: true, Update: true, Convert: addressPairs, Policy: true},
	}
	return New("port", "ports", identity(), core, binding(), portDNS(), portSecurity(), standard(), taggedFromBirth())
}

// hostSize is the length of a host's name, in characters (neutron/plugins/ml2/models.py).
const hostSize = 255

func binding() []Attribute {
	return []Attribute{
		{Name: "binding:vif_type", Type: String, Help: "How it is plugged: unbound until a host is named, then midonet."},
		{Name: "binding:vif_details", Type: Object, Help: "What the compute service needs to know to plug it."},
		{Name: "binding:vnic_type", Type: String, Help: "The kind of interface; only normal ports are bound.",
			Create: true, Update: true, Default: "normal", Validate: oneOfTexts(vnicTypes), Policy: true},
		{Name: "binding:host_id", Type: String, Help: "The host that it is on.",
			Create: true, Update: true, Convert: toText, Validate: orNull(stringUpTo(hostSize)), Filter: true, Policy: true},
		{Name: "binding:profile", Type: Object, Help: "What the compute service wants the driver to know.",
			Create: true, Update: true, Validate: orNull(isObject), Policy: true},
		{Name: "extra_dhcp_opts", Type: List, Help: "DHCP options for this port: objects with opt_name, opt_value and ip_version.",
			Create: true, Update: true, Convert: extraDHCPOptions},
	}
}
