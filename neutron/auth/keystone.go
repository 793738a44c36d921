package auth

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/singleflight"

	"midonet.org/midonet/errs"
)

// Keystone takes callers for whom OpenStack's identity service says they are: a request's X-Auth-Token is validated there, as
// keystonemiddleware's auth_token does it. X-Service-Token names the service that passes a request on; with one of the configured
// roles it also vouches for a user's token that has expired meanwhile.
//
// A token is asked about once for as long as the cache remembers it, however many requests come with it at once.
type Keystone struct {
	config KeystoneConfig
	client *client
	cache  *cache
	now    func() time.Time
	asking singleflight.Group // by token
}

// NewKeystone returns the authenticator. It does not need Keystone to be there yet.
func NewKeystone(c KeystoneConfig) (*Keystone, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	k := &Keystone{config: c, now: time.Now, cache: newCache(c.CacheTime, time.Now)}
	var err error
	if k.client, err = newClient(c, time.Now); err != nil {
		return nil, errs.New(errs.Invalid, "BadOption", "[keystone_authtoken]: %v", err)
	}
	return k, nil
}

// Challenge sends callers to Keystone.
func (k *Keystone) Challenge() string {
	return `Keystone uri="` + firstOf(k.config.WWWAuthenticateURI, k.config.AuthURL) + `"`
}

// Authenticate validates the request's tokens.
func (k *Keystone) Authenticate(r *http.Request) (*Caller, error) {
	service, vouched, err := k.service(r)
	if err != nil {
		return nil, k.fault(err)
	}
	t, err := k.token(r.Context(), firstOf(r.Header.Get("X-Auth-Token"), r.Header.Get("X-Storage-Token")), vouched)
	if err == nil && !vouched {
		err = k.restrict(t, r)
	}
	if err != nil {
		return nil, k.fault(err)
	}
	c := t.caller
	c.Service = service
	return &c, nil
}

// service validates the token of the service that passes the request on; nil where there is none. vouched reports whether it has a
// role that makes it good for the user's token.
func (k *Keystone) service(r *http.Request) (s *Service, vouched bool, err error) {
	secret := r.Header.Get("X-Service-Token")
	if secret == "" {
		return nil, false, nil
	}
	t, err := k.token(r.Context(), secret, false)
	if err != nil {
		return nil, false, err
	}
	vouched = slices.ContainsFunc(t.caller.Roles, func(role string) bool { return slices.Contains(k.config.ServiceTokenRoles, role) })
	if k.config.ServiceTokenRolesRequired && !vouched {
		return nil, false, errInvalid
	}
	return t.service(), vouched, nil
}

// restrict refuses requests that the access rules of the token's application credential do not name. A service that passes a request
// on is not held to them, since the user's own request was; the token of someone else beside it changes nothing.
func (k *Keystone) restrict(t *token, r *http.Request) error {
	if !t.restricted || slices.ContainsFunc(t.rules, func(a accessRule) bool { return a.allows(k.config.ServiceType, r) }) {
		return nil
	}
	return errInvalid
}

// token returns what Keystone says of a token, or said while the cache remembers. An expired one is invalid unless a service vouches
// for it.
func (k *Keystone) token(ctx context.Context, secret string, allowExpired bool) (*token, error) {
	if secret = strings.TrimSpace(secret); secret == "" {
		return nil, errInvalid
	}
	t := k.cache.get(keyOf(secret))
	if t == nil {
		var err error
		if t, err = k.ask(ctx, secret, allowExpired); err != nil {
			return nil, err
		}
	}
	if !allowExpired && !k.now().Before(t.expires) {
		return nil, errInvalid
	}
	return t, nil
}

// ask validates a token at Keystone. Requests that come with the same token meanwhile wait for the one answer, which does not depend
// on whether the first of them goes away.
func (k *Keystone) ask(ctx context.Context, secret string, allowExpired bool) (*token, error) {
	key := keyOf(secret)
	flight := string(key[:])
	if allowExpired {
		flight += "expired"
	}
	answer := k.asking.DoChan(flight, func() (any, error) {
		t, err := k.client.validate(context.WithoutCancel(ctx), secret, allowExpired)
		if err == nil {
			k.cache.put(key, t)
		}
		return t, err
	})
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case a := <-answer:
		if a.Err != nil {
			return nil, a.Err
		}
		return a.Val.(*token), nil
	}
}

// fault is the client's view of a failure, in keystonemiddleware's words. What keeps Keystone from answering is for the log.
func (k *Keystone) fault(err error) error {
	switch {
	case errors.Is(err, errInvalid):
		return errs.New(errs.Unauthorized, "Unauthorized", "The request you have made requires authentication.")
	case errors.Is(err, context.Canceled):
		return err // the client has gone
	}
	k.config.Log.Error("tokens cannot be validated", "auth_url", k.config.AuthURL, "error", err)
	return errs.New(errs.Unavailable, "HTTPServiceUnavailable", "The Keystone service is temporarily unavailable.").Wrap(err)
}
