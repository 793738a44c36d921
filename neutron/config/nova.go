package config

import (
	"cmp"
	"log/slog"
	"time"

	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/service/nova"
)

// Nova is [nova], with which Nova is told of its ports, and the options beside it (neutron/conf/common.py).
type Nova struct {
	Status   bool `oslo:"DEFAULT/notify_nova_on_port_status_changes" default:"true" help:"Tell Nova when a port of a server begins or ceases to work, where [nova] says how."`
	Data     bool `oslo:"DEFAULT/notify_nova_on_port_data_changes" default:"true" help:"Tell Nova when a port of a server changes or goes, where [nova] says how."`
	Interval int  `oslo:"DEFAULT/send_events_interval" default:"2" help:"Seconds between two messages to Nova."`

	AuthURL           string `oslo:"nova/auth_url" help:"Keystone's address, as which and where Nova is told of its ports; empty: it is told nothing."`
	AuthType          string `oslo:"nova/auth_type" default:"password" help:"How the server logs in: password or v3password."`
	Username          string `oslo:"nova/username" help:"The user that tells Nova."`
	UserID            string `oslo:"nova/user_id" help:"The same by identifier."`
	Password          string `oslo:"nova/password" secret:"true" help:"Its password."`
	ProjectName       string `oslo:"nova/project_name" help:"The project that it acts for."`
	TenantName        string `oslo:"nova/tenant_name" help:"The older name of project_name."`
	ProjectID         string `oslo:"nova/project_id" help:"The same by identifier."`
	UserDomainName    string `oslo:"nova/user_domain_name" help:"The domain of the user."`
	UserDomainID      string `oslo:"nova/user_domain_id" help:"The same by identifier."`
	ProjectDomainName string `oslo:"nova/project_domain_name" help:"The domain of the project."`
	ProjectDomainID   string `oslo:"nova/project_domain_id" help:"The same by identifier."`
	DefaultDomainName string `oslo:"nova/default_domain_name" help:"The domain of user and project where none is named."`
	DefaultDomainID   string `oslo:"nova/default_domain_id" help:"The same by identifier."`
	SystemScope       string `oslo:"nova/system_scope" help:"all: log in for the whole system instead of a project."`
	RegionName        string `oslo:"nova/region_name" help:"The region whose Nova is told; empty: any."`
	EndpointType      string `oslo:"nova/endpoint_type" default:"public" help:"Which of Nova's endpoints: public, admin or internal."`
	CertFile          string `oslo:"nova/certfile" help:"The certificate that the server shows; empty: none."`
	KeyFile           string `oslo:"nova/keyfile" help:"Its key, where certfile does not hold it."`
	CAFile            string `oslo:"nova/cafile" help:"A file of certificates that the others' are checked against; empty: the system's."`
	Insecure          bool   `oslo:"nova/insecure" default:"false" help:"Do not check certificates."`
	Timeout           int    `oslo:"nova/timeout" default:"30" help:"How long one request may take, in seconds."`
}

// Told reports whether there is a Nova to tell.
func (n Nova) Told() bool { return n.AuthURL != "" && (n.Status || n.Data) }

// Notifier is what tells it.
func (n Nova) Notifier(log *slog.Logger) nova.Config {
	return nova.Config{Interval: time.Duration(n.Interval) * time.Second, Log: log, Keystone: auth.KeystoneConfig{
		AuthURL: n.AuthURL, Username: n.Username, UserID: n.UserID, Password: n.Password,
		ProjectName: cmp.Or(n.ProjectName, n.TenantName), ProjectID: n.ProjectID, SystemScope: n.SystemScope,
		UserDomainName: cmp.Or(n.UserDomainName, n.DefaultDomainName), UserDomainID: cmp.Or(n.UserDomainID, n.DefaultDomainID),
		ProjectDomainName: cmp.Or(n.ProjectDomainName, n.DefaultDomainName),
		ProjectDomainID:   cmp.Or(n.ProjectDomainID, n.DefaultDomainID),
		RegionName:        n.RegionName, Interface: n.EndpointType,
		CAFile: n.CAFile, CertFile: n.CertFile, KeyFile: n.KeyFile, Insecure: n.Insecure,
		Timeout: time.Duration(n.Timeout) * time.Second, Log: log,
	}}
}
