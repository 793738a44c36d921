package apidef

// AutoAllocatedTopologies is the definition of /v2.0/auto-allocated-topology: neutron-lib api/definitions/auto_allocated_topology.py. A
// project's topology is made by asking for it, by GET with the project's identifier, and taken away by DELETE; fields=dry-run asks
// whether it could be made.
func AutoAllocatedTopologies() *Resource {
	return New("auto_allocated_topology", "auto_allocated_topologies", []Attribute{
		{Name: "id", Type: UUID, Help: "The network.", Validate: isUUID, PrimaryKey: true},
		{Name: "tenant_id", Type: String, Help: "The older name of project_id.", Alias: "project_id"},
		{Name: "project_id", Type: String, Help: "The project that it is for."},
		{Name: "router_id", Type: UUID, Help: "The router.", Hidden: true},
	}).At("auto-allocated-topology")
}
