package auth

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"midonet.org/midonet/errs"
)

// ServiceUser is a login of this server's, with which it asks another service of the cloud.
type ServiceUser struct {
	client  *client
	service string
}

// NewServiceUser returns a user that asks a service of the type (compute). It does not need Keystone to be there yet.
func NewServiceUser(c KeystoneConfig, service string) (*ServiceUser, error) {
	c.Service = service
	client, err := newClient(c, time.Now)
	if err != nil {
		return nil, errs.New(errs.Invalid, "BadOption", "logging in for the %s service: %v", service, err)
	}
	return &ServiceUser{client, service}, nil
}

// Endpoint returns a token and the service's address in the catalogue.
func (u *ServiceUser) Endpoint(ctx context.Context) (token, url string, err error) {
	own, err := u.client.login(ctx)
	if err == nil && own.base == "" {
		err = fmt.Errorf("the catalogue has no %s endpoint of the service %s", u.client.config.Interface, u.service)
		u.client.forget(own) // there may be one the next time
	}
	return own.token, own.base, err
}

// Forget drops a token that the service refuses.
func (u *ServiceUser) Forget(token string) { u.client.forget(session{token: token}) }

// HTTP returns the client that obeys the options of the connection.
func (u *ServiceUser) HTTP() *http.Client { return u.client.http }
