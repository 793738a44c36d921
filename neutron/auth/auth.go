// Package auth says who makes a request: the caller that Keystone vouches for, or the administrator of a server that runs without
// Keystone (auth_strategy = noauth, loopback only).
package auth

import (
	"net/http"
	"slices"
)

// Caller is who makes a request. A caller acts for a project, for a domain, or for the whole system, as its token says; of ProjectID,
// DomainID and SystemScope at most one is set.
type Caller struct {
	RequestID string // req-<uuid>; the answer's X-Openstack-Request-Id and the journal's transaction_id

	UserID          string
	UserName        string
	UserDomainID    string
	ProjectID       string
	ProjectName     string
	ProjectDomainID string
	DomainID        string
	SystemScope     string // "all" for a token of the whole system
	Roles           []string

	// Service is who passed the request on with a token of its own (X-Service-Token); nil where no one did.
	Service *Service

	Admin  bool // may see and change every project's resources; rule context_is_admin decides it
	Advsvc bool // a service that sees every project's resources; rule context_is_advsvc decides it
}

// Service is the service behind a request that it makes on a user's behalf.
type Service struct {
	UserID          string
	UserDomainID    string
	ProjectID       string
	ProjectDomainID string
	Roles           []string
}

// HasRole reports whether the caller has the role.
func (c *Caller) HasRole(role string) bool { return slices.Contains(c.Roles, role) }

// Authenticator finds out who makes a request. It returns errs.Unauthorized where the credentials are missing or bad, and
// errs.Unavailable where it cannot tell.
type Authenticator interface {
	Authenticate(r *http.Request) (*Caller, error)
	// Challenge is the value of WWW-Authenticate in an answer 401.
	Challenge() string
}
