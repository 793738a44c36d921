package auth

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"midonet.org/midonet/errs"
)

// identity answers as Keystone does, with a clock and faults that a real one cannot be given.
type identity struct {
	mu       sync.Mutex
	now      func() time.Time
	expires  map[string]time.Time // of tokens that exist
	roles    map[string]string
	logins   int
	asked    map[string]int          // validations by token
	lifetime time.Duration           // of a login's token
	status   int                     // what every request is answered with, where not 0
	rules    map[string][]accessRule // of tokens of application credentials that have some
	lost     int                     // how many of the next requests get no answer
	loss     error                   // why
	hold     chan struct{}           // validations wait for it, where not nil
}

func newIdentity(now func() time.Time) *identity {
	return &identity{now: now, expires: map[string]time.Time{}, roles: map[string]string{}, asked: map[string]int{},
		lifetime: time.Hour}
}

// RoundTrip answers without a network, so that time in the tests is the tests' own.
func (i *identity) RoundTrip(r *http.Request) (*http.Response, error) {
	if i.lost > 0 {
		i.lost--
		return nil, i.loss
	}
	w := httptest.NewRecorder()
	i.ServeHTTP(w, r)
	return w.Result(), nil
}

func (i *identity) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	status, hold := i.status, i.hold
	i.mu.Unlock()
	switch {
	case status != 0:
		http.Error(w, `{"error": {"message": "broken on purpose"}}`, status)
	case r.Method == http.MethodPost:
		i.login(w)
	default:
		if hold != nil {
			<-hold
		}
		i.show(w, r)
	}
}

func (i *identity) login(w http.ResponseWriter) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.logins++
	name := fmt.Sprintf("own-%d", i.logins)
	i.expires[name] = i.now().Add(i.lifetime)
	w.Header().Set("X-Subject-Token", name)
	w.WriteHeader(http.StatusCreated)
	i.body(w, name)
}

func (i *identity) show(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	own, subject := r.Header.Get("X-Auth-Token"), r.Header.Get("X-Subject-Token")
	i.asked[subject]++
	until, ok := i.expires[subject]
	switch {
	case !i.now().Before(i.expires[own]):
		http.Error(w, `{"error": {"message": "who are you?"}}`, http.StatusUnauthorized)
	case !ok || r.URL.Query().Get("allow_expired") == "" && !i.now().Before(until):
		http.Error(w, `{"error": {"message": "no such token"}}`, http.StatusNotFound)
	default:
		i.body(w, subject)
	}
}

func (i *identity) body(w http.ResponseWriter, name string) {
	json.NewEncoder(w).Encode(map[string]any{"token": map[string]any{
		"expires_at": i.expires[name].UTC().Format("2006-01-02T15:04:05.000000Z"),
		"user":       map[string]any{"id": "user-of-" + name},
		"roles":      []map[string]any{{"name": i.roles[name]}},

		"application_credential": map[string]any{"access_rules": i.rules[name]},
	}})
}

// newKeystone returns an authenticator that asks the identity, and a function that authenticates a request with a user's token and,
// where given, a service's.
func newKeystone(t *testing.T, i *identity, change func(*KeystoneConfig)) (*Keystone, func(tokens ...string) (*Caller, error)) {
	t.Helper()
	c := KeystoneConfig{AuthURL: "http://identity", UserID: "u", Password: "p", ProjectID: "p", CacheTime: 5 * time.Minute,
		ServiceTokenRoles: []string{"service"}, ServiceType: "network", Log: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&c)
	}
	k, err := NewKeystone(c)
	if err != nil {
		t.Fatal(err)
	}
	k.client.http.Transport = i
	return k, func(tokens ...string) (*Caller, error) {
		r := httptest.NewRequest(http.MethodGet, "/v2.0/networks", nil)
		r.Header.Set("X-Auth-Token", tokens[0])
		if len(tokens) > 1 {
			r.Header.Set("X-Service-Token", tokens[1])
		}
		return k.Authenticate(r)
	}
}

