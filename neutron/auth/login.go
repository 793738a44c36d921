package auth

import (
	"context"
	"errors"
	"net/http"
	"time"

	"midonet.org/midonet/errs"
)

// Login returns a token for who knows the user's password, for clients that send that to this server rather than to Keystone. The user
// is of the service user's domain, and the project, by name, of the service user's project's; "" is that project itself.
func (k *Keystone) Login(ctx context.Context, username, password, projectName string) (secret string, expires time.Time, err error) {
	secret, t, err := k.client.newToken(ctx, k.config.credentialsOf(username, password, projectName))
	var status statusError
	switch {
	case errors.As(err, &status) && status.code < http.StatusInternalServerError: // 400 for an empty name
		return "", time.Time{}, errs.New(errs.Unauthorized, "Unauthorized", "Invalid Keystone credentials: %s", status.text)
	case err != nil:
		return "", time.Time{}, k.fault(err)
	}
	return secret, t.expires, nil
}

// defaultDomain is the domain that every Keystone has, for a configuration that names the service user by identifier alone.
const defaultDomain = "default"

// credentialsOf is what a user logs in with.
func (c KeystoneConfig) credentialsOf(username, password, projectName string) loginBody {
	c.UserID, c.Username, c.Password, c.SystemScope = "", username, password, ""
	if c.UserDomainID == "" && c.UserDomainName == "" {
		c.UserDomainID = defaultDomain
	}
	if projectName != "" {
		c.ProjectID, c.ProjectName = "", projectName
	}
	if c.ProjectDomainID == "" && c.ProjectDomainName == "" {
		c.ProjectDomainID, c.ProjectDomainName = c.UserDomainID, c.UserDomainName
	}
	return c.credentials()
}
