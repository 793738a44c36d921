package auth

import (
	"net/http"
	"strings"

	"midonet.org/midonet/errs"
)

// noauthProject is the project of requests that name none (neutron/auth.py, NoauthFakeProjectId).
const noauthProject = "fake_project_id"

// Noauth takes everyone for the administrator, as auth_strategy = noauth does in Neutron. A server that uses it listens on loopback
// only. X-Auth-Token is not looked at.
//
// The identity headers that Keystone's middleware would set are taken where they are given (X-Project-Id or X-Tenant-Id, X-User-Id,
// X-Roles), so that a person at the machine can act for a project. Roles do not take the administrator's rights away.
//
// Whoever reaches loopback may do everything, and so could any web page that is open in a browser of the machine: what a page sends is
// refused.
type Noauth struct{}

// Authenticate refuses web pages.
func (Noauth) Authenticate(r *http.Request) (*Caller, error) {
	if fromPage(r) {
		return nil, errs.New(errs.Forbidden, "HTTPForbidden", "Web pages are not served without authentication.")
	}
	c := &Caller{
		UserID:    r.Header.Get("X-User-Id"),
		ProjectID: firstOf(r.Header.Get("X-Project-Id"), r.Header.Get("X-Tenant-Id"), noauthProject),
		Roles:     splitRoles(r.Header.Get("X-Roles")),
		Admin:     true,
	}
	return c, nil
}

// fromPage reports whether a browser says that a page, and not its user, has it send the request: Origin comes with everything that changes
// something (Fetch standard, section 3.2), Sec-Fetch-Site with all requests to loopback (Fetch Metadata).
func fromPage(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return r.Header.Get("Origin") != "" || site != "" && site != "none"
}

// Challenge is never asked for: nobody is told to log in.
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
