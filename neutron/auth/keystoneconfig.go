package auth

import (
	"cmp"
	"log/slog"
	"time"

	"midonet.org/midonet/errs"
)

// KeystoneConfig is [keystone_authtoken]: where Keystone is, and as whom the server validates tokens.
type KeystoneConfig struct {
	AuthURL            string // where the server logs in
	WWWAuthenticateURI string // where callers without a token are sent; empty: AuthURL

	Username, UserID, UserDomainName, UserDomainID             string
	Password                                                   string
	ProjectName, ProjectID, ProjectDomainName, ProjectDomainID string
	SystemScope                                                string // all: for the system instead of a project

	RegionName, Interface     string // which of Keystone's endpoints validates, or of the service's is meant
	Service                   string // the type of the service that the login is for (compute); empty: Keystone itself
	CAFile, CertFile, KeyFile string
	Insecure                  bool
	Timeout                   time.Duration // of one request to Keystone
	Retries                   int           // how often a request that gets no answer is sent again

	CacheTime                 time.Duration // how long a token is trusted without asking again; 0 or less: not at all
	ServiceTokenRoles         []string
	ServiceTokenRolesRequired bool
	ServiceType               string // this service in the access rules of application credentials

	Log *slog.Logger
}

// check refuses what no login could succeed with.
func (c KeystoneConfig) check() error {
	section := "auth_strategy = keystone: [keystone_authtoken]"
	if c.Service != "" {
		section = "its section:"
	}
	for _, o := range []struct {
		missing bool
		name    string
	}{
		{c.AuthURL == "", "auth_url"},
		{c.Username == "" && c.UserID == "", "username"},
		{c.Password == "", "password"},
		{c.ProjectName == "" && c.ProjectID == "" && c.SystemScope == "", "project_name"},
		{c.UserID == "" && c.UserDomainID == "" && c.UserDomainName == "", "user_domain_name"},
		{c.ProjectName != "" && c.ProjectDomainID == "" && c.ProjectDomainName == "", "project_domain_name"},
	} {
		if o.missing {
			return errs.New(errs.Invalid, "BadOption", "%s %s is not set", section, o.name)
		}
	}
	return nil
}

// The wire form of a login (Identity API v3, POST /v3/auth/tokens).
type (
	domain struct {
		ID   string `json:"id,omitempty"`
		Name string `json:"name,omitempty"`
	}

	user struct {
		ID       string  `json:"id,omitempty"`
		Name     string  `json:"name,omitempty"`
		Domain   *domain `json:"domain,omitempty"`
		Password string  `json:"password"`
	}

	project struct {
		ID     string  `json:"id,omitempty"`
		Name   string  `json:"name,omitempty"`
		Domain *domain `json:"domain,omitempty"`
	}

	scope struct {
		Project *project        `json:"project,omitempty"`
		System  map[string]bool `json:"system,omitempty"`
	}

	loginBody struct {
		Auth struct {
			Identity struct {
				Methods  []string        `json:"methods"`
				Password map[string]user `json:"password"`
			} `json:"identity"`
			Scope scope `json:"scope"`
		} `json:"auth"`
	}
)

// credentials is what the server logs in with. An identifier makes names and domains needless.
func (c KeystoneConfig) credentials() loginBody {
	var b loginBody
	b.Auth.Identity.Methods = []string{"password"}
	u := user{ID: c.UserID, Password: c.Password}
	if u.ID == "" {
		u.Name, u.Domain = c.Username, &domain{c.UserDomainID, nameWithout(c.UserDomainID, c.UserDomainName)}
	}
	b.Auth.Identity.Password = map[string]user{"user": u}
	switch {
	case c.SystemScope != "":
		b.Auth.Scope.System = map[string]bool{c.SystemScope: true}
	case c.ProjectID != "":
		b.Auth.Scope.Project = &project{ID: c.ProjectID}
	default:
		b.Auth.Scope.Project = &project{Name: c.ProjectName,
			Domain: &domain{c.ProjectDomainID, nameWithout(c.ProjectDomainID, c.ProjectDomainName)}}
	}
	return b
}

func nameWithout(id, name string) string {
	if id != "" {
		return ""
	}
	return name
}

// endpointOf returns the address that the login is for: the service's, empty where the catalogue has none, or that which validates
// tokens: Keystone's own in the catalogue, or where the server logged in if the catalogue has none for the interface and region.
func (c KeystoneConfig) endpointOf(t *token) string {
	if c.Service != "" {
		return c.catalogued(t.endpoints[c.Service])
	}
	return versioned(cmp.Or(c.catalogued(t.endpoints["identity"]), c.AuthURL))
}

// catalogued returns the address for the interface and region, empty where there is none.
func (c KeystoneConfig) catalogued(endpoints []endpoint) string {
	for _, e := range endpoints {
		if e.Interface == c.Interface && (c.RegionName == "" || e.Region == c.RegionName) {
			return e.URL
		}
	}
	return ""
}