func (i *identity) issue(name, role string, lifetime time.Duration) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.expires[name], i.roles[name] = i.now().Add(lifetime), role
}

func TestATokenIsAskedAboutOnceInACacheTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIdentity(time.Now)
		_, authenticate := newKeystone(t, i, nil)
		i.issue("mia", "member", time.Hour)
		for range 3 {
			if c, err := authenticate(" mia "); err != nil || c.UserID != "user-of-mia" || !c.HasRole("member") {
				t.Fatalf("%+v, %v", c, err)
			}
		}
		if i.asked["mia"] != 1 {
			t.Errorf("asked %d times", i.asked["mia"])
		}
		delete(i.expires, "mia") // it is revoked
		time.Sleep(5*time.Minute - time.Second)
		if _, err := authenticate("mia"); err != nil {
			t.Errorf("within the cache time: %v", err)
		}
		time.Sleep(time.Second)
		if _, err := authenticate("mia"); !errs.Is(err, errs.Unauthorized) {
			t.Errorf("after the cache time: %v", err)
		}
	})
}

func TestATokenExpiresInTheCacheToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIdentity(time.Now)
		_, authenticate := newKeystone(t, i, nil)
		i.issue("mia", "member", time.Minute)
		if _, err := authenticate("mia"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if _, err := authenticate("mia"); !errs.Is(err, errs.Unauthorized) {
			t.Errorf("an expired token: %v", err)
		}
		if i.asked["mia"] != 1 {
			t.Error("Keystone is asked about a token that is known to be expired")
		}
	})
}

func TestAServiceVouchesForAnExpiredToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIdentity(time.Now)
		_, authenticate := newKeystone(t, i, nil)
		_, strict := newKeystone(t, i, func(c *KeystoneConfig) { c.ServiceTokenRolesRequired = true })
		i.issue("mia", "member", time.Minute)
		i.issue("nova", "service", time.Hour)
		i.issue("eve", "member", time.Hour)
		time.Sleep(time.Minute)
		if c, err := authenticate("mia", "nova"); err != nil || c.UserID != "user-of-mia" || c.Service.UserID != "user-of-nova" {
			t.Errorf("with a service's token: %+v, %v", c, err)
		}
		if _, err := authenticate("mia"); !errs.Is(err, errs.Unauthorized) {
			t.Errorf("then without one: %v", err)
		}
		if _, err := authenticate("mia", "eve"); !errs.Is(err, errs.Unauthorized) {
			t.Errorf("with a token that is no service's: %v", err)
		}
		if _, err := authenticate("mia", "nobody"); !errs.Is(err, errs.Unauthorized) {
			t.Errorf("with a service token that does not exist: %v", err)
		}
		i.issue("max", "member", time.Minute)
		if _, err := authenticate("max", "eve"); err != nil {
			t.Errorf("a valid token with one that is no service's: %v", err)
		}
		if _, err := strict("max", "eve"); !errs.Is(err, errs.Unauthorized) {
			t.Errorf("the same where the role is required: %v", err)
		}
	})
}

func TestTheServerLogsInAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIdentity(time.Now)
		_, authenticate := newKeystone(t, i, func(c *KeystoneConfig) { c.CacheTime = 0 })
		i.issue("mia", "member", 24*time.Hour)
		for _, step := range []struct {
			what   string
			before func()
			logins int
		}{
			{"at first", func() {}, 1},
			{"while the login holds", func() { time.Sleep(59 * time.Minute) }, 1},
			{"shortly before it ends", func() { time.Sleep(31 * time.Second) }, 2},
			{"when it was revoked", func() { delete(i.expires, "own-2") }, 3},
		} {
			step.before()
			if _, err := authenticate("mia"); err != nil || i.logins != step.logins {
				t.Errorf("%s: %d logins, %v", step.what, i.logins, err)
			}
		}
	})
}

func TestKeystoneAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIdentity(time.Now)
		_, authenticate := newKeystone(t, i, nil)
		i.issue("mia", "member", time.Hour)
		i.issue("max", "member", time.Hour)
		if _, err := authenticate("mia"); err != nil {
			t.Fatal(err)
		}
		for _, status := range []int{500, 503, 301, 403, 401} {
			i.status = status
			_, err := authenticate("max")
			var e *errs.Error
			if !errors.As(err, &e) || e.Kind != errs.Unavailable || e.Message != "The Keystone service is temporarily unavailable." {
				t.Errorf("status %d: %v", status, err)
			}
			if _, err := authenticate("mia"); err != nil {
				t.Errorf("status %d, a token in the cache: %v", status, err)
			}
		}
		i.status = 0
		if _, err := authenticate("max"); err != nil {
			t.Errorf("when Keystone is back: %v", err)
		}
	})
}

// TestAWrongPasswordIsNamed asks that the log says whose login is refused and what to look at, and nothing secret.
func TestAWrongPasswordIsNamed(t *testing.T) {
	var log bytes.Buffer
	i := newIdentity(time.Now)
	_, authenticate := newKeystone(t, i, func(c *KeystoneConfig) {
		c.UserID, c.Username, c.Password, c.UserDomainName = "", "neutron", "hunter2", "Default"
		c.Log = slog.New(slog.NewTextHandler(&log, nil))
	})
	i.status = http.StatusUnauthorized
	if _, err := authenticate("mia"); !errs.Is(err, errs.Unavailable) {
		t.Errorf("error %v", err)
	}
	if got := log.String(); !strings.Contains(got, "service user neutron: its password") || strings.Contains(got, "hunter2") {
		t.Errorf("the log says %s", got)
	}
}

// TestNoAnswer: a request is sent again after half a second, one and two, and no oftener.
func TestNoAnswer(t *testing.T) {
	reset := errors.New("connection reset by peer")
	for _, c := range []struct {
		what string
		lost int
		loss error
		well bool
		took time.Duration
	}{
		{"the login and the question are lost", 2, reset, true, 1500 * time.Millisecond},
		{"three", 3, reset, true, 3500 * time.Millisecond},
		{"four", 4, reset, false, 3500 * time.Millisecond},
		{"a certificate is refused", 1, &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}, false, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			i := newIdentity(time.Now)
			_, authenticate := newKeystone(t, i, func(c *KeystoneConfig) { c.Retries = 3 })
			i.issue("mia", "member", time.Hour)
			i.lost, i.loss = c.lost, c.loss
			start := time.Now()
			_, err := authenticate("mia")
			if c.well && err != nil || !c.well && !errs.Is(err, errs.Unavailable) || time.Since(start) != c.took {
				t.Errorf("%s: %v after %v", c.what, err, time.Since(start))
			}
		})
	}
}

// TestManyRequestsAskOnce lets the first of them go away: the others get the answer all the same.
func TestManyRequestsAskOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIdentity(time.Now)
		k, authenticate := newKeystone(t, i, nil)
		i.issue("mia", "member", time.Hour)
		i.hold = make(chan struct{})
		first, leave := context.WithCancel(t.Context())
		gone := make(chan error)
		go func() {
			_, err := k.token(first, "mia", false)
			gone <- err
		}()
		synctest.Wait()
		var group sync.WaitGroup
		for range 20 {
			group.Go(func() {
				if _, err := authenticate("mia"); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		leave()
		if err := <-gone; !errors.Is(err, context.Canceled) {
			t.Errorf("the request that went away: %v", err)
		}
		close(i.hold)
		group.Wait()
		if i.asked["mia"] != 1 || i.logins != 1 {
			t.Errorf("asked %d times after %d logins", i.asked["mia"], i.logins)
		}
	})
}

