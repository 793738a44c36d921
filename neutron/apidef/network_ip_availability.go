package apidef

// NetworkIPAvailabilities is the definition of /v2.0/network-ip-availabilities (neutron-lib api/definitions/network_ip_availability.py).
func NetworkIPAvailabilities() *Resource {
	return New("network_ip_availability", "network_ip_availabilities", []Attribute{
		{Name: "network_id", Type: UUID, Help: "The network.", Filter: true, Sort: true, PrimaryKey: true},
		{Name: "network_name", Type: String, Help: "Its name.", Filter: true},
		{Name: "tenant_id", Type: String, Help: "The older name of project_id.", Alias: "project_id", Filter: true},
		{Name: "project_id", Type: String, Help: "The project that owns the network.", Filter: true},
		{Name: "total_ips", Type: Integer, Help: "How many addresses the allocation pools of its subnets have."},
		{Name: "used_ips", Type: Integer, Help: "How many addresses ports have."},
		{Name: "subnet_ip_availability", Type: List,
			Help: "The same for each subnet: objects with subnet_id, subnet_name, ip_version, cidr, total_ips and used_ips."},
		{Name: "ip_version", Type: Integer, Help: "Count the subnets of this version alone.", Filter: true, FilterOnly: true},
	}).At("network-ip-availabilities")
}
