package policy

import "midonet.org/midonet/neutron/auth"

// credentials are the caller as rules see it: the attributes that oslo.context's to_policy_values and neutron-lib's Context name, in
// Python's text form.
type credentials struct {
	*auth.Caller
}

// values returns the values of an attribute; a list has any number, an attribute that does not exist none.
func (c credentials) values(attr string) []string {
	switch attr {
	case "roles":
		return c.Roles
	case "service_roles":
		return c.service().Roles
	case "is_admin":
		return []string{pythonBool(c.Admin)}
	case "is_admin_project":
		return []string{"True"} // oslo.context's default; Keystone's tokens of today do not say otherwise
	}
	text, ok := c.text(attr)
	if !ok {
		return nil
	}
	if text == "" {
		text = "None"
	}
	return []string{text}
}

// text returns an attribute that is text, empty for none.
func (c credentials) text(attr string) (string, bool) {
	switch attr {
	case "user_id", "user":
		return c.UserID, true
	case "user_name":
		return c.UserName, true
	case "user_domain_id", "user_domain":
		return c.UserDomainID, true
	case "project_id", "tenant_id", "tenant":
		return c.ProjectID, true
	case "project_name", "tenant_name":
		return c.ProjectName, true
	case "project_domain_id", "project_domain":
		return c.ProjectDomainID, true
	case "domain_id", "domain":
		return c.DomainID, true
	case "system_scope":
		return c.SystemScope, true
	case "system":
		return c.SystemScope, c.SystemScope != ""
	}
	return c.serviceText(attr)
}

func (c credentials) serviceText(attr string) (string, bool) {
	s := c.service()
	switch attr {
	case "service_user_id":
		return s.UserID, true
	case "service_user_domain_id":
		return s.UserDomainID, true
	case "service_project_id":
		return s.ProjectID, true
	case "service_project_domain_id":
		return s.ProjectDomainID, true
	}
	return "", false
}

func (c credentials) service() auth.Service {
	if c.Service == nil {
		return auth.Service{}
	}
	return *c.Service
}

// scope is what the caller's token is for: system, domain or project.
func (c credentials) scope() string {
	switch {
	case c.SystemScope != "":
		return "system"
	case c.DomainID != "":
		return "domain"
	}
	return "project"
}

func pythonBool(b bool) string {
	if b {
		return "True"
	}
	return "False"
}
