package cloud

import (
	"context"
	"log/slog"
	"net/netip"
	"os"
	"testing"

	"midonet.org/midonet/agent/session"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/run"
)

// Host has a machine of that name join the server's cluster, by an agent's own link to it, and stay until the test ends. It has no interfaces
// and forwards nothing: clients of the API are shown that it is there. The server is this project's; the original has the rows of agents.
func (c *Cloud) Host(t testing.TB, name string) {
	t.Helper()
	reply, err := run.NewAdminClient(c.StateDir()).JoinToken(t.Context(), run.TokenRequest{})
	if err != nil {
		t.Fatalf("%v\n%s", err, c.Log())
	}
	dir, err := os.MkdirTemp(c.dir, name)
	if err != nil {
		t.Fatal(err)
	}
	host, err := session.New(session.Config{
		StateDir: dir, HostName: name, Zone: "nova", JoinToken: reply.Token, Version: "test", Log: slog.New(slog.DiscardHandler),
		Facts: func() session.Facts { return session.Facts{Endpoints: []netip.Addr{netip.MustParseAddr("127.0.0.1")}} },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = host.Run(ctx, func(view.Delta) {})
	}()
	t.Cleanup(func() { cancel(); <-ended })
	await(t, "the host is listed", func() error { return c.listed(t, name) }, c.Log)
}

// listed returns an error unless a host of the name is listed and alive.
func (c *Cloud) listed(t testing.TB, name string) error {
	var answer struct{ Agents []struct{ Host string } }
	c.Call(t, "GET", "/v2.0/agents?alive=True&host="+name, nil, &answer)
	if len(answer.Agents) == 0 {
		return os.ErrNotExist
	}
	return nil
}
