package auth

import (
	"encoding/json"
	"fmt"
	"time"
)

// token is what Keystone says of a token (Identity API v3, GET /v3/auth/tokens). It is shared by many requests and never changed.
type token struct {
	expires time.Time
	caller  Caller
	// rules are the requests that an application credential is restricted to; restricted tells an empty list from none.
	rules      []accessRule
	restricted bool
	endpoints  map[string][]endpoint // by the type of the service, where the catalogue was asked for
}

// endpoint is an address in the service catalogue.
type endpoint struct {
	Interface string `json:"interface"`
	Region    string `json:"region_id"`
	URL       string `json:"url"`
}

// The wire form.
type (
	named struct {
		ID     string `json:"id"`
		Name   string `json:"name"`
		Domain struct {
			ID string `json:"id"`
		} `json:"domain"`
	}

	tokenBody struct {
		Token struct {
			ExpiresAt time.Time `json:"expires_at"`
			User      named     `json:"user"`
			Project   named     `json:"project"`
			Domain    named     `json:"domain"`
			System    struct {
				All bool `json:"all"`
			} `json:"system"`
			Roles []named `json:"roles"`

			ApplicationCredential struct {
				AccessRules *[]accessRule `json:"access_rules"`
			} `json:"application_credential"`

			Catalog []struct {
				Type      string     `json:"type"`
				Endpoints []endpoint `json:"endpoints"`
			} `json:"catalog"`
		} `json:"token"`
	}
)

// parseToken reads the body of an answer about a token.
func parseToken(raw []byte) (*token, error) {
	var b tokenBody
	if err := json.Unmarshal(raw, &b); err != nil {
		return nil, fmt.Errorf("the answer is not a token: %w", err)
	}
	w := b.Token
	if w.User.ID == "" || w.ExpiresAt.IsZero() {
		return nil, fmt.Errorf("the answer is not a token: it has no user or no end")
	}
	t := &token{expires: w.ExpiresAt, endpoints: map[string][]endpoint{}, caller: Caller{
		UserID: w.User.ID, UserName: w.User.Name, UserDomainID: w.User.Domain.ID,
		ProjectID: w.Project.ID, ProjectName: w.Project.Name, ProjectDomainID: w.Project.Domain.ID, DomainID: w.Domain.ID,
	}}
	if w.System.All {
		t.caller.SystemScope = "all"
	}
	for _, r := range w.Roles {
		t.caller.Roles = append(t.caller.Roles, r.Name)
	}
	if rules := w.ApplicationCredential.AccessRules; rules != nil {
		t.rules, t.restricted = *rules, true
	}
	for _, s := range w.Catalog {
		t.endpoints[s.Type] = append(t.endpoints[s.Type], s.Endpoints...)
	}
	return t, nil
}

// service is the token's owner in its part as the one who passes a request on.
func (t *token) service() *Service {
	c := t.caller
	return &Service{UserID: c.UserID, UserDomainID: c.UserDomainID, ProjectID: c.ProjectID, ProjectDomainID: c.ProjectDomainID,
		Roles: c.Roles}
}
