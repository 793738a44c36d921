package config

import (
	"maps"
	"net/url"
	"slices"
	"time"
)

// MidoNet is the part of [midonet] that the server reads, with the names of networking-midonet's plugin (midonet/neutron/common/config.py):
// which MidoNet makes networks real, and the account of the MidoNet REST API, with which this program's own lets clients in, and with which
// `midonet api` logs in to one that is elsewhere; and [midonet_api]: who may use this program's.
type MidoNet struct {
	Client         string `oslo:"midonet/client" default:"midonet.neutron.client.cluster.MidonetClusterClient" help:"How MidoNet is told: …cluster.MidonetClusterClient, by the tasks in the database, which a midonet server applies; midonet.neutron.client.api.MidonetApiClient, by the REST API of a MidoNet elsewhere, while the client waits (midonet api alone)."`
	URI            string `oslo:"midonet/midonet_uri" default:"http://127.0.0.1:8181/midonet-api" help:"The REST API of the MidoNet elsewhere."`
	Username       string `oslo:"midonet/username" default:"admin" help:"The one user of this program's MidoNet REST API (with auth_strategy = keystone Keystone knows its users); whom midonet api logs in as to a MidoNet elsewhere."`
	Password       string `oslo:"midonet/password" default:"passw0rd" secret:"true" help:"Its password. With the default the API answers on loopback alone."`
	ProjectID      string `oslo:"midonet/project_id" default:"77777777-7777-7777-7777-777777777777" help:"The project for which midonet api logs in to a MidoNet elsewhere."`
	RequestTimeout int    `oslo:"midonet/request_timeout" default:"30" help:"How long a MidoNet elsewhere may take to make one change, in seconds."`
	RetryTime      int    `oslo:"midonet/retry_time" default:"15" help:"How long a client waits for a MidoNet elsewhere that is away, in seconds, before its change is taken back."`

	AdminRole string `oslo:"midonet_api/admin_role" default:"admin" help:"The role that may use the MidoNet REST API with auth_strategy = keystone (cluster.auth.admin_role of the original)."`
}

// DefaultMidoNetPassword is the password that everyone knows.
const DefaultMidoNetPassword = "passw0rd"

// midonetClients are the classes that client may name; true: a MidoNet elsewhere.
var midonetClients = map[string]bool{
	"midonet.neutron.client.api.MidonetApiClient":         true,
	"midonet.neutron.client.cluster.MidonetClusterClient": false,
}

// longestWait bounds the two times, in seconds.
const longestWait = 3600

// Elsewhere reports whether the Networking API drives a MidoNet elsewhere.
func (m *MidoNet) Elsewhere() bool { return midonetClients[m.Client] }

// Times returns request_timeout and retry_time.
func (m *MidoNet) Times() (request, retry time.Duration) {
	return time.Duration(m.RequestTimeout) * time.Second, time.Duration(m.RetryTime) * time.Second
}

func (m *MidoNet) check() []*refusal {
	refusals := refuseUnknown("midonet/client", []string{m.Client}, slices.Sorted(maps.Keys(midonetClients)))
	refuse := func(option, format string, args ...any) { refusals = append(refusals, bad(option, format, args...)) }
	u, err := url.Parse(m.URI)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		refuse("midonet/midonet_uri", " is no address such as http://10.0.0.1:8181/midonet-api")
	case u.User != nil:
		refuse("midonet/midonet_uri", " has a user in it; username and password are for that")
	}
	if m.RequestTimeout < 1 || m.RequestTimeout > longestWait {
		refuse("midonet/request_timeout", " = %d: write seconds from 1 to %d", m.RequestTimeout, longestWait)
	}
	if m.RetryTime < 0 || m.RetryTime > longestWait {
		refuse("midonet/retry_time", " = %d: write seconds from 0 to %d", m.RetryTime, longestWait)
	}
	return refusals
}
