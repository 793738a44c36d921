package model

import "encoding/json"

// Agent is a host of the cluster as the Networking API shows it (neutron-lib api/definitions/agent.py).
type Agent struct {
	ID             AgentID         `attr:"id"`
	Type           string          `attr:"agent_type"`
	Binary         string          `attr:"binary"`
	Topic          string          `attr:"topic"`
	Host           string          `attr:"host"`
	AdminStateUp   bool            `attr:"admin_state_up"`
	CreatedAt      *string         `attr:"created_at"` // not known
	StartedAt      *string         `attr:"started_at"` // UTC, "2026-11-23 09:00:00"; nil while it is away
	HeartbeatAt    *string         `attr:"heartbeat_timestamp"`
	Alive          bool            `attr:"alive"`
	Configurations json.RawMessage `attr:"configurations"` // a JSON object
	Description    *string         `attr:"description"`
	Zone           *string         `attr:"availability_zone"`
}

// AvailabilityZone is a place that hosts are in and that networks and routers may ask for (neutron-lib api/definitions/availability_zone.py).
type AvailabilityZone struct {
	Name     string `attr:"name"`
	Resource string `attr:"resource"` // network, router
	State    string `attr:"state"`    // available
}
