package api

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/apidef"
	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/policy"
)

// DefaultMaxBody is the default of [oslo_middleware] max_request_body_size, in octets.
const DefaultMaxBody = 114688

// Config is what a Server needs to know.
type Config struct {
	Auth       auth.Authenticator
	Policy     *policy.Enforcer
	Log        *slog.Logger
	Extensions []apidef.Extension // what /v2.0/extensions lists
	MaxBody    int                // octets of a request's body; 0 means DefaultMaxBody
	MaxPage    int                // pagination_max_limit: the longest page; 0 means no limit
	NoBulk     bool               // allow_bulk = false: creating several resources in one request is refused
	LinkPrefix string             // network_link_prefix: replaces scheme and host in links; empty keeps the request's
}

// Server is the API. It implements http.Handler once its collections are registered.
type Server struct {
	config      Config
	collections map[string]collection
	members     map[string]member
	apart       map[string]apart
}

// collection is a controller, whatever its resource's type.
type collection interface {
	definition() *apidef.Resource
	attribute(ctx context.Context, caller *auth.Caller, id, attr string) (policy.Value, error)
	maySeeByID(r *request, id string) error
	mayChange(r *request, id string, action policy.Action, changes apidef.Values) error
	mayAct(r *request, id string, action policy.Action) error
	acted(r *request, result any) (*answer, error)
	onceThere(r *request, id string, wrong error) error
	unnamed() string
	list(r *request) (*answer, error)
	create(r *request) (*answer, error)
	show(r *request, id string) (*answer, error)
	update(r *request, id string) (*answer, error)
	remove(r *request, id string) (*answer, error)
}

// request is an HTTP request on its way through the controller.
type request struct {
	*http.Request
	server *Server
	caller *auth.Caller
	judge  *policy.Judge
	query  query
}

// answer is what a request leads to. A nil body is an empty one.
type answer struct {
	status int
	body   []byte
	again  bool // the body is for other answers when it is written
}

// bodies are those of lists that have been written. A list is long, and as many octets more to clear and to collect for each would be a good part
// of what it costs.
var bodies = sync.Pool{New: func() any { return new([]byte) }}

// longestKept is how many octets a body has room for at most that is kept.
const longestKept = 4 << 20

// New returns a server without collections.
func New(c Config) *Server {
	if c.MaxBody == 0 {
		c.MaxBody = DefaultMaxBody
	}
	return &Server{config: c, collections: map[string]collection{}, members: map[string]member{}, apart: map[string]apart{}}
}

// Collections returns the definitions of the collections that are registered, in the order of their paths, without those that are
// below a resource of another.
func (s *Server) Collections() []*apidef.Resource {
	var all []*apidef.Resource
	for _, path := range slices.Sorted(maps.Keys(s.collections)) {
		all = append(all, s.collections[path].definition())
	}
	return all
}

// ServeHTTP answers one request. Every answer carries X-Openstack-Request-Id; every failure is a fault in Neutron's form.
func (s *Server) ServeHTTP(w http.ResponseWriter, hr *http.Request) {
	requestID := "req-" + id.New[http.Request]().String()
	start := time.Now()
	w.Header().Set("X-Openstack-Request-Id", requestID)
	if hr.URL.Path == healthPath {
		health(w, hr)
		return
	}
	hr.Body = http.MaxBytesReader(w, hr.Body, int64(s.config.MaxBody))
	a, err := s.answer(hr, requestID)
	if err != nil {
		a = faultAnswer(w.Header(), s.config.Auth.Challenge(), err)
	}
	s.log(hr, requestID, a.status, time.Since(start), err)
	write(w, a)
}

