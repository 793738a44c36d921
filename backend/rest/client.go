package rest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	mediaApplication = "application/vnd.org.midonet.Application-v5+json"
	mediaSystemState = "application/vnd.org.midonet.SystemState-v2+json"
	mediaNeutron     = "application/vnd.org.midonet.neutron.Neutron-v3+json"
	mediaNeutronOld  = "application/vnd.org.midonet.neutron.Neutron-v2+json" // before 5.0

	// maxAnswer bounds what is read of an answer, in octets.
	maxAnswer = 1 << 20
	// maxRedirects bounds how often a look at a document is sent elsewhere.
	maxRedirects = 4
	// smallTalk bounds a login and the look at a document.
	smallTalk = 5 * time.Second
	// documentsAge is how long the documents are trusted: a MidoNet that is upgraded is known within this time, and one that is away
	// before a change is written in vain.
	documentsAge = 10 * time.Second
	// failureAge is how long it is not asked again when it was away.
	failureAge = time.Second
)

// client speaks to one MidoNet. It is safe for use by many goroutines.
type client struct {
	uri, username, password, project string
	http                             *http.Client
	log                              *slog.Logger

	login  sync.Mutex // held while a token is asked for
	mu     sync.Mutex
	token  string
	asking sync.Mutex // held while documents are read
	known  *documents // nil: never read
	asked  time.Time
	failed error // of the last reading
}

func newClient(c Config) *client {
	dialer := &net.Dialer{Timeout: smallTalk}
	return &client{
		uri: strings.TrimSuffix(c.URI, "/"), username: c.Username, password: c.Password, project: c.ProjectID, log: c.Log,
		http: &http.Client{CheckRedirect: followLooks, Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext, TLSHandshakeTimeout: smallTalk,
			MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute,
		}},
	}
}

// followLooks has redirects followed on the same host, and only of what changes nothing: of a change that is redirected Go makes a GET, whose
// success would pass for the change's.
func followLooks(next *http.Request, before []*http.Request) error {
	first := before[0]
	if first.Method != http.MethodGet || next.URL.Hostname() != first.URL.Hostname() || len(before) > maxRedirects {
		return http.ErrUseLastResponse
	}
	return nil
}

// send makes a call and returns the answer. An error says that there was none: MidoNet may have heard of it or not.
func (c *client) send(ctx context.Context, call Call) (answer, error) {
	d, err := c.documents(ctx)
	if err != nil {
		return answer{}, err
	}
	uri, err := d.uriOf(call)
	if err != nil {
		return answer{}, err
	}
	h := http.Header{}
	switch call.Method {
	case http.MethodPost:
		h.Set("Content-Type", call.Media)
		h.Set("Accept", call.Media)
	case http.MethodPut:
		h.Set("Content-Type", call.Media)
	case http.MethodGet:
		h.Set("Accept", call.Media)
	}
	return c.authorized(ctx, call.Method, uri, h, call.Body)
}

// uriOf fills in the link of a call.
func (d *documents) uriOf(call Call) (string, error) {
	uri, ok := d.neutron[call.Link].(string)
	if !ok || uri == "" {
		return "", fmt.Errorf("the MidoNet API lists no %s", call.Link)
	}
	return strings.ReplaceAll(uri, "{id}", call.ID), nil
}

// authorized makes a request with a token, and once more with a new one where it has expired (auth_lib.py). A refusal that stays is an error:
// it concerns this server, and no client.
func (c *client) authorized(ctx context.Context, method, uri string, h http.Header, body string) (answer, error) {
	for renewed := false; ; renewed = true {
		token, err := c.currentToken(ctx)
		if err != nil {
			return answer{}, err
		}
		if token != "" {
			h.Set("X-Auth-Token", token)
		}
		a, _, err := c.exchange(ctx, method, uri, h, body)
		switch {
		case err != nil:
			return answer{}, err
		case a.status == http.StatusUnauthorized && !renewed:
			c.forget(token)
		case a.status == http.StatusUnauthorized || a.status == http.StatusForbidden:
			return answer{}, fmt.Errorf("MidoNet does not let %q do this: %d %s", c.username, a.status, a.message())
		default:
			return a, nil
		}
	}
}

