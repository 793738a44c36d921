package control

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"path/filepath"
	"time"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/topology"
)

// DefaultSocket is where midolman listens, and where mm-ctl looks.
const DefaultSocket = "/var/run/midolman/midolman.sock"

// maxBody is the largest request body, octets.
const maxBody = 4 << 10

// Agent is what the socket gives access to.
type Agent struct {
	Bind   func(ctx context.Context, port topology.PortID, iface string) error
	Unbind func(ctx context.Context, port topology.PortID) error
	Hosts  func(ctx context.Context) ([]Host, error)
	Status func() any // what GET /status shows, as JSON
	// Capture writes the packets of a port of this host, called by UUID, unique prefix or name, as pcap until it has written count
	// (0: no limit) or ctx ends, and calls flush after each. Nothing has been written where the port cannot be captured.
	Capture func(ctx context.Context, port string, count int, w io.Writer, flush func() error) error
	Log     *slog.Logger
}

// Host is one host of the cloud, as GET /hosts shows it.
type Host struct {
	ID        string   `json:"id"`
	Name      string   `json:"name"`
	Alive     bool     `json:"alive"`
	Version   string   `json:"version,omitempty"` // of its agent while it is alive
	Endpoints []string `json:"endpoints"`         // its tunnel addresses
}

// bindingInfo is the body of PUT /binding/<port>.
type bindingInfo struct {
	InterfaceName string `json:"interfaceName"`
}

// failure is the body of every answer that is not a success.
type failure struct {
	Type    string `json:"type"`
	Message string `json:"message"`
}

// Listen opens the socket, which only its owner may use, and replaces one that a dead agent left behind.
func Listen(socket string) (net.Listener, error) {
	if err := os.MkdirAll(filepath.Dir(socket), 0o755); err != nil {
		return nil, err
	}
	if c, err := net.DialTimeout("unix", socket, time.Second); err == nil {
		c.Close()
		return nil, errs.New(errs.Conflict, "AgentRunning", "another agent answers on %s", socket)
	}
	if info, err := os.Lstat(socket); err == nil {
		if info.Mode()&os.ModeSocket == 0 {
			return nil, errs.New(errs.Conflict, "NotASocket", "%s exists and is no socket", socket)
		}
		if err := os.Remove(socket); err != nil {
			return nil, err
		}
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(socket, 0o600); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// stopTimeout is how long requests under way may take when the agent stops.
const stopTimeout = 2 * time.Second

// Serve answers on the listener until ctx ends and the requests under way have been answered, and closes it.
func (a *Agent) Serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{Handler: a.handler(ctx), ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second,
		MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(a.Log.Handler(), slog.LevelWarn)}
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		grace, cancel := context.WithTimeout(context.Background(), stopTimeout)
		defer cancel()
		if server.Shutdown(grace) != nil {
			server.Close()
		}
	})
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		stop()
		return err
	}
	<-stopped
	return nil
}

// handler serves requests; those that would go on for ever end with stopping.
func (a *Agent) handler(stopping context.Context) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /binding/{port}", a.putBinding)
	mux.HandleFunc("DELETE /binding/{port}", a.deleteBinding)
	mux.HandleFunc("GET /hosts", a.getHosts)
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) { reply(w, http.StatusOK, a.Status()) })
	mux.HandleFunc("GET /capture/{port}", func(w http.ResponseWriter, r *http.Request) { a.getCapture(stopping, w, r) })
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	return mux
}

func (a *Agent) putBinding(w http.ResponseWriter, r *http.Request) {
	port, err := ParsePort(r.PathValue("port"))
	if err != nil {
		refuse(w, err)
		return
	}
	info, err := readBinding(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		refuse(w, err)
		return
	}
	if err := a.Bind(r.Context(), port, info.InterfaceName); err != nil {
		a.Log.Warn("a port was not bound", "port", port, "interface", info.InterfaceName, "error", err)
		refuse(w, err)
		return
	}
	reply(w, http.StatusOK, info)
}

func readBinding(body io.Reader) (bindingInfo, error) {
	var info bindingInfo
	var large *http.MaxBytesError
	switch err := json.NewDecoder(body).Decode(&info); {
	case errors.As(err, &large):
		return info, errs.New(errs.TooLarge, "BodyTooLarge", "the body has more than %d octets", maxBody)
	case err != nil:
		return info, errs.New(errs.Invalid, "BadBody", "the body must be {\"interfaceName\": NAME}: %v", err)
	}
	return info, CheckInterface(info.InterfaceName)
}

func (a *Agent) deleteBinding(w http.ResponseWriter, r *http.Request) {
	port, err := ParsePort(r.PathValue("port"))
	if err == nil {
		err = a.Unbind(r.Context(), port)
	}
	if err != nil {
		refuse(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (a *Agent) getHosts(w http.ResponseWriter, r *http.Request) {
	hosts, err := a.Hosts(r.Context())
	if err != nil {
		refuse(w, err)
		return
	}
	reply(w, http.StatusOK, hosts)
}

// httpStatus is the status for each kind of failure.
var httpStatus = map[errs.Kind]int{
	errs.Internal: http.StatusInternalServerError, errs.Invalid: http.StatusBadRequest, errs.Unauthorized: http.StatusUnauthorized,
	errs.Forbidden: http.StatusForbidden, errs.NotFound: http.StatusNotFound, errs.Conflict: http.StatusConflict,
	errs.TooLarge: http.StatusRequestEntityTooLarge, errs.Unavailable: http.StatusServiceUnavailable,
	errs.Precondition: http.StatusPreconditionFailed, errs.Unsupported: http.StatusNotImplemented,
}

// refuse answers with a failure. Whoever may use the socket may know the text of any error.
func refuse(w http.ResponseWriter, err error) {
	f := failure{Type: "InternalError", Message: err.Error()}
	var known *errs.Error
	if errors.As(err, &known) {
		f = failure{Type: known.Type, Message: known.Message}
	}
	reply(w, httpStatus[errs.KindOf(err)], f)
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body) // a client that has gone away cannot be told so
}
