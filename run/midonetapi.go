package run

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"

	midonetapi "midonet.org/midonet/cluster/api"
	"midonet.org/midonet/cluster/operator"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/config"
)

// midonetHandler is the MidoNet REST API.
func (s *server) midonetHandler(bindings midonetapi.Binder) http.Handler {
	return midonetapi.New(midonetapi.Config{
		Identity: s.midonetIdentity(), Mirror: s.mirror, Importer: s.importer, Bindings: bindings, Operator: s.editor, Log: s.Log,
	})
}

// midonetIdentity says who may use the MidoNet REST API: whom Keystone vouches for where auth_strategy names it, else the account.
func (s *server) midonetIdentity() midonetapi.Identity {
	if k, ok := s.auth.(*auth.Keystone); ok {
		return keystoneIdentity{k, s.options.MidoNet.AdminRole}
	}
	return midonetapi.Local(midonetapi.Account{Username: s.options.MidoNet.Username, Password: s.options.MidoNet.Password})
}

// keystoneIdentity is Keystone as the MidoNet REST API sees it.
type keystoneIdentity struct {
	keystone  *auth.Keystone
	adminRole string // in any case of letters
}

func (k keystoneIdentity) Login(ctx context.Context, user, password, project string) (midonetapi.Token, error) {
	key, expires, err := k.keystone.Login(ctx, user, password, project)
	return midonetapi.Token{Key: key, Expires: expires}, unlessGone(err)
}

func (k keystoneIdentity) Authorize(r *http.Request) (midonetapi.User, error) {
	caller, err := k.keystone.Authenticate(r)
	if err != nil {
		return midonetapi.User{}, unlessGone(err)
	}
	admin := slices.ContainsFunc(caller.Roles, func(role string) bool { return strings.EqualFold(role, k.adminRole) })
	return midonetapi.User{Name: caller.UserName, Admin: admin}, nil
}

func (k keystoneIdentity) Tenants(r *http.Request) ([]midonetapi.Tenant, error) {
	projects, err := k.keystone.Projects(r.Context(), r.Header.Get("X-Auth-Token"))
	var tenants []midonetapi.Tenant
	for _, p := range projects {
		tenants = append(tenants, midonetapi.Tenant(p))
	}
	return tenants, unlessGone(err)
}

func (k keystoneIdentity) Tenant(r *http.Request, id string) (midonetapi.Tenant, error) {
	p, err := k.keystone.Project(r.Context(), r.Header.Get("X-Auth-Token"), id)
	return midonetapi.Tenant(p), unlessGone(err)
}

// unlessGone gives an error a kind where the client has gone, so that it is not taken for a defect.
func unlessGone(err error) error {
	if errors.Is(err, context.Canceled) {
		return errs.New(errs.Unavailable, "Canceled", "The client has gone.").Wrap(err)
	}
	return err
}

// sweep removes what operators have put on objects that are gone. It begins when the store has everything: until then what was put on
// something may only wait for that.
func (s *server) sweep(ctx context.Context) error {
	if err := s.complete(ctx); err != nil {
		return err
	}
	job := operator.Job{Editor: s.editor, Log: s.Log}
	job.Run(ctx)
	return ctx.Err()
}

func listenMidoNetAPI(address string, options *config.Options) (net.Listener, error) {
	if err := refuseKnownPassword(options, address); err != nil {
		return nil, err
	}
	return listen("the MidoNet API", address)
}

// webAddress is where a listener's path is found, "" where there is no listener.
func webAddress(l net.Listener, path string) string {
	switch {
	case l == nil:
		return ""
	case l.Addr().Network() == "unix":
		return "unix:" + l.Addr().String()
	}
	return "http://" + l.Addr().String() + path
}
