package auth

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

const (
	// renewBefore is how long before its end the server's own token is replaced.
	renewBefore = 30 * time.Second
	// firstPause is how long a request waits before it is sent again, the first time; each time doubles it up to maxPause (keystoneauth1.session).
	firstPause = 500 * time.Millisecond
	maxPause   = time.Minute
	// maxAnswer bounds what is read of an answer of Keystone's, in octets. Catalogues of large clouds have some 100 kB.
	maxAnswer = 4 << 20
)

var (
	// errInvalid says that Keystone knows no such token, or not any more.
	errInvalid = errors.New("the token is not valid")
	// errRefused says that Keystone does not take the server's own token.
	errRefused = errors.New("the service user's token is refused")
)

// client asks Keystone about tokens, as the service user that it logs in as when need be.
type client struct {
	config KeystoneConfig
	http   *http.Client
	now    func() time.Time

	logins singleflight.Group
	mu     sync.Mutex
	own    session // zero before the first login
}

func newClient(c KeystoneConfig, now func() time.Time) (*client, error) {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = 16
	t.TLSClientConfig = &tls.Config{InsecureSkipVerify: c.Insecure} // the operator's explicit choice, [keystone_authtoken] insecure
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, err
		}
		t.TLSClientConfig.RootCAs = x509.NewCertPool()
		if !t.TLSClientConfig.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s holds no certificate", c.CAFile)
		}
	}
	if c.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(c.CertFile, firstOf(c.KeyFile, c.CertFile))
		if err != nil {
			return nil, err
		}
		t.TLSClientConfig.Certificates = []tls.Certificate{pair}
	}
	// A redirection would carry the tokens to wherever it points.
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &client{config: c, now: now, http: &http.Client{Transport: t, Timeout: c.Timeout, CheckRedirect: stay}}, nil
}

// validate asks about a token. It logs in anew if Keystone refuses the server's own token, which a restart with other keys or a
// revocation brings about.
func (c *client) validate(ctx context.Context, secret string, allowExpired bool) (*token, error) {
	for attempt := 0; ; attempt++ {
		own, err := c.login(ctx)
		if err != nil {
			return nil, err
		}
		t, err := c.ask(ctx, own, secret, allowExpired)
		if !errors.Is(err, errRefused) || attempt > 0 {
			return t, err
		}
		c.forget(own)
	}
}

func (c *client) ask(ctx context.Context, own session, secret string, allowExpired bool) (*token, error) {
	url := own.base + "/auth/tokens?nocatalog"
	if allowExpired {
		url += "&allow_expired=1"
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("X-Auth-Token", own.token)
	r.Header.Set("X-Subject-Token", secret)
	r.Header.Set("OpenStack-Identity-Access-Rules", "1.0")
	_, body, err := c.do(r, http.StatusOK)
	var status statusError
	switch {
	case errors.As(err, &status) && status.code == http.StatusNotFound:
		return nil, errInvalid
	case errors.As(err, &status) && status.code == http.StatusUnauthorized:
		return nil, errRefused
	case err != nil:
		return nil, err
	}
	return parseToken(body)
}

// session is the server's own login.
type session struct {
	token string
	until time.Time
	base  string // the address that validates, ending in /v3
}

// login returns the server's login, logging in where there is none or it ends soon. One login serves all who wait for it.
func (c *client) login(ctx context.Context) (session, error) {
	if s := c.current(); c.now().Add(renewBefore).Before(s.until) {
		return s, nil
	}
	v, err, _ := c.logins.Do("", func() (any, error) { return c.logIn(ctx) })
	if err != nil {
		return session{}, c.failedLogin(err)
	}
	return v.(session), nil
}

// failedLogin says who could not log in and, where Keystone does not take the credentials, what of the configuration to look at.
func (c *client) failedLogin(err error) error {
	who := firstOf(c.config.Username, c.config.UserID)
	var status statusError
	if errors.As(err, &status) && status.code == http.StatusUnauthorized {
		return fmt.Errorf("logging in as the service user %s: its password, domain or project are not what Keystone has: %w", who, err)
	}
	return fmt.Errorf("logging in as the service user %s: %w", who, err)
}

func (c *client) logIn(ctx context.Context) (session, error) {
	secret, t, err := c.newToken(ctx, c.config.credentials())
	if err != nil {
		return session{}, err
	}
	s := session{secret, t.expires, c.config.endpointOf(t)}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.own = s
	return s, nil
}

// newToken logs in.
func (c *client) newToken(ctx context.Context, credentials loginBody) (secret string, t *token, err error) {
	body, err := json.Marshal(credentials)
	if err != nil {
		return "", nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, versioned(c.config.AuthURL)+"/auth/tokens", bytes.NewReader(body))
	if err != nil {
		return "", nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header["Idempotency-Key"] = nil // it is not sent: it tells net/http that a login may be repeated on a new connection
	header, answer, err := c.do(r, http.StatusCreated)
	if err != nil {
		return "", nil, err
	}
	t, err = parseToken(answer)
	return header.Get("X-Subject-Token"), t, err
}

func (c *client) current() session {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.own
}

// forget drops the server's token, unless another request has already replaced it.
func (c *client) forget(s session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.own.token == s.token {
		c.own = session{}
	}
}

// statusError is an answer of Keystone's other than the one hoped for.
type statusError struct {
	code int
	text string
}

func (e statusError) Error() string { return fmt.Sprintf("the answer is %d: %s", e.code, e.text) }

// do sends a request and returns the answer, which has to have the status. A request that gets no answer is sent again, on another
// connection, as often as the configuration says.
func (c *client) do(r *http.Request, want int) (http.Header, []byte, error) {
	r.Header.Set("Accept", "application/json")
	pause := firstPause
	for left := c.config.Retries; ; left-- {
		status, header, body, err := c.send(r)
		switch {
		case err != nil && left > 0 && mayPass(err):
			c.config.Log.Info("no answer, asked again after a pause", "url", r.URL.Redacted(), "pause", pause, "error", err)
			if err := wait(r.Context(), pause); err != nil {
				return nil, nil, err
			}
			pause = min(2*pause, maxPause)
		case err != nil:
			return nil, nil, err
		case status != want:
			return nil, nil, statusError{status, messageOf(body)}
		default:
			return header, body, nil
		}
	}
}

// send sends a request once, however often it was sent before.
func (c *client) send(r *http.Request) (status int, header http.Header, body []byte, err error) {
	r = r.Clone(r.Context())
	if r.GetBody != nil {
		if r.Body, err = r.GetBody(); err != nil {
			return 0, nil, nil, err
		}
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return 0, nil, nil, err
	}
	defer answer.Body.Close()
	body, err = io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	return answer.StatusCode, answer.Header, body, err
}

// mayPass reports whether the same request may have an answer later. What a certificate is refused for stays.
func mayPass(err error) bool {
	var certificate *tls.CertificateVerificationError
	return !errors.As(err, &certificate) && !errors.Is(err, context.Canceled)
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// messageOf returns Keystone's own words for a failure.
func messageOf(body []byte) string {
	var fault struct {
		Error struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	if err := json.Unmarshal(body, &fault); err != nil || fault.Error.Message == "" {
		return "(no message)"
	}
	return fault.Error.Message
}

// versioned returns an address of Keystone's with the version of its API behind it.
func versioned(url string) string {
	url = strings.TrimSuffix(strings.TrimRight(url, "/"), "/v2.0")
	if strings.HasSuffix(url, "/v3") {
		return url
	}
	return url + "/v3"
}