func (c *client) exchange(ctx context.Context, method, uri string, h http.Header, body string) (answer, http.Header, error) {
	var content io.Reader = http.NoBody
	if body != "" {
		content = strings.NewReader(body)
	}
	r, err := http.NewRequestWithContext(ctx, method, uri, content)
	if err != nil {
		return answer{}, nil, err
	}
	r.Header = h
	resp, err := c.http.Do(r)
	if err != nil {
		return answer{}, nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	return answer{resp.StatusCode, text}, resp.Header, err
}

// currentToken returns the token that was got last, or logs in; "" where there is no user to log in as.
func (c *client) currentToken(ctx context.Context) (string, error) {
	if c.username == "" {
		return "", nil
	}
	c.login.Lock()
	defer c.login.Unlock()
	c.mu.Lock()
	token := c.token
	c.mu.Unlock()
	if token != "" {
		return token, nil
	}
	token, err := c.newToken(ctx)
	if err != nil {
		return "", err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.token = token
	return token, nil
}

// forget drops a token that was refused, unless another has taken its place.
func (c *client) forget(token string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.token == token {
		c.token = ""
	}
}

func (c *client) newToken(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, smallTalk)
	defer cancel()
	basic := &http.Request{Header: http.Header{}}
	basic.SetBasicAuth(c.username, c.password)
	if c.project != "" {
		basic.Header.Set("X-Auth-Project", c.project)
	}
	a, h, err := c.exchange(ctx, http.MethodPost, c.uri+"/login", basic.Header, noBody)
	if err != nil {
		return "", err
	}
	if a.status != http.StatusOK {
		return "", fmt.Errorf("MidoNet does not let %q in: %d %s", c.username, a.status, a.message())
	}
	session, _, _ := strings.Cut(h.Get("Set-Cookie"), ";")
	_, token, _ := strings.Cut(session, "=")
	if token == "" {
		return "", errors.New("MidoNet's login gave no token")
	}
	return token, nil
}

// documents returns what MidoNet says of itself, asked anew from time to time. It is an error when it cannot be asked.
func (c *client) documents(ctx context.Context) (*documents, error) {
	c.asking.Lock()
	defer c.asking.Unlock()
	switch age := time.Since(c.asked); {
	case c.failed != nil && age < failureAge:
		return nil, c.failed
	case c.failed == nil && c.known != nil && age < documentsAge:
		return c.known, nil
	}
	return c.askDocuments(ctx)
}

// freshDocuments asks in any case: whether MidoNet answers at all.
func (c *client) freshDocuments(ctx context.Context) (*documents, error) {
	c.asking.Lock()
	defer c.asking.Unlock()
	return c.askDocuments(ctx)
}

func (c *client) askDocuments(ctx context.Context) (*documents, error) {
	ctx, cancel := context.WithTimeout(ctx, smallTalk)
	defer cancel()
	d, err := c.readDocuments(ctx)
	c.asked, c.failed = time.Now(), err
	if err != nil {
		return nil, err
	}
	if c.known == nil || releaseOf(*c.known) != releaseOf(*d) {
		c.log.Info("the MidoNet that is driven", "uri", c.uri, "release", releaseOf(*d).String())
	}
	c.known = d
	return d, nil
}

// lastRelease returns the release that was found last; false: MidoNet has never answered.
func (c *client) lastRelease() (Release, bool) {
	c.asking.Lock()
	defer c.asking.Unlock()
	if c.known == nil {
		return Release{}, false
	}
	return releaseOf(*c.known), true
}

func (c *client) readDocuments(ctx context.Context) (*documents, error) {
	d := &documents{}
	if err := c.read(ctx, c.uri, mediaApplication, &d.application); err != nil {
		return nil, err
	}
	media := mediaNeutron
	if version, _ := d.application["version"].(string); strings.HasPrefix(version, "v1.") {
		media = mediaNeutronOld
	}
	neutron, _ := d.application["neutron"].(string)
	if neutron == "" {
		return nil, fmt.Errorf("%s is not a MidoNet API: its document names no neutron", c.uri)
	}
	if err := c.read(ctx, neutron, media, &d.neutron); err != nil {
		return nil, err
	}
	system, _ := d.application["systemState"].(string)
	if system == "" {
		return d, nil
	}
	var state struct {
		Version string `json:"version"`
	}
	err := c.read(ctx, system, mediaSystemState, &state)
	d.system = state.Version
	return d, err
}

// read gets a JSON document.
func (c *client) read(ctx context.Context, uri, media string, into any) error {
	a, err := c.authorized(ctx, http.MethodGet, uri, http.Header{"Accept": {media}}, "")
	switch {
	case err != nil:
		return err
	case a.status != http.StatusOK:
		return fmt.Errorf("%s answered %d: %s", uri, a.status, a.message())
	}
	if err := json.Unmarshal(a.body, into); err != nil {
		return fmt.Errorf("%s: %w", uri, err)
	}
	return nil
}
