package apidef

// Agents is the definition of /v2.0/agents (neutron-lib api/definitions/agent.py).
func Agents() *Resource {
	return New("agent", "agents", []Attribute{
		{Name: "id", Type: UUID, Help: "Identifier of the host.", Validate: isUUID, Filter: true, PrimaryKey: true},
		{Name: "agent_type", Type: String, Help: "Midonet Agent.", Filter: true},
		{Name: "binary", Type: String, Help: "The name by which MidoNet has always gone: midolman.", Filter: true},
		{Name: "topic", Type: String, Help: "Empty: hosts are told what they need by the cluster.", Filter: true},
		{Name: "host", Type: String, Help: "The host's name.", Filter: true},
		{Name: "admin_state_up", Type: Boolean, Help: "Kept and shown; of a DHCP agent always true.", Update: true, Convert: toBoolean, Filter: true},
		{Name: "created_at", Type: String, Help: "Not known."},
		{Name: "started_at", Type: String, Help: "When the agent started, UTC, where it is alive."},
		{Name: "heartbeat_timestamp", Type: String, Help: "When it was alive last, UTC, where it is."},
		{Name: "alive", Type: Boolean, Help: "Whether the host's agent is connected to the cluster.", Convert: toBoolean, Filter: true},
		{Name: "configurations", Type: Object, Help: "What the agent is and has: its version and its tunnel addresses."},
		{Name: "description", Type: String, Help: "A text for people, or null.",
			Update: true, Validate: orNull(stringUpTo(descriptionSize)), Filter: true},
		{Name: "availability_zone", Type: String, Help: "The zone that the host is in, or null.", Filter: true},
	})
}
