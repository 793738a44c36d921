package config

import (
	"cmp"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/policy"
)

// Keystone is [keystone_authtoken]: where tokens are validated and as whom, with the names of keystonemiddleware and of
// keystoneauth's password plugin.
type Keystone struct {
	AuthURL            string `oslo:"keystone_authtoken/auth_url" help:"Keystone's address; required with auth_strategy = keystone."`
	WWWAuthenticateURI string `oslo:"keystone_authtoken/www_authenticate_uri" help:"The address that callers without a token are sent to; empty: auth_url."`
	AuthURI            string `oslo:"keystone_authtoken/auth_uri" help:"The older name of www_authenticate_uri."`
	AuthType           string `oslo:"keystone_authtoken/auth_type" default:"password" help:"How the server logs in: password or v3password."`

	Username    string `oslo:"keystone_authtoken/username" help:"The user that validates tokens."`
	UserID      string `oslo:"keystone_authtoken/user_id" help:"The same by identifier."`
	Password    string `oslo:"keystone_authtoken/password" secret:"true" help:"Its password."`
	ProjectName string `oslo:"keystone_authtoken/project_name" help:"The project that it acts for."`
	TenantName  string `oslo:"keystone_authtoken/tenant_name" help:"The older name of project_name."`
	ProjectID   string `oslo:"keystone_authtoken/project_id" help:"The same by identifier."`

	UserDomainName    string `oslo:"keystone_authtoken/user_domain_name" help:"The domain of the user."`
	UserDomainID      string `oslo:"keystone_authtoken/user_domain_id" help:"The same by identifier."`
	ProjectDomainName string `oslo:"keystone_authtoken/project_domain_name" help:"The domain of the project."`
	ProjectDomainID   string `oslo:"keystone_authtoken/project_domain_id" help:"The same by identifier."`
	DefaultDomainName string `oslo:"keystone_authtoken/default_domain_name" help:"The domain of user and project where none is named."`
	DefaultDomainID   string `oslo:"keystone_authtoken/default_domain_id" help:"The same by identifier."`
	SystemScope       string `oslo:"keystone_authtoken/system_scope" help:"all: log in for the whole system instead of a project."`

	RegionName string `oslo:"keystone_authtoken/region_name" help:"The region whose Keystone validates; empty: any."`
	Interface  string `oslo:"keystone_authtoken/interface" default:"internal" help:"Which of Keystone's endpoints validates: internal, public or admin."`
	CertFile   string `oslo:"keystone_authtoken/certfile" help:"The certificate that the server shows to Keystone; empty: none."`
	KeyFile    string `oslo:"keystone_authtoken/keyfile" help:"Its key, where certfile does not hold it."`
	CAFile     string `oslo:"keystone_authtoken/cafile" help:"A file of certificates that Keystone's is checked against; empty: the system's."`
	Insecure   bool   `oslo:"keystone_authtoken/insecure" default:"false" help:"Do not check Keystone's certificate."`
	Timeout    int    `oslo:"keystone_authtoken/http_connect_timeout" default:"10" help:"How long one request to Keystone may take, in seconds."`
	Retries    int    `oslo:"keystone_authtoken/http_request_max_retries" default:"3" help:"How often a request to which Keystone gives no answer is sent again, after half a second, one, two and so on."`

	TokenCacheTime            int      `oslo:"keystone_authtoken/token_cache_time" default:"300" help:"How long a validated token is trusted, in seconds: a revocation is obeyed within this time. 0 or less: no cache."`
	ServiceTokenRoles         []string `oslo:"keystone_authtoken/service_token_roles" default:"service" help:"Roles of which a service token needs one to vouch for a user token that has expired or whose access rules do not name the request."`
	ServiceTokenRolesRequired bool     `oslo:"keystone_authtoken/service_token_roles_required" default:"false" help:"Whether a service token without such a role is refused."`
	ServiceType               string   `oslo:"keystone_authtoken/service_type" default:"network" help:"This service in the access rules of application credentials."`
}

// Policy is [oslo_policy]: the operator's changes to the rules.
type Policy struct {
	File               string   `oslo:"oslo_policy/policy_file" default:"policy.yaml" help:"Rules that replace the defaults, YAML or JSON; a relative name is looked for beside the configuration files. Read again when it changes."`
	Dirs               []string `oslo:"oslo_policy/policy_dirs" default:"policy.d" help:"Directories of such files, which win over policy_file."`
	DefaultRule        string   `oslo:"oslo_policy/policy_default_rule" default:"default" help:"The rule that stands in for those that no one defined."`
	EnforceScope       bool     `oslo:"oslo_policy/enforce_scope" default:"false" help:"Refuse tokens of the system or a domain where a rule is for projects."`
	EnforceNewDefaults bool     `oslo:"oslo_policy/enforce_new_defaults" default:"false" help:"Leave out the rules from before the roles reader and member."`
}

// Authenticator returns what auth_strategy asks for.
func (o *Options) Authenticator(log *slog.Logger) (auth.Authenticator, error) {
	if o.AuthStrategy == "noauth" {
		return auth.Noauth{}, nil
	}
	return auth.NewKeystone(o.keystone(log))
}

// keystone brings the options of different ages together.
func (o *Options) keystone(log *slog.Logger) auth.KeystoneConfig {
	k := o.Keystone
	return auth.KeystoneConfig{
		AuthURL: k.AuthURL, WWWAuthenticateURI: cmp.Or(k.WWWAuthenticateURI, k.AuthURI),
		Username: k.Username, UserID: k.UserID, Password: k.Password,
		UserDomainID:   cmp.Or(k.UserDomainID, k.DefaultDomainID),
		UserDomainName: cmp.Or(k.UserDomainName, k.DefaultDomainName),
		ProjectName:    cmp.Or(k.ProjectName, k.TenantName), ProjectID: k.ProjectID,
		ProjectDomainID:   cmp.Or(k.ProjectDomainID, k.DefaultDomainID),
		ProjectDomainName: cmp.Or(k.ProjectDomainName, k.DefaultDomainName),
		SystemScope:       k.SystemScope,
		RegionName:        k.RegionName, Interface: k.Interface,
		CAFile: k.CAFile, CertFile: k.CertFile, KeyFile: k.KeyFile, Insecure: k.Insecure,
		Timeout: time.Duration(k.Timeout) * time.Second, Retries: k.Retries, CacheTime: time.Duration(k.TokenCacheTime) * time.Second,
		ServiceTokenRoles: k.ServiceTokenRoles, ServiceTokenRolesRequired: k.ServiceTokenRolesRequired,
		ServiceType: k.ServiceType, Log: log,
	}
}

// PolicyOptions are the switches of [oslo_policy].
func (o *Options) PolicyOptions() policy.Options {
	p := o.Policy
	return policy.Options{DefaultRule: p.DefaultRule, EnforceScope: p.EnforceScope, EnforceNewDefaults: p.EnforceNewDefaults}
}

// PolicyFiles says where the operator's rules are. Relative names are looked for beside the configuration files, the last one's
// directory first, as oslo.config does.
func (o *Options) PolicyFiles(configFiles []string) policy.Files {
	var search []string
	for _, f := range slices.Backward(configFiles) {
		dir := f
		if info, err := os.Stat(f); err != nil || !info.IsDir() {
			dir = filepath.Dir(f)
		}
		if !slices.Contains(search, dir) {
			search = append(search, dir)
		}
	}
	return policy.Files{File: o.Policy.File, Dirs: o.Policy.Dirs, Search: search}
}
