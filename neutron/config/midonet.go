package config

// MidoNet is the part of [midonet] that the server reads: the account of the MidoNet REST API, with the names and defaults by which
// networking-midonet's plugin logs in (midonet/neutron/common/config.py).
type MidoNet struct {
	Username string `oslo:"midonet/username" default:"admin" help:"The one user of the MidoNet REST API."`
	Password string `oslo:"midonet/password" default:"passw0rd" secret:"true" help:"Its password. With the default the API answers on loopback alone."`
}

// DefaultMidoNetPassword is the password that everyone knows.
const DefaultMidoNetPassword = "passw0rd"
