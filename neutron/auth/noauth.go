package auth

import (
	"net/http"
	"strings"
)

// noauthProject is the project of requests that name none (neutron/auth.py, NoauthFakeProjectId).
const noauthProject = "fake_project_id"

// Noauth takes everyone for the administrator, as auth_strategy = noauth does in Neutron. A server that uses it listens on loopback
// only. X-Auth-Token is not looked at.
//
// The identity headers that Keystone's middleware would set are taken where they are given (X-Project-Id or X-Tenant-Id, X-User-Id,
// X-Roles), so that a person at the machine can act for a project. Roles do not take the administrator's rights away.
type Noauth struct{}

// Authenticate never fails.
func (Noauth) Authenticate(r *http.Request) (*Caller, error) {
	c := &Caller{
		UserID:    r.Header.Get("X-User-Id"),
		ProjectID: firstOf(r.Header.Get("X-Project-Id"), r.Header.Get("X-Tenant-Id"), noauthProject),
		Roles:     splitRoles(r.Header.Get("X-Roles")),
		Admin:     true,
	}
	return c, nil
}

// Challenge is never asked for: no one is refused.
func (Noauth) Challenge() string { return "Keystone" }

// splitRoles reads a list separated by commas, as Keystone's middleware writes it.
func splitRoles(header string) []string {
	var roles []string
	for role := range strings.SplitSeq(header, ",") {
		if role = strings.TrimSpace(role); role != "" {
			roles = append(roles, role)
		}
	}
	return roles
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
