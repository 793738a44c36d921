package run

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/topology"
)

// AdminSocket returns the path of the server's Unix socket for operators: whoever may open it may administer the server.
func AdminSocket(stateDir string) string { return filepath.Join(stateDir, "midonet.sock") }

// maxAdminBody bounds what the socket reads; its requests are small.
const maxAdminBody = 64 << 10

// adminOps is what the socket offers.
type adminOps struct {
	dump   func(ctx context.Context, w io.Writer) error
	check  func(ctx context.Context) (CheckReport, error)
	status func(ctx context.Context) (ServerStatus, error)
	token  func(ctx context.Context, r TokenRequest) (TokenReply, error)
	revoke func(ctx context.Context, r RevokeRequest) (RevokeReply, error)
	// restore puts back what operators have made, of a dump.
	restore func(ctx context.Context, dump io.Reader) (RestoreReply, error)
}

// RestoreReply says how many objects were put back.
type RestoreReply struct {
	Objects int `json:"objects"`
}

// maxRestore bounds a dump that is put back: a hundred thousand objects of operators.
const maxRestore = 256 << 20

// CheckReport is what `midonet db check` found.
type CheckReport struct {
	Objects     int      `json:"objects"`     // topology objects compared
	Pending     int      `json:"pending"`     // journal tasks that the topology does not have yet
	Differences []string `json:"differences"` // in words; empty when incremental equals full
}

// TokenRequest asks for a join token.
type TokenRequest struct {
	ValidSeconds int  `json:"valid_seconds"` // 0: a day
	Reusable     bool `json:"reusable"`      // several hosts may join with it
	// Addresses are where the new host reaches the cluster; none: the addresses that the server listens on.
	Addresses []string `json:"addresses"`
}

// TokenReply has a join token.
type TokenReply struct {
	Token string `json:"token"`
}

// RevokeRequest asks to take a host's certificates back.
type RevokeRequest struct {
	Host string `json:"host"` // its name, or its identifier
}

// RevokeReply says which host that was.
type RevokeReply struct {
	Host topology.HostID `json:"host"`
	Name string          `json:"name"` // empty: no host of that identifier is known
}

// ServerStatus is what `midonet status` shows of the server itself.
type ServerStatus struct {
	Version        string   `json:"version"`
	StartedUnix    int64    `json:"started_unix"`
	API            string   `json:"api"`
	MidoNetAPI     string   `json:"midonet_api"`
	Stream         []string `json:"stream"`
	Metrics        string   `json:"metrics"`
	Database       string   `json:"database"`
	JournalPending int      `json:"journal_pending"`
	TasksApplied   uint64   `json:"tasks_applied"`
	ReadOnly       bool     `json:"read_only"`    // writes of the Networking API are refused
	DataVersion    string   `json:"data_version"` // in words: the version that is being made, or the active one; empty: none
	NoTopology     bool     `json:"no_topology"`  // it serves the Networking API alone: another server has the topology
	Problems       []string `json:"problems"`

	// Hosts are the counts of the agents that report to this server.
	Hosts map[topology.HostID]topology.Counts `json:"hosts"`
}

// handler returns the socket's HTTP interface.
func (ops adminOps) handler(log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/dump", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-ndjson")
		if err := ops.dump(r.Context(), w); err != nil {
			log.Error("dump", "error", err)
			panic(http.ErrAbortHandler) // the reader must not take half a dump for a whole one
		}
	})
	mux.HandleFunc("GET /v1/check", func(w http.ResponseWriter, r *http.Request) {
		report, err := ops.check(r.Context())
		answer(w, report, err)
	})
	mux.HandleFunc("GET /v1/status", func(w http.ResponseWriter, r *http.Request) {
		status, err := ops.status(r.Context())
		answer(w, status, err)
	})
	mux.HandleFunc("POST /v1/restore", func(w http.ResponseWriter, r *http.Request) {
		reply, err := ops.restore(r.Context(), http.MaxBytesReader(w, r.Body, maxRestore))
		answer(w, reply, err)
	})
	mux.HandleFunc("POST /v1/join-tokens", asked(ops.token))
	mux.HandleFunc("POST /v1/revocations", asked(ops.revoke))
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	return mux
}

// asked serves an operation that takes a request and has a reply. No body is a request that says nothing.
func asked[Request, Reply any](do func(context.Context, Request) (Reply, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var request Request
		err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxAdminBody)).Decode(&request)
		if err != nil && !errors.Is(err, io.EOF) {
			answer(w, nil, errs.New(errs.Invalid, "BadRequest", "the body is not what is asked for here: %v", err))
			return
		}
		reply, err := do(r.Context(), request)
		answer(w, reply, err)
	}
}

func answer(w http.ResponseWriter, v any, err error) {
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		w.WriteHeader(adminStatus(err))
		v = map[string]string{"error": err.Error()}
	}
	_ = json.NewEncoder(w).Encode(v) // the reader has gone: there is no one to tell
}

