// Package nova tells Nova what happens to the ports of its servers, as Neutron's notifier does (neutron/notifiers/nova.py): that a
// port is plugged, which Nova waits for before it starts a server, is unplugged or deleted, or has other addresses.
//
// The events are rows that are written in the transaction of what they tell of. Nova is sent what is there until it has taken it, so that
// neither a crash of this server nor one of Nova's loses any.
package nova

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/store"
)

const (
	// batch is how many events one request carries at most.
	batch = 100
	// tooOld is when an event tells Nova nothing any more: it has given up waiting, and has read the ports anew, long before.
	tooOld = time.Hour
	// longestPause is how long Nova is left alone at most while it does not answer.
	longestPause = 30 * time.Second
	// maxAnswer bounds what is read of an answer, in octets.
	maxAnswer = 1 << 20
)

// Config says where Nova is and how it is told.
type Config struct {
	Keystone auth.KeystoneConfig // [nova]: who tells, and by which of the catalogue's endpoints
	Interval time.Duration       // send_events_interval: between requests
	Log      *slog.Logger
}

// Notifier sends the events of a database.
type Notifier struct {
	db       *store.DB
	user     *auth.ServiceUser
	http     *http.Client
	interval time.Duration
	log      *slog.Logger
}

// New returns the notifier. It does not need Keystone or Nova to be there yet.
func New(db *store.DB, c Config) (*Notifier, error) {
	user, err := auth.NewServiceUser(c.Keystone, "compute")
	if err != nil {
		return nil, err
	}
	return &Notifier{db: db, user: user, http: user.HTTP(), interval: max(c.Interval, time.Millisecond), log: c.Log}, nil
}

// Run sends events until ctx ends: what there is at once, and then in intervals. Of several servers on one database one does at a time; holder
// names this one.
func (n *Notifier) Run(ctx context.Context, holder string) error {
	return n.db.Alone(ctx, "nova events", holder, func(ctx context.Context) error {
		var pause time.Duration
		for {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(pause):
			}
			more, err := n.once(ctx)
			if err == nil {
				pause = n.interval
				if more {
					pause = 0
				}
				continue
			}
			if ctx.Err() == nil {
				n.log.Warn("Nova could not be told of its ports; trying again", "error", err)
			}
			pause = min(2*max(pause, n.interval), longestPause)
		}
	})
}

// once sends a batch of what is pending, and removes it where Nova has taken it or never will. There may be more.
func (n *Notifier) once(ctx context.Context) (more bool, err error) {
	events, err := store.ReadOne(ctx, n.db, func(q store.Querier) ([]*store.NovaEvent, error) { return store.PendingNovaEvents(q, batch) })
	if err != nil || len(events) == 0 {
		return false, err
	}
	if told := settled(n.fresh(events)); len(told) > 0 {
		if err := n.send(ctx, told); err != nil {
			return false, err
		}
	}
	return len(events) == batch, n.db.Tx(ctx, func(tx *store.Tx) error { return store.DeleteNovaEvents(tx, events) })
}

// fresh leaves out what is too old to tell.
func (n *Notifier) fresh(events []*store.NovaEvent) []*store.NovaEvent {
	var fresh []*store.NovaEvent
	for _, e := range events {
		if time.Since(e.CreatedAt.Time) > tooOld {
			n.log.Warn("Nova was away for too long to be told", "event", e.Name, "server", e.Server, "port", e.Tag)
			continue
		}
		fresh = append(fresh, e)
	}
	return fresh
}

// settled leaves out that a port has changed where it has gone since. Nova would look for its addresses, find no port, and forget the interface; told
// next that the port has gone it would then know of nothing to take from the server.
func settled(events []*store.NovaEvent) []*store.NovaEvent {
	gone := map[string]bool{}
	for _, e := range events {
		if e.Name == "network-vif-deleted" {
			gone[e.Tag] = true
		}
	}
	return slices.DeleteFunc(events, func(e *store.NovaEvent) bool { return e.Name == "network-changed" && gone[e.Tag] })
}

// errUnauthorized says that Nova does not take the token.
var errUnauthorized = errors.New("the token is refused")

// send returns an error where it is worth to try again. Where Nova refuses the token, there is another try with a new one.
func (n *Notifier) send(ctx context.Context, events []*store.NovaEvent) error {
	for attempt := 0; ; attempt++ {
		token, url, err := n.user.Endpoint(ctx)
		if err != nil {
			return err
		}
		err = n.post(ctx, token, url, events)
		if !errors.Is(err, errUnauthorized) || attempt > 0 {
			return err
		}
		n.user.Forget(token)
	}
}

func (n *Notifier) post(ctx context.Context, token, url string, events []*store.NovaEvent) error {
	body, err := json.Marshal(map[string][]*store.NovaEvent{"events": events})
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimRight(url, "/")+"/os-server-external-events", bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json")
	r.Header.Set("X-Auth-Token", token)
	answer, err := n.http.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return err
	}
	return n.judge(answer.StatusCode, text)
}

// judge says what an answer means: nil where the events are done with.
func (n *Notifier) judge(status int, text []byte) error {
	switch {
	case status == http.StatusUnauthorized:
		return errUnauthorized
	case status == http.StatusNotFound: // Nova knows none of the servers: they are being deleted
		n.log.Debug("Nova knows none of the servers that it was told of")
		return nil
	case status == http.StatusOK || status == http.StatusMultiStatus:
		n.report(text)
		return nil
	case status >= 500 || status == http.StatusTooManyRequests:
		return fmt.Errorf("the answer is %d: %.200s", status, text)
	}
	n.log.Error("Nova refuses to be told of its ports", "status", status, "answer", fmt.Sprintf("%.200s", text))
	return nil
}

// report logs the events that Nova could not do anything with, such as those of a server that is on no host yet.
func (n *Notifier) report(text []byte) {
	var answer struct {
		Events []struct {
			store.NovaEvent
			Code int `json:"code"`
		} `json:"events"`
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		n.log.Warn("what Nova answered cannot be read", "error", err)
		return
	}
	for _, e := range answer.Events {
		level := slog.LevelDebug
		if e.Code != http.StatusOK {
			level = slog.LevelWarn
		}
		n.log.Log(context.Background(), level, "Nova was told", "event", e.Name, "server", e.Server, "port", e.Tag, "code", e.Code)
	}
}