func TestCacheIsBounded(t *testing.T) {
	c := newCache(time.Minute, time.Now)
	c.size = 2
	a, b, d := &token{}, &token{}, &token{}
	c.put(keyOf("a"), a)
	c.put(keyOf("b"), b)
	c.get(keyOf("a"))
	c.put(keyOf("d"), d)
	if c.get(keyOf("a")) != a || c.get(keyOf("b")) != nil || c.get(keyOf("d")) != d || len(c.byKey) != 2 {
		t.Errorf("the one that was used longest ago stayed: %d entries", len(c.byKey))
	}
}

// TestWhoGetsPastAccessRules: a service that passes the user's request on, and nobody else, the restricted token itself least of all.
func TestWhoGetsPastAccessRules(t *testing.T) {
	i := newIdentity(time.Now)
	_, authenticate := newKeystone(t, i, nil) // of GET /v2.0/networks
	i.rules = map[string][]accessRule{"may": {{"network", "GET", "/v2.0/networks"}}, "may not": {{"network", "GET", "/v2.0/ports"}}}
	for name, role := range map[string]string{"may": "member", "may not": "member", "eve": "member", "nova": "service"} {
		i.issue(name, role, time.Hour)
	}
	for _, tokens := range [][]string{{"may"}, {"may", "eve"}, {"may not", "nova"}} {
		if _, err := authenticate(tokens...); err != nil {
			t.Errorf("%q: %v", tokens, err)
		}
	}
	for _, tokens := range [][]string{{"may not"}, {"may not", "eve"}, {"may not", "may not"}} {
		if _, err := authenticate(tokens...); !errs.Is(err, errs.Unauthorized) {
			t.Errorf("%q: %v", tokens, err)
		}
	}
}

func TestAccessRules(t *testing.T) {
	for _, c := range []struct {
		rule, path string
		want       bool
	}{
		{"/v2.0/networks", "/v2.0/networks", true}, {"/v2.0/networks", "/v2.0/networks/x", false}, {"/v2x0/networks", "/v2.0/networks", false},
		{"/v2.0/*", "/v2.0/ports", true}, {"/v2.0/*", "/v2.0/ports/x", false}, {"/v2.0/ports/{id}", "/v2.0/ports/x", true},
		{"/v2.0/ports/{id}", "/v2.0/ports/", false}, {"/v2.0/**", "/v2.0/ports/x", true}, {"/v2.0/**", "/v3/ports", false},
	} {
		if got := (accessRule{Path: c.rule}).matches(c.path); got != c.want {
			t.Errorf("%s, %s: %t", c.rule, c.path, got)
		}
	}
}

func TestConfigurationsThatCannotWork(t *testing.T) {
	good := KeystoneConfig{AuthURL: "http://identity", Username: "u", UserDomainName: "d", Password: "p", ProjectName: "p", ProjectDomainName: "d"}
	if _, err := NewKeystone(good); err != nil {
		t.Error(err)
	}
	for option, spoil := range map[string]func(*KeystoneConfig){
		"auth_url":            func(c *KeystoneConfig) { c.AuthURL = "" },
		"username":            func(c *KeystoneConfig) { c.Username = "" },
		"password":            func(c *KeystoneConfig) { c.Password = "" },
		"project_name":        func(c *KeystoneConfig) { c.ProjectName = "" },
		"user_domain_name":    func(c *KeystoneConfig) { c.UserDomainName = "" },
		"project_domain_name": func(c *KeystoneConfig) { c.ProjectDomainName = "" },
		"/nonexistent":        func(c *KeystoneConfig) { c.CAFile = "/nonexistent" },
	} {
		c := good
		spoil(&c)
		if _, err := NewKeystone(c); !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), option) {
			t.Errorf("%s: %v", option, err)
		}
	}
}

func TestVersionedAddresses(t *testing.T) {
	for url, want := range map[string]string{
		"http://k:5000": "http://k:5000/v3", "http://k:5000/": "http://k:5000/v3", "http://k/identity": "http://k/identity/v3",
		"http://k/v3/": "http://k/v3", "http://k:5000/v2.0": "http://k:5000/v3",
	} {
		if got := versioned(url); got != want {
			t.Errorf("%s: %s", url, got)
		}
	}
}
