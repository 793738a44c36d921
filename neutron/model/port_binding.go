package model

import "encoding/json"

// PortBinding is what a host has been asked to make of a port (neutron-lib api/definitions/portbindings_extended.py). The active one is the
// port's own binding; others wait until the workload moves to their host.
type PortBinding struct {
	ProjectID  string          `attr:"project_id,hidden"` // in a request
	Host       string          `attr:"host"`
	VIFType    string          `attr:"vif_type"`
	VIFDetails json.RawMessage `attr:"vif_details"` // a JSON object
	VNICType   string          `attr:"vnic_type"`
	Profile    json.RawMessage `attr:"profile"` // a JSON object
	Status     BindingStatus   `attr:"status"`
}

// BindingStatus says whether a binding is the one that holds.
type BindingStatus string

// The statuses of bindings.
const (
	BindingActive   BindingStatus = "ACTIVE"
	BindingInactive BindingStatus = "INACTIVE"
)
