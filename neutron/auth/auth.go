// Package auth says who makes a request: the caller that Keystone vouches for, or the administrator of a server that runs without
// Keystone (auth_strategy = noauth, loopback only).
package auth

import (
	"net/http"
	"slices"
)

// Caller is who makes a request.
type Caller struct {
	RequestID string // req-<uuid>; the answer's X-Openstack-Request-Id and the journal's transaction_id
	UserID    string
	ProjectID string
	Roles     []string
	Admin     bool // may see and change every project's resources
}

// HasRole reports whether the caller has the role.
func (c *Caller) HasRole(role string) bool { return slices.Contains(c.Roles, role) }

// Authenticator finds out who makes a request. It returns errs.Unauthorized where the credentials are missing or bad, and
// errs.Unavailable where it cannot tell.
type Authenticator interface {
	Authenticate(r *http.Request) (*Caller, error)
}