func adminStatus(err error) int {
	switch errs.KindOf(err) {
	case errs.Invalid:
		return http.StatusBadRequest
	case errs.NotFound:
		return http.StatusNotFound
	case errs.Conflict:
		return http.StatusConflict
	case errs.Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// listenAdmin opens the administration socket.
func listenAdmin(stateDir string) (net.Listener, error) {
	return listenUnix("administration", AdminSocket(stateDir))
}

// listenUnix opens a Unix socket for the server's own user alone. A socket file left by a server that was killed is replaced; the
// lock on the state directory is what keeps two servers apart.
func listenUnix(what, path string) (net.Listener, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, explainListen(what, path, err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// AdminClient speaks to a running server's administration socket.
type AdminClient struct {
	path string
	http *http.Client
}

// NewAdminClient returns a client of the server with the given state directory.
func NewAdminClient(stateDir string) *AdminClient {
	path := AdminSocket(stateDir)
	return &AdminClient{path: path, http: &http.Client{Transport: overUnix(path), Timeout: 5 * time.Minute}}
}

// overUnix speaks HTTP over a Unix socket, whatever the address.
func overUnix(path string) *http.Transport {
	return &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}}
}

// Dump returns the whole topology in package inspect's dump form. The caller closes it.
func (c *AdminClient) Dump(ctx context.Context) (io.ReadCloser, error) {
	resp, err := c.do(ctx, http.MethodGet, "/v1/dump", nil)
	if err != nil {
		return nil, err
	}
	return resp.Body, nil
}

// Restore has the server put back what operators have made, of a dump.
func (c *AdminClient) Restore(ctx context.Context, dump io.Reader) (RestoreReply, error) {
	return call[RestoreReply](ctx, c, http.MethodPost, "/v1/restore", dump)
}

// Check compares the topology with a full rendering.
func (c *AdminClient) Check(ctx context.Context) (CheckReport, error) {
	return call[CheckReport](ctx, c, http.MethodGet, "/v1/check", nil)
}

// Status returns how the server is.
func (c *AdminClient) Status(ctx context.Context) (ServerStatus, error) {
	return call[ServerStatus](ctx, c, http.MethodGet, "/v1/status", nil)
}

// JoinToken makes a join token.
func (c *AdminClient) JoinToken(ctx context.Context, r TokenRequest) (TokenReply, error) {
	return call[TokenReply](ctx, c, http.MethodPost, "/v1/join-tokens", r)
}

// Profile returns the server's CPU profile of the next time of whole seconds, for go tool pprof. The caller closes it.
func (c *AdminClient) Profile(ctx context.Context, length time.Duration) (io.ReadCloser, error) {
	resp, err := c.do(ctx, http.MethodGet, fmt.Sprintf("/debug/pprof/profile?seconds=%d", int(length.Seconds())), nil)
	if err != nil {
		return nil, err
	}
	return resp.Body, nil
}

// Revoke takes a host's certificates back.
func (c *AdminClient) Revoke(ctx context.Context, r RevokeRequest) (RevokeReply, error) {
	return call[RevokeReply](ctx, c, http.MethodPost, "/v1/revocations", r)
}

func call[T any](ctx context.Context, c *AdminClient, method, path string, body any) (T, error) {
	var v T
	resp, err := c.do(ctx, method, path, body)
	if err != nil {
		return v, err
	}
	defer resp.Body.Close()
	return v, json.NewDecoder(resp.Body).Decode(&v)
}

func (c *AdminClient) do(ctx context.Context, method, path string, body any) (*http.Response, error) {
	pipe, err := requestBody(body)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://midonet"+path, pipe)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.unreachable(err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	defer resp.Body.Close()
	var fault struct{ Error string }
	if err := json.NewDecoder(resp.Body).Decode(&fault); err != nil {
		return nil, fmt.Errorf("the server answered %s", resp.Status)
	}
	return nil, errors.New(fault.Error)
}

// unreachable says why the server cannot be asked and what to do about it.
func (c *AdminClient) unreachable(err error) error {
	var request *url.Error // whose address means nothing
	if errors.As(err, &request) {
		err = request.Err
	}
	if errors.Is(err, fs.ErrPermission) {
		return errs.New(errs.Forbidden, "NotAllowed", "no permission to ask the server on %s: run this as root, or as the server's user", c.path).Wrap(err)
	}
	advice := "start one with `midonet server`, or name its state directory with --state-dir"
	if os.Geteuid() != 0 {
		advice += "; root alone sees those of services"
	}
	return errs.New(errs.Unavailable, "ServerAway", "no server answers on %s: %s", c.path, advice).Wrap(err)
}

func requestBody(body any) (io.Reader, error) {
	switch body := body.(type) {
	case nil:
		return http.NoBody, nil
	case io.Reader:
		return body, nil
	}
	text, err := json.Marshal(body)
	return bytes.NewReader(text), err
}
