package api

import (
	"context"
	"net/http"
	"time"

	"midonet.org/midonet/errs"
)

// Identity says who may use the API (auth/AuthService.scala): the account of this process's own configuration (Local), or OpenStack's
// identity service.
//
// Errors are errs.Unauthorized or errs.NotFound, whose texts the client sees, or errs.Unavailable where it cannot be told.
type Identity interface {
	// Login gives a token to who knows the user's password. The project is what the client asked for in X-Auth-Project, "" for nothing.
	Login(ctx context.Context, user, password, project string) (Token, error)
	// Authorize says for whom a request with X-Auth-Token is made.
	Authorize(r *http.Request) (User, error)
	// Tenants returns the projects that whoever makes the request may see, and Tenant one of them.
	Tenants(r *http.Request) ([]Tenant, error)
	Tenant(r *http.Request, id string) (Tenant, error)
}

// Token stands for a login.
type Token struct {
	Key     string
	Expires time.Time
}

// User is who makes a request. Of the original's roles (auth/AuthRole.java) tenant_admin and tenant_user may do nothing: the whole API is
// the administrators' (rest_api/auth/AdminOnlyAuthFilter.java).
type User struct {
	Name  string
	Admin bool
}

// Account is the one administrator that the API knows by itself: what the plugin's [MIDONET] section logs in as.
type Account struct {
	Username string
	Password string
}

// tokenLife is how long a token of the account is good for. Clients log in again when one is refused.
const tokenLife = time.Hour

// local is the account, with the tokens that it was given.
type local struct {
	account Account
	tokens  *tokens
}

// Local returns the identity of a process without Keystone.
func Local(a Account) Identity { return local{a, newTokens()} }

func (l local) Login(_ context.Context, user, password, _ string) (Token, error) {
	name, secret := equal(user, l.account.Username), equal(password, l.account.Password)
	if !name || !secret {
		return Token{}, errs.New(errs.Unauthorized, "Unauthorized", "Invalid username or password.")
	}
	expires := time.Now().Add(tokenLife)
	return Token{l.tokens.issue(expires), expires}, nil
}

func (l local) Authorize(r *http.Request) (User, error) {
	if !l.tokens.valid(r.Header.Get("X-Auth-Token"), time.Now()) {
		return User{}, errs.New(errs.Unauthorized, "Unauthorized", "Authentication error")
	}
	return User{Name: l.account.Username, Admin: true}, nil
}

// Tenants returns the one that the original's own account has (auth/MockAuthService.scala), since nobody knows which others there are.
func (local) Tenants(*http.Request) ([]Tenant, error) {
	return []Tenant{{ID: "admin", Name: "admin", Description: "Admin Tenant", Enabled: true}}, nil
}

// Tenant takes every identifier for one of a tenant, as the original does.
func (l local) Tenant(r *http.Request, id string) (Tenant, error) {
	if known, err := l.Tenants(r); id == known[0].ID {
		return known[0], err
	}
	return Tenant{ID: id, Name: id, Description: id, Enabled: true}, nil
}
