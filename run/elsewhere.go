package run

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"

	"midonet.org/midonet/backend/rest"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/config"
	"midonet.org/midonet/neutron/store"
)

// checkRole refuses configurations that are for another role than the one on the command line.
func checkRole(c ServerConfig, o *config.Options) error {
	switch elsewhere := o.MidoNet.Elsewhere(); {
	case elsewhere && !c.APIOnly && !c.ClusterOnly:
		return errs.New(errs.Invalid, "BadOption", "[midonet] client = %s: midonet server has its own MidoNet; midonet api drives one that is elsewhere",
			o.MidoNet.Client)
	case !elsewhere && c.APIOnly && o.Database.Connection == "":
		return errs.New(errs.Invalid, "NoDatabase", "midonet api shares the database of a server: name it in [database] connection")
	}
	return nil
}

// agreeOnClient refuses a server whose changes would go elsewhere than those of another on the same database: whichever has its turn applies the
// journal of both.
func agreeOnClient(ctx context.Context, db *store.DB, m *config.MidoNet) (*store.Agreement, error) {
	a, err := db.Agree(ctx, "client", clientOf(m))
	return a, differentClient(m, err)
}

// keepClient fails where another server has come to have another client.
func (s *server) keepClient(ctx context.Context) error {
	return differentClient(&s.options.MidoNet, s.client.Keep(ctx))
}

func clientOf(m *config.MidoNet) string {
	if m.Elsewhere() {
		return m.Client + " of " + m.URI
	}
	return m.Client
}

// differentClient says what to do about another server that has another client; it leaves other errors as they are.
func differentClient(m *config.MidoNet, err error) error {
	var d *store.DisagreementError
	if !errors.As(err, &d) {
		return err
	}
	return errs.New(errs.Conflict, "DifferentClients", "a server of this database has [midonet] client = %s, and this one has %s; both would apply "+
		"the journal, each elsewhere. Give all servers of one database the same, or stop those that are to be replaced first", d.Other, clientOf(m))
}

// openElsewhere makes every change wait for the MidoNet at midonet_uri.
func (s *server) openElsewhere() {
	m := s.options.MidoNet
	request, retry := m.Times()
	s.elsewhere = rest.New(rest.Config{
		URI: m.URI, Username: m.Username, Password: m.Password, ProjectID: m.ProjectID, RequestTimeout: request, RetryTime: retry,
		Journal: s.journal, TakeBack: s.plugin.TakeBack, Log: s.Log,
	})
	s.backend = s.elsewhere
	s.plugin.AnswerFor(s.elsewhere)
}

// serveElsewhere serves the Networking API and applies the journal, where it is this server's turn. That goes on until the requests that
// were under way at the end are answered: they wait for it.
func (s *server) serveElsewhere(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	draining, stop := context.WithCancel(context.WithoutCancel(ctx))
	group.Go(func() error {
		defer stop()
		return s.serve(s.listeners.api, s.apiHandler())(ctx)
	})
	group.Go(func() error {
		err := s.drainAlone(draining, s.elsewhere.Run)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return err
	})
	return group.Wait()
}
