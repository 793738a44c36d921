// Package api is the MidoNet REST API: what networking-midonet's plugin, python-midonetclient and midonet-cli speak to.
//
// Paths, media types, fields, statuses and error bodies are those of MidoNet 5 (midonet-cluster's rest_api packages, named where each
// is done). The root documents name what is served and nothing else, and every other path answers 404. Reads come from the mirror. Writes of
// Neutron objects go through the importer, as the journal's do, and those of the topology through package operator, which says how what
// operators make lives beside what is made from Neutron's objects. Both are answered when they are stored and the mirror has them, so that
// who reads next sees them.
//
// Of some resources, and some properties of others, no packet is changed yet (stored, operator.Unheeded): the log says so of each that is written, and
// `midonet status` counts them.
package api

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"midonet.org/midonet/cluster/importer"
	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/cluster/nsdb/mirror"
	"midonet.org/midonet/cluster/operator"
	"midonet.org/midonet/errs"
)

// Root is the path under which everything is (cluster.rest_api.root_uri of the original).
const Root = "/midonet-api"

const (
	// requestTimeout bounds one request (cluster.rest_api's request_timeout).
	requestTimeout = 30 * time.Second
	// maxBody is the longest body of a request, octets: room for the most that one request may write.
	maxBody = 2 * importer.MaxWriteBytes
)

// Config is what the API joins.
type Config struct {
	Identity Identity
	Mirror   *mirror.Mirror
	Importer *importer.Importer
	Bindings Binder
	Operator *operator.Editor // makes the changes of the topology beside Neutron's
	Log      *slog.Logger
}

// API answers the requests.
type API struct {
	Config
	mux *http.ServeMux
}

// New returns the handler of everything under Root.
func New(c Config) *API {
	a := &API{Config: c, mux: http.NewServeMux()}
	a.mux.HandleFunc(Root+"/login", a.login)
	a.routes()
	return a
}

// ServeHTTP implements http.Handler.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
	defer cancel()
	r = withoutSlash(r.WithContext(ctx))
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	_, pattern := a.mux.Handler(r)
	switch {
	case pattern == Root+"/login":
	case !a.authorize(w, r):
		return
	case pattern == "":
		writeError(w, http.StatusNotFound, "Not found.")
		return
	}
	a.mux.ServeHTTP(w, r)
}

// withoutSlash returns the request with its path as the routes have it: a slash at the end means nothing (JAX-RS 2 section 3.7.1).
func withoutSlash(r *http.Request) *http.Request {
	u := *r.URL
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), strings.TrimRight(u.RawPath, "/")
	r.URL = &u // r is a copy
	return r
}

// endpoint is one way to call a resource.
type endpoint struct {
	method   string
	consumes []string // media types of the body; none: the body is not read
	produces []string // media types of the answer, the usual one first; none: it has no body
	handle   func(*call) (reply, error)
}

// call is a request on its way through an endpoint.
type call struct {
	*http.Request
	base  string        // the URI of Root, without a slash at the end
	state *mirror.State // newest
	body  []byte
}

// reply is what an endpoint answers.
type reply struct {
	status   int    // 0: 200 with a body, 204 without
	location string // of what was created
	body     any    // nil: none; plain text is sent as it is, anything else as JSON
}

// plain is a body that is text.
type plain string

// serve joins the endpoints of one path.
func (a *API) serve(path string, endpoints ...endpoint) {
	a.mux.HandleFunc(Root+path, func(w http.ResponseWriter, r *http.Request) { a.dispatch(w, r, endpoints) })
}

// dispatch finds the endpoint for the method and the media types, and calls it. The statuses are those of JAX-RS 2 section 3.7.2, but that
// outside /neutron and /conf a body of the wrong type is answered as an unacceptable one (MidonetResource.validateMediaType).
func (a *API) dispatch(w http.ResponseWriter, r *http.Request, endpoints []endpoint) {
	var allowed []string
	status := http.StatusMethodNotAllowed
	for _, e := range endpoints {
		if e.method != r.Method {
			allowed = append(allowed, e.method)
			continue
		}
		if !e.takes(r.Header.Get("Content-Type")) {
			switch {
			case !strings.HasPrefix(r.URL.Path, Root+"/neutron/") && !strings.HasPrefix(r.URL.Path, Root+"/conf/"):
				status = http.StatusNotAcceptable
			case status == http.StatusMethodNotAllowed:
				status = http.StatusUnsupportedMediaType
			}
			continue
		}
		mediaType, ok := acceptable(r.Header.Values("Accept"), e.produces)
		if !ok {
			status = http.StatusNotAcceptable
			continue
		}
		a.call(w, r, e, mediaType)
		return
	}
	if status == http.StatusMethodNotAllowed {
		for _, method := range slices.Compact(slices.Sorted(slices.Values(allowed))) {
			w.Header().Add("Allow", method)
		}
	}
	writeError(w, status, http.StatusText(status))
}

func (a *API) call(w http.ResponseWriter, r *http.Request, e endpoint, mediaType string) {
	c := &call{Request: r, base: "http://" + r.Host + Root}
	answer, err := a.run(c, e)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	if answer.location != "" {
		w.Header().Set("Location", answer.location)
	}
	if answer.body == nil {
		w.WriteHeader(cmp.Or(answer.status, http.StatusNoContent))
		return
	}
	if text, ok := answer.body.(plain); ok {
		w.Header().Set("Content-Type", mediaType)
		_, _ = io.WriteString(w, string(text)) // the client has gone: there is no one to tell
		return
	}
	writeJSON(w, cmp.Or(answer.status, http.StatusOK), mediaType, answer.body)
}

func (a *API) run(c *call, e endpoint) (reply, error) {
	select {
	case <-a.Mirror.Ready():
	case <-c.Context().Done():
		return reply{}, errs.New(errs.Unavailable, "NotReady", "The network state database does not answer.")
	}
	if len(e.consumes) > 0 {
		var err error
		if c.body, err = io.ReadAll(c.Body); err != nil {
			return reply{}, badBody(err)
		}
	}
	c.state = a.Mirror.State()
	return e.handle(c)
}

func badBody(err error) error {
	var tooLong *http.MaxBytesError
	if errors.As(err, &tooLong) {
		return errs.New(errs.TooLarge, "BodyTooLong", "The body has more than %d octets.", tooLong.Limit)
	}
	return errs.New(errs.Invalid, "BadBody", "The body cannot be read.").Wrap(err)
}

// committed waits until the mirror has the revision, and returns the state that does.
func (a *API) committed(ctx context.Context, revision nsdb.Revision) (*mirror.State, error) {
	state, err := a.Mirror.WaitFor(ctx, revision)
	if err != nil {
		return nil, errs.New(errs.Unavailable, "StoreUnavailable", "The network state database does not answer.").Wrap(err)
	}
	return state, nil
}
