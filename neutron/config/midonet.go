package config

// MidoNet is the part of [midonet] that the server reads, and [midonet_api]: who may use the MidoNet REST API. The names and defaults of
// the account are those by which networking-midonet's plugin logs in (midonet/neutron/common/config.py).
type MidoNet struct {
	Username string `oslo:"midonet/username" default:"admin" help:"The one user of the MidoNet REST API; with auth_strategy = keystone Keystone knows its users."`
	Password string `oslo:"midonet/password" default:"passw0rd" secret:"true" help:"Its password. With the default the API answers on loopback alone."`

	AdminRole string `oslo:"midonet_api/admin_role" default:"admin" help:"The role that may use the MidoNet REST API with auth_strategy = keystone (cluster.auth.admin_role of the original)."`
}

// DefaultMidoNetPassword is the password that everyone knows.
const DefaultMidoNetPassword = "passw0rd"
