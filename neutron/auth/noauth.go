package auth

import (
	"net/http"
	"net/netip"
	"net/url"
	"os"
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

// Authenticate refuses web pages, and whoever calls this machine by a name that somebody on the network gave it.
func (Noauth) Authenticate(r *http.Request) (*Caller, error) {
	if fromPage(r) {
		return nil, errs.New(errs.Forbidden, "HTTPForbidden", "Web pages are not served without authentication.")
	}
	if !ownName(r.Host) {
		return nil, errs.New(errs.Forbidden, "HTTPForbidden",
			"Without authentication this machine is called localhost, or by an address, and not %s.", r.Host)
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

// ownName reports whether a request that names this host (RFC 9110, section 7.2: a name or an address, with a port or without) can be meant
// for this machine. A page at a name of its own may have that name lead to loopback (DNS rebinding), and a browser then takes this server for the
// page's own, of whose requests that only read nothing else tells. Names without a dot are no one's on the internet.
func ownName(host string) bool {
	name := (&url.URL{Host: host}).Hostname()
	if _, err := netip.ParseAddr(name); err == nil || !strings.Contains(strings.TrimSuffix(name, "."), ".") || strings.HasSuffix(name, ".localhost") {
		return true
	}
	machine, err := os.Hostname()
	return err == nil && strings.EqualFold(name, machine)
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