// answer routes the request. A panic below it is the error of this request and not the end of the process.
func (s *Server) answer(hr *http.Request, requestID string) (a *answer, err error) {
	defer func() {
		if p := recover(); p != nil {
			a, err = nil, fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	if !utf8.ValidString(hr.URL.Path) {
		return nil, badRequest(notAllowedText)
	}
	path := "/" + strings.TrimLeft(strings.TrimSuffix(hr.URL.Path, ".json"), "/")
	if path == "/" {
		return s.versions(hr)
	}
	rest, ok := strings.CutPrefix(path, "/v2.0")
	if !ok || rest != "" && rest[0] != '/' {
		return nil, errNoResource()
	}
	r, err := s.authenticated(hr, requestID)
	if err != nil {
		return nil, err
	}
	parts := strings.FieldsFunc(rest, func(c rune) bool { return c == '/' }) // as there, //networks//<id> is one
	return s.route(r, parts)
}

func (s *Server) authenticated(hr *http.Request, requestID string) (*request, error) {
	caller, err := s.config.Auth.Authenticate(hr)
	if err != nil {
		return nil, err
	}
	own := *caller // an authenticator may give one value to many requests
	own.RequestID = requestID
	rules := s.config.Policy.Rules()
	rules.Identify(hr.Context(), &own)
	q, err := parseQuery(hr.URL.RawQuery)
	hr = hr.WithContext(plugin.ForClient(hr.Context()))
	return &request{Request: hr, server: s, caller: &own, judge: rules.Judge(&own, newParents(s, &own)), query: q}, err
}

// route takes the parts of the path below /v2.0.
func (s *Server) route(r *request, path []string) (*answer, error) {
	switch {
	case len(path) == 0:
		return s.resources(r)
	case path[0] == "extensions" && len(path) <= 2:
		return s.extensions(r, path[1:])
	}
	if a, ok := s.apart[path[0]]; ok {
		return a.serve(r, path[1:])
	}
	path[0] = s.spelled(path[0])
	c, ok := s.collections[path[0]]
	if !ok {
		return nil, errNoResource()
	}
	if len(path) > 2 {
		return s.onMember(r, path)
	}
	return onPath(c, r, path[1:])
}

// spelled returns the name by which a collection is registered, whether a client writes hyphens or underscores in it (neutron/manager.py,
// get_controller_for_resource).
func (s *Server) spelled(collection string) string {
	for _, name := range []string{collection, strings.ReplaceAll(collection, "_", "-"), strings.ReplaceAll(collection, "-", "_")} {
		if _, ok := s.collections[name]; ok {
			return name
		}
	}
	return collection
}

// onPath takes what follows the collection's name in the path: nothing or an identifier.
func onPath(c collection, r *request, rest []string) (*answer, error) {
	switch len(rest) {
	case 0:
		return onCollection(c, r)
	case 1:
		return onItem(c, r, rest[0])
	}
	return nil, errNoResource()
}

func onCollection(c collection, r *request) (*answer, error) {
	switch r.Method {
	case http.MethodGet:
		return c.list(r)
	case http.MethodPost:
		return c.create(r)
	case http.MethodPut, http.MethodDelete:
		return c.show(r, c.unnamed()) // Neutron looks for the member that the path does not name, and says that it does not exist
	}
	return nil, errNotAllowed
}

func onItem(c collection, r *request, id string) (*answer, error) {
	switch r.Method {
	case http.MethodGet:
		return c.show(r, id)
	case http.MethodPut:
		return c.update(r, id)
	case http.MethodDelete:
		return c.remove(r, id)
	}
	return nil, errNotAllowed
}

func write(w http.ResponseWriter, a *answer) {
	if a.body != nil {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	}
	w.WriteHeader(a.status)
	w.Write(a.body) // a client that has gone is the only failure, and there is no one left to tell
	if a.again && cap(a.body) <= longestKept {
		empty := a.body[:0]
		bodies.Put(&empty)
	}
}

// log writes one line for each request: faults of ours as errors with their cause, which the client does not see, and what failed since a part is
// away as a warning. What fails because the client has gone is no fault of ours.
func (s *Server) log(r *http.Request, requestID string, status int, took time.Duration, err error) {
	level := slog.LevelDebug
	switch {
	case status >= 500 && errs.KindOf(err) == errs.Internal && r.Context().Err() == nil:
		level = slog.LevelError
	case errs.Is(err, errs.Unavailable) && r.Context().Err() == nil:
		level = slog.LevelWarn
	case status >= 400:
		level = slog.LevelInfo
	}
	ctx := context.WithoutCancel(r.Context())
	if !s.config.Log.Enabled(ctx, level) {
		return
	}
	attrs := []slog.Attr{slog.String("request", requestID), slog.String("method", r.Method), slog.String("path", r.URL.Path),
		slog.Int("status", status), slog.Duration("took", took)}
	if err != nil {
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	s.config.Log.LogAttrs(ctx, level, "api request", attrs...)
}
