package model

// AutoAllocatedTopology is a network with subnets of the default pools, and a router from it to the default external network, which a
// project gets by asking for them (neutron-lib api/definitions/auto_allocated_topology.py).
type AutoAllocatedTopology struct {
	NetworkID NetworkID `attr:"id"`
	ProjectID string    `attr:"project_id"`
	RouterID  RouterID  `attr:"router_id,hidden"` // zero: the project has deleted it
}
